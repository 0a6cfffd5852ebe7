import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NIL_UUID } from '../kernel/ids.ts'
import { SeededRandom } from '../kernel/random.ts'
import { AppError } from './errors.ts'
import { actionSchema, readActions } from './flow.ts'

const random = new SeededRandom('flow')
const read = (list: readonly unknown[]) => readActions(list, () => random.uuid())
const OWN = '7C4D2F3A-1b8e-4f5c-9a6d-3e2f1a0b4c5d'

test('the actions of the fourth seed become whole actions in order', () => {
  const actions = read([
    { type: 'answer' },
    { type: 'transcribe_start', option: { language: 'en-US' } },
    { type: 'talk', option: { text: 'This call is being transcribed for quality assurance', language: 'en-US' } },
  ])
  for (const action of actions) assert.deepEqual(actionSchema.parse(action), action)
  assert.deepEqual(actions[1]?.option, { language: 'en-US', on_end_flow_id: NIL_UUID })
})

test('a client’s own id is kept, in lower case, and may be the target of next_id', () => {
  const [first, second] = read([
    { id: OWN, type: 'answer' },
    { type: 'sleep', option: { duration: 5 }, next_id: OWN.toLowerCase() },
  ])
  assert.equal(first?.id, OWN.toLowerCase())
  assert.equal(second?.next_id, OWN.toLowerCase())
})

test('options nobody knows are kept as they are, null ones of known names count as absent', () => {
  const [talk] = read([{ type: 'talk', option: { text: 'Hi', gender: null, voice: null, mood: 'calm' } }])
  assert.equal(talk?.option['mood'], 'calm')
  assert.equal(talk?.option['gender'], undefined)
})

test('an id used twice, or a target outside the list, is refused', () => {
  const wrong = [
    [
      { id: OWN, type: 'answer' },
      { id: OWN, type: 'hangup' },
    ],
    [{ type: 'answer', next_id: OWN }],
    [{ type: 'talk', option: { text: '' } }],
    [{ type: 'sleep', option: { duration: -1 } }],
    [{ type: 'constructor' }],
    [null],
  ]
  for (const list of wrong) assert.throws(() => read(list), AppError)
})
