import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, Link, openDoor, rawAnswer, rawRequest } from '../link.fixture.ts'

const PHONE = { address: '10.0.0.9', port: 5060 }
const NOTHING = { transactions: 0, dialogs: 0, legs: 0, contacts: 0 }

function world() {
  const link = new Link('call')
  const [alice, bob] = [link.add('10.0.0.1'), link.add('10.0.0.2')]
  bob.onOutput = openDoor(bob)
  return { link, alice, bob }
}

/** Alice has called, Bob has answered, the ACK is there. */
function talking() {
  const { link, alice, bob } = world()
  alice.invite('a', [bob])
  link.run(10)
  const { leg } = bob.tales('incoming')[0]!
  bob.feed({ kind: 'accept', leg, body: 'answer' })
  link.run(10)
  return { link, alice, bob, leg, from: link.wire.length }
}

/** A phone that is no core of ours has called and been answered, without ACK. */
function phoneCalls(lines: readonly string[] = []) {
  const { link, bob } = world()
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 10 }, lines), PHONE)
  const { leg } = bob.tales('incoming')[0]!
  bob.feed({ kind: 'accept', leg, body: 'answer' })
  const toTag = /;tag=(\w+)/.exec(headerOf(link.wire.at(-1)!.text, 'To')!)![1]!
  return { link, bob, leg, toTag }
}

test('a call: 100 at once, ringing, answer, ACK, BYE', () => {
  const { link, alice, bob } = world()
  alice.invite('a', [bob])
  link.run(10)
  const { leg, request, identity, body } = bob.tales('incoming')[0]!
  assert.deepEqual([request.from.user, request.fromDisplay, identity, body], ['alice', 'Alice', 'anyone', 'offer'])
  bob.feed({ kind: 'ring', leg, body: null })
  link.run(10)
  bob.feed({ kind: 'accept', leg, body: 'answer' })
  link.run(10)
  alice.feed({ kind: 'bye', leg: 'a', reason: 'Q.850;cause=16' })
  link.run(10)
  assert.deepEqual(link.story(), [
    '1>2 INVITE',
    '2>1 100 INVITE',
    '2>1 180 INVITE',
    '2>1 200 INVITE',
    '1>2 ACK',
    '1>2 BYE',
    '2>1 200 BYE',
  ])
  assert.deepEqual(
    alice.told.map(({ kind }) => kind),
    ['progress', 'answered', 'ended'],
  )
  assert.equal(alice.tales('answered')[0]!.body, 'answer')
  assert.deepEqual(alice.tales('ended')[0], { kind: 'ended', leg: 'a', cause: 'local', reason: 'Q.850;cause=16' })
  assert.deepEqual(
    bob.told.map(({ kind }) => kind),
    ['authorise', 'incoming', 'confirmed', 'ended'],
  )
  assert.deepEqual(bob.tales('ended')[0], { kind: 'ended', leg, cause: 'remote', reason: 'Q.850;cause=16' })
  link.run(40_000)
  assert.deepEqual([alice.core.census(), bob.core.census()], [NOTHING, NOTHING])
})

test('early media comes as progress with its body; a ringing that lasts is repeated every minute', () => {
  const { link, alice, bob } = world()
  alice.invite('a', [bob], { timeoutMs: 180_000 })
  link.run(10)
  bob.feed({ kind: 'ring', leg: bob.tales('incoming')[0]!.leg, body: 'early' })
  link.run(130_000)
  assert.deepEqual(alice.tales('progress'), [{ kind: 'progress', leg: 'a', code: 183, body: 'early' }])
  assert.equal(link.story().filter((each) => each === '2>1 183 INVITE').length, 3)
})

