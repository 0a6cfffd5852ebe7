import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Link, openDoor, rawAnswer, rawRequest, type Station } from '../link.fixture.ts'

const PHONE = { address: '10.0.0.9', port: 5060 }
const NOTHING = { transactions: 0, dialogs: 0, legs: 0, contacts: 0 }

function world(callees = 1) {
  const link = new Link('cancel')
  const alice = link.add('10.0.0.1')
  const others = ['10.0.0.2', '10.0.0.3', '10.0.0.4'].slice(0, callees).map((each) => link.add(each))
  for (const each of others) each.onOutput = openDoor(each)
  return { link, alice, others, bob: others[0]! }
}

const legOf = (station: Station) => station.tales('incoming')[0]!.leg

function assertNothingLeft(link: Link, ...stations: Station[]): void {
  link.run(70_000)
  for (const each of stations) assert.deepEqual([each.core.census(), each.timers], [NOTHING, 0])
}

test('after a provisional answer CANCEL goes out at once, and both sides end', () => {
  const { link, alice, bob } = world()
  alice.invite('a', [bob])
  link.run(10)
  alice.feed({ kind: 'cancel', leg: 'a' })
  link.run(10)
  assert.deepEqual(link.story(2), ['1>2 CANCEL', '2>1 200 CANCEL', '2>1 487 INVITE', '1>2 ACK'])
  assert.deepEqual(alice.tales('failed'), [
    { kind: 'failed', leg: 'a', code: 487, phrase: 'Request Terminated', cause: 'local' },
  ])
  assert.deepEqual(bob.tales('cancelled'), [{ kind: 'cancelled', leg: legOf(bob) }])
  assertNothingLeft(link, alice, bob)
})

test('before any provisional answer CANCEL waits for one', () => {
  const { link, alice, bob } = world()
  let deaf = true
  link.swallows = (text) => deaf && text.startsWith('INVITE')
  alice.invite('a', [bob])
  link.run(100)
  alice.feed({ kind: 'cancel', leg: 'a' })
  link.run(300)
  assert.deepEqual(link.story(), ['1>2 INVITE'])
  deaf = false
  link.run(200)
  assert.deepEqual(link.story(1), [
    '1>2 INVITE',
    '2>1 100 INVITE',
    '1>2 CANCEL',
    '2>1 200 CANCEL',
    '2>1 487 INVITE',
    '1>2 ACK',
  ])
  assert.equal(alice.tales('failed')[0]!.cause, 'local')
  assertNothingLeft(link, alice, bob)
})

test('cancelled and nobody ever answers: it ends by timer B', () => {
  const { link, alice, bob } = world()
  link.swallows = () => true
  alice.invite('a', [bob])
  link.run(1_000)
  alice.feed({ kind: 'cancel', leg: 'a' })
  link.run(31_000)
  assert.deepEqual(
    alice.tales('failed').map(({ cause, code }) => [cause, code]),
    [['local', 487]],
  )
  assertNothingLeft(link, alice)
})

test('a CANCEL without final answer is given up after 64*T1', () => {
  const { link, alice, bob } = world()
  link.swallows = (text) => text.startsWith('CANCEL')
  alice.invite('a', [bob])
  link.run(10)
  alice.feed({ kind: 'cancel', leg: 'a' })
  link.run(31_999)
  assert.equal(alice.tales('failed').length, 0)
  link.run(1)
  assert.equal(alice.tales('failed')[0]!.cause, 'local')
})

test('an answer that crosses the CANCEL gets ACK and BYE, and is never told', () => {
  const { link, alice, bob } = world()
  alice.invite('a', [bob])
  link.run(10)
  bob.feed({ kind: 'accept', leg: legOf(bob), body: 'answer' })
  alice.feed({ kind: 'cancel', leg: 'a' })
  link.run(10)
  assert.deepEqual(
    alice.told.map(({ kind }) => kind),
    ['failed'],
  )
  assert.deepEqual(
    bob.told.map(({ kind }) => kind),
    ['authorise', 'incoming', 'confirmed', 'ended'],
  )
  assertNothingLeft(link, alice, bob)
})

