/**
 * Sound between threads: one producer, one consumer, fixed-size records in a SharedArrayBuffer. No locks, no allocation
 * per record. Either side may die at any moment and be replaced: a half-written record is never published, and every
 * record carries the generation of the leg it belongs to.
 *
 * ```
 * int32 words     0 magic | 1 records | 2 samples per record | 3 policy | 4 dropped | 16 head | 32 tail | 48 records ...
 * record words    0 slot | 1 generation | 2 epoch | 3 say id | 4 first sample | 5 count | 6 rate | 7 flags
 *                 8, 9 atMs (float64) | 10 lane | 11 spare | 12 ... int16 samples
 * ```
 * Head and tail are on cache lines of their own. They count records up to `span`, a multiple of the capacity, and start
 * again at 0; so equal means empty, and a number comes back only after 2^30 records or more.
 */

import type { LegRings } from '../media/protocol.ts'
import type { Millis } from './clock.ts'

/** A ring's memory: all of a buffer, or a part of one. Shared by sending it to another thread. */
export type RingBuffer = SharedArrayBuffer | Int32Array<SharedArrayBuffer>

/** What a producer does when the ring is full: `dropOldest` makes room (and counts), `refuse` answers false. */
export type RingPolicy = 'dropOldest' | 'refuse'

/** The first record of a say. */
export const SAY_START = 1
/** The last record of a say; it may hold no samples. */
export const SAY_END = 2
/** Silence put in by us because nothing was received for this stretch of the timeline. */
export const FILLED = 4

/** One record without its samples. Owned by the caller and reused. Integers are 32 bits. */
export interface RecordHeader {
  /** Leg slot and its generation: a record of an older generation is a left-over of another call. */
  slot: number
  generation: number
  /** Play-out: the lane's epoch when the say was asked for. Hearing: counts how often hearing was switched on. */
  epoch: number
  /** Play-out only. */
  sayId: number
  /** Place of the first sample on the leg's hearing timeline, or within its say. Wraps after 2^32 samples (149 h at 8 kHz). */
  firstSample: number
  /** Samples in this record, 0 up to what the ring was created for. */
  count: number
  rateHz: number
  /** SAY_START, SAY_END, FILLED. */
  flags: number
  /** Monotonic ms: when the frame arrived, or was rendered. */
  atMs: Millis
  lane: number
}

/** Most samples a record can hold: 20 ms at 16 kHz. */
export const MAX_RECORD_SAMPLES = 320
/** Length of a full record. */
export const RECORD_MS = 20
export const HEARING_RING_MS = 8_000
export const PLAYOUT_RING_MS = 4_000

const MAGIC = 0x51_52_4e_47
const RECORDS = 1
const SAMPLES = 2
const POLICY = 3
const DROPPED = 4
const HEAD = 16
const TAIL = 32
const FIRST_RECORD = 48
const HEADER_WORDS = 12
const INDEX_LIMIT = 2 ** 31

const POLICIES: readonly RingPolicy[] = ['dropOldest', 'refuse']

/**
 * An empty ring.
 * @param records how many records it holds, at least 1
 * @param samplesPerRecord room per record, at most MAX_RECORD_SAMPLES
 */
export function createRing(
  records: number,
  policy: RingPolicy = 'refuse',
  samplesPerRecord: number = MAX_RECORD_SAMPLES,
): SharedArrayBuffer {
  if (!(Number.isInteger(records) && records >= 1)) throw new RangeError(`a ring of ${records} records`)
  if (!(samplesPerRecord >= 1 && samplesPerRecord <= MAX_RECORD_SAMPLES)) {
    throw new RangeError(`a ring with ${samplesPerRecord} samples per record`)
  }
  const buffer = new SharedArrayBuffer(wordsOf(records, samplesPerRecord) * 4)
  format(new Int32Array(buffer), records, policy, samplesPerRecord)
  return buffer
}

/** Even, like those of its records: rings can follow each other in one memory. */
function wordsOf(records: number, samplesPerRecord: number): number {
  return FIRST_RECORD + records * recordWords(samplesPerRecord)
}

function format(
  words: Int32Array<SharedArrayBuffer>,
  records: number,
  policy: RingPolicy,
  samplesPerRecord: number,
): Int32Array<SharedArrayBuffer> {
  words[RECORDS] = records
  words[SAMPLES] = samplesPerRecord
  words[POLICY] = POLICIES.indexOf(policy)
  Atomics.store(words, 0, MAGIC)
  return words
}

