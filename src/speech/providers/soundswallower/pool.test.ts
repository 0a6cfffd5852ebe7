import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { PhraseList } from '../../phrases.ts'
import { PhraseRecogniserPool } from './pool.ts'

test('a broken recogniser is replaced, and only then', async () => {
  const handlers = process.listenerCount('uncaughtException')
  const pool = await PhraseRecogniserPool.open(1)
  const broken = pool.take()
  assert.ok(broken)
  assert.equal(pool.take(), null)
  assert.deepEqual([pool.size, pool.busy, pool.isMaking], [1, 1, false])
  pool.replace(broken)
  assert.deepEqual([pool.size, pool.busy, pool.isMaking], [0, 0, true])
  while (pool.isMaking) await turn()
  assert.deepEqual([pool.size, pool.busy], [1, 0])
  assert.notEqual(pool.take(), broken)
  assert.equal(process.listenerCount('uncaughtException'), handlers)
})

test('words outside the dictionary are named, and the other phrases still work', async () => {
  const pool = await PhraseRecogniserPool.open(1)
  const phrases = new PhraseList(['book a table', 'book a 테이블', 'voicemails'])
  assert.deepEqual(pool.unknownWords(phrases), ['테이블'.normalize('NFKD')])
  const recogniser = pool.take()!
  recogniser.begin(phrases)
  recogniser.prime(new Int16Array(4800))
  recogniser.feed(new Int16Array(4800))
  assert.deepEqual(recogniser.end(), { text: '', rejected: true })
})

test('English is understood, in any region', async () => {
  const pool = await PhraseRecogniserPool.open(0)
  for (const language of ['en', 'en-US', 'en-gb', 'EN-AU']) assert.ok(pool.speaks(language), language)
  for (const language of ['ko-KR', 'enm', 'fr-FR', '']) assert.ok(!pool.speaks(language), language)
})
