/** The browser's loudspeaker and microphone. */

import { PlaybackQueue } from './playback-queue.js'

const SCRIPT_BLOCK = 1_024
/** A frame with a louder sample than this has a voice in it. */
const VOICED_PEAK = 600
const VOICE_HANGOVER_MS = 350

/** Whether this browser lets this page use a microphone at all: over https, or on this very machine. */
export function mayUseMicrophone() {
  return window.isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia)
}

/** Plays what the far end says. Has to be opened by a click: browsers keep pages silent until then. */
export class Loudspeaker {
  /** @returns {Promise<Loudspeaker>} */
  static async open() {
    const context = new AudioContext({ latencyHint: 'interactive' })
    await context.resume()
    const speaker = new Loudspeaker(context)
    speaker.push = context.audioWorklet ? await workletPlayer(context) : scriptPlayer(context)
    return speaker
  }

  /** @param {AudioContext} context */
  constructor(context) {
    this.context = context
    this.voicedUntil = 0
    /** @type {(pcm8k: Int16Array) => void} */
    this.push = () => {}
  }

  /** @param {Int16Array} pcm8k one received frame; it is the loudspeaker's from now on */
  play(pcm8k) {
    if (pcm8k.some((sample) => Math.abs(sample) > VOICED_PEAK)) this.voicedUntil = performance.now() + VOICE_HANGOVER_MS
    this.push(pcm8k)
  }

  /** Whether a voice is coming from the far end just now. */
  get isVoiced() {
    return performance.now() < this.voicedUntil
  }

  tone() {
    const { context } = this
    const gain = new GainNode(context, { gain: 0 })
    const oscillator = new OscillatorNode(context, { frequency: 440 })
    oscillator.connect(gain).connect(context.destination)
    const now = context.currentTime
    gain.gain.linearRampToValueAtTime(0.15, now + 0.03)
    gain.gain.setValueAtTime(0.15, now + 0.7)
    gain.gain.linearRampToValueAtTime(0, now + 0.8)
    oscillator.start(now)
    oscillator.stop(now + 0.85)
  }

  close() {
    void this.context.close()
  }
}

/** @param {AudioContext} context */
async function workletPlayer(context) {
  await context.audioWorklet.addModule('/page/playback-worklet.js')
  const node = new AudioWorkletNode(context, 'playback', { numberOfInputs: 0, outputChannelCount: [2] })
  node.connect(context.destination)
  return (/** @type {Int16Array} */ pcm8k) => node.port.postMessage(pcm8k, [pcm8k.buffer])
}

/**
 * Worklets exist only where microphones do; over plain http the older node still plays.
 * @param {AudioContext} context
 */
function scriptPlayer(context) {
  const queue = new PlaybackQueue(context.sampleRate)
  const node = context.createScriptProcessor(SCRIPT_BLOCK, 0, 1)
  node.onaudioprocess = ({ outputBuffer }) => queue.pull(outputBuffer.getChannelData(0))
  node.connect(context.destination)
  return (/** @type {Int16Array} */ pcm8k) => queue.push(pcm8k)
}

/** The microphone as frames of 20 ms at 8 kHz, with the browser's echo cancellation on. */
export class Microphone {
  /**
   * Asks for permission. Rejects with the browser's own error when it is refused.
   *
   * @param {(pcm8k: Int16Array) => void} onFrame
   * @returns {Promise<Microphone>}
   */
  static async open(onFrame) {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 }
    const stream = await navigator.mediaDevices.getUserMedia({ audio })
    const context = new AudioContext({ latencyHint: 'interactive' })
    await context.audioWorklet.addModule('/page/capture-worklet.js')
    const node = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 1 })
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(node).connect(context.destination)
    node.port.onmessage = ({ data }) => onFrame(data)
    return new Microphone(stream, context)
  }

  /**
   * @param {MediaStream} stream
   * @param {AudioContext} context
   */
  constructor(stream, context) {
    this.stream = stream
    this.context = context
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop()
    void this.context.close()
  }
}

/**
 * @param {Int16Array} pcm
 * @returns {number} 0 to 1, even to the ear
 */
export function loudness(pcm) {
  const power = pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length
  return Math.max(0, Math.min(1, 1 + Math.log10(power / 32_768 ** 2 + 1e-6) / 6))
}
