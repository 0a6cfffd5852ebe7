import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, Link, openDoor, rawAnswer, rawRequest } from '../link.fixture.ts'

const PHONE = { address: '10.0.0.9', port: 5060 }
const SDP = ['Content-Type: application/sdp', '', 'offer']

/** A phone rings Bob. @param lines of its INVITE */
function phone(lines: readonly string[]) {
  const link = new Link('reliable')
  const bob = link.add('10.0.0.2')
  bob.onOutput = openDoor(bob)
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 10 }, lines), PHONE)
  const { leg } = bob.tales('incoming')[0]!
  const last = () => link.wire.at(-1)!.text
  const hear = (method: string, branch: string, cseq: number, more: readonly string[] = []) => {
    const toTag = /;tag=(\w+)/.exec(headerOf(last(), 'To')!)![1]!
    bob.hear(rawRequest(method, { branch, cseq, toTag }, more), PHONE)
    return link.story().at(-1)
  }
  return { link, bob, leg, last, hear }
}

test('180 and 183 go out as ever for a phone that knows no 100rel, or only 180 for one that does', () => {
  const plain = phone(SDP)
  plain.bob.feed({ kind: 'ring', leg: plain.leg, body: 'early' })
  assert.equal(headerOf(plain.last(), 'RSeq'), null)
  const able = phone(['Supported: 100rel', ...SDP])
  able.bob.feed({ kind: 'ring', leg: able.leg, body: null })
  assert.equal(headerOf(able.last(), 'RSeq'), null)
})

test('early media for a phone that knows 100rel is repeated until its PRACK, and the 200 waits for that', () => {
  const { link, bob, leg, last, hear } = phone(['Supported: timer, 100rel', ...SDP])
  const start = link.clock.now()
  bob.feed({ kind: 'ring', leg, body: 'early' })
  assert.equal(headerOf(last(), 'Require'), '100rel')
  const rseq = Number(headerOf(last(), 'RSeq'))
  bob.feed({ kind: 'accept', leg, body: 'early' })
  link.run(4_000)
  const sent = link.wire.filter(({ text }) => text.startsWith('SIP/2.0 183')).map(({ at }) => at - start)
  assert.deepEqual(sent, [0, 500, 1_500, 3_500])
  assert.equal(hear('PRACK', 'p1', 11, [`RAck: ${rseq + 1} 10 INVITE`]), '2>9 481 PRACK')
  assert.equal(hear('PRACK', 'p2', 12, [`RAck: ${rseq} 9 INVITE`]), '2>9 481 PRACK')
  hear('PRACK', 'p3', 13, [`RAck: ${rseq} 10 INVITE`])
  assert.deepEqual(link.story().slice(-2), ['2>9 200 PRACK', '2>9 200 INVITE'])
  assert.equal(hear('PRACK', 'p4', 14, [`RAck: ${rseq} 10 INVITE`]), '2>9 481 PRACK')
  hear('ACK', 'a', 10)
  link.run(40_000)
  assert.equal(link.wire.filter(({ text }) => text.startsWith('SIP/2.0 183')).length, 4)
})

test('without a PRACK the call is given up with 504 after 64*T1', () => {
  const { link, bob, leg, last } = phone(['Supported: 100rel', ...SDP])
  bob.feed({ kind: 'ring', leg, body: 'early' })
  link.run(31_999)
  assert.equal(bob.tales('failed').length, 0)
  link.run(1)
  assert.match(last(), /^SIP\/2.0 504 /)
  assert.deepEqual(
    bob.tales('failed').map(({ code, cause }) => [code, cause]),
    [[504, 'timeout']],
  )
})

test('who insists on 100rel gets every ringing so, one after the other, and a 200 without waiting for a bare 180', () => {
  const { link, bob, leg, last, hear } = phone(['Require: 100rel', ...SDP])
  bob.feed({ kind: 'ring', leg, body: null })
  bob.feed({ kind: 'ring', leg, body: 'early' })
  const first = Number(headerOf(last(), 'RSeq'))
  assert.equal(link.story().at(-1), '2>9 180 INVITE')
  hear('PRACK', 'p1', 11, [`RAck: ${first} 10 INVITE`])
  const second = link.wire.findLast(({ text }) => text.startsWith('SIP/2.0 183'))!.text
  assert.equal(Number(headerOf(second, 'RSeq')), first + 1)
  const bare = phone(['Require: 100rel', ...SDP])
  bare.bob.feed({ kind: 'ring', leg: bare.leg, body: null })
  const rseq = headerOf(bare.last(), 'RSeq')
  bare.bob.feed({ kind: 'accept', leg: bare.leg, body: 'answer' })
  assert.equal(bare.link.story().at(-1), '2>9 200 INVITE')
  assert.equal(bare.hear('PRACK', 'p', 11, [`RAck: ${rseq} 10 INVITE`]), '2>9 200 PRACK', 'it may come late')
})

test('a cancelled call repeats nothing', () => {
  const { link, bob, leg } = phone(['Supported: 100rel', ...SDP])
  bob.feed({ kind: 'ring', leg, body: 'early' })
  bob.hear(rawRequest('CANCEL', { branch: 'i', cseq: 10 }, ['Reason: SIP;cause=200;text="elsewhere"']), PHONE)
  assert.equal(bob.tales('cancelled')[0]!.reason, 'SIP;cause=200;text="elsewhere"')
  bob.hear(rawRequest('ACK', { branch: 'i', cseq: 10 }), PHONE)
  const sent = link.wire.filter(({ text }) => text.startsWith('SIP/2.0 183')).length
  link.run(40_000)
  assert.equal(link.wire.filter(({ text }) => text.startsWith('SIP/2.0 183')).length, sent)
  assert.equal(bob.timers, 0)
})

