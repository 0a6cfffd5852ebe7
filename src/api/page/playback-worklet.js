/** Plays received frames on the audio thread. */

import { PlaybackQueue } from './playback-queue.js'

class Playback extends AudioWorkletProcessor {
  constructor() {
    super()
    this.queue = new PlaybackQueue(sampleRate)
    this.port.onmessage = ({ data }) => this.queue.push(data)
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, outputs) {
    const [first, ...others] = outputs[0]
    this.queue.pull(first)
    for (const other of others) other.set(first)
    return true
  }
}

registerProcessor('playback', Playback)