test('a 200 without ACK is repeated from T1 to T2 apart; after 64*T1 the call ends with a BYE', () => {
  const { link, bob } = phoneCalls()
  const start = link.clock.now()
  link.run(31_999)
  const sent = link.wire.filter(({ text }) => text.startsWith('SIP/2.0 200')).map(({ at }) => at - start)
  assert.deepEqual(sent, [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
  assert.equal(bob.tales('ended').length, 0)
  link.run(1)
  assert.equal(bob.tales('ended')[0]!.cause, 'timeout')
  assert.equal(link.story().at(-1), '2>9 BYE')
  link.run(40_000)
  assert.equal(bob.tales('ended').length, 1)
  assert.deepEqual(bob.core.census(), NOTHING)
})

test('a hang-up before the ACK waits for the ACK, for a callee may not say BYE earlier', () => {
  const { link, bob, leg, toTag } = phoneCalls()
  bob.feed({ kind: 'bye', leg, reason: '' })
  link.run(100)
  assert.equal(link.story().at(-1), '2>9 200 INVITE')
  bob.hear(rawRequest('ACK', { branch: 'ack', cseq: 10, toTag }), PHONE)
  assert.equal(link.story().at(-1), '2>9 BYE')
  assert.equal(headerOf(link.wire.at(-1)!.text, 'CSeq'), '1 BYE')
  bob.hear(rawAnswer(link.wire.at(-1)!.text, '200 OK', ''), PHONE)
  assert.equal(bob.tales('ended')[0]!.cause, 'local')
})

test('a BYE before the ACK ends it, and the 200 is not repeated any more', () => {
  const { link, bob, toTag } = phoneCalls()
  bob.hear(rawRequest('BYE', { branch: 'b', cseq: 11, toTag }, ['Reason: SIP;cause=200']), PHONE)
  assert.deepEqual(bob.tales('ended')[0]!.reason, 'SIP;cause=200')
  const sent = link.wire.length
  link.run(100_000)
  assert.equal(link.wire.length, sent)
  assert.deepEqual(bob.core.census(), NOTHING)
})

test('a lost ACK is made good: every copy of the 200 gets it again, the same', () => {
  const { link, alice, bob } = world()
  let lost = 0
  link.swallows = (text) => text.startsWith('ACK') && lost++ < 2
  alice.invite('a', [bob])
  link.run(10)
  bob.feed({ kind: 'accept', leg: bob.tales('incoming')[0]!.leg, body: 'answer' })
  link.run(5_000)
  const acks = link.wire.filter(({ text }) => text.startsWith('ACK')).map(({ text }) => text)
  assert.equal(acks.length, 3)
  assert.equal(new Set(acks).size, 1)
  assert.equal(alice.tales('answered').length, 1)
  assert.equal(bob.tales('confirmed').length, 1)
})

test('BYEs that cross are both answered, and each side ends once', () => {
  const { link, alice, bob, leg } = talking()
  alice.feed({ kind: 'bye', leg: 'a', reason: '' })
  bob.feed({ kind: 'bye', leg, reason: '' })
  link.run(10)
  assert.deepEqual(
    [alice, bob].map((each) => each.tales('ended').map(({ cause }) => cause)),
    [['local'], ['local']],
  )
  link.run(40_000)
  assert.deepEqual([alice.core.census(), bob.core.census()], [NOTHING, NOTHING])
})

test('a dead far end: the BYE is given up after 64*T1, and the leg ends all the same', () => {
  const { link, alice } = talking()
  link.swallows = () => true
  alice.feed({ kind: 'bye', leg: 'a', reason: '' })
  link.run(31_999)
  assert.equal(alice.tales('ended').length, 0)
  link.run(1)
  assert.deepEqual(
    alice.tales('ended').map(({ cause }) => cause),
    ['local'],
  )
})

test('requests for no dialog get 481, an ACK for none gets nothing', () => {
  const { link, bob } = world()
  for (const method of ['BYE', 'INVITE', 'INFO', 'UPDATE']) {
    bob.hear(rawRequest(method, { branch: method, cseq: 1, toTag: 'gone' }), PHONE)
    assert.equal(link.story().at(-1), `2>9 481 ${method}`)
  }
  const sent = link.wire.length
  bob.hear(rawRequest('ACK', { branch: 'x', cseq: 1, toTag: 'gone' }), PHONE)
  assert.equal(link.wire.length, sent)
})

test('within a dialog: OPTIONS 200, DTMF by INFO is told, other INFO and methods are refused, old numbers get 500', () => {
  const { link, bob, leg, toTag } = phoneCalls()
  const ask = (method: string, cseq: number, lines: readonly string[] = []) => {
    bob.hear(rawRequest(method, { branch: `${method}${cseq}`, cseq, toTag }, lines), PHONE)
    return link.story().at(-1)
  }
  assert.equal(ask('OPTIONS', 11), '2>9 200 OPTIONS')
  assert.equal(
    ask('INFO', 12, ['Content-Type: Application/DTMF-Relay', '', 'Signal=5\r\nDuration=160']),
    '2>9 200 INFO',
  )
  assert.deepEqual(bob.tales('info'), [
    { kind: 'info', leg, contentType: 'application/dtmf-relay', body: 'Signal=5\r\nDuration=160' },
  ])
  assert.equal(ask('INFO', 13, ['Content-Type: text/plain', '', 'x']), '2>9 415 INFO')
  assert.equal(ask('MESSAGE', 14), '2>9 405 MESSAGE')
  assert.equal(ask('OPTIONS', 11, ['X: again by another branch']), '2>9 200 OPTIONS')
  bob.hear(rawRequest('OPTIONS', { branch: 'late', cseq: 9, toTag }), PHONE)
  assert.equal(link.story().at(-1), '2>9 500 OPTIONS')
  assert.equal(ask('UPDATE', 15), '2>9 200 UPDATE')
})

test('the route set: Record-Route is answered, turned round for the caller, and followed', () => {
  const { link, bob, toTag } = phoneCalls(['Record-Route: <sip:p2;lr>, <sip:p1;lr>'])
  assert.equal(headerOf(link.wire.at(-1)!.text, 'Record-Route'), '<sip:p2;lr>, <sip:p1;lr>')
  bob.hear(rawRequest('ACK', { branch: 'ack', cseq: 10, toTag }), PHONE)
  bob.feed({ kind: 'bye', leg: bob.tales('incoming')[0]!.leg, reason: '' })
  const { text } = link.wire.at(-1)!
  assert.match(text, /^BYE sip:phone@10\.0\.0\.9:5099 SIP\/2\.0\r\n/)
  assert.deepEqual(
    text.match(/^Route: .*$/gm)?.map((each) => each.trim()),
    ['Route: <sip:p2;lr>', 'Route: <sip:p1;lr>'],
  )
})

test('a strict router gets the request addressed to itself', () => {
  const { link, bob, leg, toTag } = phoneCalls(['Record-Route: <sip:old.example>'])
  bob.hear(rawRequest('ACK', { branch: 'ack', cseq: 10, toTag }), PHONE)
  bob.feed({ kind: 'bye', leg, reason: '' })
  const { text } = link.wire.at(-1)!
  assert.match(text, /^BYE sip:old\.example SIP\/2\.0\r\n/)
  assert.equal(headerOf(text, 'Route'), '<sip:phone@10.0.0.9:5099>')
})

test('the caller turns the Record-Route of the answer round, and moves to the Contact of the answer', () => {
  const { link, alice, bob } = world()
  link.swallows = (_, from) => from.startsWith('10.0.0.2')
  alice.invite('a', [bob])
  link.run(10)
  const lines = ['Record-Route: <sip:p1;lr>', 'Record-Route: <sip:p2;lr>', 'Contact: <sip:bob@10.9.9.9>', '', 'answer']
  alice.hear(rawAnswer(link.wire[0]!.text, '200 OK', 'b', lines), bob.at)
  const ack = link.wire.at(-1)!.text
  assert.match(ack, /^ACK sip:bob@10\.9\.9\.9 SIP\/2\.0\r\n/)
  assert.deepEqual(
    ack.match(/^Route: .*$/gm)?.map((each) => each.trim()),
    ['Route: <sip:p2;lr>', 'Route: <sip:p1;lr>'],
  )
})

test('forks: the first 2xx wins, one from another fork gets ACK and BYE, also when it comes twice', () => {
  const { link, alice, bob } = world()
  link.swallows = (_, from) => from.startsWith('10.0.0.2')
  alice.invite('a', [bob])
  link.run(10)
  const invite = link.wire[0]!.text
  const contact = 'Contact: <sip:bob@10.0.0.2>'
  alice.hear(rawAnswer(invite, '180 Ringing', 'one', [contact]), bob.at)
  alice.hear(rawAnswer(invite, '180 Ringing', 'two', [contact]), bob.at)
  assert.equal(alice.core.census().dialogs, 2)
  assert.equal(alice.tales('progress').length, 2)
  const from = link.wire.length
  alice.hear(rawAnswer(invite, '200 OK', 'two', [contact, '', 'second']), bob.at)
  alice.hear(rawAnswer(invite, '200 OK', 'one', [contact, '', 'first']), bob.at)
  alice.hear(rawAnswer(invite, '200 OK', 'one', [contact, '', 'first']), bob.at)
  assert.deepEqual(
    link.story(from).filter((each) => each.startsWith('1>')),
    ['1>2 ACK', '1>2 ACK', '1>2 BYE', '1>2 ACK'],
  )
  assert.deepEqual(
    alice.tales('answered').map(({ body }) => body),
    ['second'],
  )
  assert.equal(alice.core.census().dialogs, 1)
})

test('a peer that moves to another address is followed there', () => {
  const { link, bob, leg, toTag } = phoneCalls()
  bob.hear(rawRequest('ACK', { branch: 'ack', cseq: 10, toTag }), PHONE)
  bob.hear(rawRequest('UPDATE', { branch: 'u', cseq: 11, toTag }), { address: '10.0.0.8', port: 7000 })
  bob.feed({ kind: 'bye', leg, reason: '' })
  assert.equal(link.wire.at(-1)!.to, '10.0.0.8:7000')
})