test('who insists and offers nothing hears no ringing: it would have to carry our offer', () => {
  const { link, bob, leg } = phone(['Require: 100rel'])
  bob.feed({ kind: 'ring', leg, body: null })
  assert.equal(link.story().at(-1), '2>9 100 INVITE')
  bob.feed({ kind: 'accept', leg, body: 'our offer' })
  assert.equal(link.story().at(-1), '2>9 200 INVITE')
})

/** Alice rings a phone that is no core of ours. */
function ringing() {
  const link = new Link('reliable-out')
  const alice = link.add('10.0.0.1')
  link.add('10.0.0.9')
  alice.invite('a', [], { targets: [{ flow: alice.flowTo(PHONE), requestUri: 'sip:bob@10.0.0.9' }] })
  const invite = link.wire.at(-1)!.text
  const answer = (status: string, tag: string, lines: readonly string[]) =>
    alice.hear(rawAnswer(invite, status, tag, ['Contact: <sip:bob@10.0.0.9>', ...lines]), PHONE)
  const sent = (method: string) => link.wire.filter(({ text }) => text.startsWith(`${method} `)).map(({ text }) => text)
  return { link, alice, invite, answer, sent }
}

test('we say that we know 100rel, and acknowledge each reliable answer once and in order', () => {
  const { alice, invite, answer, sent } = ringing()
  assert.match(headerOf(invite, 'Supported')!, /100rel/)
  const reliable = (rseq: number) => ['Require: 100rel', `RSeq: ${rseq}`]
  answer('183 Progress', 'one', [...reliable(7), ...SDP])
  answer('183 Progress', 'one', [...reliable(7), ...SDP])
  answer('180 Ringing', 'one', reliable(9))
  assert.equal(sent('PRACK').length, 1)
  answer('180 Ringing', 'one', reliable(8))
  answer('183 Progress', 'two', [...reliable(500), ...SDP])
  const number = headerOf(invite, 'CSeq')!.split(' ')[0]
  assert.deepEqual(
    sent('PRACK').map((text) => headerOf(text, 'RAck')),
    [`7 ${number} INVITE`, `8 ${number} INVITE`, `500 ${number} INVITE`],
  )
  assert.deepEqual(
    alice.tales('progress').map(({ code }) => code),
    [183, 180, 183],
  )
})

test('a 200 without description after a reliable answer of the same fork has its answer from there', () => {
  const { alice, answer, sent } = ringing()
  answer('183 Progress', 'one', ['Require: 100rel', 'RSeq: 1', 'Content-Type: application/sdp', '', 'early answer'])
  answer('200 OK', 'one', [])
  assert.equal(alice.tales('answered')[0]!.body, 'early answer')
  const numbers = [...sent('PRACK'), ...sent('ACK')].map((text) => headerOf(text, 'CSeq'))
  alice.feed({ kind: 'bye', leg: 'a', reason: '' })
  const bye = headerOf(sent('BYE')[0]!, 'CSeq')!
  assert.equal(Number.parseInt(bye, 10), Number.parseInt(numbers[0]!, 10) + 1, 'one dialog, one row of numbers')
})

test('between two of ours: early media, UPDATEs both ways before the answer, then a 200 that repeats nothing', () => {
  const link = new Link('early-updates')
  const [alice, bob] = [link.add('10.0.0.1'), link.add('10.0.0.2')]
  bob.onOutput = openDoor(bob)
  alice.invite('a', [bob])
  link.run(10)
  const { leg } = bob.tales('incoming')[0]!
  bob.feed({ kind: 'ring', leg, body: 'answer' })
  link.run(10)
  alice.feed({ kind: 'reinvite', leg: 'a', body: 'moved' })
  link.run(10)
  assert.deepEqual(bob.tales('offered'), [{ kind: 'offered', leg, body: 'moved' }])
  bob.feed({ kind: 'answerOffer', leg, body: 'moved answer' })
  link.run(10)
  assert.deepEqual(alice.tales('reinvited'), [{ kind: 'reinvited', leg: 'a', code: 200, body: 'moved answer' }])
  bob.feed({ kind: 'accept', leg, body: 'answer' })
  link.run(10)
  assert.equal(alice.tales('answered')[0]!.body, 'moved answer')
  assert.deepEqual(link.story(), [
    '1>2 INVITE',
    '2>1 100 INVITE',
    '2>1 183 INVITE',
    '1>2 PRACK',
    '2>1 200 PRACK',
    '1>2 UPDATE',
    '2>1 200 UPDATE',
    '2>1 200 INVITE',
    '1>2 ACK',
  ])
})

test('an UPDATE with an offer before theirs is answered: 500 with Retry-After from the callee, 491 from the caller', () => {
  const { bob, hear, last, leg } = phone(SDP)
  bob.feed({ kind: 'ring', leg, body: null })
  assert.equal(hear('UPDATE', 'u', 11, SDP), '2>9 500 UPDATE')
  assert.match(headerOf(last(), 'Retry-After')!, /^\d+$/)
  const caller = ringing()
  caller.answer('180 Ringing', 'one', [])
  const names = {
    from: /;tag=(\w+)/.exec(headerOf(caller.invite, 'From')!)![1]!,
    id: headerOf(caller.invite, 'Call-ID')!,
  }
  const update = rawRequest('UPDATE', { branch: 'u', cseq: 1, toTag: names.from, uri: 'sip:alice@10.0.0.1' }, SDP)
  caller.alice.hear(update.replace('their-call', names.id).replace('tag=theirs', 'tag=one'), PHONE)
  assert.equal(caller.link.story().at(-1), '1>9 491 UPDATE')
})
