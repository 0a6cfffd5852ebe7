import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CachedSynthesiser } from './cache.ts'
import type { Synthesiser } from './engine.ts'

/** Makes 1,000 samples for any text and counts how often it is asked. */
function engine() {
  const asked: string[] = []
  const synthesiser: Synthesiser = {
    isSpeakable: () => true,
    render(text, voice, rateHz) {
      asked.push(`${voice} ${rateHz} ${text}`)
      if (text === 'bad') throw new Error('bad')
      const words = [{ charStart: 0, charEnd: text.length, startSample: 0, endSample: 1000 }]
      return { samples: new Int16Array(1000), words, cpuMs: 9 }
    },
  }
  return { asked, synthesiser }
}

test('the same clause is rendered once, and costs nothing the second time', () => {
  const { asked, synthesiser } = engine()
  const cache = new CachedSynthesiser(synthesiser)
  const first = cache.render('hello', 'slt', 8000)
  const second = cache.render('hello', 'slt', 8000)
  assert.deepEqual([first.cpuMs, second.cpuMs, asked.length], [9, 0, 1])
  assert.equal(second.samples, first.samples)
})

test('voice and rate make another clause', () => {
  const { asked, synthesiser } = engine()
  const cache = new CachedSynthesiser(synthesiser)
  for (const voice of ['slt', 'rms']) for (const rateHz of [8000, 16000]) cache.render('hello', voice, rateHz)
  assert.equal(asked.length, 4)
})

test('blanks around a clause make no difference but to the places of its words', () => {
  const { asked, synthesiser } = engine()
  const cache = new CachedSynthesiser(synthesiser)
  cache.render('hello ', 'slt', 8000)
  const shifted = cache.render('  hello', 'slt', 8000)
  assert.equal(asked.length, 1)
  assert.deepEqual([shifted.words[0]!.charStart, shifted.words[0]!.charEnd], [2, 7])
  assert.equal(cache.render('hello', 'slt', 8000).words[0]!.charStart, 0)
})

test('the least recently used clause goes first, and the size stays below the limit', () => {
  const { asked, synthesiser } = engine()
  const cache = new CachedSynthesiser(synthesiser, 10_000)
  for (const text of ['a', 'b', 'c', 'd']) cache.render(text, 'slt', 8000)
  cache.render('a', 'slt', 8000)
  cache.render('e', 'slt', 8000)
  assert.ok(cache.sizeBytes <= 10_000)
  asked.length = 0
  cache.render('a', 'slt', 8000)
  assert.deepEqual(asked, [])
  cache.render('b', 'slt', 8000)
  assert.equal(asked.length, 1)
})

test('a failure is not kept', () => {
  const { asked, synthesiser } = engine()
  const cache = new CachedSynthesiser(synthesiser)
  for (let i = 0; i < 2; i++) assert.throws(() => cache.render('bad', 'slt', 8000))
  assert.equal(asked.length, 2)
})
