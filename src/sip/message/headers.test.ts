import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress, printAddress } from './address.ts'
import { parseRequestUri, parseUri, printUri, UNKNOWN_SCHEME } from './uri.ts'
import { parseCSeq, parseVia, printVia, withSource } from './via.ts'

function uri(text: string): unknown {
  const result = parseUri(text)
  return result.ok ? { ...result.value, parameters: { ...result.value.parameters } } : result.why
}

test('URIs: escapes, password, port, parameters', () => {
  assert.deepEqual(uri('SIP:%61lice%20b:secret@EXAMPLE.com:5070;Transport=UDP;lr?h=1'), {
    scheme: 'sip',
    user: 'alice b',
    host: 'example.com',
    port: 5070,
    parameters: { transport: 'UDP', lr: '' },
  })
  assert.deepEqual(uri('sips:[2001:db8::1]:5061'), {
    scheme: 'sips',
    user: '',
    host: '[2001:db8::1]',
    port: 5061,
    parameters: {},
  })
  assert.deepEqual(uri('tel:+1-555;phone-context=x'), {
    scheme: 'tel',
    user: '+1-555',
    host: '',
    port: 0,
    parameters: { 'phone-context': 'x' },
  })
})

test('URIs that are none', () => {
  for (const text of [
    '',
    'alice',
    'sip:',
    'sip:@host',
    'sip:a@b:99999',
    'sip:a b@c',
    '<sip:a@b>',
    'sip:a@b;;x',
    'sip:a@h@i',
  ]) {
    assert.equal(parseUri(text).ok, false, text)
  }
  assert.equal(uri('isbn:123'), UNKNOWN_SCHEME)
  assert.equal(parseRequestUri('sip:a@b?Route=%3Csip:c%3E').ok, false)
  assert.equal(parseUri('sip:a@b?Route=%3Csip:c%3E').ok, true)
})

test('a question mark and semicolons in the user part are the user', () => {
  assert.equal((uri('sip:crazy?,/;;*:&x=1@example.com') as { user: string }).user, 'crazy?,/;;*')
})

test('addresses: quoted, bare, folded and unquoted display names', () => {
  const read = (text: string) => {
    const address = parseAddress(text)
    return address && [address.display, address.uri, Object.fromEntries(address.parameters)]
  }
  assert.deepEqual(read('"J \\"R\\" <x>" <sip:a@b;lr> ; tag = 1;flag'), [
    'J "R" <x>',
    'sip:a@b;lr',
    { tag: '1', flag: '' },
  ])
  assert.deepEqual(read('sip:a@b;tag=2'), ['', 'sip:a@b', { tag: '2' }])
  assert.deepEqual(read('Bell, Alexander <sip:a@b>'), ['Bell, Alexander', 'sip:a@b', {}])
  assert.deepEqual(read('caller<sip:a@b>;tag=3'), ['caller', 'sip:a@b', { tag: '3' }])
  for (const text of ['"open <sip:a@b>', '<sip:a@b', '', '<>', 'sip:a@b?x=y', '<sip:a@b>;;', '"A" b <sip:c>'])
    assert.equal(read(text), null, text)
  assert.equal(printAddress('Say "hi" \\', 'sip:a@b'), '"Say \\"hi\\" \\\\" <sip:a@b>')
})

test('Via: odd blanks, and where it really came from', () => {
  const via = parseVia('SIP  /   2.0 /UDP  Host.example:5062 ; branch = z9hG4bK1;rport')
  assert.ok(via)
  assert.deepEqual(
    [via.transport, via.host, via.port, via.parameters.get('branch')],
    ['UDP', 'host.example', 5062, 'z9hG4bK1'],
  )
  assert.equal(
    printVia(withSource(via, { address: '192.0.2.9', port: 4000 })),
    'SIP/2.0/UDP host.example:5062;branch=z9hG4bK1;rport=4000;received=192.0.2.9',
  )
  for (const text of ['SIP/2.0/UDP', 'SIP/2.0/UDP 192.0.2.15;;,;', 'HTTP/1.1 a', 'SIP/3.0/UDP a'])
    assert.equal(parseVia(text), null, text)
})

test('a Via that tells the truth and does not ask for rport stays as it is', () => {
  const via = parseVia('SIP/2.0/UDP 192.0.2.9:5060;branch=1')!
  assert.equal(withSource(via, { address: '192.0.2.9', port: 4000 }), via)
})

test('CSeq', () => {
  assert.deepEqual(parseCSeq('0009  INVITE'), { number: 9, method: 'INVITE' })
  for (const text of ['1', 'INVITE', '1 ', '-1 INVITE', '36893488147419103232 REGISTER', '1 IN VITE'])
    assert.equal(parseCSeq(text), null, text)
})

test('a printed user is escaped where it must', () => {
  assert.equal(
    printUri({ scheme: 'sip', user: 'a b@홍', host: 'h', port: 0, parameters: { x: 'y;z' } }),
    'sip:a%20b%40%ED%99%8D@h;x=y%3Bz',
  )
})
