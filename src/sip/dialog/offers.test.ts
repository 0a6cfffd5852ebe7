import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, Link, openDoor, rawAnswer, rawRequest } from '../link.fixture.ts'

const PHONE = { address: '10.0.0.9', port: 5060 }
const NOTHING = { transactions: 0, dialogs: 0, legs: 0, contacts: 0 }

/** Alice and Bob are talking. */
function world() {
  const link = new Link('offers')
  const [alice, bob] = [link.add('10.0.0.1'), link.add('10.0.0.2')]
  bob.onOutput = openDoor(bob)
  alice.invite('a', [bob])
  link.run(10)
  const b = bob.tales('incoming')[0]!.leg
  bob.feed({ kind: 'accept', leg: b, body: 'answer' })
  link.run(10)
  return { link, alice, bob, b, from: link.wire.length }
}

/** A phone that is no core of ours is talking to Bob. */
function phone() {
  const link = new Link('offers')
  const bob = link.add('10.0.0.2')
  bob.onOutput = openDoor(bob)
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 10 }, ['Content-Type: application/sdp', '', 'offer']), PHONE)
  const { leg } = bob.tales('incoming')[0]!
  bob.feed({ kind: 'accept', leg, body: 'answer' })
  const toTag = /;tag=(\w+)/.exec(headerOf(link.wire.at(-1)!.text, 'To')!)![1]!
  const hear = (method: string, branch: string, cseq: number, lines: readonly string[] = []) => {
    bob.hear(rawRequest(method, { branch, cseq, toTag }, lines), PHONE)
    return link.story().at(-1)
  }
  return { link, bob, leg, toTag, hear }
}

test('a re-INVITE: offered, answered, acknowledged, told', () => {
  const { link, alice, bob, b, from } = world()
  alice.feed({ kind: 'reinvite', leg: 'a', body: 'hold' })
  link.run(10)
  assert.deepEqual(bob.tales('offered'), [{ kind: 'offered', leg: b, body: 'hold' }])
  bob.feed({ kind: 'answerOffer', leg: b, body: 'held' })
  link.run(10)
  assert.deepEqual(alice.tales('reinvited'), [{ kind: 'reinvited', leg: 'a', code: 200, body: 'held' }])
  assert.deepEqual(link.story(from), ['1>2 INVITE', '2>1 100 INVITE', '2>1 200 INVITE', '1>2 ACK'])
  assert.equal(bob.tales('confirmed').length, 1)
})

test('a refused offer leaves the call as it was', () => {
  const { link, alice, bob, b } = world()
  bob.feed({ kind: 'reinvite', leg: b, body: 'video' })
  link.run(10)
  alice.feed({ kind: 'answerOffer', leg: 'a', body: null })
  link.run(10)
  assert.deepEqual(bob.tales('reinvited'), [{ kind: 'reinvited', leg: b, code: 488, body: '' }])
  assert.equal(bob.tales('ended').length, 0)
})

test('glare: both are told 491, both try again after their own time, both are done', () => {
  const { link, alice, bob, b, from } = world()
  const start = link.clock.now()
  for (const each of [alice, bob]) {
    const open = each.onOutput
    each.onOutput = (output) => {
      open(output)
      if (output.kind === 'offered') each.feed({ kind: 'answerOffer', leg: output.leg, body: 'fine' })
    }
  }
  alice.feed({ kind: 'reinvite', leg: 'a', body: 'from alice' })
  bob.feed({ kind: 'reinvite', leg: b, body: 'from bob' })
  link.run(10)
  assert.equal(link.story(from).filter((each) => each.endsWith('491 INVITE')).length, 2)
  link.run(5_000)
  assert.deepEqual(
    [...alice.tales('reinvited'), ...bob.tales('reinvited')].map(({ code }) => code),
    [200, 200],
  )
  const again = link.wire.slice(from).filter(({ text, at }) => text.startsWith('INVITE') && at > start)
  assert.deepEqual(
    again.map((each) => each.from),
    ['10.0.0.2:5060', '10.0.0.1:5060'],
    'who waits less is first, and the other follows as soon as that is done',
  )
})

