/** What sounds while there is nothing else: tones of the telephone network, and a quiet tune of our own. */

import { addSine } from '../audio/tone.ts'
import type { Background } from './protocol.ts'

/** Of each of the two sines of a call progress tone: together about -20 dB of full scale. */
const TONE_AMPLITUDE = 3_200
/** Mean level of the tune: -26 dB of full scale. */
const MUSIC_LEVEL = 32_768 * 10 ** (-26 / 20)
const BEAT_MS = 400
/** A plucked note ends after so many of its halvings, when nobody hears it any more. */
const HALVINGS = 6.5

/** Four bars of broken chords, as semitones above A of 220 Hz: C, A minor, F, G. A rise and a fall in each. */
const BARS: readonly (readonly number[])[] = [
  [3, 7, 10, 15, 19, 15, 10, 7],
  [0, 3, 7, 12, 15, 12, 7, 3],
  [-4, 0, 3, 8, 12, 8, 3, 0],
  [-2, 2, 5, 10, 14, 10, 5, 2],
]
const LOWEST_HZ = 220

const loops = new Map<string, Int16Array>()

/** A sound to be played round and round. Made once for all legs; not to be written to. */
export function backgroundLoop(sound: Exclude<Background, 'none'>, rateHz: number): Int16Array {
  const name = `${sound} ${rateHz}`
  const known = loops.get(name)
  if (known) return known
  const made = sound === 'music' ? music(rateHz) : progressTone(sound, rateHz)
  loops.set(name, made)
  return made
}

/** Makes all of them, so that no call waits for it. */
export function prepareBackgrounds(rateHz: number): void {
  for (const sound of ['music', 'ringback', 'busy'] as const) backgroundLoop(sound, rateHz)
}

/** ITU-T E.180 supplement 2, North America. All periods hold whole cycles, so that the loop has no seam. */
function progressTone(sound: 'ringback' | 'busy', rateHz: number): Int16Array {
  const { hz, onMs, offMs } =
    sound === 'ringback' ? { hz: [440, 480], onMs: 2_000, offMs: 4_000 } : { hz: [480, 620], onMs: 500, offMs: 500 }
  const loop = new Int16Array(((onMs + offMs) * rateHz) / 1000)
  for (const one of hz) addSine(loop.subarray(0, (onMs * rateHz) / 1000), one, rateHz, TONE_AMPLITUDE)
  return loop
}

/** Notes ring on over the end into the beginning. */
function music(rateHz: number): Int16Array {
  const beat = (BEAT_MS * rateHz) / 1000
  const notes = BARS.flat()
  const mix = new Float32Array(notes.length * beat)
  for (const [n, semitones] of notes.entries()) {
    pluck(mix, n * beat, LOWEST_HZ * 2 ** (semitones / 12), rateHz)
  }
  for (const [bar, notesOfBar] of BARS.entries()) {
    pluck(mix, bar * 8 * beat, (LOWEST_HZ / 2) * 2 ** (notesOfBar[0]! / 12), rateHz)
  }
  return levelled(mix)
}

/** A soft string: a sine and its octave, each a resonance that dies away, without a sine computed per sample. */
function pluck(mix: Float32Array, at: number, hz: number, rateHz: number): void {
  for (const [partial, strength, halfMs] of [
    [1, 1, 260],
    [2, 0.35, 120],
  ] as const) {
    const samples = (HALVINGS * halfMs * rateHz) / 1000
    const decay = 0.5 ** (1000 / (halfMs * rateHz))
    const step = (2 * Math.PI * hz * partial) / rateHz
    const turn = 2 * decay * Math.cos(step)
    let last = 0
    let now = strength * decay * Math.sin(step)
    for (let i = 0, place = at; i < samples; i++) {
      mix[place]! += now
      const next = turn * now - decay * decay * last
      last = now
      now = next
      if (++place === mix.length) place = 0
    }
  }
}

function levelled(mix: Float32Array): Int16Array {
  let power = 0
  for (const value of mix) power += value * value
  const gain = MUSIC_LEVEL / Math.sqrt(power / mix.length)
  const loop = new Int16Array(mix.length)
  for (let i = 0; i < loop.length; i++) loop[i] = Math.round(mix[i]! * gain)
  return loop
}
