import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, SeededRandom } from '../../../kernel/random.ts'
import { createRing, FILLED, RingWriter } from '../../../kernel/ring.ts'
import type { ListenEvent } from '../../protocol.ts'
import { CHORD_NUMBERS, ChordReader, encodeSpeech } from './chord.ts'
import { ScriptedEars, speakPhrase } from './ears.ts'
import { ScriptedSynthesiser, WORD_MS, WORD_TONE_MS } from './synthesiser.ts'

const seed = '20261121'
const FRAME = 160
const VOCABULARY = ['opening hours', 'book a table', 'Stop!', 'yes please', 'no thank you', 'goodbye']

/** G.711 mu-law there and back, by its formula (ITU-T G.711 with an 8-bit quantiser of segments). */
function throughMuLaw(sample: number): number {
  const magnitude = Math.min(32_635, Math.abs(sample)) + 132
  const segment = Math.floor(Math.log2(magnitude)) - 7
  const step = 2 ** (segment + 3)
  const level = Math.floor(magnitude / step) * step + step / 2 - 132
  return Math.sign(sample) * level
}

/** The sound of a caller as the hearing ring holds it: packets lost, and concealed by a softer repetition or by silence. */
function overTheLine(pcm: Int16Array, random: Random, lossShare: number): { samples: Int16Array; filled: boolean }[] {
  const frames: { samples: Int16Array; filled: boolean }[] = []
  for (let at = 0; at < pcm.length; at += FRAME) {
    const isLost = random.unit() < lossShare
    const before = frames.at(-1)?.samples ?? new Int16Array(FRAME)
    const sent = new Int16Array(FRAME)
    sent.set(pcm.subarray(at, at + FRAME).map(throughMuLaw))
    frames.push({
      samples: isLost ? before.map((sample) => sample * (random.unit() < 0.5 ? 0.6 : 0)) : sent,
      filled: isLost,
    })
  }
  return frames
}

/** Ears on one leg, and a line that speaks into them in real time of its own. */
function world(phrases: readonly string[] | null = null, lossShare = 0) {
  const events: ListenEvent[] = []
  const hearing = createRing(400, 'dropOldest', FRAME)
  const writer = new RingWriter(hearing)
  const ears = new ScriptedEars({ vocabulary: VOCABULARY, emit: (event) => events.push(event) })
  const random = new SeededRandom(seed)
  let sample = 0
  const now = () => 1000 + sample / 8
  ears.handle(
    { kind: 'attach', ear: 9, leg: { slot: 2, generation: 4 }, hearing, rateHz: 8000, language: 'en-US', phrases },
    now(),
  )
  const speak = (pcm: Int16Array, generation = 4) => {
    for (const { samples, filled } of overTheLine(pcm, random, lossShare)) {
      const header = {
        slot: 2,
        generation,
        epoch: 0,
        sayId: 0,
        firstSample: sample,
        count: FRAME,
        rateHz: 8000,
        flags: filled ? FILLED : 0,
        atMs: now(),
        lane: 0,
      }
      writer.push(header, samples)
      sample += FRAME
      ears.poll(now())
    }
  }
  return { ears, events, speak, pause: (ms: number) => speak(new Int16Array(ms * 8)), now }
}

const heard = (events: readonly ListenEvent[]) =>
  events.flatMap((event) => (event.kind === 'heard' ? [event.text] : []))

test('every number comes back from its chord', () => {
  for (let number = 0; number < CHORD_NUMBERS; number += 37) {
    const reader = new ChordReader()
    const pcm = encodeSpeech(number)
    reader.add(pcm, pcm.length)
    assert.equal(reader.number(), number)
  }
})

test('a quarter of a chord is enough, from anywhere in it', () => {
  const pcm = encodeSpeech(1234)
  for (let at = 0; at + pcm.length / 4 <= pcm.length; at += 333) {
    const reader = new ChordReader()
    reader.add(pcm.subarray(at, at + pcm.length / 4), pcm.length / 4)
    assert.equal(reader.number(), 1234)
  }
})

