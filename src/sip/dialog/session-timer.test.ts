import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, Link, openDoor, rawAnswer, rawRequest, type Station } from '../link.fixture.ts'

const PHONE = { address: '10.0.0.9', port: 5060 }
const SDP = ['Content-Type: application/sdp', '', 'offer']

/** A phone talks to Bob. @param lines of its INVITE */
function phone(lines: readonly string[]) {
  const link = new Link('timer')
  const bob = link.add('10.0.0.2')
  bob.onOutput = openDoor(bob)
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 10 }, [...lines, ...SDP]), PHONE)
  const leg = bob.tales('incoming')[0]?.leg ?? ''
  bob.feed({ kind: 'accept', leg, body: 'answer' })
  const ok = link.wire.at(-1)!.text
  const toTag = /;tag=(\w+)/.exec(headerOf(ok, 'To')!)![1]!
  const hear = (method: string, branch: string, cseq: number, more: readonly string[] = []) =>
    bob.hear(rawRequest(method, { branch, cseq, toTag }, more), PHONE)
  if (leg !== '') hear('ACK', 'a', 10)
  const from = link.wire.length
  return { link, bob, leg, ok, hear, from }
}

function answerAll(link: Link, bob: Station, method: string, from: number, lines: readonly string[] = []): string {
  const { text } = link.wire.slice(from).find((each) => each.text.startsWith(`${method} `))!
  bob.hear(rawAnswer(text, '200 OK', '', lines), PHONE)
  return text
}

test('an interval below ours is refused with 422, but not to a phone that knows no 422', () => {
  const brief = phone(['Supported: timer', 'Session-Expires: 60'])
  assert.match(brief.ok, /^SIP\/2.0 422 /)
  assert.equal(headerOf(brief.ok, 'Min-SE'), '90')
  assert.match(phone(['Session-Expires: 60']).ok, /^SIP\/2.0 200 /)
})

test('a caller that asks for an interval and names nobody refreshes itself; its silence ends the call with a reason', () => {
  const { link, bob, ok, hear } = phone(['Supported: timer', 'Session-Expires: 120'])
  assert.equal(headerOf(ok, 'Session-Expires'), '120;refresher=uac')
  assert.equal(headerOf(ok, 'Require'), 'timer')
  link.run(60_000)
  hear('UPDATE', 'u', 11, ['Supported: timer', 'Session-Expires: 120;refresher=uac'])
  assert.equal(headerOf(link.wire.at(-1)!.text, 'Session-Expires'), '120;refresher=uac')
  link.run(87_999)
  assert.equal(bob.tales('ended').length, 0)
  link.run(2)
  assert.deepEqual(
    bob.tales('ended').map(({ cause, reason }) => [cause, reason]),
    [['timeout', 'SIP;cause=408;text="Session expired"']],
  )
  const bye = link.wire.at(-1)!.text
  assert.match(bye, /^BYE /)
  assert.equal(headerOf(bye, 'Reason'), 'SIP;cause=408;text="Session expired"')
})

test('asked to, we refresh at half the interval: by UPDATE where the phone allows it', () => {
  const { link, bob, ok, from } = phone([
    'Supported: timer',
    'Allow: INVITE, UPDATE',
    'Session-Expires: 120;refresher=uas',
  ])
  assert.equal(headerOf(ok, 'Session-Expires'), '120;refresher=uas')
  link.run(60_001)
  const update = answerAll(link, bob, 'UPDATE', from, ['Session-Expires: 120;refresher=uac'])
  assert.equal(headerOf(update, 'Session-Expires'), '120;refresher=uac')
  assert.equal(headerOf(update, 'Content-Type'), null)
  const second = link.wire.length
  link.run(60_001)
  answerAll(link, bob, 'UPDATE', second, ['Session-Expires: 120;refresher=uac'])
  link.run(50_000)
  assert.equal(bob.tales('ended').length, 0)
})

test('otherwise by a re-INVITE with the very description we gave last; another answer is told', () => {
  const { link, bob, leg, from } = phone(['Session-Expires: 120'])
  link.run(60_001)
  const { text } = link.wire.slice(from).find((each) => each.text.startsWith('INVITE '))!
  assert.match(text, /\r\n\r\nanswer$/)
  bob.hear(
    rawAnswer(text, '200 OK', '', ['Session-Expires: 120;refresher=uac', 'Content-Type: application/sdp', '', 'moved']),
    PHONE,
  )
  assert.deepEqual(bob.tales('refreshed'), [{ kind: 'refreshed', leg, offer: 'answer', body: 'moved' }])
  assert.equal(bob.tales('reinvited').length, 0)
})

test('a phone that does not answer our refreshes is given up', () => {
  const { link, bob } = phone(['Supported: timer', 'Allow: UPDATE', 'Session-Expires: 120;refresher=uas'])
  link.run(93_000)
  assert.deepEqual(
    bob.tales('ended').map(({ cause }) => cause),
    ['timeout'],
  )
})

test('a phone without session timers is left alone', () => {
  const { link, bob, ok, from } = phone([])
  assert.equal(headerOf(ok, 'Session-Expires'), null)
  link.run(4_000_000)
  assert.equal(link.wire.length, from)
  assert.equal(bob.tales('ended').length, 0)
})

test('we ask for 1800 s; a 422 is asked again with what it wants, and the call goes on', () => {
  const link = new Link('timer-out')
  const alice = link.add('10.0.0.1')
  link.add('10.0.0.9')
  alice.invite('a', [], { targets: [{ flow: alice.flowTo(PHONE), requestUri: 'sip:bob@10.0.0.9' }] })
  const first = link.wire.at(-1)!.text
  assert.equal(headerOf(first, 'Session-Expires'), '1800')
  assert.equal(headerOf(first, 'Min-SE'), '90')
  alice.hear(rawAnswer(first, '422 Session Interval Too Small', 't', ['Min-SE: 3600']), PHONE)
  const second = link.wire.at(-1)!.text
  assert.match(second, /^INVITE /)
  assert.equal(headerOf(second, 'Session-Expires'), '3600')
  assert.equal(headerOf(second, 'Min-SE'), '3600')
  assert.equal(headerOf(second, 'Call-ID'), headerOf(first, 'Call-ID'))
  const answer = ['Contact: <sip:bob@10.0.0.9>', 'Session-Expires: 3600;refresher=uas', ...SDP]
  alice.hear(rawAnswer(second, '200 OK', 't', answer), PHONE)
  link.run(3_567_900)
  assert.equal(alice.tales('ended').length, 0)
  link.run(200)
  assert.equal(alice.tales('ended')[0]?.cause, 'timeout', 'they were to refresh, and did not')
})

test('between two of ours a call lives for hours, refreshed by UPDATE', () => {
  const link = new Link('long-call')
  const [alice, bob] = [link.add('10.0.0.1'), link.add('10.0.0.2')]
  bob.onOutput = openDoor(bob)
  alice.invite('a', [bob])
  link.run(10)
  bob.feed({ kind: 'accept', leg: bob.tales('incoming')[0]!.leg, body: 'answer' })
  link.run(4 * 3_600_000)
  const updates = link.story().filter((each) => each.endsWith('>2 UPDATE') || each.endsWith('>1 UPDATE'))
  assert.equal(updates.length, 15)
  assert.equal(alice.tales('ended').length + bob.tales('ended').length, 0)
  alice.feed({ kind: 'bye', leg: 'a', reason: '' })
  link.run(40_000)
  assert.deepEqual([alice.timers, bob.timers], [0, 0])
})
