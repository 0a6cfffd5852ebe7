import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FADE_MS } from '../audio/fade.ts'
import { SeededRandom } from '../kernel/random.ts'
import {
  createLegRings,
  emptyHeader,
  type RecordHeader,
  RingReader,
  RingWriter,
  SAY_END,
  SAY_START,
} from '../kernel/ring.ts'
import { Playout, type PlayoutNews } from './playout.ts'
import { LANE_FLOW, LANE_SAY, type Lane } from './protocol.ts'

const FRAME = 160
const FADE = FADE_MS * 8
const LEG = { slot: 0, generation: 2 }

interface Piece {
  readonly sayId: number
  readonly value?: number
  readonly samples?: number
  readonly lane?: Lane
  readonly epoch?: number
  readonly generation?: number
  readonly end?: boolean
  readonly recordSamples?: number
}

class Mouth {
  readonly #writer: RingWriter
  readonly playout: Playout
  news: PlayoutNews[] = []
  now = 0

  constructor() {
    const { playout } = createLegRings(8_000)
    this.#writer = new RingWriter(playout)
    this.playout = new Playout(new RingReader(playout), LEG, 8_000, (news) => this.news.push(news))
  }

  say({
    sayId,
    value = 5_000,
    samples = 1_600,
    lane = LANE_SAY,
    epoch = 0,
    generation = 2,
    end = true,
    recordSamples = FRAME,
  }: Piece): void {
    const pcm = new Int16Array(FRAME).fill(value)
    for (let at = 0; at < samples || samples === 0; at += recordSamples) {
      const count = Math.min(recordSamples, samples - at)
      const isLast = at + count >= samples
      const flags = (at === 0 ? SAY_START : 0) | (isLast && end ? SAY_END : 0)
      const header = { ...emptyHeader(), generation, epoch, sayId, firstSample: at, count, rateHz: 8_000, flags, lane }
      assert.ok(this.#writer.push(header, pcm))
      if (isLast) return
    }
  }

  write(header: RecordHeader, samples: Int16Array): boolean {
    return this.#writer.push(header, samples)
  }

  /** One frame: what went over the wire. */
  frame(): Int16Array {
    const frame = new Int16Array(FRAME).fill(77)
    this.now += 20
    if (!this.playout.pull(frame)) frame.fill(0)
    this.playout.left(this.now)
    return frame
  }

  frames(count: number): Int16Array[] {
    return Array.from({ length: count }, () => this.frame())
  }

  take(): PlayoutNews[] {
    const { news } = this
    this.news = []
    return news
  }
}

function count(frames: readonly Int16Array[], value: number): number {
  return frames.reduce((sum, frame) => sum + frame.filter((sample) => sample === value).length, 0)
}

test('a say is heard whole, then silence, and is told at its first and last packet', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, samples: 400, value: 6_000 })
  const frames = mouth.frames(5)
  assert.equal(count(frames, 6_000), 400)
  assert.ok(frames[4]!.every((sample) => sample === 0))
  assert.deepEqual(mouth.take(), [
    { kind: 'voiceStarted', sayId: 1 },
    { kind: 'played', say: { sayId: 1, lane: LANE_SAY, samples: 400 } },
  ])
})

test('says follow one another without a gap, whatever the length of their records', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, samples: 333, value: 3_000, recordSamples: 70 })
  mouth.say({ sayId: 2, samples: 307, value: 4_000, recordSamples: 110 })
  const sound = mouth.frames(4).flatMap((frame) => [...frame])
  assert.deepEqual(sound, [...Array(333).fill(3_000), ...Array(307).fill(4_000)])
})

test('a say is voiced from the packet that is loud enough, not from its first', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, samples: 320, value: 20, end: false })
  mouth.say({ sayId: 1, samples: 160, value: 900 })
  mouth.frames(2)
  assert.deepEqual(mouth.take(), [])
  mouth.frame()
  assert.equal(mouth.take()[0]!.kind, 'voiceStarted')
})

