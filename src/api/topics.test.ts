import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../kernel/json.ts'
import { sampleEvent } from '../store/samples.ts'
import { firstMatch, maySubscribe, prefixOf, topicsOf } from './topics.ts'

const C = '11111111-1111-4111-8111-111111111111'
const AGENT = '22222222-2222-4222-8222-222222222222'
const NIL = '00000000-0000-0000-0000-000000000000'

function names(type: string, data: JsonObject, callId: string | null = null): readonly string[] {
  const topics = topicsOf(sampleEvent({ customer_id: C, type, data, call_id: callId }))
  return topics.map((topic) => topic.replace(`customer_id:${C}:`, ''))
}

describe('the topics of an event', () => {
  const table: readonly [string, string, JsonObject, string | null, readonly string[]][] = [
    ['a call', 'call_hangup', { id: 'c' }, 'c', ['call:c', 'call:call_hangup:c']],
    [
      'a transcript, its transcribe first',
      'transcript_created',
      { id: 'p', transcribe_id: 't' },
      'c',
      ['transcribe:t', 'transcript:p', 'transcript:transcript_created:p', 'transcription:t', 'call:c'],
    ],
    [
      'voice activity',
      'transcribe_speech_interim',
      { id: 'e', transcribe_id: 't' },
      'c',
      ['transcribe:t', 'transcribe:e', 'transcribe:transcribe_speech_interim:e', 'transcription:t', 'call:c'],
    ],
    [
      'a recogniser',
      'streaming_started',
      { id: 's', transcribe_id: 't', reference_type: 'call', reference_id: 'c' },
      null,
      ['transcribe:t', 'streaming:s', 'streaming:streaming_started:s', 'transcription:t', 'call:c'],
    ],
    [
      'a transcription',
      'transcribe_done',
      { id: 't', reference_type: 'call', reference_id: 'c' },
      'c',
      ['transcribe:t', 'transcribe:transcribe_done:t', 'transcription:t', 'call:c'],
    ],
    [
      'a speaking of a conference, which has no call',
      'speaking_started',
      { id: 's', reference_type: 'confbridge', reference_id: 'x' },
      null,
      ['speaking:s', 'speaking:speaking_started:s'],
    ],
    [
      'an action that was left out, which its run hears of',
      'activeflow_action_skipped',
      { id: 'e', activeflow_id: 'a' },
      null,
      ['activeflow:e', 'activeflow:activeflow_action_skipped:e', 'activeflow:a'],
    ],
    [
      'a message that could not be sent',
      'message_skipped',
      { id: 'm', activeflow_id: 'a' },
      'c',
      ['message:m', 'message:message_skipped:m', 'activeflow:a', 'call:c'],
    ],
    [
      'a key of a telephone',
      'dtmf_received',
      { id: 'd', call_id: 'c' },
      'c',
      ['dtmf:d', 'dtmf:dtmf_received:d', 'call:c'],
    ],
    [
      'a turn of an AI call',
      'aimessage_created',
      { id: 'm', aicall_id: 'a' },
      null,
      ['aimessage:m', 'aimessage:aimessage_created:m', 'aicall:a'],
    ],
    [
      'an unset reference',
      'activeflow_created',
      { id: 'f', reference_type: 'call', reference_id: NIL },
      null,
      ['activeflow:f', 'activeflow:activeflow_created:f'],
    ],
  ]
  for (const [what, type, data, callId, wanted] of table) {
    test(what, () => assert.deepEqual(names(type, data, callId), wanted))
  }

  test('a resource of an agent is also under the agent', () => {
    const event = sampleEvent({
      customer_id: C,
      type: 'call_created',
      data: { id: 'c', owner_type: 'agent', owner_id: AGENT },
    })
    assert.deepEqual(topicsOf(event), [
      `customer_id:${C}:call:c`,
      `customer_id:${C}:call:call_created:c`,
      `agent_id:${AGENT}:call:c`,
      `agent_id:${AGENT}:call:call_created:c`,
    ])
  })
})

describe('subscribing', () => {
  const topics = topicsOf(
    sampleEvent({ customer_id: C, type: 'transcript_created', data: { id: 'p', transcribe_id: 't' }, call_id: 'c' }),
  )

  for (const end of [
    '',
    ':',
    '*',
    ':*',
    ':transcript',
    ':transcript:',
    ':transcript:*',
    ':transcript:p',
    ':call:c',
    ':transcription:*',
  ]) {
    test(`customer_id:<id>${end} matches a transcript`, () => {
      assert.notEqual(firstMatch(topics, [prefixOf(`customer_id:${C}${end}`)]), null)
    })
  }

  for (const end of [':transcript:q', ':transcript:p:x', ':calls', ':transcript:**', ':*:p']) {
    test(`customer_id:<id>${end} does not`, () => {
      assert.equal(firstMatch(topics, [prefixOf(`customer_id:${C}${end}`)]), null)
    })
  }

  test('the topic that is told is the first of the event, not of the subscription', () => {
    const prefixes = ['call:', 'transcript:', 'transcribe:'].map((name) => `customer_id:${C}:${name}`)
    assert.equal(firstMatch(topics, prefixes), `customer_id:${C}:transcribe:t`)
  })

  test('a client may subscribe to its own customer and to itself, and nothing else', () => {
    const key = { customerId: C, agentId: null }
    const agent = { customerId: C, agentId: AGENT }
    assert.equal(maySubscribe(`customer_id:${C}:call:*`, key), true)
    assert.equal(maySubscribe(`customer_id:${C}`, key), true)
    assert.equal(maySubscribe(`agent_id:${AGENT}:call:`, agent), true)
    assert.equal(maySubscribe(`agent_id:${AGENT}:call:`, key), false)
    assert.equal(maySubscribe(`customer_id:${AGENT}:call:`, agent), false)
    for (const wrong of [
      '',
      '*',
      'customer_id:',
      'customer_id:*',
      `customer_id:${C}x`,
      `customer_id:${C.slice(0, 8)}`,
      `call:${C}`,
      null,
      5,
      {},
    ]) {
      assert.equal(maySubscribe(wrong, agent), false, String(wrong))
    }
  })
})