test('noise, silence, one tone and two chords at once are no number', () => {
  const random = new SeededRandom(seed)
  const noise = Int16Array.from({ length: 5000 }, () => (random.unit() - 0.5) * 20_000)
  const tone = Int16Array.from({ length: 5000 }, (_, i) => 9000 * Math.sin(i / 3))
  const [a, b] = [encodeSpeech(100), encodeSpeech(2777)]
  const both = a.map((sample, i) => (sample + b[i]!) / 2)
  for (const pcm of [noise, tone, both, new Int16Array(5000)]) {
    const reader = new ChordReader()
    reader.add(pcm, pcm.length)
    assert.equal(reader.number(), null)
  }
})

test('phrases are understood through mu-law with 5 % of the packets lost', () => {
  const { events, speak, pause } = world(null, 0.05)
  const spoken: string[] = []
  for (let i = 0; i < 120; i++) {
    const phrase = VOCABULARY[i % VOCABULARY.length]!
    speak(speakPhrase(VOCABULARY, phrase))
    pause(500)
    spoken.push(phrase)
  }
  assert.deepEqual(heard(events), spoken)
})

test('an utterance is told in order, with the times of its sound', () => {
  const { events, speak, pause, now } = world()
  pause(200)
  const onsetAt = now()
  speak(speakPhrase(VOCABULARY, 'yes please'))
  const lastVoicedAt = now() - 20
  pause(400)
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['attached', 'speechStarted', 'speechEnded', 'heard'],
  )
  const [, started, ended, result] = events
  assert.ok(started?.kind === 'speechStarted' && ended?.kind === 'speechEnded' && result?.kind === 'heard')
  assert.equal(started.onsetAt, onsetAt)
  assert.ok(started.at - onsetAt <= 100)
  assert.ok(Math.abs(ended.lastVoicedAt - lastVoicedAt) <= 20)
  assert.ok(Math.abs(ended.at - ended.lastVoicedAt - 300) <= 20)
  assert.deepEqual([result.rejected, result.marks.endOfTurn], [false, 'complete'])
})

test('only the phrases of the moment are understood, written as they were asked for', () => {
  const { ears, events, speak, pause, now } = world(['stop', 'Good-bye'])
  for (const phrase of ['Stop!', 'goodbye', 'book a table']) {
    speak(speakPhrase(VOCABULARY, phrase))
    pause(400)
  }
  assert.deepEqual(heard(events), ['stop', '', ''])
  ears.handle({ kind: 'setPhrases', ear: 9, phrases: ['book a table'] }, now())
  speak(speakPhrase(VOCABULARY, 'book a table'))
  pause(400)
  assert.deepEqual(heard(events).at(-1), 'book a table')
})

test('foreign sound is heard and rejected, a click is not even heard', () => {
  const { events, speak, pause } = world()
  speak(new ScriptedSynthesiser().render('some agent speech', 'slt', 8000).samples)
  pause(400)
  const result = events.at(-1)
  assert.ok(result?.kind === 'heard' && result.text === '' && result.rejected)
  const before = events.length
  speak(Int16Array.from({ length: FRAME }, (_, i) => (i % 2 ? 9000 : -9000)))
  pause(400)
  assert.equal(events.length, before)
})

test('what was spoken before a detach is understood when it shall finish', () => {
  for (const finish of [true, false]) {
    const { ears, events, speak, now } = world()
    speak(speakPhrase(VOCABULARY, 'goodbye'))
    ears.handle({ kind: 'detach', ear: 9, finish }, now())
    assert.equal(events.at(-1)?.kind, 'detached')
    assert.deepEqual(heard(events), ['goodbye'])
  }
})

test('sound of an older generation is passed over', () => {
  const { events, speak, pause } = world()
  speak(speakPhrase(VOCABULARY, 'goodbye'), 3)
  pause(400)
  assert.deepEqual(events.slice(1), [])
})

test('a scripted voice says one tone per word, at exact times', () => {
  const { samples, words } = new ScriptedSynthesiser().render('one two, three.', 'slt', 8000)
  assert.equal(samples.length, 3 * WORD_MS * 8)
  words.forEach((word, i) => {
    assert.deepEqual([word.startSample, word.endSample], [i * WORD_MS * 8, (i * WORD_MS + WORD_TONE_MS) * 8])
  })
  assert.equal(words[1]!.charEnd - words[1]!.charStart, 3)
})
