import assert from 'node:assert/strict'
import { test } from 'node:test'
import { levelDb } from '../audio/level.ts'
import { amplitudeAt, sine } from '../audio/tone.ts'
import { SeededRandom } from '../kernel/random.ts'
import { Feed, MAX_BEHIND_MS } from './feed.ts'

const RATE_HZ = 8_000
const FRAME = 160
/** Frames join: 400 Hz has 8 periods in each. */
const TONE = sine(400, RATE_HZ, FRAME, 9_000)

/** Packets of a sender whose clock runs `drift` times ours, and a reader every 20 ms. */
class Line {
  readonly feed = new Feed(RATE_HZ)
  readonly out: number[] = []
  mostBehind = 0
  silentFrames = 0
  #sent = 0
  #nextAt = 0
  #now = 0
  rtpTime = 0xffff_f000

  run(
    ms: number,
    drift = 1,
    isSent: (n: number) => boolean = () => true,
    delayMs: (n: number) => number = () => 0,
  ): void {
    const frame = new Int16Array(FRAME)
    const held: { at: number; rtpTime: number }[] = []
    for (const end = this.#now + ms; this.#now < end; this.#now += 20) {
      while (this.#nextAt <= this.#now) {
        const n = this.#sent++
        if (isSent(n)) held.push({ at: this.#nextAt + delayMs(n), rtpTime: this.rtpTime })
        this.rtpTime = (this.rtpTime + FRAME) >>> 0
        this.#nextAt += 20 / drift
      }
      for (let i = 0; i < held.length; ) {
        if (held[i]!.at > this.#now) i++
        else this.feed.sound(7, held.splice(i, 1)[0]!.rtpTime, TONE, FRAME)
      }
      if (!this.feed.take(frame, FRAME)) this.silentFrames++
      this.mostBehind = Math.max(this.mostBehind, this.feed.depth)
      if (this.out.length < 80_000) this.out.push(...frame)
    }
  }
}

test('a steady line is heard whole, one packet late', () => {
  const line = new Line()
  line.run(2_000)
  const pcm = Int16Array.from(line.out)
  const first = pcm.findIndex((sample) => sample !== 0)
  assert.ok(first <= 2 * FRAME, `first at ${first}`)
  assert.ok(amplitudeAt(pcm.subarray(FRAME * 4), 400, RATE_HZ) > 8_990)
  assert.equal(line.feed.depth, FRAME)
  assert.equal(line.feed.skips, 0)
})

for (const drift of [1.02, 0.98]) {
  test(`a clock ${drift > 1 ? 'fast' : 'slow'} by 2 % for an hour adds no delay beyond the limit`, () => {
    const line = new Line()
    line.run(3_600_000, drift)
    assert.ok(line.mostBehind <= (MAX_BEHIND_MS * RATE_HZ) / 1000, `${line.mostBehind / 8} ms behind`)
    // A slow clock has 2 % too little to give; what is missing is mostly made up.
    assert.ok(line.silentFrames < 0.04 * 180_000, `${line.silentFrames} silent frames`)
    if (drift > 1) assert.equal(line.silentFrames, 1)
  })
}

test('a clock off by 100 ppm is skipped or waited for a few times an hour only', () => {
  for (const drift of [1.0001, 0.9999]) {
    const line = new Line()
    line.run(3_600_000, drift)
    assert.ok(line.feed.skips <= 20, `${line.feed.skips} skips`)
    assert.ok(line.silentFrames <= 40, `${line.silentFrames} silent frames`)
    assert.ok(line.mostBehind <= 0.08 * RATE_HZ)
  }
})

test('with 3 % loss every hole is made up and the delay stays', () => {
  const seed = 'feed loss'
  const random = new SeededRandom(seed)
  const line = new Line()
  line.run(10_000, 1, () => random.unit() >= 0.03)
  const pcm = Int16Array.from(line.out)
  let quiet = 0
  for (let at = 4 * FRAME; at + FRAME <= pcm.length; at += FRAME) {
    if (levelDb(pcm.subarray(at, at + FRAME)) < -30) quiet++
  }
  // Two lost packets in a row outlast the prefill.
  assert.ok(quiet <= 5, `${quiet} quiet frames, seed ${seed}`)
  assert.ok(line.feed.depth <= FRAME)
})

test('packets out of order come out in order', () => {
  const feed = new Feed(RATE_HZ)
  const out = new Int16Array(FRAME)
  const heard: number[] = []
  const order = [1, 0, 3, 2, 5, 4, 7, 6]
  for (let n = 0; n < 12; n++) {
    const packet = order[n]
    if (packet !== undefined) feed.sound(7, packet * FRAME, new Int16Array(FRAME).fill(1_000 + packet), FRAME)
    if (n >= 1 && feed.take(out, FRAME)) heard.push(out[80]!)
  }
  assert.deepEqual(heard.slice(0, 8), [1_000, 1_001, 1_002, 1_003, 1_004, 1_005, 1_006, 1_007])
})

test('a hold-up of the network costs one gap, and the delay it leaves is worked off', () => {
  const line = new Line()
  line.run(2_000)
  line.run(2_000, 1, undefined, (n) => (n >= 100 && n < 106 ? 2_120 - 20 * n : 0))
  line.run(6_000)
  assert.ok(line.silentFrames <= 6, `${line.silentFrames} silent frames`)
  assert.ok(line.feed.depth <= (60 * RATE_HZ) / 1000, `${line.feed.depth / 8} ms`)
})

test('a burst is never played further behind than the limit', () => {
  const feed = new Feed(RATE_HZ)
  const out = new Int16Array(FRAME)
  for (let n = 0; n < 12; n++) feed.sound(7, n * FRAME, TONE, FRAME)
  feed.take(out, FRAME)
  assert.ok(feed.depth <= (MAX_BEHIND_MS * RATE_HZ) / 1000)
  // Nobody takes anything: what is kept has an end too.
  for (let n = 12; n < 1_000; n++) feed.sound(7, n * FRAME, TONE, FRAME)
  feed.take(out, FRAME)
  assert.ok(feed.depth <= (MAX_BEHIND_MS * RATE_HZ) / 1000)
})

test('a pause of the sender is a pause, however long, and a short word after it is heard', () => {
  const feed = new Feed(RATE_HZ)
  const out = new Int16Array(FRAME)
  feed.sound(7, 0, TONE, FRAME)
  for (let n = 0; n < 20; n++) feed.take(out, FRAME)
  feed.sound(7, 50 * FRAME, TONE, FRAME)
  const heard: boolean[] = []
  for (let n = 0; n < 10; n++) heard.push(feed.take(out, FRAME) && levelDb(out) > -20)
  assert.ok(heard.slice(0, 4).includes(true))
  assert.equal(heard.at(-1), false)
})

test('another sender, or a clock that jumps, is followed at once', () => {
  const feed = new Feed(RATE_HZ)
  const out = new Int16Array(FRAME)
  let voiced = 0
  const send = (ssrc: number, rtpTime: number): void => {
    feed.sound(ssrc, rtpTime >>> 0, TONE, FRAME)
    if (feed.take(out, FRAME) && levelDb(out) > -25) voiced++
  }
  for (let n = 0; n < 10; n++) send(1, n * FRAME)
  for (let n = 0; n < 10; n++) send(2, 500 + n * FRAME)
  for (let n = 0; n < 10; n++) send(2, 0x8000_0000 + n * FRAME)
  for (let n = 0; n < 20; n++) send(2, n * FRAME)
  assert.ok(voiced >= 44, `${voiced} of 50`)
})

test('whatever packets come, nothing is thrown, and only their samples come out', () => {
  const random = new SeededRandom('feed rubbish')
  const feed = new Feed(RATE_HZ)
  const out = new Int16Array(FRAME)
  const pcm = new Int16Array(960).fill(5_000)
  for (let n = 0; n < 50_000; n++) {
    const jump = random.below(20) === 0 ? random.below(2 ** 31) * 2 : n * 150 + random.below(4_000)
    if (random.below(3) > 0) feed.sound(random.below(200) === 0 ? 1 : 7, jump >>> 0, pcm, random.below(961))
    if (random.below(2) > 0) feed.take(out, 40 * (1 + random.below(4)))
    assert.ok(feed.depth >= 0 && feed.depth <= 2_048, `${feed.depth}`)
    assert.ok(out.every((sample) => sample >= 0 && sample <= 5_000))
  }
})

test('what is forgotten is not heard', () => {
  const feed = new Feed(RATE_HZ)
  const out = new Int16Array(FRAME)
  for (let n = 0; n < 4; n++) feed.sound(7, n * FRAME, TONE, FRAME)
  feed.forget()
  assert.equal(feed.take(out, FRAME), false)
  assert.ok(out.every((sample) => sample === 0))
})

// ---------------------------------------------------------------- how long is waited

/** What became of one conversation of five minutes: 1.2 s of voice, 0.6 s of silence, and so on. */
interface Figures {
  /** Of the voiced packets that came, in percent: never heard. */
  lateLoss: number
  /** From a packet's sending to its sounding, in ms. */
  meanDelay: number
  skips: number
}

/** Every voiced packet is a level of its own, by which it is found in what was taken. */
function converse(seed: string, loss: number, delayMs: (random: SeededRandom, n: number) => number): Figures {
  const random = new SeededRandom(seed)
  const feed = new Feed(RATE_HZ)
  const packets = 15_000
  const isVoiced = (n: number): boolean => n % 90 < 60
  const sent: { at: number; n: number }[] = []
  for (let n = 0; n < packets; n++) if (random.unit() >= loss) sent.push({ at: n * 20 + delayMs(random, n), n })
  sent.sort((a, b) => a.at - b.at)
  const pcm = new Int16Array(FRAME)
  const out = new Int16Array(FRAME)
  const heard = new Map<number, number>()
  let next = 0
  for (let now = 7; now < packets * 20 + 400; now += 20) {
    for (; next < sent.length && sent[next]!.at <= now; next++) {
      const { n } = sent[next]!
      feed.sound(7, n * FRAME, pcm.fill(isVoiced(n) ? 1_000 + n : 0), FRAME)
    }
    feed.take(out, FRAME)
    // Level for 5 ms: not blended, not made up out of another.
    for (let i = 120; i < FRAME; i++) {
      const n = out[i]! - 1_000
      if (n >= 0 && out[i - 40] === out[i] && !heard.has(n)) heard.set(n, now - n * 20)
    }
  }
  const came = sent.filter(({ n }) => isVoiced(n)).length
  const delays = [...heard.values()]
  return {
    lateLoss: (100 * (came - heard.size)) / came,
    meanDelay: delays.reduce((sum, delay) => sum + delay, 0) / delays.length,
    skips: feed.skips,
  }
}

const WEATHERS: readonly {
  name: string
  delayMs: (random: SeededRandom, n: number) => number
  most: { lateLoss: number; meanDelay: number }
}[] = [
  { name: 'no jitter', delayMs: () => 20, most: { lateLoss: 0.2, meanDelay: 30 } },
  {
    name: 'jitter of 20 ± 30 ms',
    delayMs: (random) => Math.max(0, 20 + 60 * random.unit() - 30),
    most: { lateLoss: 0.6, meanDelay: 70 },
  },
  {
    name: 'jitter of 50 ± 30 ms',
    delayMs: (random) => 20 + 60 * random.unit(),
    most: { lateLoss: 0.2, meanDelay: 92 },
  },
  {
    name: 'jitter that comes and goes',
    delayMs: (random, n) => (Math.floor(n / 500) % 2 === 1 ? 20 + 60 * random.unit() : 20 + 3 * random.unit()),
    most: { lateLoss: 0.6, meanDelay: 72 },
  },
  {
    name: 'a hold-up of 100 ms every 5 s',
    delayMs: (random, n) => 20 + 5 * random.unit() + Math.max(0, 100 - 20 * (n % 250)),
    most: { lateLoss: 0.6, meanDelay: 72 },
  },
]

for (const { name, delayMs, most } of WEATHERS) {
  const seed = `weather ${name}`
  test(`3 % loss, ${name}: little comes too late, and the wait is what it takes (seed ${seed})`, (t) => {
    const { lateLoss, meanDelay, skips } = converse(seed, 0.03, delayMs)
    t.diagnostic(
      `${lateLoss.toFixed(2)} % too late, ${meanDelay.toFixed(1)} ms mean delay, ${skips} skips in 5 minutes`,
    )
    assert.ok(lateLoss <= most.lateLoss, `${lateLoss} % too late`)
    assert.ok(meanDelay <= most.meanDelay, `${meanDelay} ms`)
  })
}

test('a delay that grows for good is waited for within a second, and one that falls is used in the next pause', () => {
  const line = new Line()
  line.run(4_000)
  line.run(1_000, 1, undefined, (n) => (n % 2 === 0 ? 60 : 0))
  const before = line.silentFrames
  line.run(4_000, 1, undefined, (n) => (n % 2 === 0 ? 60 : 0))
  assert.ok(line.feed.late <= 30, `${line.feed.late} late`)
  assert.equal(line.silentFrames, before)
})