test('time is up: told at once as 408, and cancelled', () => {
  const { link, alice, bob } = world()
  alice.invite('a', [bob], { timeoutMs: 5_000 })
  link.run(5_000)
  assert.deepEqual(alice.tales('failed'), [
    { kind: 'failed', leg: 'a', code: 408, phrase: 'Request Timeout', cause: 'timeout' },
  ])
  link.run(10)
  assert.equal(bob.tales('cancelled').length, 1)
  assert.equal(alice.tales('failed').length, 1)
  assertNothingLeft(link, alice, bob)
})

test('a dead far end: 408 by timer B', () => {
  const { link, alice, bob } = world()
  link.swallows = () => true
  alice.invite('a', [bob])
  link.run(32_000)
  assert.deepEqual(
    alice.tales('failed').map(({ code, cause }) => [code, cause]),
    [[408, 'timeout']],
  )
  assertNothingLeft(link, alice)
})

test('a path that fails: 503 at once', () => {
  const { alice, bob } = world()
  alice.invite('a', [bob])
  alice.feed({ kind: 'transportFailed', flow: alice.flowTo(bob), why: 'ECONNREFUSED' })
  assert.deepEqual(
    alice.tales('failed').map(({ code, cause }) => [code, cause]),
    [[503, 'transport']],
  )
  assert.deepEqual(alice.core.census(), NOTHING)
})

test('several targets: all ring, the first answer wins, the others are cancelled', () => {
  const { link, alice, others } = world(3)
  alice.invite('a', others)
  link.run(10)
  others[1]!.feed({ kind: 'accept', leg: legOf(others[1]!), body: 'second' })
  link.run(10)
  assert.deepEqual(
    alice.tales('answered').map(({ body, flow }) => [body, flow.remote.address]),
    [['second', '10.0.0.3']],
  )
  assert.deepEqual(
    others.map((each) => each.tales('cancelled').length),
    [1, 0, 1],
  )
  alice.feed({ kind: 'bye', leg: 'a', reason: '' })
  assertNothingLeft(link, alice, ...others)
})

test('two answers at once: one wins, the other gets ACK and BYE', () => {
  const { link, alice, others } = world(2)
  alice.invite('a', others)
  link.run(10)
  for (const each of others) each.feed({ kind: 'accept', leg: legOf(each), body: each.at.address })
  link.run(10)
  assert.deepEqual(
    alice.tales('answered').map(({ body }) => body),
    ['10.0.0.2'],
  )
  assert.deepEqual(
    others.map((each) => each.tales('ended').length),
    [0, 1],
  )
})

test('all refuse: one failure with the code that says most', () => {
  const refuse = (...codes: readonly number[]) => {
    const { link, alice, others } = world(codes.length)
    alice.invite('a', others)
    link.run(10)
    for (const [at, each] of others.entries())
      each.feed({ kind: 'reject', leg: legOf(each), code: codes[at]!, phrase: '' })
    link.run(10)
    assertNothingLeft(link, alice, ...others)
    return alice.tales('failed').map(({ code, cause }) => `${code} ${cause}`)
  }
  assert.deepEqual(refuse(404, 486, 480), ['486 remote'])
  assert.deepEqual(refuse(503, 404), ['404 remote'])
  assert.deepEqual(refuse(486, 603), ['603 remote'])
})

test('a 6xx speaks for all: the others are cancelled', () => {
  const { link, alice, others } = world(2)
  alice.invite('a', others)
  link.run(10)
  others[0]!.feed({ kind: 'reject', leg: legOf(others[0]!), code: 603, phrase: 'No' })
  link.run(10)
  assert.equal(others[1]!.tales('cancelled').length, 1)
  assert.deepEqual(
    alice.tales('failed').map(({ code, phrase }) => [code, phrase]),
    [[603, 'No']],
  )
})