/** The two rings of a leg, with records of RECORD_MS at `rateHz` (8,000 or 16,000). */
export function createLegRings(rateHz: number): LegRings {
  return createManyLegRings(rateHz, 1)[0]!
}

/**
 * Rings of several legs in one piece of memory. The system gives a large piece without touching it: what a leg never uses,
 * as the hearing ring of a call that nobody listens to, costs nothing then.
 */
export function createManyLegRings(rateHz: number, legs: number): LegRings[] {
  const samples = (rateHz * RECORD_MS) / 1000
  const hearing = wordsOf(HEARING_RING_MS / RECORD_MS, samples)
  const playout = wordsOf(PLAYOUT_RING_MS / RECORD_MS, samples)
  const memory = new SharedArrayBuffer(legs * (hearing + playout) * 4)
  return Array.from({ length: legs }, (_, leg) => {
    const at = leg * (hearing + playout)
    return {
      hearing: format(new Int32Array(memory, at * 4, hearing), HEARING_RING_MS / RECORD_MS, 'dropOldest', samples),
      playout: format(
        new Int32Array(memory, (at + hearing) * 4, playout),
        PLAYOUT_RING_MS / RECORD_MS,
        'refuse',
        samples,
      ),
    }
  })
}

/** A header with every field 0. */
export function emptyHeader(): RecordHeader {
  return {
    slot: 0,
    generation: 0,
    epoch: 0,
    sayId: 0,
    firstSample: 0,
    count: 0,
    rateHz: 0,
    flags: 0,
    atMs: 0,
    lane: 0,
  }
}

/** Even, so that the float64 of every record is aligned. */
function recordWords(samplesPerRecord: number): number {
  return HEADER_WORDS + 2 * Math.ceil(samplesPerRecord / 4)
}

class RingMemory {
  readonly words: Int32Array
  readonly shorts: Int16Array
  readonly floats: Float64Array
  readonly capacity: number
  readonly samplesPerRecord: number
  readonly policy: RingPolicy
  /** Head and tail count modulo this. */
  readonly span: number
  readonly #recordWords: number

  constructor(ring: RingBuffer) {
    const isPart = ring instanceof Int32Array
    const buffer = isPart ? ring.buffer : ring
    const [at, bytes] = isPart ? [ring.byteOffset, ring.byteLength] : [0, ring.byteLength]
    this.words = new Int32Array(buffer, at, bytes / 4)
    this.shorts = new Int16Array(buffer, at, bytes / 2)
    this.floats = new Float64Array(buffer, at, bytes / 8)
    if (Atomics.load(this.words, 0) !== MAGIC) throw new TypeError('not a ring')
    this.capacity = this.words[RECORDS]!
    this.samplesPerRecord = this.words[SAMPLES]!
    this.policy = POLICIES[this.words[POLICY]!]!
    this.span = this.capacity * Math.floor(INDEX_LIMIT / this.capacity)
    this.#recordWords = recordWords(this.samplesPerRecord)
  }

  /** Index of the record's first word. */
  at(index: number): number {
    return FIRST_RECORD + (index % this.capacity) * this.#recordWords
  }

  after(index: number): number {
    return index + 1 === this.span ? 0 : index + 1
  }

  distance(tail: number, head: number): number {
    return head >= tail ? head - tail : head - tail + this.span
  }
}

/** The producer's end. At most one at a time; a new one goes on where the last one stopped. */
export class RingWriter {
  readonly #memory: RingMemory
  #dropped = 0

  /** @throws TypeError when `buffer` was not made by `createRing` */
  constructor(buffer: RingBuffer) {
    this.#memory = new RingMemory(buffer)
  }

  /** Records this writer dropped to make room. Always 0 with `refuse`. */
  get dropped(): number {
    return this.#dropped
  }

  get capacity(): number {
    return this.#memory.capacity
  }

  /** How many records can be pushed before the ring is full. */
  room(): number {
    const { words, capacity } = this.#memory
    return capacity - this.#memory.distance(Atomics.load(words, TAIL), Atomics.load(words, HEAD))
  }

