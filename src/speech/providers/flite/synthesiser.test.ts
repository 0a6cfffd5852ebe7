import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WordTime } from '../../protocol.ts'
import { speakWhole } from '../../talk/whole.ts'
import { parsePhones } from './phones.ts'
import { FliteProgram } from './program.ts'
import { FliteSynthesiser } from './synthesiser.ts'

const RATE_HZ = 16_000
const TOLERANCE_MS = 30
const program = FliteProgram.installed()
const flite = new FliteSynthesiser({ program })
const ms = (samples: number, rateHz = RATE_HZ) => (samples * 1000) / rateHz

const SENTENCES = [
  'We are open every day from nine to five.',
  'I can book a table for you on Sunday.',
  'You stopped me after the last word.',
  'Please call me back tomorrow morning at seven.',
  'The kitchen serves fish and vegetables in the evening.',
]

/**
 * A second measurement, by counting: as many phones as each word has when it is spoken alone. Right for these sentences,
 * whose words sound in company as they do alone.
 */
function countedEnds(voice: string, sentence: string): number[] {
  const run = (text: string) => parsePhones(program.run(['-voice', voice, '-psdur', '-t', text, 'none']).stdout)
  const phones = run(sentence).filter(({ name }) => name !== 'pau')
  let at = 0
  return sentence.split(' ').map((word) => {
    at += run(word).filter(({ name }) => name !== 'pau').length
    return phones[at - 1]!.end * 1000
  })
}

test('in five sentences every word ends within 30 ms of a second measurement', () => {
  for (const sentence of SENTENCES) {
    const { words } = flite.render(sentence, 'slt', RATE_HZ)
    const counted = countedEnds('slt', sentence)
    assert.equal(words.length, counted.length)
    const cutMs = counted[0]! - ms(words[0]!.endSample)
    words.slice(0, -1).forEach((word, i) => {
      const difference = Math.abs(ms(word.endSample) + cutMs - counted[i]!)
      assert.ok(difference <= TOLERANCE_MS, `${sentence} word ${i}: ${difference} ms`)
    })
  }
})

/** Longer than the closure of a stop, shorter than the pause of a comma. */
const APART_MS = 120

/** Ends of the stretches of sound. */
function soundEnds(pcm: Int16Array): number[] {
  const frame = RATE_HZ / 200
  const ends: number[] = []
  let quietMs = APART_MS
  for (let at = 0; at + frame <= pcm.length; at += frame) {
    const rms = Math.sqrt(pcm.subarray(at, at + frame).reduce((sum, sample) => sum + sample * sample, 0) / frame)
    if (rms > 187) {
      if (quietMs >= APART_MS) ends.push(0)
      ends[ends.length - 1] = ms(at + frame)
      quietMs = 0
    } else quietMs += 5
  }
  return ends
}

test('words before a pause end where the sound dies away: numbers, money, titles, addresses, times', () => {
  const text = 'Doctor Miller, $5.20, Monday, bob@mail.com, 7:30 in the evening, 12 dollars.'
  const { samples, words } = flite.render(text, 'rms', RATE_HZ)
  const beforePause = words.filter((word) => /[,.]/.test(text[word.charEnd] ?? ''))
  const ends = soundEnds(samples)
  assert.equal(ends.length, beforePause.length)
  beforePause.forEach((word, i) => {
    const difference = Math.abs(ms(word.endSample) - ends[i]!)
    assert.ok(difference <= TOLERANCE_MS, `${text.slice(word.charStart, word.charEnd)}: ${difference} ms`)
  })
})

test('words are in order, inside the sound, and stand in the text as sent', () => {
  const text = 'Hello — Dr. Smith, €20 & 50% “now”: see www.example.com or b@c.de, 안녕 ok?'
  for (const rateHz of [8_000, RATE_HZ]) {
    const { samples, words } = flite.render(text, 'slt', rateHz)
    let last: WordTime = { charStart: 0, charEnd: 0, startSample: 0, endSample: 0 }
    for (const word of words) {
      assert.ok(
        word.charStart >= last.charEnd && word.startSample >= last.endSample && word.endSample > word.startSample,
      )
      last = word
    }
    assert.ok(last.endSample <= samples.length)
    assert.equal(
      words.map(({ charStart, charEnd }) => text.slice(charStart, charEnd)).join(' '),
      'Hello Dr Smith €20 & 50% now see www.example.com or b@c.de ok',
    )
  }
})

test('sound begins and ends with the words', () => {
  const leadMs = { slt: 40, rms: 40, awb: 40, kal16: 90 }
  for (const [voice, atMostMs] of Object.entries(leadMs)) {
    const { samples } = flite.render('Good morning.', voice, RATE_HZ)
    const first = samples.findIndex((sample) => Math.abs(sample) > 300)
    const last = samples.findLastIndex((sample) => Math.abs(sample) > 300)
    assert.ok(ms(first) <= atMostMs, `${voice} begins after ${ms(first)} ms`)
    assert.ok(ms(samples.length - last) <= 80, `${voice} ends ${ms(samples.length - last)} ms late`)
  }
})

test('a text that holds nothing readable is silence, not a failure', () => {
  for (const text of ['안녕하세요', '😀', '', '...']) {
    assert.equal(flite.isSpeakable(text), false)
    assert.equal(flite.render(text, 'slt', RATE_HZ).samples.length, 0)
  }
})

test('an unknown voice is answered by the default voice, and equal texts give equal sound', () => {
  const [a, b] = ['nobody', 'slt'].map((voice) => flite.render('Hello you.', voice, RATE_HZ).samples)
  assert.deepEqual(a, b)
})

test('half the rate, half the samples, the same loudness', () => {
  const rms = (pcm: Int16Array) => Math.sqrt(pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length)
  const wide = flite.render('Half the rate.', 'slt', RATE_HZ).samples
  const narrow = flite.render('Half the rate.', 'slt', 8_000).samples
  assert.ok(Math.abs(narrow.length - wide.length / 2) <= 32)
  assert.ok(rms(narrow) > 0.8 * rms(wide) && rms(narrow) < 1.1 * rms(wide))
})

test('a whole text has its pauses between the clauses and its words at their places', () => {
  const text = 'Hello. How are you?'
  const { samples, words } = speakWhole(flite, text, 'slt', RATE_HZ)
  assert.deepEqual(
    words.map(({ charStart, charEnd }) => text.slice(charStart, charEnd)),
    ['Hello', 'How', 'are', 'you'],
  )
  const gapMs = ms(words[1]!.startSample - words[0]!.endSample)
  assert.ok(gapMs >= 290 && gapMs <= 400, `${gapMs} ms`)
  assert.ok(words.at(-1)!.endSample <= samples.length)
})
