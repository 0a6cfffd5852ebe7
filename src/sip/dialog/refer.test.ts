import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, Link, openDoor, rawAnswer, rawRequest } from '../link.fixture.ts'

const PHONE = { address: '10.0.0.9', port: 5060 }
const SDP = ['Content-Type: application/sdp', '', 'offer']

/** A phone talks to Bob, in one call or several. */
function phone() {
  const link = new Link('refer')
  const bob = link.add('10.0.0.2')
  bob.onOutput = openDoor(bob)
  const call = (id: string, answered = true) => {
    const named = (text: string) => text.replace('their-call', id)
    bob.hear(named(rawRequest('INVITE', { branch: `i${id}`, cseq: 10 }, SDP)), PHONE)
    const { leg } = bob.tales('incoming').at(-1)!
    bob.feed(answered ? { kind: 'accept', leg, body: 'answer' } : { kind: 'ring', leg, body: null })
    const toTag = /;tag=(\w+)/.exec(headerOf(link.wire.at(-1)!.text, 'To')!)![1]!
    let cseq = 10
    const hear = (method: string, lines: readonly string[] = []) => {
      cseq += method === 'ACK' ? 0 : 1
      bob.hear(named(rawRequest(method, { branch: `${id}${method}${cseq}`, cseq, toTag }, lines)), PHONE)
      return link.story().at(-1)
    }
    if (answered) hear('ACK')
    return { leg, toTag, hear, id }
  }
  const notifies = () => link.wire.filter(({ text }) => text.startsWith('NOTIFY ')).map(({ text }) => text)
  const answerLast = () => bob.hear(rawAnswer(link.wire.at(-1)!.text, '200 OK', ''), PHONE)
  return { link, bob, call, notifies, answerLast }
}

test('a blind REFER is told, taken on with 202, and what becomes of it goes by NOTIFY, one at a time', () => {
  const { link, bob, call, notifies, answerLast } = phone()
  const { leg, hear } = call('one')
  hear('REFER', ['Refer-To: "Carol" <sip:200@10.0.0.2;user=phone>', 'Referred-By: <sip:me@10.0.0.9>'])
  const [asked] = bob.tales('refer')
  assert.equal(asked!.target.user, '200')
  assert.equal(asked!.referredBy, '<sip:me@10.0.0.9>')
  assert.equal('replaces' in asked!, false)
  bob.feed({ kind: 'answerRefer', leg, refer: asked!.refer, code: 202 })
  assert.deepEqual(link.story().slice(-2), ['2>9 202 REFER', '2>9 NOTIFY'])
  const [trying] = notifies()
  assert.equal(headerOf(trying!, 'Event'), 'refer')
  assert.match(headerOf(trying!, 'Subscription-State')!, /^active;expires=\d+$/)
  assert.equal(headerOf(trying!, 'Content-Type'), 'message/sipfrag;version=2.0')
  assert.match(trying!, /\r\n\r\nSIP\/2.0 100 Trying\r\n$/)
  bob.feed({ kind: 'notifyRefer', leg, refer: asked!.refer, code: 180 })
  bob.feed({ kind: 'notifyRefer', leg, refer: asked!.refer, code: 200 })
  bob.feed({ kind: 'bye', leg, reason: '' })
  assert.equal(notifies().length, 1, 'the next waits for the answer')
  answerLast()
  answerLast()
  assert.match(notifies()[2]!, /\r\n\r\nSIP\/2.0 200 OK\r\n$/)
  assert.equal(headerOf(notifies()[2]!, 'Subscription-State'), 'terminated;reason=noresource')
  assert.equal(link.story().at(-1), '2>9 NOTIFY', 'the BYE waits for the end of the story')
  answerLast()
  assert.equal(link.story().at(-1), '2>9 BYE')
  answerLast()
  assert.equal(bob.tales('ended')[0]!.cause, 'local')
  link.run(200_000)
  assert.equal(bob.timers, 0)
})

test('a second REFER names its subscription; a refused one, one without a target, and one for a BYE make none', () => {
  const { link, bob, call, notifies } = phone()
  const { leg, hear } = call('one')
  assert.equal(hear('REFER', ['Refer-To: <sip:200@x;method=BYE>']), '2>9 400 REFER')
  assert.equal(hear('REFER'), '2>9 400 REFER')
  assert.equal(hear('REFER', ['Refer-To: <sip:200@x>', 'Refer-To: <sip:201@x>']), '2>9 400 REFER')
  hear('REFER', ['Refer-To: <sip:200@x>'])
  bob.feed({ kind: 'answerRefer', leg, refer: bob.tales('refer')[0]!.refer, code: 403, phrase: '' })
  assert.equal(link.story().at(-1), '2>9 403 REFER')
  hear('REFER', ['Refer-To: <sip:200@x>'])
  bob.feed({ kind: 'answerRefer', leg, refer: bob.tales('refer')[1]!.refer, code: 202 })
  assert.match(headerOf(notifies()[0]!, 'Event')!, /^refer;id=\d+$/)
})