  /**
   * Appends `header` and the first `header.count` of `samples`.
   * @returns false when the ring is full and its policy is `refuse`
   * @throws RangeError when the record is too small for `count`
   */
  push(header: RecordHeader, samples: Int16Array): boolean {
    const memory = this.#memory
    const { words } = memory
    const { count } = header
    if (!(count >= 0 && count <= memory.samplesPerRecord && count <= samples.length)) {
      throw new RangeError(`a record of ${count} samples`)
    }
    const head = Atomics.load(words, HEAD)
    for (;;) {
      const tail = Atomics.load(words, TAIL)
      if (memory.distance(tail, head) < memory.capacity) break
      if (memory.policy === 'refuse') return false
      this.#drop(tail)
    }
    const at = memory.at(head)
    writeHeader(memory, at, header)
    const { shorts } = memory
    const first = (at + HEADER_WORDS) * 2
    for (let i = 0; i < count; i++) shorts[first + i] = samples[i]!
    Atomics.store(words, HEAD, memory.after(head))
    return true
  }

  /**
   * Fails, and that is fine, when the reader has just taken that record: then there is room. `tail` is the very value
   * the ring was found full with; a later one might already be the end of an empty ring.
   */
  #drop(tail: number): void {
    const { words } = this.#memory
    if (Atomics.compareExchange(words, TAIL, tail, this.#memory.after(tail)) !== tail) return
    this.#dropped++
    Atomics.add(words, DROPPED, 1)
  }
}

/** The consumer's end. At most one at a time; a new one goes on where the last one stopped. */
export class RingReader {
  readonly #memory: RingMemory
  #droppedTold: number

  /** @throws TypeError when `buffer` was not made by `createRing` */
  constructor(buffer: RingBuffer) {
    this.#memory = new RingMemory(buffer)
    this.#droppedTold = Atomics.load(this.#memory.words, DROPPED)
  }

  /**
   * Takes the oldest record.
   * @param header receives everything but the samples
   * @param samples receives `header.count` samples; MAX_RECORD_SAMPLES is always long enough
   * @returns false when the ring is empty; `header` and `samples` are then undefined
   */
  pop(header: RecordHeader, samples: Int16Array): boolean {
    const memory = this.#memory
    const { words, shorts } = memory
    for (;;) {
      const tail = Atomics.load(words, TAIL)
      if (tail === Atomics.load(words, HEAD)) return false
      const at = memory.at(tail)
      readHeader(memory, at, header)
      const first = (at + HEADER_WORDS) * 2
      const count = Math.min(header.count, samples.length)
      for (let i = 0; i < count; i++) samples[i] = shorts[first + i]!
      // Fails when the producer dropped this record meanwhile: what was read may be torn, and is thrown away.
      if (Atomics.compareExchange(words, TAIL, tail, memory.after(tail)) === tail) return true
    }
  }

  /** Records that wait. */
  depth(): number {
    const { words, capacity } = this.#memory
    const tail = Atomics.load(words, TAIL)
    // The producer may push and drop between the two looks.
    return Math.min(this.#memory.distance(tail, Atomics.load(words, HEAD)), capacity)
  }

  /** Records dropped by the producer since the last time this was asked. */
  takeDropped(): number {
    const dropped = Atomics.load(this.#memory.words, DROPPED)
    const since = (dropped - this.#droppedTold) | 0
    this.#droppedTold = dropped
    return since
  }
}

function writeHeader(memory: RingMemory, at: number, header: RecordHeader): void {
  const { words } = memory
  words[at] = header.slot
  words[at + 1] = header.generation
  words[at + 2] = header.epoch
  words[at + 3] = header.sayId
  words[at + 4] = header.firstSample
  words[at + 5] = header.count
  words[at + 6] = header.rateHz
  words[at + 7] = header.flags
  memory.floats[(at + 8) >> 1] = header.atMs
  words[at + 10] = header.lane
}

function readHeader(memory: RingMemory, at: number, header: RecordHeader): void {
  const { words } = memory
  header.slot = words[at]!
  header.generation = words[at + 1]!
  header.epoch = words[at + 2]!
  header.sayId = words[at + 3]!
  header.firstSample = words[at + 4]! >>> 0
  header.count = words[at + 5]!
  header.rateHz = words[at + 6]!
  header.flags = words[at + 7]!
  header.atMs = memory.floats[(at + 8) >> 1]!
  header.lane = words[at + 10]!
}