test('after 491 who chose the Call-ID waits 2.1 to 4 s, the other 0 to 2 s', () => {
  const waited = (caller: boolean): number => {
    const { link, alice, bob, b } = world()
    const [one, leg, other] = caller ? [alice, 'a', bob] : [bob, b, alice]
    link.swallows = (text) => text.startsWith('INVITE')
    one.feed({ kind: 'reinvite', leg, body: 'hold' })
    const first = link.wire.at(-1)!
    one.hear(rawAnswer(first.text, '491 Request Pending', ''), other.at)
    const from = link.wire.length
    link.run(4_010)
    return link.wire.slice(from).find(({ text }) => text.startsWith('INVITE'))!.at - first.at
  }
  assert.ok(waited(true) >= 2_100 && waited(true) <= 4_000)
  assert.ok(waited(false) <= 2_000)
})

test('wishes are served one after the other', () => {
  const { link, alice, bob, b } = world()
  alice.feed({ kind: 'reinvite', leg: 'a', body: 'one' })
  alice.feed({ kind: 'reinvite', leg: 'a', body: 'two' })
  link.run(10)
  bob.feed({ kind: 'answerOffer', leg: b, body: '1' })
  link.run(10)
  bob.feed({ kind: 'answerOffer', leg: b, body: '2' })
  link.run(10)
  assert.deepEqual(
    bob.tales('offered').map(({ body }) => body),
    ['one', 'two'],
  )
  assert.deepEqual(
    alice.tales('reinvited').map(({ body }) => body),
    ['1', '2'],
  )
})

test('a wish before the ACK waits for it; an offer of theirs then gets 491', () => {
  const { link, bob, leg, hear } = phone()
  bob.feed({ kind: 'reinvite', leg, body: 'hold' })
  assert.equal(link.story().at(-1), '2>9 200 INVITE')
  assert.equal(hear('UPDATE', 'u', 11, ['Content-Type: application/sdp', '', 'new']), '2>9 491 UPDATE')
  assert.equal(hear('ACK', 'a', 10), '2>9 INVITE')
})

test('UPDATE with an offer is offered and answered in its 200', () => {
  const { link, bob, leg, hear } = phone()
  hear('ACK', 'a', 10)
  hear('UPDATE', 'u', 11, ['Content-Type: application/sdp', '', 'new'])
  assert.deepEqual(bob.tales('offered'), [{ kind: 'offered', leg, body: 'new' }])
  assert.equal(hear('UPDATE', 'v', 12, ['Content-Type: application/sdp', '', 'newer']), '2>9 500 UPDATE')
  assert.ok(headerOf(link.wire.at(-1)!.text, 'Retry-After'))
  bob.feed({ kind: 'answerOffer', leg, body: 'fine' })
  assert.match(link.wire.at(-1)!.text, /^SIP\/2\.0 200 [\s\S]*\r\nContact: [\s\S]*\r\n\r\nfine$/)
})

test('a late offer: ours goes in the 200, their answer comes with the ACK', () => {
  const link = new Link('late')
  const bob = link.add('10.0.0.2')
  bob.onOutput = openDoor(bob)
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 10 }), PHONE)
  const { leg, body } = bob.tales('incoming')[0]!
  assert.equal(body, '')
  bob.feed({ kind: 'accept', leg, body: 'our offer' })
  const toTag = /;tag=(\w+)/.exec(headerOf(link.wire.at(-1)!.text, 'To')!)![1]!
  bob.hear(
    rawRequest('ACK', { branch: 'a', cseq: 10, toTag }, ['Content-Type: application/sdp', '', 'their answer']),
    PHONE,
  )
  assert.deepEqual(bob.tales('confirmed'), [{ kind: 'confirmed', leg, body: 'their answer' }])
  bob.hear(rawRequest('INVITE', { branch: 'j', cseq: 11, toTag }), PHONE)
  assert.deepEqual(bob.tales('offered'), [{ kind: 'offered', leg, body: '' }])
  bob.feed({ kind: 'answerOffer', leg, body: 'our offer again' })
  bob.hear(rawRequest('ACK', { branch: 'b', cseq: 11, toTag }, ['Content-Type: application/sdp', '', 'again']), PHONE)
  assert.equal(bob.tales('confirmed').at(-1)!.body, 'again')
})

