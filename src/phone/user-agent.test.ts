import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { FAIR_WEATHER, MemoryNetwork, type Weather } from '../net/memory.ts'
import { Phone, type PhoneCall, PhoneError, type PhoneOptions } from './user-agent.ts'

const SEED = 'phones 1'

/** Two phones, each the other's server, on one clock and one network. */
class World {
  readonly clock = new VirtualClock()
  readonly network: MemoryNetwork
  readonly ringing: PhoneCall[] = []
  a!: Phone
  b!: Phone

  private constructor(weather: Weather, seed: string) {
    this.network = new MemoryNetwork(this.clock, new SeededRandom(seed), weather)
  }

  static async open(more: Partial<PhoneOptions> = {}, weather = FAIR_WEATHER, seed = SEED): Promise<World> {
    const world = new World(weather, seed)
    const { clock, network } = world
    const phone = (name: string, server: string): Promise<Phone> =>
      Phone.open({
        network,
        clock,
        localAddress: name,
        sipPort: 5060,
        server: { address: server, port: 5060 },
        user: name,
        seed: `${seed} ${name}`,
        ...more,
      })
    world.a = await phone('10.0.0.1', '10.0.0.2')
    world.b = await phone('10.0.0.2', '10.0.0.1')
    world.b.onIncoming = (call) => world.ringing.push(call)
    return world
  }

  /** Moves time on, letting promises settle after every task. */
  async run(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    do await settled()
    while (this.clock.step(end))
    this.clock.advanceTo(end)
  }

