/** IPv6 in SIP: what RFC 5118 shows to be right, wrong, and easily confused, in messages of our own. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, Link, openDoor, type Station } from './link.fixture.ts'
import { readEnvelope } from './message/envelope.ts'
import { parseMessage } from './message/parse.ts'
import { parseUri } from './message/uri.ts'
import { parseVia } from './message/via.ts'

const SERVER = '2001:db8::10'
const PHONE = { address: '2001:db8::9:1', port: 5060 }

function world(): { link: Link; station: Station } {
  const link = new Link('rfc5118')
  const station = link.add(SERVER)
  station.onOutput = openDoor(station, 'ext')
  return { link, station }
}

function request(method: string, uri: string, lines: readonly string[] = [], body = ''): string {
  return [
    `${method} ${uri} SIP/2.0`,
    'Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111',
    'Max-Forwards: 70',
    'From: <sip:user@example.com>;tag=81x2',
    'To: <sip:user@example.com>',
    'Call-ID: SSG9559905523997077@hlau_4100',
    `CSeq: 98176 ${method}`,
    'Contact: "Caller" <sip:caller@[2001:db8::1]>',
    ...lines,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

function answerTo(text: string): string {
  const { link, station } = world()
  station.hear(text, PHONE)
  return link.wire.at(-1)?.text ?? ''
}

test('§4.1, §4.4: an address in brackets is a host, a port follows it', () => {
  for (const uri of ['sip:[2001:db8::10]', 'sip:[2001:db8::10]:5070']) {
    const answer = answerTo(request('REGISTER', uri))
    assert.match(answer, /^SIP\/2\.0 200 /, uri)
    assert.match(answer, /Contact: <sip:caller@\[2001:db8::1\]>/)
  }
  const uri = parseUri('sip:[2001:db8::10]:5070')
  assert.ok(uri.ok)
  assert.deepEqual([uri.value.host, uri.value.port], ['[2001:db8::10]', 5070])
})

test('§4.2: without brackets a Request-URI is malformed: 400', () => {
  assert.match(answerTo(request('REGISTER', 'sip:2001:db8::10')), /^SIP\/2\.0 400 /)
})

test('§4.3: a port that was put inside the brackets is part of the address', () => {
  const uri = parseUri('sip:[2001:db8::10:5070]')
  assert.ok(uri.ok)
  assert.deepEqual([uri.value.host, uri.value.port], ['[2001:db8::10:5070]', 0])
  assert.match(answerTo(request('REGISTER', 'sip:[2001:db8::10:5070]')), /^SIP\/2\.0 200 /)
})

test('§4.5: received is written without brackets, and read with and without', () => {
  const answer = answerTo(
    request('OPTIONS', 'sip:[2001:db8::10]', []).replace('UDP [2001:db8::9:1]', 'UDP phone.example'),
  )
  assert.match(headerOf(answer, 'Via') ?? '', /;received=2001:db8::9:1$/)
  assert.doesNotMatch(headerOf(answerTo(request('OPTIONS', 'sip:[2001:db8::10]')), 'Via') ?? '', /received/)
  for (const received of ['[2001:db8::9:255]', '2001:db8::9:255']) {
    const via = parseVia(`SIP/2.0/UDP [2001:db8::9:1];received=${received};branch=z9hG4bKas3-111`)
    assert.deepEqual([via?.host, via?.port, via?.parameters.get('received')], ['[2001:db8::9:1]', 0, received])
  }
})

test('§4.5: an answer that shows its request with either form finds the transaction', () => {
  for (const received of ['[2001:db8::9:255]', '2001:db8::9:255']) {
    const { link, station } = world()
    station.feed({
      kind: 'register',
      leg: 'reg',
      flow: station.flowTo(PHONE),
      registrar: 'sip:[2001:db8::9:1]',
      aor: 'sip:user@example.com',
      credentials: { username: 'a', password: 'b' },
      expiresS: 600,
    })
    const sent = link.wire.at(-1)!.text
    const via = `${headerOf(sent, 'Via')};received=${received}`
    const copied = ['From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headerOf(sent, name)}`)
    station.hear(['SIP/2.0 200 OK', `Via: ${via}`, ...copied, 'Expires: 600', '', ''].join('\r\n'), PHONE)
    assert.deepEqual(
      station.tales('registerResult').map(({ code }) => code),
      [200],
    )
  }
})

test('§4.7: families may be mixed in the headers of one message', () => {
  const text = request('INVITE', 'sip:user@[2001:db8::10]', [], 'v=0\r\n').replace(
    'Max-Forwards',
    'Via: SIP/2.0/UDP 192.0.2.1;received=2001:db8::9:255;branch=z9hG4bKkdjuw\r\nMax-Forwards',
  )
  const parsed = parseMessage(Buffer.from(text))
  assert.ok(parsed.ok && readEnvelope(parsed.value.message).ok)
  assert.match(answerTo(text), /^SIP\/2\.0 (?:100|180|415) /)
})

test('§4.9: an IPv4 address written in IPv6 is a host like any other', () => {
  const uri = parseUri('sip:bob@[::ffff:192.0.2.10]:19823')
  assert.ok(uri.ok)
  assert.deepEqual([uri.value.host, uri.value.port], ['[::ffff:192.0.2.10]', 19_823])
})

test('§4.10: the three colons that an old grammar allowed are taken', () => {
  assert.match(answerTo(request('OPTIONS', 'sip:user@[2001:db8:::192.0.2.1]')), /^SIP\/2\.0 200 /)
})

test('our own Via and Contact have brackets', () => {
  const { link, station } = world()
  const far = link.add('2001:db8::20')
  station.invite('leg', [far])
  const sent = link.wire[0]!.text
  assert.match(headerOf(sent, 'Via') ?? '', /^SIP\/2\.0\/UDP \[2001:db8::10\]:5060;/)
  assert.match(headerOf(sent, 'Contact') ?? '', /^<sip:\[2001:db8::10\]:5060>$/)
})