test('Refer-Sub: false is taken on without any NOTIFY', () => {
  const { link, bob, call, notifies } = phone()
  const { leg, hear } = call('one')
  hear('REFER', ['Refer-To: <sip:200@x>', 'Refer-Sub: false', 'Supported: norefersub'])
  const { refer } = bob.tales('refer')[0]!
  bob.feed({ kind: 'answerRefer', leg, refer, code: 202 })
  bob.feed({ kind: 'notifyRefer', leg, refer, code: 200 })
  assert.equal(headerOf(link.wire.at(-1)!.text, 'Refer-Sub'), 'false')
  assert.equal(notifies().length, 0)
})

test('a REFER that nobody decides goes with the call; its subscription with a silent user after 180 s', () => {
  const { link, bob, call, notifies, answerLast } = phone()
  const { leg, hear } = call('one')
  hear('REFER', ['Refer-To: <sip:200@x>'])
  bob.feed({ kind: 'answerRefer', leg, refer: bob.tales('refer')[0]!.refer, code: 202 })
  answerLast()
  link.run(180_001)
  assert.match(notifies().at(-1)!, /SIP\/2.0 408 Request Timeout/)
  hear('REFER', ['Refer-To: <sip:200@x>'])
  hear('BYE')
  assert.deepEqual(link.story().slice(-2).toSorted(), ['2>9 200 BYE', '2>9 481 REFER'])
})

test('Replaces in a REFER finds the other leg of ours, and null for any other dialog', () => {
  const { bob, call } = phone()
  const [one, two, ringing] = [call('one'), call('two'), call('three', false)]
  const to = (id: string, toTag: string, fromTag: string) =>
    `Refer-To: <sip:200@10.0.0.2?Replaces=${encodeURIComponent(`${id};to-tag=${toTag};from-tag=${fromTag}`)}>`
  one.hear('REFER', [to('two', two.toTag, 'theirs')])
  one.hear('REFER', [to('two', 'theirs', two.toTag)])
  one.hear('REFER', [to('three', ringing.toTag, 'theirs')])
  assert.deepEqual(
    bob.tales('refer').map(({ replaces }) => replaces),
    [{ leg: two.leg, isEarly: false }, null, null],
  )
})

test('Replaces in an INVITE: the leg it means, 481 for none and for one that rings here, 400 for nonsense', () => {
  const { link, bob, call } = phone()
  const [up, ringing] = [call('one'), call('two', false)]
  let count = 0
  const invite = (replaces: readonly string[]) => {
    count += 1
    const text = rawRequest('INVITE', { branch: `r${count}`, cseq: 1 }, [...replaces, ...SDP])
    bob.hear(text.replace('their-call', `new-${count}`), PHONE)
    return link.story().at(-1)
  }
  assert.equal(invite([`Replaces: one;to-tag=${up.toTag};from-tag=theirs`]), '2>9 100 INVITE')
  assert.deepEqual(bob.tales('incoming').at(-1)!.replaces, { leg: up.leg, isEarly: false })
  assert.equal(invite(['Replaces: one;to-tag=x;from-tag=theirs']), '2>9 481 INVITE')
  assert.equal(invite([`Replaces: two;to-tag=${ringing.toTag};from-tag=theirs`]), '2>9 481 INVITE')
  assert.equal(invite([`Replaces: one;to-tag=${up.toTag};from-tag=theirs;early-only`]), '2>9 486 INVITE')
  assert.equal(invite(['Replaces: one']), '2>9 400 INVITE')
  assert.equal(invite(['Replaces: a;to-tag=b;from-tag=c', 'Replaces: a;to-tag=b;from-tag=d']), '2>9 400 INVITE')
})

test('who rang in vain is told that the call was answered elsewhere', () => {
  const link = new Link('elsewhere')
  const [alice, bob, carol] = [link.add('10.0.0.1'), link.add('10.0.0.2'), link.add('10.0.0.3')]
  bob.onOutput = openDoor(bob)
  carol.onOutput = openDoor(carol)
  alice.invite('a', [bob, carol])
  link.run(10)
  for (const each of [bob, carol]) each.feed({ kind: 'ring', leg: each.tales('incoming')[0]!.leg, body: null })
  link.run(10)
  bob.feed({ kind: 'accept', leg: bob.tales('incoming')[0]!.leg, body: 'answer' })
  link.run(100)
  assert.equal(carol.tales('cancelled')[0]!.reason, 'SIP;cause=200;text="Call completed elsewhere"')
  alice.feed({ kind: 'bye', leg: 'a', reason: 'Q.850;cause=16' })
  link.run(100)
  assert.equal(bob.tales('ended')[0]!.reason, 'Q.850;cause=16')
})