test('a say without sound, or one whose rest never comes, still ends', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, samples: 0 })
  mouth.say({ sayId: 2, samples: 160, end: false })
  mouth.say({ sayId: 2, samples: 0 })
  mouth.frames(2)
  assert.deepEqual(
    mouth.take().filter(({ kind }) => kind === 'played'),
    [
      { kind: 'played', say: { sayId: 1, lane: LANE_SAY, samples: 0 } },
      { kind: 'played', say: { sayId: 2, lane: LANE_SAY, samples: 160 } },
    ],
  )
})

test('records of another call, or of an older epoch, never sound', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, generation: 1, value: 1_111 })
  mouth.playout.flush(LANE_SAY, 3)
  mouth.say({ sayId: 2, epoch: 2, value: 2_222 })
  mouth.say({ sayId: 3, epoch: 3, value: 3_333, samples: 160 })
  const frames = mouth.frames(3)
  assert.equal(count(frames, 1_111) + count(frames, 2_222), 0)
  assert.equal(count(frames, 3_333), 160)
})

test('after a flush there is a faded remnant in the next frame, then silence; what is cut is told with it', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1 })
  mouth.say({ sayId: 2 })
  mouth.frames(3)
  mouth.take()
  mouth.playout.flush(LANE_SAY, 1)
  assert.deepEqual(mouth.take(), [])
  const [fading, ...after] = mouth.frames(10)
  assert.ok(fading!.slice(0, FADE).every((sample, i) => i === 0 || sample < fading![i - 1]!))
  assert.ok(fading!.slice(FADE).every((sample) => sample === 0))
  assert.ok(after.every((frame) => frame.every((sample) => sample === 0)))
  const cut = [{ sayId: 1, lane: LANE_SAY, samples: 3 * FRAME + FADE }]
  assert.deepEqual(mouth.take(), [{ kind: 'flushed', lane: LANE_SAY, epoch: 1, cut, lastVoicedAt: 80 }])
})

test('a late chunk never plays after a flush', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, end: false })
  mouth.frames(2)
  mouth.playout.flush(LANE_SAY, 1)
  mouth.say({ sayId: 1, value: 9_999 })
  mouth.frame()
  mouth.say({ sayId: 1, value: 9_999 })
  assert.equal(count(mouth.frames(20), 9_999), 0)
})

test('a flush of one lane leaves the other playing', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, lane: LANE_FLOW, samples: 480, value: 4_000 })
  mouth.say({ sayId: 2, lane: LANE_SAY, samples: 480, value: 5_000 })
  mouth.say({ sayId: 3, lane: LANE_FLOW, samples: 160, value: 6_000 })
  mouth.frame()
  mouth.playout.flush(LANE_SAY, 1)
  assert.deepEqual(mouth.take().at(-1), { kind: 'flushed', lane: LANE_SAY, epoch: 1, cut: [], lastVoicedAt: 20 })
  const frames = mouth.frames(5)
  assert.equal(count(frames, 4_000), 320)
  assert.equal(count(frames, 5_000), 0)
  assert.equal(count(frames, 6_000), 160)
})

test('what comes next follows the fade in the same frame', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, value: 5_000 })
  mouth.frames(2)
  mouth.playout.flush(LANE_SAY, 1)
  mouth.say({ sayId: 2, epoch: 1, value: -7_000 })
  const frame = mouth.frame()
  assert.equal(count([frame], -7_000), FRAME - FADE)
})

test('mute silences within a frame, keeps the queue, and goes on from the cut sample', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, samples: 800, value: 5_000 })
  mouth.frames(2)
  mouth.playout.suspend()
  const muted = mouth.frames(50)
  assert.ok(muted[0]!.slice(FADE).every((sample) => sample === 0))
  assert.ok(muted.slice(1).every((frame) => frame.every((sample) => sample === 0)))
  mouth.playout.resume()
  const sound = mouth.frames(3).flatMap((frame) => [...frame])
  assert.ok(sound.slice(0, FADE).every((sample, i) => i === 0 || sample >= sound[i - 1]!))
  assert.equal(sound.filter((sample) => sample === 5_000).length, 480 - FADE + 1)
  assert.deepEqual(mouth.take().at(-1), { kind: 'played', say: { sayId: 1, lane: LANE_SAY, samples: 800 } })
})

