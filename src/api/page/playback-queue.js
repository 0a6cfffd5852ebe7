/**
 * Evens out the arrival of received frames: waits for a little sound before it begins, waits a little longer after each
 * time it ran dry, and throws away what has piled up behind a stall.
 */

import { Resampler } from './resampler.js'

const WIRE_RATE_HZ = 8_000
const FIRST_DEPTH_MS = 60
const MOST_DEPTH_MS = 160
const DEPTH_STEP_MS = 20
/** More waiting than the wanted depth and this is not played any more. */
const TOLERANCE_MS = 200

export class PlaybackQueue {
  /** @param {number} rateHz of the sound card */
  constructor(rateHz) {
    this.perMs = rateHz / 1_000
    this.resampler = new Resampler(WIRE_RATE_HZ, rateHz)
    /** @type {Float32Array[]} */
    this.pieces = []
    /** Samples of the first piece that have been played. */
    this.played = 0
    this.waiting = 0
    this.depthMs = FIRST_DEPTH_MS
    this.isPlaying = false
  }

  /** @param {Int16Array} pcm8k */
  push(pcm8k) {
    const piece = this.resampler.process(Float32Array.from(pcm8k, (sample) => sample / 32_768))
    this.pieces.push(piece)
    this.waiting += piece.length
    if (this.waiting > (this.depthMs + TOLERANCE_MS) * this.perMs) this.skip(this.waiting - this.depthMs * this.perMs)
  }

  /** @param {Float32Array} out filled to its end, with silence where there is no sound */
  pull(out) {
    out.fill(0)
    if (!this.isPlaying && this.waiting < this.depthMs * this.perMs) return
    this.isPlaying = true
    let at = 0
    while (at < out.length && this.pieces.length > 0) at += this.take(out, at)
    if (at < out.length) this.ranDry()
  }

  /**
   * @param {Float32Array} out
   * @param {number} at
   */
  take(out, at) {
    const piece = this.pieces[0]
    const some = piece.subarray(this.played, this.played + out.length - at)
    out.set(some, at)
    this.forward(some.length)
    return some.length
  }

  /** @param {number} samples */
  skip(samples) {
    for (let left = Math.floor(samples); left > 0 && this.pieces.length > 0; ) {
      const some = Math.min(left, this.pieces[0].length - this.played)
      this.forward(some)
      left -= some
    }
  }

  /** @param {number} samples of the first piece */
  forward(samples) {
    this.played += samples
    this.waiting -= samples
    if (this.played < this.pieces[0].length) return
    this.pieces.shift()
    this.played = 0
  }

  ranDry() {
    this.isPlaying = false
    this.depthMs = Math.min(MOST_DEPTH_MS, this.depthMs + DEPTH_STEP_MS)
  }
}
