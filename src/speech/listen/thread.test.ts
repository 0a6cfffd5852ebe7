import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLegRings, emptyHeader, RingReader, RingWriter } from '../../kernel/ring.ts'
import type { PhraseList } from '../phrases.ts'
import type { ListenCommand, ListenEvent } from '../protocol.ts'
import type { Detector, Recogniser, RecogniserPool, Verdict } from './port.ts'
import { ListenThread } from './thread.ts'

const FRAME = 256
const FRAME_MS = 32
const LOUD = 8000

/** Hears speech wherever the sound is loud. */
class LoudnessDetector implements Detector {
  readonly frameSamples = FRAME
  resets = 0
  probability(frame: Int16Array): number {
    return frame.some((sample) => Math.abs(sample) > 1000) ? 0.9 : 0.1
  }
  reset(): void {
    this.resets++
  }
}

/** "Hears" the phrase whose number is the loudness: LOUD + 1 is the second phrase; LOUD + 99 none of them. */
class NumberRecogniser implements Recogniser {
  readonly primeSamples = 600
  readonly #breaks: boolean
  #phrases: PhraseList | null = null
  #loudest = 0
  constructor(breaks = false) {
    this.#breaks = breaks
  }
  begin(phrases: PhraseList): void {
    this.#phrases = phrases
    this.#loudest = 0
  }
  prime(): void {}
  feed(samples: Int16Array): void {
    for (const sample of samples) this.#loudest = Math.max(this.#loudest, sample)
    if (this.#breaks) throw new Error('memory access out of bounds')
  }
  partial(): string {
    return this.#phrases?.spoken()[this.#loudest - LOUD] ?? ''
  }
  end(): Verdict {
    const text = this.partial()
    return { text, rejected: text === '' && this.#loudest > 0 }
  }
  again(): void {}
}

class FakePool implements RecogniserPool {
  readonly free: Recogniser[]
  readonly size: number
  replaced = 0
  constructor(...recognisers: Recogniser[]) {
    this.free = recognisers
    this.size = recognisers.length
  }
  get busy(): number {
    return this.size - this.free.length
  }
  speaks(language: string): boolean {
    return language.startsWith('en')
  }
  unknownWords(phrases: PhraseList): readonly string[] {
    return phrases.words().filter((word) => word.startsWith('x'))
  }
  take(): Recogniser | null {
    return this.free.pop() ?? null
  }
  give(recogniser: Recogniser): void {
    this.free.push(recogniser)
  }
  replace(): void {
    this.replaced++
    this.free.push(new NumberRecogniser())
  }
}

class World {
  readonly pool: FakePool
  readonly thread: ListenThread
  readonly detectors: LoudnessDetector[] = []
  events: ListenEvent[] = []
  now = 5000
  readonly #writers = new Map<number, RingWriter>()
  readonly #positions = new Map<number, number>()

  constructor(pool = new FakePool(new NumberRecogniser(), new NumberRecogniser())) {
    this.pool = pool
    this.thread = new ListenThread({
      detector: () => {
        this.detectors.push(new LoudnessDetector())
        return this.detectors.at(-1)!
      },
      pool,
      openHearing: (buffer) => new RingReader(buffer),
      emit: (event) => this.events.push(event),
      defaultPhrases: ['Yes, please!', 'no thank you', 'I need help', 'i need help with my account'],
    })
  }

  handle(command: ListenCommand): void {
    this.thread.handle(command, this.now)
  }

  attach(ear: number, options: { phrases?: readonly string[]; language?: string; rateHz?: number } = {}): void {
    const { hearing } = createLegRings(8000)
    this.#writers.set(ear, new RingWriter(hearing))
    const { phrases = null, language = 'en-US', rateHz = 8000 } = options
    this.handle({ kind: 'attach', ear, leg: { slot: ear, generation: 2 }, hearing, rateHz, language, phrases })
  }

  /** One detector frame into the ring of an ear, arriving now. */
  push(ear: number, level: number, generation = 2): void {
    const position = this.#positions.get(ear) ?? 0
    const header = { ...emptyHeader(), generation, rateHz: 8000, firstSample: position, atMs: this.now }
    const samples = new Int16Array(FRAME).fill(level)
    for (let at = 0; at < FRAME; at += 128) {
      this.#writers.get(ear)!.push({ ...header, firstSample: position + at, count: 128 }, samples)
    }
    this.#positions.set(ear, position + FRAME)
  }

  /** Time passes on the leg without sound. */
  skip(ear: number, frames: number): void {
    this.#positions.set(ear, (this.#positions.get(ear) ?? 0) + frames * FRAME)
    this.now += frames * FRAME_MS
  }

  hear(ear: number, frames: number, level: number): void {
    for (let i = 0; i < frames; i++) {
      this.now += FRAME_MS
      this.push(ear, level)
      this.poll()
    }
  }

  poll(): void {
    while (this.thread.poll(this.now) > 0) {}
  }

  take(): ListenEvent[] {
    const events = this.events.filter(({ kind }) => kind !== 'load')
    this.events = []
    return events
  }
}

type Heard = Extract<ListenEvent, { kind: 'heard' }>
const kinds = (events: readonly ListenEvent[]) => events.map(({ kind }) => kind)
const heardIn = (events: readonly ListenEvent[]) => events.filter((event): event is Heard => event.kind === 'heard')

test('an utterance is told from its start to its text, with the arrival times of its sound', () => {
  const world = new World()
  world.attach(7)
  world.hear(7, 20, 0)
  const onsetAt = world.now + FRAME_MS
  world.hear(7, 20, LOUD)
  const lastVoicedAt = world.now
  world.hear(7, 20, 0)
  const events = world.take()
  assert.deepEqual(kinds(events), ['attached', 'speechStarted', 'interim', 'speechEnded', 'heard'])
  assert.deepEqual(events[1], { kind: 'speechStarted', ear: 7, utterance: 1, onsetAt, at: onsetAt + FRAME_MS })
  assert.deepEqual(events[4], {
    kind: 'heard',
    ear: 7,
    utterance: 1,
    text: 'Yes, please!',
    rejected: false,
    onsetAt,
    marks: {
      lastVoicedAt,
      detectorAt: lastVoicedAt + FRAME_MS,
      endOfTurnAt: lastVoicedAt + 320,
      endOfTurn: 'complete',
      finalAt: lastVoicedAt + 320,
    },
  })
})

test('a phrase that another one goes on from waits longer', () => {
  const world = new World()
  world.attach(1)
  world.hear(1, 20, LOUD + 2)
  const lastVoicedAt = world.now
  world.hear(1, 20, 0)
  const [heard] = heardIn(world.take())
  assert.equal(heard?.text, 'I need help')
  assert.equal(heard?.marks.endOfTurn, 'extensible')
  assert.equal(heard?.marks.endOfTurnAt, lastVoicedAt + 512)
})

test('speech outside the phrases is rejected, never guessed', () => {
  const world = new World()
  world.attach(1)
  world.hear(1, 20, LOUD + 99)
  world.hear(1, 20, 0)
  const [heard] = heardIn(world.take())
  assert.equal(heard?.text, '')
  assert.equal(heard?.rejected, true)
  assert.equal(heard?.marks.endOfTurn, 'silence')
})

test('a result made in a silence is thrown away when the caller goes on', () => {
  const world = new World()
  world.attach(1)
  world.hear(1, 15, LOUD)
  world.hear(1, 8, 0)
  world.hear(1, 15, LOUD + 1)
  world.hear(1, 20, 0)
  assert.deepEqual(
    heardIn(world.take()).map(({ text }) => text),
    ['no thank you'],
  )
})

test('a click is not speech', () => {
  const world = new World()
  world.attach(1)
  world.hear(1, 1, LOUD)
  world.hear(1, 30, 0)
  assert.deepEqual(kinds(world.take()), ['attached'])
})

test('each ear has its own phrases, and new ones count from the next utterance', () => {
  const world = new World()
  world.attach(1, { phrases: ['red'] })
  world.attach(2, { phrases: ['green', 'xylo phone'] })
  const attached = world.take()
  assert.deepEqual(attached.at(-1), { kind: 'phrasesSet', ear: 2, count: 2, unknownWords: ['xylo'] })
  world.hear(1, 10, LOUD)
  world.handle({ kind: 'setPhrases', ear: 1, phrases: ['blue'] })
  world.hear(1, 20, 0)
  world.hear(1, 10, LOUD)
  world.hear(1, 20, 0)
  const events = world.take()
  assert.deepEqual(
    heardIn(events).map(({ text, utterance }) => [utterance, text]),
    [
      [1, 'red'],
      [2, 'blue'],
    ],
  )
  assert.ok(events.some((event) => event.kind === 'phrasesSet' && event.unknownWords.length === 0))
})

test('what cannot be listened to is refused', () => {
  const world = new World()
  world.attach(1, { language: 'ko-KR' })
  world.attach(2, { rateHz: 16_000 })
  world.attach(3)
  world.attach(3)
  assert.deepEqual(kinds(world.take()), ['attachFailed', 'attachFailed', 'attached', 'attachFailed'])
})

test('records of an older call on the same slot are not heard', () => {
  const world = new World()
  world.attach(1)
  for (let i = 0; i < 20; i++) world.push(1, LOUD, 1)
  world.poll()
  assert.deepEqual(kinds(world.take()), ['attached'])
})

test('a hole in the sound ends an utterance; what comes after is another', () => {
  const world = new World()
  world.attach(1)
  world.hear(1, 15, LOUD)
  world.skip(1, 50)
  world.hear(1, 15, LOUD + 1)
  world.hear(1, 20, 0)
  const events = world.take()
  assert.deepEqual(
    heardIn(events).map(({ text }) => text),
    ['Yes, please!', 'no thank you'],
  )
  assert.equal(world.detectors[0]?.resets, 1)
})

test('a small hole is part of the utterance', () => {
  const world = new World()
  world.attach(1)
  world.hear(1, 15, LOUD)
  world.skip(1, 4)
  world.hear(1, 15, LOUD)
  world.hear(1, 20, 0)
  assert.equal(heardIn(world.take()).length, 1)
})

test('sound that stops coming ends the utterance after a second', () => {
  const world = new World()
  world.attach(1)
  world.hear(1, 15, LOUD)
  world.now += 999
  world.poll()
  assert.equal(heardIn(world.take()).length, 0)
  world.now += 1
  world.poll()
  assert.equal(heardIn(world.take())[0]?.text, 'Yes, please!')
})

test('finishing recognises what is in the ring, then lets go', () => {
  const world = new World()
  world.attach(1)
  for (let i = 0; i < 15; i++) world.push(1, LOUD)
  world.handle({ kind: 'detach', ear: 1, finish: true })
  world.poll()
  const events = world.take()
  assert.deepEqual(kinds(events).slice(-3), ['speechEnded', 'heard', 'detached'])
  assert.equal(heardIn(events)[0]?.text, 'Yes, please!')
  assert.equal(heardIn(events)[0]?.marks.endOfTurn, 'finish')
})

test('letting go at once still ends what began', () => {
  const world = new World()
  world.attach(1)
  world.hear(1, 15, LOUD)
  world.handle({ kind: 'detach', ear: 1, finish: false })
  const events = world.take()
  assert.deepEqual(kinds(events).slice(-3), ['speechEnded', 'heard', 'detached'])
  assert.equal(heardIn(events)[0]?.text, '')
  assert.equal(world.pool.busy, 0)
  world.hear(1, 20, LOUD)
  assert.deepEqual(world.take(), [])
})

test('shutting down lets go of every ear', () => {
  const world = new World()
  world.attach(1)
  world.attach(2)
  world.handle({ kind: 'shutDown' })
  assert.deepEqual(kinds(world.take()), ['attached', 'attached', 'detached', 'detached'])
  assert.equal(world.thread.isOpen, false)
  world.attach(3)
  assert.deepEqual(kinds(world.take()), ['attachFailed'])
})

test('with all recognisers busy the sound waits, and loses nothing', () => {
  const world = new World(new FakePool(new NumberRecogniser()))
  world.attach(1)
  world.attach(2)
  for (let i = 0; i < 20; i++) {
    world.now += FRAME_MS
    world.push(1, LOUD)
    world.push(2, LOUD + 1)
    world.poll()
  }
  for (let i = 0; i < 20; i++) {
    world.now += FRAME_MS
    world.push(1, 0)
    world.push(2, 0)
    world.poll()
  }
  assert.deepEqual(
    heardIn(world.take()).map(({ ear, text }) => [ear, text]),
    [
      [1, 'Yes, please!'],
      [2, 'no thank you'],
    ],
  )
})

test('a recogniser that breaks costs its own utterance only, and is replaced', () => {
  const world = new World(new FakePool(new NumberRecogniser(), new NumberRecogniser(true)))
  world.attach(1)
  world.attach(2)
  for (let i = 0; i < 40; i++) {
    world.now += FRAME_MS
    world.push(1, i < 20 ? LOUD : 0)
    world.push(2, i < 20 ? LOUD + 1 : 0)
    world.poll()
  }
  const heard = heardIn(world.take())
  assert.deepEqual(heard.map(({ ear, text, rejected }) => [ear, text, rejected]).sort(), [
    [1, '', false],
    [2, 'no thank you', false],
  ])
  assert.equal(world.pool.replaced, 1)
  world.hear(1, 15, LOUD)
  world.hear(1, 20, 0)
  assert.equal(heardIn(world.take())[0]?.text, 'Yes, please!')
})

test('every start has one end and one text, whatever the sound', () => {
  const world = new World()
  world.attach(1)
  let seed = 12_345
  for (let i = 0; i < 3000; i++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    if (seed % 211 === 0) world.skip(1, seed % 90)
    world.hear(1, 1, seed % 37 < 14 + 20 * Math.sin(i / 40) ? LOUD + (seed % 5) : 0)
  }
  world.handle({ kind: 'detach', ear: 1, finish: true })
  world.poll()
  const events = world.take()
  const numbers = (kind: string) =>
    events.flatMap((event) => (event.kind === kind && 'utterance' in event ? [event.utterance] : []))
  assert.ok(numbers('speechStarted').length > 10)
  assert.deepEqual(numbers('speechEnded'), numbers('speechStarted'))
  assert.deepEqual(numbers('heard'), numbers('speechStarted'))
})

test('lost records are told at most once a second', () => {
  const world = new World()
  world.attach(1)
  for (let i = 0; i < 300; i++) world.push(1, 0)
  world.poll()
  world.poll()
  for (let i = 0; i < 300; i++) world.push(1, 0)
  world.poll()
  assert.deepEqual(kinds(world.take()), ['attached', 'dropped'])
  world.now += 1000
  world.poll()
  assert.deepEqual(kinds(world.take()), ['dropped'])
})

test('the load is told once a second while somebody is listened to', () => {
  const world = new World()
  world.now += 5000
  world.poll()
  assert.equal(world.events.length, 0)
  world.attach(1)
  world.hear(1, Math.ceil(2500 / FRAME_MS), 0)
  const loads = world.events.filter(({ kind }) => kind === 'load')
  assert.equal(loads.length, 2)
  assert.deepEqual(loads[0], { kind: 'load', busyShare: 0, waitP99Ms: 0, decodersBusy: 0, decoders: 2 })
})
