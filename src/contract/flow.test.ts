// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of flows look like this
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NIL_UUID } from '../kernel/ids.ts'
import { SeededRandom } from '../kernel/random.ts'
import { AppError } from './errors.ts'
import { actionSchema, flowChange, flowRequest, flowSchema, newFlow, readActions } from './flow.ts'

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

const TARGET = '11111111-1111-4111-8111-111111111111'

/** @returns what is wrong with a list of one action, '' when nothing is */
function fault(type: string, option?: unknown): string {
  try {
    read([
      { type, option },
      { id: TARGET, type: 'empty' },
    ])
    return ''
  } catch (error) {
    assert.ok(error instanceof AppError)
    assert.equal(error.code, 'INVALID_ARGUMENT')
    return error.message
  }
}

test('what an action needs is asked for by name', () => {
  for (const [type, field] of [
    ['talk', 'text'],
    ['transcribe_start', 'language'],
    ['sleep', 'duration'],
    ['play', 'stream_urls'],
    ['connect', 'destinations'],
    ['call', 'destinations'],
    ['digits_send', 'digits'],
    ['condition_variable', 'condition'],
    ['condition_call_status', 'status'],
    ['webhook_send', 'uri'],
    ['fetch', 'event_url'],
    ['fetch_flow', 'flow_id'],
    ['variable_set', 'key'],
    ['message_send', 'destinations'],
    ['echo', 'duration'],
  ]) {
    assert.match(fault(type!), new RegExp(`^actions\\.0\\.option\\.${field}: `))
  }
})

test('an option that is missing, null or empty is nothing where nothing is needed', () => {
  const types = [
    'answer',
    'transcribe_stop',
    'hangup',
    'digits_receive',
    'branch',
    'goto',
    'beep',
    'mute',
    'block',
    'stop',
  ]
  for (const type of [...types, 'empty', 'ai_task', 'queue_join', 'email_send', 'case_create']) {
    for (const option of [undefined, null, {}]) assert.equal(fault(type, option), '', type)
  }
})

test('values outside the contract are refused', () => {
  for (const [type, option] of [
    ['digits_send', { digits: '12x' }],
    ['digits_send', { digits: '1'.repeat(101) }],
    ['digits_send', { digits: '1', duration: 99 }],
    ['digits_send', { digits: '1', interval: 5001 }],
    ['digits_receive', { length: 101 }],
    ['digits_receive', { duration: -1 }],
    ['talk', { text: 'x'.repeat(5001) }],
    ['talk', { text: 'Hi', digits_handle: 'later' }],
    ['play', { stream_urls: [] }],
    ['play', { stream_urls: ['ftp://h/a.wav'] }],
    ['connect', { destinations: [] }],
    ['connect', { destinations: [{ type: 'email', target: 'a@b' }] }],
    ['connect', { destinations: [{ type: 'tel', target: 'abc' }] }],
    ['webhook_send', { uri: 'file:///etc/passwd' }],
    ['fetch', { event_url: 'http://h/', event_method: 'BREW' }],
    ['condition_datetime', { condition: '>=', hour: 24 }],
    ['condition_datetime', { condition: '>=', weekdays: [7] }],
    ['condition_variable', { condition: '=~', variable: 'x' }],
    ['goto', { target_id: 'nonsense' }],
    ['mute', { direction: 'sideways' }],
  ] as const) {
    assert.notEqual(fault(type, option), '', `${type} ${JSON.stringify(option)}`)
  }
})

test('every target must be in the same list, in any case of letters; none is none', () => {
  for (const [type, option] of [
    ['goto', { target_id: OWN }],
    ['branch', { target_ids: { 1: OWN } }],
    ['branch', { default_target_id: OWN }],
    ['condition_call_digits', { false_target_id: OWN }],
    ['condition_variable', { condition: '==', variable: 'x', false_target_id: OWN }],
    ['condition_datetime', { condition: '==', false_target_id: OWN }],
  ] as const) {
    assert.match(fault(type, option), /names no action of this list/, type)
    const known = JSON.parse(JSON.stringify(option).replaceAll(OWN, TARGET.toUpperCase()))
    assert.equal(fault(type, known), '', type)
    for (const none of ['', NIL_UUID]) {
      assert.equal(fault(type, JSON.parse(JSON.stringify(option).replaceAll(OWN, none))), '', type)
    }
  }
})

test('an option that holds a variable is left to the run, the others are checked', () => {
  for (const [type, option] of [
    ['sleep', { duration: '${ms}' }],
    ['digits_send', { digits: '${pin}#' }],
    ['connect', { destinations: [{ target: '${who}' }] }],
    ['goto', { target_id: '${where}' }],
    ['branch', { target_ids: { 1: '${where}' } }],
    ['webhook_send', { uri: '${base}/hook' }],
    ['play', { stream_urls: ['${file}'] }],
  ] as const) {
    assert.equal(fault(type, option), '', type)
  }
  assert.match(fault('digits_send', { digits: '${pin}', duration: 5 }), /option\.duration/)
})

test('the actions of a call are checked like any others, and not without end', () => {
  const destinations = [{ target: '+15551234567' }]
  const call = (actions: unknown): unknown => ({ destinations, actions })
  assert.match(fault('call', call([{ type: 'talk' }])), /actions\.0\.option\.actions\.0\.option\.text/)
  assert.match(fault('call', call([{ type: 'empty', next_id: TARGET }])), /names no action of this list/)
  assert.equal(fault('call', call([{ type: 'call', option: call([{ type: 'beep' }]) }])), '')
  let deep: unknown = call([])
  for (let i = 0; i < 5000; i++) deep = call([{ type: 'call', option: deep }])
  assert.match(fault('call', deep), /must not be deeper than 3 lists/)
  const half = Array.from({ length: 600 }, () => ({ type: 'empty' }))
  assert.throws(() => read([...half, { type: 'call', option: call(half) }]), /must not be more than 1000/)
})

test('what a later release runs is refused as that, what nobody knows as unknown', () => {
  assert.match(fault('ai_talk'), /"ai_talk" is not available in this release/)
  assert.match(fault('recording_start'), /not available in this release/)
  assert.match(fault('toString'), /"toString" is unknown/)
})

test('a disclosure has at most 1000 characters, is shown when set, and can be emptied', () => {
  assert.equal(flowRequest.safeParse({ name: 'f', disclosure: '한'.repeat(1000) }).success, true)
  assert.equal(flowRequest.safeParse({ name: 'f', disclosure: 'x'.repeat(1001) }).success, false)
  assert.equal(flowChange.parse({ disclosure: '' }).disclosure, '')
  const flow = { id: OWN, customerId: OWN, name: 'f', actions: [], tmCreate: '2026-01-15T09:30:00.000000Z' }
  const shown = flowSchema.parse(newFlow({ ...flow, disclosure: 'This call is answered by a machine.' }))
  assert.equal(shown.disclosure, 'This call is answered by a machine.')
  assert.ok(!('disclosure' in newFlow(flow)))
})