test('no target at all fails at once', () => {
  const { alice } = world()
  alice.invite('a', [])
  assert.deepEqual(
    alice.tales('failed').map(({ code, cause }) => [code, cause]),
    [[480, 'local']],
  )
  assert.deepEqual([alice.core.census(), alice.timers], [NOTHING, 0])
})

test('a refusal carries its headers, is repeated until the ACK, and ends the leg', () => {
  const { link, bob } = world()
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 1 }), PHONE)
  bob.feed({ kind: 'reject', leg: legOf(bob), code: 503, phrase: 'Full', headers: [['Retry-After', '5']] })
  assert.match(link.wire.at(-1)!.text, /^SIP\/2\.0 503 Full\r\n[\s\S]*\r\nRetry-After: 5\r\n/)
  assert.deepEqual(
    bob.tales('failed').map(({ code, cause }) => [code, cause]),
    [[503, 'local']],
  )
  link.run(500)
  assert.deepEqual(link.story(), ['2>9 100 INVITE', '2>9 503 INVITE', '2>9 503 INVITE'])
  bob.hear(rawRequest('ACK', { branch: 'i', cseq: 1, toTag: 'any' }), PHONE)
  link.run(10_000)
  assert.equal(link.wire.length, 3)
  assertNothingLeft(link, bob)
})

test('a CANCEL while it is asked who may call: 487, and the TU never hears of it', () => {
  const { link, bob } = world()
  bob.onOutput = () => {}
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 1 }), PHONE)
  bob.hear(rawRequest('CANCEL', { branch: 'i', cseq: 1 }), PHONE)
  assert.deepEqual(link.story(), ['2>9 100 INVITE', '2>9 200 CANCEL', '2>9 487 INVITE'])
  const { query } = bob.tales('authorise')[0]!
  bob.feed({ kind: 'authorised', query, policy: { kind: 'open', identity: 'x' } })
  assert.equal(bob.tales('incoming').length, 0)
  assertNothingLeft(link, bob)
})

test('a CANCEL of nothing gets 481, one after the answer changes nothing', () => {
  const { link, bob } = world()
  bob.hear(rawRequest('CANCEL', { branch: 'none', cseq: 1 }), PHONE)
  assert.equal(link.story().at(-1), '2>9 481 CANCEL')
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 1 }), PHONE)
  bob.feed({ kind: 'accept', leg: legOf(bob), body: 'answer' })
  bob.hear(rawRequest('CANCEL', { branch: 'i', cseq: 1 }), PHONE)
  assert.equal(link.story().at(-1), '2>9 200 CANCEL')
  assert.equal(bob.tales('cancelled').length, 0)
})

test('a BYE before the answer is a way to give up', () => {
  const { link, bob } = world()
  bob.hear(rawRequest('INVITE', { branch: 'i', cseq: 1 }), PHONE)
  bob.feed({ kind: 'ring', leg: legOf(bob), body: null })
  const toTag = /^To: .*;tag=(\w+)/m.exec(link.wire.at(-1)!.text)![1]!
  bob.hear(rawRequest('BYE', { branch: 'b', cseq: 2, toTag }), PHONE)
  assert.deepEqual(link.story(2), ['2>9 200 BYE', '2>9 487 INVITE'])
  assert.equal(bob.tales('cancelled').length, 1)
})

test('a provisional answer repeated by the network is told once', () => {
  const { link, alice, bob } = world()
  link.swallows = (_, from) => from.startsWith('10.0.0.2')
  alice.invite('a', [bob])
  link.run(10)
  for (let i = 0; i < 3; i++) alice.hear(rawAnswer(link.wire[0]!.text, '180 Ringing', 'b'), bob.at)
  assert.equal(alice.tales('progress').length, 1)
})
