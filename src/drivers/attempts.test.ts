import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AttemptEnd } from '../calls/routing.ts'
import { VirtualClock } from '../kernel/clock.ts'
import type { EndCause, Flow } from '../sip/types.ts'
import { Attempts, type Place } from './attempts.ts'

const flowTo = (address: string): Flow => ({
  transport: 'udp',
  local: { address: '10.0.0.1', port: 5060 },
  remote: { address, port: 5060 },
  connection: '',
})
const place = (gatewayId: string | null, ...servers: readonly string[]): Place => ({
  gatewayId,
  setupTimeoutMs: 4_000,
  locate: async () => servers.map(flowTo),
  invitation: () => ({ targets: [], from: { display: '', uri: '' }, to: { display: '', uri: '' } }),
})

/** What was done, in order. */
function rig(places: readonly Place[]) {
  const clock = new VirtualClock()
  const done: string[] = []
  const ends: (readonly [string | null, AttemptEnd])[] = []
  const attempts = new Attempts({
    clock,
    places,
    timeoutMs: 60_000,
    start: (_, flow) => {
      done.push(`try ${flow.remote.address}`)
      return true
    },
    abandon: () => void done.push('abandon'),
    failed: (code, cause) => void done.push(`failed ${code} ${cause}`),
    onEnd: ({ gatewayId }, end) => void ends.push([gatewayId, end]),
  })
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const end = async (code: number, cause: EndCause): Promise<boolean> => {
    const isTaken = attempts.ended(code, cause)
    await settle()
    return isTaken
  }
  const pass = async (ms: number): Promise<void> => {
    clock.advanceTo(clock.now() + ms)
    await settle()
  }
  return { attempts, clock, done, ends, settle, end, pass }
}

test('the servers of a name are tried in order, then the next gateway (RFC 3263 §4.3)', async () => {
  const { attempts, done, end, settle } = rig([place('a', '1', '2'), place('b', '3')])
  attempts.begin()
  await settle()
  assert.equal(await end(503, 'remote'), true)
  assert.equal(await end(503, 'transport'), true)
  assert.equal(await end(503, 'remote'), false, 'the last one speaks for itself')
  assert.deepEqual(done, ['try 1', 'try 2', 'try 3'])
})

test('silence counts only where there is another one to try; a 100 ends the hurry', async () => {
  const { attempts, clock, done, pass, settle } = rig([place('a', '1'), place('b', '2')])
  attempts.begin()
  await settle()
  await pass(3_999)
  assert.deepEqual(done, ['try 1'])
  await pass(1)
  assert.deepEqual(done, ['try 1', 'abandon', 'try 2'])
  assert.equal(clock.pending(), 0, 'the last one has all the time there is')

  const second = rig([place('a', '1'), place('b', '2')])
  second.attempts.begin()
  await second.settle()
  second.attempts.heard(false)
  await second.pass(30_000)
  assert.deepEqual(second.done, ['try 1'])
  assert.equal(await second.end(500, 'remote'), true, 'a 100 alone is no telephone that rings')
})

test('after it rang there is no other one', async () => {
  const { attempts, done, end, settle } = rig([place('a', '1'), place('b', '2')])
  attempts.begin()
  await settle()
  attempts.heard(true)
  assert.equal(await end(503, 'remote'), false)
  assert.deepEqual(done, ['try 1'])
})

test('names that lead nowhere are passed over; when all do, the call fails', async () => {
  const found = rig([place('a'), place('b', '2')])
  found.attempts.begin()
  await found.settle()
  assert.deepEqual(found.done, ['try 2'])
  assert.deepEqual(found.ends, [['a', { code: 503, cause: 'transport', hasRung: false }]])
  const lost = rig([place('a'), place('b')])
  lost.attempts.begin()
  await lost.settle()
  assert.deepEqual(lost.done, ['failed 503 transport'])
})

test('stopped while a name is looked up: nothing is tried, nothing told', async () => {
  const { attempts, clock, done, settle } = rig([place('a', '1')])
  attempts.begin()
  attempts.stop()
  await settle()
  assert.deepEqual(done, [])
  assert.equal(clock.pending(), 0)
})

test('all of them together have the time of one call', async () => {
  const { attempts, done, end, pass, settle } = rig([place('a', '1'), place('b', '2')])
  attempts.begin()
  await settle()
  attempts.heard(false)
  await pass(60_000)
  assert.equal(await end(408, 'timeout'), false)
  assert.deepEqual(done, ['try 1'])
})