test('a flush while muted or halted is answered at once', () => {
  for (const quiet of ['suspend', 'halt'] as const) {
    const mouth = new Mouth()
    mouth.say({ sayId: 1 })
    mouth.frames(2)
    mouth.playout[quiet]()
    if (quiet === 'suspend') mouth.frame()
    mouth.take()
    mouth.playout.flush(LANE_SAY, 1)
    const cut = [{ sayId: 1, lane: LANE_SAY, samples: 320 }]
    const [news] = mouth.take()
    assert.deepEqual(news?.kind === 'flushed' && news.cut, cut)
  }
})

test('an empty ring in mid-say is silence that is not counted', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, samples: 200, end: false })
  const starved = mouth.frames(10)
  assert.ok(starved.slice(2).every((frame) => frame.every((sample) => sample === 0)))
  mouth.say({ sayId: 1, samples: 200 })
  mouth.frames(2)
  assert.deepEqual(mouth.take().at(-1), { kind: 'played', say: { sayId: 1, lane: LANE_SAY, samples: 400 } })
})

test('a leg that closes in mid-word tells what had left, and answers the flush that was waiting', () => {
  const mouth = new Mouth()
  mouth.say({ sayId: 1, lane: LANE_FLOW, samples: 200, end: false })
  mouth.say({ sayId: 2 })
  mouth.say({ sayId: 3 })
  mouth.frames(3)
  mouth.playout.flush(LANE_SAY, 1)
  assert.deepEqual(mouth.playout.abandon(), [{ sayId: 1, lane: LANE_FLOW, samples: 200 }])
  const flushed = mouth.take().at(-1)!
  assert.deepEqual(flushed.kind === 'flushed' && flushed.cut, [{ sayId: 2, lane: LANE_SAY, samples: 280 }])
})

test('over 1,000 random cuts every sample that left is counted, and none comes back', () => {
  const seed = 'cuts-1'
  const random = new SeededRandom(seed)
  for (let round = 0; round < 1_000; round++) {
    const mouth = new Mouth()
    const total = 1 + random.below(3_000)
    // Sample n of the say has value n + 1, so that it can be known again.
    const recordSamples = 20 + random.below(FRAME - 19)
    const ramp = Int16Array.from({ length: total }, (_, n) => n + 1)
    for (let at = 0; at < total; at += recordSamples) {
      const count = Math.min(recordSamples, total - at)
      const flags = (at === 0 ? SAY_START : 0) | (at + count === total ? SAY_END : 0)
      const header = {
        ...emptyHeader(),
        generation: 2,
        sayId: 1,
        firstSample: at,
        count,
        rateHz: 8_000,
        flags,
        lane: LANE_SAY,
      }
      assert.ok(mouth.write(header, ramp.subarray(at, at + count)))
    }
    const before = mouth.frames(random.below(25)).flatMap((frame) => [...frame])
    mouth.playout.flush(LANE_SAY, 1)
    const after = mouth.frames(3).flatMap((frame) => [...frame])
    const heard = before.filter((sample) => sample !== 0).length
    const news = mouth.take()
    const played = news.find((one) => one.kind === 'played')
    const flushed = news.find((one) => one.kind === 'flushed')
    assert.ok(flushed?.kind === 'flushed')
    const what = `seed ${seed}, round ${round}`
    if (played?.kind === 'played') {
      assert.equal(played.say.samples, heard, what)
      assert.deepEqual(flushed.cut, [], what)
    } else if (heard === 0) assert.deepEqual(flushed.cut, [], what)
    else {
      const faded = flushed.cut[0]!.samples - heard
      assert.ok(faded >= 0 && faded <= FADE, what)
      assert.ok(
        after.slice(FADE).every((sample) => sample === 0),
        what,
      )
      assert.deepEqual(before.slice(0, heard), [...ramp.subarray(0, heard)], what)
    }
  }
})
