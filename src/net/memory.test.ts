import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { FAIR_WEATHER, MemoryNetwork, type Weather } from './memory.ts'

const A = { address: 'a', port: 1 }
const B = { address: 'b', port: 2 }

/** Sends 1,000 numbered datagrams from A to B, one a millisecond. */
async function carry(weather: Weather, seed = 'net'): Promise<{ got: number[]; network: MemoryNetwork }> {
  const clock = new VirtualClock(0)
  const network = new MemoryNetwork(clock, new SeededRandom(seed), weather)
  const got: number[] = []
  await network.bind(B, (bytes) => got.push((bytes[0]! << 8) | bytes[1]!))
  const socket = await network.bind(A, () => {})
  const bytes = new Uint8Array(2)
  for (let n = 0; n < 1_000; n++) {
    bytes[0] = n >> 8
    bytes[1] = n & 0xff
    socket.send(bytes, B)
    clock.advanceTo(n + 1)
  }
  clock.advanceTo(1e6)
  return { got, network }
}

test('in fair weather everything arrives once, in order, and never within the call that sent it', async () => {
  const { got, network } = await carry(FAIR_WEATHER)
  assert.deepEqual(got, [...Array(1_000).keys()])
  assert.deepEqual(network.counts, { sent: 1_000, lost: 0, doubled: 0, delivered: 1_000, unreachable: 0 })
})

test('loss, doubles and disorder are as frequent as asked, and the same for the same seed', async () => {
  const weather = { loss: 0.1, duplicate: 0.05, reorder: 0.1, reorderMs: 10, delayMs: 5, jitterMs: 0 }
  const { got, network } = await carry(weather)
  const { lost, doubled, delivered } = network.counts
  assert.ok(lost > 60 && lost < 140 && doubled > 20 && doubled < 80)
  assert.equal(delivered, 1_000 - lost + doubled)
  const overtaken = got.filter((n, i) => i > 0 && n < got[i - 1]!).length
  assert.ok(overtaken > 40 && overtaken < 150)
  assert.deepEqual((await carry(weather)).got, got)
  assert.notDeepEqual((await carry(weather, 'other')).got, got)
})

test('a link has weather of its own in its direction', async () => {
  const clock = new VirtualClock(0)
  const network = new MemoryNetwork(clock, new SeededRandom('link'))
  const heard = { a: 0, b: 0 }
  const a = await network.bind(A, () => heard.a++)
  const b = await network.bind(B, () => heard.b++)
  network.link('a', 'b', { ...FAIR_WEATHER, loss: 1 })
  a.send(Uint8Array.of(1), B)
  b.send(Uint8Array.of(1), A)
  clock.advanceTo(10)
  assert.deepEqual(heard, { a: 1, b: 0 })
})

test('a taken port is refused, a free one can be had again, and nothing reaches a closed socket', async () => {
  const clock = new VirtualClock(0)
  const network = new MemoryNetwork(clock, new SeededRandom('ports'))
  const first = await network.bind(A, () => assert.fail('closed'))
  await assert.rejects(
    network.bind(A, () => {}),
    { code: 'EADDRINUSE' },
  )
  const any = await network.bind({ address: 'a', port: 0 }, () => {})
  assert.notEqual(any.local.port, 0)
  any.send(Uint8Array.of(1), A)
  first.close()
  first.close()
  clock.advanceTo(10)
  assert.equal(network.counts.unreachable, 1)
  await network.bind(A, () => {})
  assert.equal(network.open, 2)
})