  /** A call from a to b that b has taken. */
  async connected(): Promise<{ mine: PhoneCall; theirs: PhoneCall }> {
    const mine = await this.a.call('b')
    await this.run(500)
    const theirs = this.ringing.at(-1)
    assert.ok(theirs, 'b rings')
    theirs.answer()
    await this.run(500)
    return { mine, theirs }
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function tone(samples: number): Int16Array {
  return Int16Array.from({ length: samples }, (_, i) => Math.round(8_000 * Math.sin((2 * Math.PI * 440 * i) / 8_000)))
}

function loudest(frames: readonly Int16Array[]): number {
  return Math.max(0, ...frames.map((frame) => Math.max(...frame.map(Math.abs))))
}

test('a call rings, is answered, carries speech both ways and ends for both', async () => {
  const world = await World.open()
  const mine = await world.a.call('b')
  assert.equal(mine.state, 'calling')
  await world.run(200)
  assert.equal(mine.state, 'ringing')
  const theirs = world.ringing[0]!
  assert.equal(theirs.sipCallId, mine.sipCallId)
  assert.notEqual(mine.sipCallId, '')
  theirs.answer()
  await world.run(100)
  await mine.answered
  assert.deepEqual([mine.state, theirs.state], ['answered', 'answered'])

  const heard = { mine: [] as Int16Array[], theirs: [] as Int16Array[] }
  mine.onFrame = (pcm) => heard.mine.push(pcm)
  theirs.onFrame = (pcm) => heard.theirs.push(pcm)
  const spoken = mine.speak(tone(8_000))
  await world.run(1_500)
  const { firstAt, lastAt } = await spoken
  assert.equal(lastAt - firstAt, 49 * 20)
  assert.ok(loudest(heard.theirs) > 7_000)
  assert.equal(loudest(heard.mine), 0)
  void theirs.speak(tone(800))
  await world.run(500)
  assert.ok(loudest(heard.mine) > 7_000)

  theirs.hangup()
  assert.deepEqual(await theirs.ended, { cause: 'local', code: 200 })
  await world.run(100)
  assert.deepEqual(await mine.ended, { cause: 'remote', code: 200 })
  await world.run(40_000)
  await Promise.all([world.a.close(), world.b.close()])
  assert.equal(world.network.open, 0)
  assert.equal(world.clock.pending(), 0)
})

test('frames lie on a grid of 20 ms, with one marker and gapless timestamps', async () => {
  const world = await World.open()
  const { mine, theirs } = await world.connected()
  const frames: { at: number; sequence: number; timestamp: number; marker: boolean }[] = []
  theirs.onFrame = (_, info) => frames.push({ ...info })
  void mine.speak(tone(1_000))
  await world.run(1_000)
  assert.equal(frames.length, 50)
  for (const [index, frame] of frames.entries()) {
    const before = frames[index - 1]
    if (!before) continue
    assert.ok(Math.abs(frame.at - before.at - 20) < 1e-6)
    assert.equal((frame.timestamp - before.timestamp) >>> 0, 160)
    assert.equal((frame.sequence - before.sequence) & 0xffff, 1)
    assert.equal(frame.marker, false)
  }
})

test('a phone with silence suppression sends only speech, and marks where it begins again', async () => {
  const world = await World.open({ sendSilence: false })
  const { mine, theirs } = await world.connected()
  const marked: [timestamp: number, marker: boolean][] = []
  theirs.onFrame = (_, { timestamp, marker }) => marked.push([timestamp, marker])
  await world.run(1_000)
  assert.equal(marked.length, 0)
  void mine.speak(tone(480))
  await world.run(1_000)
  void mine.speak(tone(160))
  await world.run(100)
  assert.deepEqual(
    marked.map(([, marker]) => marker),
    [true, false, false, true],
  )
  assert.equal((marked[3]![0] - marked[0]![0]) >>> 0, 50 * 160)
})

test('keys arrive once each and in order, also when packets are lost', async () => {
  const world = await World.open({}, { ...FAIR_WEATHER, loss: 0.05 })
  const { mine, theirs } = await world.connected()
  const digits: string[] = []
  theirs.onDigit = (digit) => digits.push(digit)
  for (const digit of '0011#*9') mine.press(digit)
  await world.run(3_000)
  assert.equal(digits.join(''), '0011#*9')
  assert.throws(() => mine.press('x'), RangeError)
})

test('speech waits while keys are sent and is whole afterwards', async () => {
  const world = await World.open()
  const { mine, theirs } = await world.connected()
  let loudFrames = 0
  theirs.onFrame = (pcm) => void (loudest([pcm]) > 1_000 && loudFrames++)
  void mine.speak(tone(1_600))
  mine.press('5')
  await world.run(1_000)
  assert.equal(loudFrames, 10)
})

test('with 5 % loss, reordering and doubles a call goes through and the counters tell', async () => {
  for (const seed of ['rain 1', 'rain 2', 'rain 3']) {
    const weather = { loss: 0.05, duplicate: 0.02, reorder: 0.05, reorderMs: 30, delayMs: 10, jitterMs: 10 }
    const world = await World.open({}, weather, seed)
    const mine = await world.a.call('b')
    await world.run(5_000)
    world.ringing[0]!.answer()
    await world.run(5_000)
    assert.equal(mine.state, 'answered', seed)
    const theirs = world.ringing[0]!
    let frames = 0
    theirs.onFrame = () => frames++
    await world.run(20_000)
    assert.ok(frames > 900 && frames < 990, `${seed}: ${frames} frames`)
    const { lost, duplicates, reordered, packetsReceived } = theirs.stats
    assert.ok(lost > 20 && duplicates > 5 && reordered > 5 && packetsReceived >= frames, `${seed}: ${lost}`)
    mine.hangup()
    await world.run(40_000)
    assert.deepEqual([mine.state, theirs.state], ['ended', 'ended'], seed)
    await Promise.all([world.a.close(), world.b.close()])
    assert.equal(world.clock.pending(), 0, seed)
  }
})

test('a refused call tells why', async () => {
  const world = await World.open()
  const mine = await world.a.call('b')
  await world.run(200)
  world.ringing[0]!.reject(486)
  await world.run(200)
  await assert.rejects(mine.answered, (error: unknown) => error instanceof PhoneError && error.code === 486)
  assert.deepEqual(await mine.ended, { cause: 'remote', code: 486 })
  assert.deepEqual(await world.ringing[0]!.ended, { cause: 'local', code: 486 })
})

test('a caller that gives up ends the ringing', async () => {
  const world = await World.open()
  const mine = await world.a.call('b')
  await world.run(200)
  mine.hangup()
  await world.run(200)
  assert.deepEqual(await mine.ended, { cause: 'local', code: 487 })
  assert.deepEqual(await world.ringing[0]!.ended, { cause: 'remote', code: 487 })
  world.ringing[0]!.answer()
  assert.equal(world.ringing[0]!.state, 'ended')
})

test('hanging up in the moment of the answer still ends both sides', async () => {
  const world = await World.open()
  const mine = await world.a.call('b')
  await world.run(200)
  world.ringing[0]!.answer()
  mine.hangup()
  await world.run(5_000)
  assert.deepEqual([mine.state, world.ringing[0]!.state], ['ended', 'ended'])
  await world.run(40_000)
  await Promise.all([world.a.close(), world.b.close()])
  assert.equal(world.network.open, 0)
})

test('nobody there: the call fails, and leaves nothing behind', async () => {
  const world = await World.open()
  await world.b.close()
  const mine = await world.a.call('b')
  await world.run(120_000)
  await assert.rejects(mine.answered, (error: unknown) => error instanceof PhoneError && error.code === 408)
  await world.a.close()
  assert.equal(world.network.open, 0)
  assert.equal(world.clock.pending(), 0)
})

test('phones with no codec in common refuse each other with 488', async () => {
  const world = await World.open({ codec: 'PCMU' })
  await world.b.close()
  const other = await Phone.open({
    network: world.network,
    clock: world.clock,
    localAddress: '10.0.0.2',
    sipPort: 5060,
    server: world.a.local,
    user: 'c',
    codec: 'PCMA',
    autoAnswer: true,
    seed: 'c',
  })
  const mine = await world.a.call('c')
  await world.run(500)
  assert.deepEqual(await mine.ended, { cause: 'remote', code: 488 })
  await other.close()
})

test('A-law speech arrives as it was', async () => {
  const world = await World.open({ codec: 'PCMA', autoAnswer: true })
  const mine = await world.a.call('b')
  await world.run(500)
  const heard: Int16Array[] = []
  world.ringing[0]!.onFrame = (pcm) => heard.push(pcm)
  const spoken = tone(1_600)
  void mine.speak(spoken)
  await world.run(400)
  const voiced = heard.filter((frame) => loudest([frame]) > 100).flatMap((frame) => [...frame])
  assert.equal(voiced.length, 1_600)
  assert.ok(voiced.every((sample, index) => Math.abs(sample - spoken[index]!) <= 16 + Math.abs(spoken[index]!) / 16))
})

test('the same seed gives the same packets', async () => {
  const packets = async (seed: string): Promise<string[]> => {
    const world = await World.open({}, FAIR_WEATHER, seed)
    const seen: string[] = []
    const { mine, theirs } = await world.connected()
    theirs.onFrame = (_, info) => seen.push(JSON.stringify(info))
    void mine.speak(tone(3_200))
    await world.run(1_000)
    return [mine.sipCallId, ...seen]
  }
  assert.deepEqual(await packets('one'), await packets('one'))
  assert.notDeepEqual(await packets('one'), await packets('two'))
})
