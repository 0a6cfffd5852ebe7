/** Turns the microphone into frames of 20 ms at 8 kHz on the audio thread. */

import { Resampler } from './resampler.js'

const WIRE_RATE_HZ = 8_000
const FRAME_SAMPLES = 160

class Capture extends AudioWorkletProcessor {
  constructor() {
    super()
    this.resampler = new Resampler(sampleRate, WIRE_RATE_HZ)
    this.frame = new Int16Array(FRAME_SAMPLES)
    this.filled = 0
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const channel = inputs[0][0]
    if (channel) for (const sample of this.resampler.process(channel)) this.add(sample)
    return true
  }

  /** @param {number} sample */
  add(sample) {
    this.frame[this.filled++] = Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767)))
    if (this.filled < FRAME_SAMPLES) return
    this.port.postMessage(this.frame, [this.frame.buffer])
    this.frame = new Int16Array(FRAME_SAMPLES)
    this.filled = 0
  }
}

registerProcessor('capture', Capture)
