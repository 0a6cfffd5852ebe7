import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTurns, stagesOf } from './turns.ts'

const TURN = {
  text: 'go on',
  rejected: false,
  last_voiced_ms: 1_000,
  detector_ms: 1_030,
  end_of_turn_ms: 1_300,
  final_ms: 1_304,
  sent_ms: 1_310,
  say_ms: 1_330,
  first_pcm_ms: 1_370,
  first_voice_ms: 1_390,
}

test('the stages of a turn add up to the whole turn', () => {
  const [turn] = readTurns({ result: [TURN], flushes: [] }).turns
  const stages = stagesOf(turn!)
  assert.equal(
    stages?.reduce((sum, { ms }) => sum + ms, 0),
    390,
  )
})

test('a turn without an answer has no stages', () => {
  const [turn] = readTurns({ result: [{ ...TURN, first_voice_ms: null }] }).turns
  assert.equal(stagesOf(turn!), null)
})

test('an answer of another shape is an empty record', () => {
  for (const body of [null, 7, 'x', {}, { result: 3 }, { result: null, flushes: {} }]) {
    assert.deepEqual(readTurns(body), { turns: [], flushes: [] })
  }
  assert.deepEqual(readTurns({ flushes: [{ asked_ms: 'soon', silent_ms: 4 }] }).flushes, [
    { asked_ms: null, silent_ms: 4 },
  ])
})
