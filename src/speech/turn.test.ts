import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Completeness } from './phrases.ts'
import { TURN, type TurnNews, TurnTaker } from './turn.ts'

const FRAME = 256
const FRAME_MS = 32

/** Says a row of probabilities, one a frame. @returns the news with the ms at which it came */
function say(probabilities: readonly number[], text: Completeness | ((ms: number) => Completeness) = 'open') {
  const turns = new TurnTaker(8000)
  const news: (TurnNews & { readonly atMs: number })[] = []
  probabilities.forEach((probability, i) => {
    const atMs = (i + 1) * FRAME_MS
    const heard = turns.hear(probability, i * FRAME, (i + 1) * FRAME, () =>
      typeof text === 'string' ? text : text(atMs),
    )
    if (heard) news.push({ ...heard, atMs })
  })
  return { news, turns }
}

const frames = (count: number, probability: number) => Array.from({ length: count }, () => probability)

test('one frame of voice is a click, two are speech', () => {
  assert.deepEqual(say([0, 0.9, 0, 0.9, 0]).news, [])
  assert.deepEqual(say([0, 0.9, 0.9]).news, [{ kind: 'started', onset: FRAME, atMs: 96 }])
})

test('an unsure frame neither confirms nor breaks a beginning', () => {
  assert.deepEqual(say([0.9, 0.4, 0.9]).news, [{ kind: 'started', onset: 0, atMs: 96 }])
  assert.deepEqual(say([0.9, 0.2, 0.9]).news, [])
})

test('a complete phrase ends after 300 ms of silence', () => {
  const { news } = say([...frames(10, 1), ...frames(20, 0)], 'complete')
  assert.deepEqual(news[1], { kind: 'ended', why: 'complete', atMs: 320 + 320 })
})

test('anything else ends after 500 ms', () => {
  const speech = [...frames(10, 1), ...frames(20, 0)]
  assert.deepEqual(say(speech, 'open').news[1], { kind: 'ended', why: 'silence', atMs: 320 + 512 })
  assert.deepEqual(say(speech, 'extensible').news[1], { kind: 'ended', why: 'extensible', atMs: 320 + 512 })
})

test('a text that becomes complete late in the silence ends the turn at once', () => {
  const { news } = say([...frames(10, 1), ...frames(20, 0)], (ms) => (ms >= 320 + 400 ? 'complete' : 'open'))
  assert.deepEqual(news[1], { kind: 'ended', why: 'complete', atMs: 320 + 416 })
})

test('a pause that is short enough belongs to the utterance', () => {
  const { news, turns } = say([...frames(5, 1), ...frames(14, 0), ...frames(5, 1)])
  assert.equal(news.length, 1)
  assert.equal(turns.state, 'speaking')
})

test('silence is counted from where it began, through unsure frames', () => {
  const { news } = say([...frames(5, 1), 0.1, 0.4, 0.4, ...frames(20, 0)], 'complete')
  assert.deepEqual(news[1], { kind: 'ended', why: 'complete', atMs: 160 + 320 })
})

test('probabilities between the thresholds keep an utterance open', () => {
  const { news } = say([...frames(5, 1), ...frames(40, 0.4)])
  assert.equal(news.length, 1)
})

test('an utterance of 15 s is cut, and what follows is a new one', () => {
  const { news } = say(frames(15_000 / FRAME_MS + 5, 1))
  assert.deepEqual(news[1], { kind: 'ended', why: 'limit', atMs: 15_008 })
  assert.equal(news[2]?.kind, 'started')
})

test('the end of the sound ends an open utterance once', () => {
  const { turns } = say([...frames(4, 1), 0])
  assert.deepEqual(turns.finish('finish'), { kind: 'ended', why: 'finish' })
  assert.equal(turns.finish('finish'), null)
})

test('the end of the sound forgets a beginning that was not confirmed', () => {
  const { turns } = say([1])
  assert.equal(turns.finish('silence'), null)
  assert.equal(turns.state, 'quiet')
})

test('every state answers every input', () => {
  const inputs = ['voice', 'enoughVoice', 'unsure', 'silence', 'enoughSilence', 'limit', 'finish'] as const
  for (const row of Object.values(TURN)) for (const input of inputs) assert.ok(row[input])
})
