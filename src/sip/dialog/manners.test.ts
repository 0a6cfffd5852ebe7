/** What is answered to requests within a dialog that are no exchange: by the book, and with true lists. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, Link, openDoor, rawRequest } from '../link.fixture.ts'

const PHONE = { address: '10.0.0.9', port: 5060 }
const SDP = ['Content-Type: application/sdp', '', 'offer']
const text = (type: string, body: string) => [`Content-Type: ${type}`, '', body]

/** A phone talks to Bob, or rings him. */
function phone(answered: boolean) {
  const link = new Link('manners')
  const bob = link.add('10.0.0.2')
  bob.onOutput = openDoor(bob)
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 10 }, SDP), PHONE)
  const { leg } = bob.tales('incoming')[0]!
  bob.feed(answered ? { kind: 'accept', leg, body: 'answer' } : { kind: 'ring', leg, body: null })
  const toTag = /;tag=(\w+)/.exec(headerOf(link.wire.at(-1)!.text, 'To')!)![1]!
  let cseq = 10
  const ask = (method: string, lines: readonly string[] = []) => {
    cseq += 1
    bob.hear(rawRequest(method, { branch: `${method}${cseq}`, cseq, toTag }, lines), PHONE)
    const answer = link.wire.at(-1)!.text
    return { code: answer.split(' ')[1], header: (name: string) => headerOf(answer, name) }
  }
  if (answered) bob.hear(rawRequest('ACK', { branch: 'ack', cseq: 10, toTag }), PHONE)
  return { bob, ask }
}

for (const answered of [true, false]) {
  const when = answered ? 'in a call' : 'while it rings'

  test(`OPTIONS ${when} names what is true: methods, bodies and extensions`, () => {
    const { code, header } = phone(answered).ask('OPTIONS')
    assert.equal(code, '200')
    for (const method of ['INVITE', 'PRACK', 'UPDATE', 'REFER', 'INFO'])
      assert.match(header('Allow')!, new RegExp(method))
    assert.equal(header('Accept'), 'application/sdp')
    assert.equal(header('Supported'), '100rel, timer, replaces, norefersub')
  })

  test(`bodies we do not know are refused with what we do, ${when}`, () => {
    const { bob, ask } = phone(answered)
    assert.equal(ask('INFO', text('application/media_control+xml', '<x/>')).code, '415')
    assert.equal(ask('UPDATE', text('text/plain', 'hello')).code, '415')
    assert.match(ask('UPDATE', text('text/plain', 'hello')).header('Accept')!, /application\/sdp/)
    assert.equal(ask('INFO').code, '200', 'an empty one asks whether we are there')
    assert.equal(bob.tales('info').length, 0)
  })

  test(`methods we do not know, and answers to what we never asked, ${when}`, () => {
    const { ask } = phone(answered)
    const message = ask('MESSAGE', text('text/plain', 'hello'))
    assert.equal(message.code, '405')
    assert.match(message.header('Allow')!, /REFER/)
    assert.equal(ask('PRACK', ['RAck: 1 10 INVITE']).code, '481')
    if (answered) assert.equal(ask('NOTIFY', ['Event: refer', 'Subscription-State: active']).code, '481')
    else assert.equal(ask('REFER', ['Refer-To: <sip:200@10.0.0.2>']).code, '403')
  })
}

test('keys by INFO are told in both forms', () => {
  const { bob, ask } = phone(true)
  assert.equal(ask('INFO', text('application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n')).code, '200')
  assert.equal(ask('INFO', text('Application/DTMF', '7')).code, '200')
  assert.deepEqual(
    bob.tales('info').map(({ contentType, body }) => [contentType, body.slice(0, 8)]),
    [
      ['application/dtmf-relay', 'Signal=5'],
      ['application/dtmf', '7'],
    ],
  )
})
