/** The sound of one say on its way into the play-out ring, as records of one frame each, from SAY_START to SAY_END. */

import type { Millis } from '../../kernel/clock.ts'
import { type RecordHeader, type RingWriter, SAY_END, SAY_START } from '../../kernel/ring.ts'
import type { Lane, LegRef } from '../../media/protocol.ts'

/** What `utter` and `play` have in common. */
export interface SayCommand {
  readonly leg: LegRef
  readonly lane: Lane
  readonly epoch: number
  readonly sayId: number
  readonly askedAt: Millis
}

/** The writing end of a leg's play-out ring. */
export type SoundSink = Pick<RingWriter, 'push'>

const FRAMES_PER_SECOND = 50

export class SayWriter {
  readonly #rateHz: number
  readonly #frame: Int16Array
  readonly #record: RecordHeader
  /** Sound not written yet; `#offset` samples of the first piece are. */
  readonly #pieces: Int16Array[] = []
  #offset = 0
  #totalSamples = 0
  #writtenSamples = 0
  #hasBegun = false
  #hasEnded = false

  constructor(command: SayCommand, rateHz: number) {
    this.#rateHz = rateHz
    this.#frame = new Int16Array(rateHz / FRAMES_PER_SECOND)
    this.#record = {
      slot: command.leg.slot,
      generation: command.leg.generation,
      epoch: command.epoch,
      sayId: command.sayId,
      firstSample: 0,
      count: 0,
      rateHz,
      flags: 0,
      atMs: 0,
      lane: command.lane,
    }
  }

  /** Every record is in the ring. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Of the sound appended so far. */
  get totalSamples(): number {
    return this.#totalSamples
  }

  /** Sound appended and not yet written. */
  get waitingMs(): number {
    return ((this.#totalSamples - this.#writtenSamples) * 1000) / this.#rateHz
  }

  /** @param samples never written to again */
  append(samples: Int16Array): void {
    if (samples.length > 0) this.#pieces.push(samples)
    this.#totalSamples += samples.length
  }

  /**
   * Writes what fits.
   * @param isComplete nothing more will be appended. Until then a frame that is not full waits; the last one may be
   *   short or, when there is nothing left, empty
   */
  pump(sink: SoundSink, isComplete: boolean, now: Millis): void {
    while (!this.#hasEnded) {
      const waiting = this.#totalSamples - this.#writtenSamples
      if (waiting < this.#frame.length && !isComplete) return
      const count = Math.min(waiting, this.#frame.length)
      if (!this.#write(sink, count, isComplete && count === waiting, now)) return
    }
  }

  #write(sink: SoundSink, count: number, isLast: boolean, now: Millis): boolean {
    const record = this.#record
    record.firstSample = this.#writtenSamples
    record.count = count
    record.flags = (this.#hasBegun ? 0 : SAY_START) | (isLast ? SAY_END : 0)
    record.atMs = now
    this.#peek(count)
    if (!sink.push(record, this.#frame)) return false
    this.#advance(count)
    this.#hasBegun = true
    this.#hasEnded = isLast
    return true
  }

  /** Fills the frame without taking the samples away: the ring may refuse them. */
  #peek(count: number): void {
    let filled = 0
    for (let p = 0, from = this.#offset; filled < count; p++, from = 0) {
      const piece = this.#pieces[p]!
      const part = piece.subarray(from, from + count - filled)
      this.#frame.set(part, filled)
      filled += part.length
    }
  }

  #advance(count: number): void {
    this.#writtenSamples += count
    this.#offset += count
    while (this.#pieces[0] && this.#offset >= this.#pieces[0].length) {
      this.#offset -= this.#pieces[0].length
      this.#pieces.shift()
    }
  }
}
