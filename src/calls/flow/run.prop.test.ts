// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of flows look like this
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ACTION_OPTIONS } from '../../contract/action-options.ts'
import { activeflowSchema } from '../../contract/activeflow.ts'
import { readActions } from '../../contract/flow.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { SeededRandom } from '../../kernel/random.ts'
import type { ActionDoc } from '../commands.ts'
import { FakeCall, id } from './fake-host.suite.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
console.log(`flow run.prop seed ${seed}`)
const LENGTH = 8

const word = fc.constantFrom(
  '',
  'a',
  '1',
  '12#',
  'en-US',
  '+15551234567',
  'http://h/',
  'file:a.wav',
  '==',
  '${x}',
  '${y',
)
const target = fc.oneof(
  fc.nat({ max: LENGTH - 1 }).map((n) => id(n + 10)),
  fc.constantFrom('', '${x}'),
)
const small = fc.oneof(fc.constantFrom(0, 1, 2, 5, 100, 500), word)
const flag = fc.boolean()
const place = fc.record({ target: fc.oneof(fc.constant('+15551234567'), word) })

/** Options of all actions in one: each reads what it knows. */
const option = fc.record(
  {
    text: word,
    language: word,
    duration: small,
    length: fc.nat({ max: 4 }),
    key: fc.constantFrom('', '#', '${x}'),
    digits: fc.constantFrom('12', 'A#', '${x}'),
    stream_urls: fc.array(word, { minLength: 1, maxLength: 3 }),
    destinations: fc.array(place, { minLength: 1, maxLength: 2 }),
    variable: word,
    target_ids: fc.dictionary(word, target, { noNullPrototype: true, maxKeys: 3 }),
    default_target_id: target,
    false_target_id: target,
    target_id: target,
    loop_count: fc.nat({ max: 5 }),
    condition: fc.constantFrom('==', '<', '>='),
    value_type: fc.constantFrom('', 'string', 'number', 'length'),
    value_string: word,
    hour: fc.integer({ min: -1, max: 23 }),
    weekdays: fc.array(fc.nat({ max: 6 }), { maxLength: 3 }),
    status: fc.constantFrom('progressing', 'ringing'),
    uri: fc.constantFrom('http://h/', '${x}'),
    event_url: fc.constantFrom('http://h/', '${x}'),
    sync: flag,
    async: flag,
    digits_handle: fc.constantFrom('', 'next'),
    flow_id: fc.constantFrom(id(5), '${x}'),
    value: word,
  },
  { noNullPrototype: true, requiredKeys: [] },
)
const one = (n: number) =>
  fc.record(
    {
      id: fc.constant(id(n + 10)),
      type: fc.constantFrom(...Object.keys(ACTION_OPTIONS)),
      next_id: fc.oneof({ weight: 4, arbitrary: fc.constant('') }, { weight: 1, arbitrary: target }),
      option,
    },
    { noNullPrototype: true },
  )
const list = fc.tuple(...Array.from({ length: LENGTH }, (_, n) => one(n)))

/** Those of a list that the contract takes; the others become nothing. */
function accepted(sent: readonly { id: string; type: string; option: unknown; next_id: string }[]): ActionDoc[] {
  const random = new SeededRandom('prop')
  const kept = sent.map((action, at) => {
    const others = sent.map((other, n) => (n === at ? action : { id: other.id, type: 'empty' }))
    try {
      readActions(others, () => random.uuid())
      return action
    } catch {
      return { id: action.id, type: 'empty' }
    }
  })
  return readActions(kept, () => random.uuid())
}

const inputs = fc.array(
  fc.constantFrom('timer', 'said', 'key', 'sent', 'over', 'errand', 'fetched', 'continue', 'answered', 'end'),
  { maxLength: 60 },
)

function give(call: FakeCall, input: string, actions: readonly ActionDoc[]): void {
  switch (input) {
    case 'timer':
      if (call.wakeAt !== null) call.woken()
      return
    case 'said':
      return void call.said()
    case 'key':
      return void call.pressed('1')
    case 'sent':
      return void call.give({ kind: 'digitsSent' })
    case 'over':
      return void call.give({ kind: 'connectOver', wasConnected: false, reason: 'busy' })
    case 'errand':
      return void call.errandDone()
    case 'fetched':
      return void call.errandDone({ ok: true, actions, flow: { actions: actions as unknown as JsonObject[] } })
    case 'continue':
      return void call.give({ kind: 'continue' })
    case 'answered':
      return void call.answered()
    default:
      call.end()
  }
}

test('any list that is accepted ends or waits, after 1000 moves at most, and shows itself as the contract says', () => {
  fc.assert(
    fc.property(list, inputs, fc.boolean(), fc.boolean(), (sent, given, hasMedia, isAnswered) => {
      const actions = accepted(sent)
      const call = new FakeCall(actions, { hasMedia, isAnswered, variables: { x: '1' } }).begin()
      let moves = call.executed.length
      assert.ok(moves <= 1000)
      for (const input of given) {
        give(call, input, actions)
        assert.ok(call.executed.length - moves <= 1000)
        moves = call.executed.length
      }
      activeflowSchema.parse(call.run.doc())
      call.end()
      assert.equal(call.run.isEnded, true)
    }),
    { seed, numRuns: 100 },
  )
})

test('a call that gives every action what it waits for brings any list to its end', () => {
  fc.assert(
    fc.property(list, (sent) => {
      const actions = accepted(sent)
      const call = new FakeCall(actions).begin()
      // What waits without a loop of its own: every wait is answered, so only circles remain, and those have limits.
      for (let rounds = 0; rounds < 20 && !call.run.isEnded; rounds++) {
        const before = call.executed.length
        for (const input of ['said', 'said', 'said', 'sent', 'over', 'errand', 'continue', 'timer']) {
          if (!call.run.isEnded) give(call, input, actions)
        }
        if (call.run.isEnded || call.current === 'hangup') return
        assert.ok(call.executed.length > before, `stands still at ${call.current}`)
      }
    }),
    { seed, numRuns: 100 },
  )
})