test('a re-INVITE withdrawn by CANCEL: 487, the call goes on, a late answer of ours is for nobody', () => {
  const { link, bob, leg, toTag, hear } = phone()
  hear('ACK', 'a', 10)
  hear('INVITE', 'j', 11, ['Content-Type: application/sdp', '', 'new'])
  bob.hear(rawRequest('CANCEL', { branch: 'j', cseq: 11, toTag }), PHONE)
  assert.deepEqual(link.story().slice(-2), ['2>9 200 CANCEL', '2>9 487 INVITE'])
  const sent = link.wire.length
  bob.feed({ kind: 'answerOffer', leg, body: 'late' })
  assert.equal(link.wire.length, sent)
  assert.equal(bob.tales('ended').length, 0)
})

test('a 200 to a re-INVITE that is never acknowledged ends the call', () => {
  const { link, bob, leg, hear } = phone()
  hear('ACK', 'a', 10)
  hear('INVITE', 'j', 11, ['Content-Type: application/sdp', '', 'new'])
  bob.feed({ kind: 'answerOffer', leg, body: 'fine' })
  link.run(32_000)
  assert.equal(bob.tales('ended')[0]!.cause, 'timeout')
  assert.equal(link.story().at(-1), '2>9 BYE')
})

test('a re-INVITE that meets 481 or silence ends the call', () => {
  for (const silent of [false, true]) {
    const { link, bob, leg, hear } = phone()
    hear('ACK', 'a', 10)
    bob.feed({ kind: 'reinvite', leg, body: 'hold' })
    if (!silent) bob.hear(rawAnswer(link.wire.at(-1)!.text, '481 Gone', ''), PHONE)
    else link.run(32_000)
    assert.deepEqual(
      bob.tales('ended').map(({ cause }) => cause),
      [silent ? 'timeout' : 'remote'],
    )
    assert.equal(link.story().at(-1), '2>9 BYE')
    link.run(70_000)
    assert.deepEqual(bob.core.census(), NOTHING)
  }
})

test('a re-INVITE that only ever gets 100 is cancelled and ends the call', () => {
  const { link, bob, leg, hear } = phone()
  hear('ACK', 'a', 10)
  bob.feed({ kind: 'reinvite', leg, body: 'hold' })
  bob.hear(rawAnswer(link.wire.at(-1)!.text, '100 Trying', ''), PHONE)
  link.run(32_000)
  assert.ok(link.story().includes('2>9 CANCEL'))
  assert.equal(bob.tales('ended').length, 1)
  link.run(70_000)
  assert.deepEqual(bob.core.census(), NOTHING)
})

test('hanging up answers what was offered', () => {
  const { link, bob, leg, hear } = phone()
  hear('ACK', 'a', 10)
  hear('INVITE', 'j', 11, ['Content-Type: application/sdp', '', 'new'])
  bob.feed({ kind: 'bye', leg, reason: '' })
  assert.deepEqual(link.story().slice(-2), ['2>9 487 INVITE', '2>9 BYE'])
})

test('before the answer an UPDATE with an offer has to wait', () => {
  const link = new Link('early')
  const [alice, bob] = [link.add('10.0.0.1'), link.add('10.0.0.2')]
  link.swallows = (_, from) => from.startsWith('10.0.0.2')
  alice.invite('a', [bob])
  link.run(10)
  const invite = link.wire[0]!.text
  alice.hear(rawAnswer(invite, '183 Session Progress', 'early', ['Contact: <sip:bob@10.0.0.2>']), bob.at)
  const [from, to] = [headerOf(invite, 'From')!, '<sip:bob@example.com>;tag=early']
  const update = (branch: string, cseq: number, body: string) => {
    alice.hear(
      [
        'UPDATE sip:10.0.0.1 SIP/2.0',
        `Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK${branch}`,
        `From: ${to}`,
        `To: ${from}`,
        `Call-ID: ${headerOf(invite, 'Call-ID')}`,
        `CSeq: ${cseq} UPDATE`,
        '',
        body,
      ].join('\r\n'),
      bob.at,
    )
    return link.story().at(-1)
  }
  assert.equal(update('a', 1, 'offer'), '1>2 491 UPDATE')
  assert.equal(update('b', 2, ''), '1>2 200 UPDATE')
})
