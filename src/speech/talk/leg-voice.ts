/** What one leg has to say, in order over both lanes, and how long its sound will last. */

import type { Millis } from '../../kernel/clock.ts'
import type { Lane, LegRef } from '../../media/protocol.ts'
import { SENTENCE_PAUSE_MS } from '../sentences.ts'
import type { SoundSink } from './say-writer.ts'
import type { Spoken } from './spoken.ts'

/** Sound that waits outside the ring; more would be rendered for nothing when the caller interrupts. */
const AHEAD_MS = 2_000

export class LegVoice {
  readonly leg: LegRef
  readonly rateHz: number
  readonly #sink: SoundSink
  #utterances: Spoken[] = []
  readonly #epochs: [number, number] = [0, 0]
  /** When the sound rendered so far will have been played, if nothing held it up. */
  #soundEndsAt: Millis = 0

  constructor(leg: LegRef, rateHz: number, sink: SoundSink) {
    this.leg = leg
    this.rateHz = rateHz
    this.#sink = sink
  }

  get queued(): number {
    return this.#utterances.length
  }

  isStale(lane: Lane, epoch: number): boolean {
    return epoch < this.#epochs[lane]
  }

  add(utterance: Spoken): void {
    this.#utterances.push(utterance)
  }

  /** Forgets what was asked for in `lane` before `epoch`. */
  drop(lane: Lane, epoch: number, now: Millis): void {
    this.#epochs[lane] = Math.max(this.#epochs[lane], epoch)
    this.#utterances = this.#utterances.filter(({ command }) => !this.isStale(command.lane, command.epoch))
    this.#soundEndsAt = now + this.#waitingMs()
  }

  /** The utterance of which more is to be rendered next, or null: nothing left, or enough is ready. */
  next(): Spoken | null {
    if (this.#waitingMs() >= AHEAD_MS) return null
    return this.#utterances.find((utterance) => utterance.hasMore) ?? null
  }

  /** When the next clause is needed: at once when nothing sounds, else when the sound before it runs out. */
  deadline(utterance: Spoken): Millis {
    return Math.max(utterance.command.askedAt, this.#soundEndsAt)
  }

  /** Silence due before an utterance: a sentence's pause when another still sounds, so that they do not run together. */
  leadMs(now: Millis): number {
    return this.#soundEndsAt > now ? SENTENCE_PAUSE_MS : 0
  }

  rendered(samples: number, at: Millis): void {
    this.#soundEndsAt = Math.max(this.#soundEndsAt, at) + (samples * 1000) / this.rateHz
  }

  /** Moves sound into the ring, as much as it takes. */
  pump(now: Millis): void {
    for (let head = this.#utterances[0]; head; head = this.#utterances[0]) {
      head.pump(this.#sink, now)
      if (!head.hasEnded) return
      this.#utterances.shift()
    }
  }

  #waitingMs(): number {
    return this.#utterances.reduce((sum, utterance) => sum + utterance.waitingMs, 0)
  }
}
