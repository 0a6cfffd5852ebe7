import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeG711 } from '../../audio/g711.ts'
import { amplitudeAt, sine } from '../../audio/tone.ts'
import { printStereoWav, printWav } from '../../audio/wav.ts'
import { createRing, emptyHeader, RingReader, SAY_END, SAY_START } from '../../kernel/ring.ts'
import type { TalkEvent } from '../protocol.ts'
import { ScriptedSynthesiser, WORD_MS } from '../providers/scripted/synthesiser.ts'
import { SENTENCE_PAUSE_MS } from '../sentences.ts'
import { MAX_FILE_BYTES } from './playback.ts'
import { TalkThread } from './thread.ts'

const RATE_HZ = 8_000
const FRAME = 160
const LEG = { slot: 2, generation: 1 }

/** A talk thread with one leg whose ring is emptied as asked. */
function world(records = 200) {
  const events: TalkEvent[] = []
  const thread = new TalkThread({ engine: new ScriptedSynthesiser(), emit: (event) => events.push(event) })
  const playout = createRing(records, 'refuse', FRAME)
  const reader = new RingReader(playout)
  thread.handle({ kind: 'openVoice', leg: LEG, playout, rateHz: RATE_HZ }, 0)
  const rest = { leg: LEG, lane: 1, epoch: 0, askedAt: 0 } as const
  const play = (sayId: number, wav: Uint8Array, more: { epoch?: number } = {}) =>
    thread.handle({ kind: 'play', ...rest, ...more, sayId, wav }, 0)
  const say = (sayId: number, text: string) => thread.handle({ kind: 'utter', ...rest, sayId, text, voice: 'slt' }, 0)
  /** Plays up to `ms`, or until there is nothing left. */
  const hear = (ms = Number.POSITIVE_INFINITY) => {
    const header = emptyHeader()
    const samples = new Int16Array(FRAME)
    const heard: { sayId: number; count: number; flags: number; firstSample: number }[] = []
    const pcm: number[] = []
    for (let now = 0; now < ms; now += 20) {
      while (thread.work(now)) {}
      thread.pump(now)
      if (!reader.pop(header, samples)) break
      const { sayId, count, flags, firstSample } = header
      heard.push({ sayId, count, flags, firstSample })
      for (let i = 0; i < count; i++) pcm.push(samples[i]!)
    }
    return { heard, pcm: Int16Array.from(pcm) }
  }
  return { events, thread, play, say, hear }
}

function g711Wav(codec: 'PCMU' | 'PCMA', pcm: Int16Array, rateHz: number): Uint8Array {
  const empty = printWav({ rateHz, channels: [new Int16Array(0)] })
  const wav = new Uint8Array(44 + pcm.length)
  wav.set(empty)
  const view = new DataView(wav.buffer)
  view.setUint16(20, codec === 'PCMU' ? 7 : 6, true)
  view.setUint16(32, 1, true)
  view.setUint16(34, 8, true)
  view.setUint32(40, pcm.length, true)
  encodeG711(codec, pcm, wav, 44)
  return wav
}

test('a file at the rate of the leg is written sample by sample, told once, from SAY_START to SAY_END', () => {
  const { events, play, hear } = world()
  const pcm = Int16Array.from({ length: 12_345 }, (_, i) => ((i * 7919) % 65_536) - 32_768)
  play(4, printWav({ rateHz: RATE_HZ, channels: [pcm] }))
  const { heard, pcm: out } = hear()
  assert.deepEqual(out, pcm)
  assert.deepEqual(heard.map(({ flags }) => flags).filter(Boolean), [SAY_START, SAY_END])
  assert.ok(heard.every(({ firstSample, sayId }, i) => firstSample === i * FRAME && sayId === 4))
  const told = { clause: 0, words: [], totalSamples: 12_345, final: true, at: 0, cpuMs: 0 }
  assert.deepEqual(events, [{ kind: 'rendered', leg: LEG, sayId: 4, ...told }])
})

test('any rate, both laws and stereo are heard as they are, as long as they are', () => {
  for (const rateHz of [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]) {
    const pcm = sine(1_000, rateHz, 3 * rateHz, 10_000)
    const silent = new Int16Array(pcm.length)
    for (const [wav, expected] of [
      [printWav({ rateHz, channels: [pcm] }), 10_000],
      [printStereoWav(pcm, silent, rateHz), 5_000],
      [g711Wav('PCMU', pcm, rateHz), 10_000],
      [g711Wav('PCMA', pcm, rateHz), 10_000],
    ] as const) {
      const { play, hear } = world()
      play(1, wav)
      const { pcm: out } = hear()
      assert.equal(out.length, 24_000)
      const body = amplitudeAt(out.subarray(800, 23_200), 1_000, RATE_HZ)
      assert.ok(Math.abs(body - expected) < 0.02 * expected, `${body} at ${rateHz} Hz`)
      assert.ok(amplitudeAt(out.subarray(800, 23_200), 1_400, RATE_HZ) < 100)
    }
  }
})

