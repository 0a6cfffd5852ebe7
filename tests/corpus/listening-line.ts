/**
 * A leg and the listening thread on a hand-moved clock: sound goes into the hearing ring in pieces of 20 ms, the thread
 * is polled after each. Time is the sound's own, so figures taken here hold on any machine.
 */

import { createLegRings, emptyHeader, RingReader, RingWriter } from '../../src/kernel/ring.ts'
import type { Detector, RecogniserPool } from '../../src/speech/listen/port.ts'
import { ListenThread } from '../../src/speech/listen/thread.ts'
import type { ListenEvent } from '../../src/speech/protocol.ts'

const RATE_HZ = 8000
const PIECE_SAMPLES = 160
const PIECE_MS = 20

export interface ListeningLineOptions {
  readonly detector: () => Detector
  readonly pool: RecogniserPool
  readonly phrases: readonly string[]
}

export class ListeningLine {
  readonly thread: ListenThread
  readonly events: ListenEvent[] = []
  readonly #writer: RingWriter
  readonly #header = { ...emptyHeader(), generation: 1, rateHz: RATE_HZ }
  /** Monotonic ms; a piece arrives when its last sample does. */
  now = 1000
  /** Position on the leg's timeline. */
  position = 0

  constructor(options: ListeningLineOptions) {
    const { hearing } = createLegRings(RATE_HZ)
    this.#writer = new RingWriter(hearing)
    this.thread = new ListenThread({
      detector: options.detector,
      pool: options.pool,
      openHearing: (buffer) => new RingReader(buffer),
      emit: (event) => this.events.push(event),
      defaultPhrases: options.phrases,
    })
    const leg = { slot: 0, generation: 1 }
    this.thread.handle(
      { kind: 'attach', ear: 1, leg, hearing, rateHz: RATE_HZ, language: 'en-US', phrases: null },
      this.now,
    )
  }

  /** Plays `pcm`; its last piece is filled up with silence. */
  play(pcm: Int16Array): void {
    for (let at = 0; at < pcm.length; at += PIECE_SAMPLES) {
      const piece = new Int16Array(PIECE_SAMPLES)
      piece.set(pcm.subarray(at, at + PIECE_SAMPLES))
      this.now += PIECE_MS
      this.push(piece)
      this.poll()
    }
  }

  /** Puts one piece into the ring without polling. */
  push(piece: Int16Array, generation = 1): void {
    this.#header.generation = generation
    this.#header.firstSample = this.position
    this.#header.count = piece.length
    this.#header.atMs = this.now
    this.position += piece.length
    this.#writer.push(this.#header, piece)
  }

  /** Time of a sample of what is played next, as `atMs` counts. */
  timeOf(sampleFromNow: number): number {
    return this.now + PIECE_MS * (Math.floor(sampleFromNow / PIECE_SAMPLES) + 1)
  }

  poll(): void {
    while (this.thread.poll(this.now) > 0) {}
  }

  /** The events since the last time, oldest first, without `load`. */
  take(): ListenEvent[] {
    return this.events.splice(0).filter((event) => event.kind !== 'load')
  }
}