test('it keeps its place between texts', () => {
  const { play, say, hear } = world()
  say(1, 'Please listen.')
  play(2, printWav({ rateHz: RATE_HZ, channels: [sine(600, RATE_HZ, 4_000)] }))
  say(3, 'Thank you.')
  const { heard } = hear()
  assert.deepEqual([...new Set(heard.map(({ sayId }) => sayId))], [1, 2, 3])
  const length = (id: number): number =>
    heard.filter(({ sayId }) => sayId === id).reduce((sum, { count }) => sum + count, 0)
  assert.equal(length(2), 4_000)
  assert.equal(length(3), ((2 * WORD_MS + SENTENCE_PAUSE_MS) * RATE_HZ) / 1000)
})

test('what was dropped stops, and an older one never begins', () => {
  const { thread, events, play, hear } = world(50)
  play(1, printWav({ rateHz: RATE_HZ, channels: [sine(600, RATE_HZ, 80_000)] }))
  hear(500)
  thread.handle({ kind: 'drop', leg: LEG, lane: 1, epoch: 3 }, 500)
  play(2, printWav({ rateHz: RATE_HZ, channels: [sine(600, RATE_HZ, 800)] }), { epoch: 2 })
  assert.equal(thread.isBusy, false)
  play(3, printWav({ rateHz: RATE_HZ, channels: [sine(600, RATE_HZ, 800)] }), { epoch: 3 })
  const { heard } = hear()
  assert.equal(heard.filter(({ sayId }) => sayId === 2).length, 0)
  assert.equal(heard.at(-1)!.sayId, 3)
  assert.equal(events.filter(({ kind }) => kind === 'utterFailed').length, 0)
})

test('ten minutes are worked on in short steps, little ahead of what is heard', () => {
  const { thread, play, hear } = world()
  // 16,000 Hz, so that it fits into 20 MB.
  const samples = 600 * 16_000
  const wav = new Uint8Array(new SharedArrayBuffer(44 + 2 * samples))
  wav.set(printWav({ rateHz: 16_000, channels: [new Int16Array(0)] }))
  new DataView(wav.buffer).setUint32(40, 2 * samples, true)
  play(1, wav)
  let steps = 0
  while (thread.work(0)) steps++
  assert.ok(steps <= 12, `${steps} half seconds ahead`)
  const { pcm, heard } = hear()
  assert.equal(pcm.length, 600 * RATE_HZ)
  assert.equal(heard.at(-1)!.flags, SAY_END)
})

test('what cannot be played is told, and what comes after it is heard', () => {
  const good = printWav({ rateHz: RATE_HZ, channels: [sine(600, RATE_HZ, 800)] })
  const changed = (at: number, value: number, bytes: 2 | 4): Uint8Array => {
    const wav = good.slice()
    const view = new DataView(wav.buffer)
    if (bytes === 2) view.setUint16(at, value, true)
    else view.setUint32(at, value, true)
    return wav
  }
  const files: readonly [Uint8Array, RegExp][] = [
    [Uint8Array.from(Buffer.from('ID3 this is an MP3')), /not a WAV file/],
    [new Uint8Array(0), /not a WAV file/],
    [changed(20, 3, 2), /format 3/],
    [changed(34, 24, 2), /24 bits/],
    [changed(24, 4_000, 4), /4000 Hz/],
    [changed(24, 96_000, 4), /96000 Hz/],
    [changed(24, 44_099, 4), /44099 Hz/],
    [changed(22, 0, 2), /0 channels/],
    [changed(40, 0, 4), /empty/],
    [new Uint8Array(MAX_FILE_BYTES + 1), /20 MB/],
    [g711Wav('PCMU', new Int16Array(31 * 60 * 8_000), 8_000), /30 minutes/],
  ]
  const { events, play, hear } = world()
  for (const [i, [wav]] of files.entries()) play(i, wav)
  play(99, good)
  const { heard } = hear()
  assert.ok(heard.every(({ sayId }) => sayId === 99))
  const failures = events.filter((event) => event.kind === 'utterFailed')
  assert.equal(failures.length, files.length)
  for (const [i, [, why]] of files.entries()) assert.match(failures[i]!.why, why)
})

test('the long form of the header is read as the short one', () => {
  const short = printWav({ rateHz: RATE_HZ, channels: [sine(600, RATE_HZ, 800)] })
  const long = new Uint8Array(short.length + 24)
  long.set(short.subarray(0, 36))
  long.set(short.subarray(36), 60)
  const view = new DataView(long.buffer)
  view.setUint32(16, 40, true)
  view.setUint16(20, 0xfffe, true)
  view.setUint16(36, 22, true)
  view.setUint16(44, 1, true)
  const { play, hear } = world()
  play(1, long)
  assert.ok(amplitudeAt(hear().pcm, 600, RATE_HZ) > 7_900)
})
