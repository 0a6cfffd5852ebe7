import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../kernel/json.ts'
import type { EventRow } from '../store/port.ts'
import { sampleEvent } from '../store/samples.ts'
import { flatBody } from './flat-bodies.ts'
import { FlatCalls } from './flat-calls.ts'

const CALL = '33333333-3333-4333-8333-333333333333'
const OTHER = '44444444-4444-4444-8444-444444444444'

/** @param atMs wall time */
function event(type: string, data: JsonObject = {}, atMs = 0, callId = CALL): EventRow {
  return sampleEvent({ type, call_id: callId, wall_us: atMs * 1000, data: { id: callId, ...data } })
}

const said = (atMs = 0): EventRow => event('transcript_created', { id: 'x', direction: 'in' }, atMs)
const bridged = (id: string | undefined): EventRow =>
  event('call_updated', { metadata: id === undefined ? {} : { bridged_call_id: id } })

/** What is told of a story. */
function told(calls: FlatCalls, ...events: readonly EventRow[]): string[] {
  return events.flatMap((each) => {
    const news = calls.hear(each)
    if (!news) return []
    return [
      ...(news.name ? [news.isHeld ? `${news.name} held` : news.name] : []),
      ...(news.releases ? ['release'] : []),
    ]
  })
}

describe('a call in the flat dialect', () => {
  test('that is not transcribed ends at once', () => {
    const calls = new FlatCalls()
    assert.deepEqual(told(calls, event('call_created'), event('call_progressing'), event('call_hangup')), [
      'call.initiated',
      'call.answered',
      'call.ended',
    ])
    assert.equal(calls.size, 0)
  })

  test('that is transcribed ends after its last text, when all its transcriptions are done', () => {
    const calls = new FlatCalls()
    const story = [
      event('call_created'),
      event('transcribe_created', { id: 'a' }),
      event('transcribe_created', { id: 'b' }),
      event('transcribe_done', { id: 'b' }),
      event('transcribe_created', { id: 'c' }),
      event('call_hangup'),
      event('transcribe_done', { id: 'a' }, 100),
      said(200),
      event('transcribe_done', { id: 'c' }, 300),
      said(400),
    ]
    assert.deepEqual(told(calls, ...story), ['call.initiated', 'call.ended held', 'transcript', 'release'])
    assert.equal(calls.size, 0)
  })

  test('no text follows the end, however late the transcription is', () => {
    const calls = new FlatCalls()
    const story = [event('call_created'), event('transcribe_created', { id: 'a' }), event('call_hangup')]
    assert.deepEqual(told(calls, ...story, said(1_700), said(1_900), event('transcribe_done', { id: 'a' }, 2_500)), [
      'call.initiated',
      'call.ended held',
      'transcript',
    ])
  })

  test('our own speech is never told', () => {
    const out = event('transcript_created', { direction: 'out' })
    assert.deepEqual(told(new FlatCalls(), event('call_created'), out), ['call.initiated'])
  })

  test('a leg that a connect made is never told of', () => {
    const calls = new FlatCalls()
    const leg = { master_call_id: OTHER }
    const story = [event('call_created', leg), event('call_progressing', leg), said(), event('call_hangup', leg)]
    assert.deepEqual(told(calls, ...story), [])
    assert.equal(calls.size, 0)
  })

  test('while it is bridged its texts are held back and not told later; after it they are told again', () => {
    const calls = new FlatCalls()
    const story = [
      event('call_created'),
      bridged(undefined),
      said(),
      bridged(OTHER),
      said(),
      bridged(OTHER),
      said(),
      bridged(''),
      said(),
    ]
    assert.deepEqual(told(calls, ...story), ['call.initiated', 'transcript', 'transcript'])
  })

  test('a connect that finds nobody is told, and texts go on', () => {
    const failed = event('call_connect_failed', { id: 'e', reason: 'busy' })
    assert.deepEqual(told(new FlatCalls(), event('call_created'), bridged(OTHER), failed, said()), [
      'call.initiated',
      'call.connect_failed',
      'transcript',
    ])
  })

  test('what was said to the other party is not told after the hang-up either', () => {
    const story = [
      event('call_created'),
      event('transcribe_created', { id: 'a' }),
      bridged(OTHER),
      event('call_hangup'),
      said(100),
    ]
    assert.deepEqual(told(new FlatCalls(), ...story, event('transcribe_done', { id: 'a' }, 200)), [
      'call.initiated',
      'call.ended held',
      'release',
    ])
  })

  test('the end of a call of an earlier run is told; its other events mean nothing', () => {
    const calls = new FlatCalls()
    const story = [said(), event('call_hangup'), event('transcribe_done', { id: 'a' })]
    assert.deepEqual(told(calls, ...story), ['call.ended'])
    assert.deepEqual(told(calls, event('call_hangup', { master_call_id: OTHER }, 0, OTHER)), [])
  })

  test('an end that could not be stored is told when it is stored', () => {
    const calls = new FlatCalls()
    const story = [
      event('call_created'),
      event('transcribe_created', { id: 'a' }),
      event('call_hangup'),
      event('call_hangup'),
    ]
    assert.deepEqual(told(calls, ...story), ['call.initiated', 'call.ended held', 'call.ended held'])
  })

  test('a call whose transcriptions never end is forgotten', () => {
    const calls = new FlatCalls()
    told(calls, event('call_created'), event('transcribe_created', { id: 'a' }), event('call_hangup'))
    assert.equal(calls.size, 1)
    told(calls, event('call_created', {}, 20_000, OTHER), event('transcribe_created', { id: 'b' }, 20_000, OTHER))
    told(calls, event('call_hangup', {}, 20_000, OTHER))
    assert.equal(calls.size, 1)
  })
})

describe('a flat body', () => {
  const at = { wall_us: Date.UTC(2026, 0, 15, 9, 30) * 1000, call_id: CALL }
  const timestamp = '2026-01-15T09:30:00.000000Z'
  const body = (type: string, data: JsonObject, language = ''): string =>
    flatBody(sampleEvent({ type, data, ...at }), language)

  test('of a call that begins, in the order of the contract', () => {
    const call = {
      id: CALL,
      direction: 'incoming',
      source: { target: '+1' },
      destination: { target: '+2' },
      flow_id: OTHER,
    }
    const wanted = {
      type: 'call.initiated',
      call_id: CALL,
      direction: 'incoming',
      from: '+1',
      to: '+2',
      flow_id: OTHER,
      timestamp,
    }
    assert.equal(body('call_created', call), JSON.stringify(wanted))
    assert.equal(body('call_progressing', call), JSON.stringify({ ...wanted, type: 'call.answered' }))
  })

  test('of a text, final and not', () => {
    const text = { id: 'x', transcribe_id: 't', message: '안녕 😀' }
    const wanted = {
      type: 'transcript',
      call_id: CALL,
      transcript: '안녕 😀',
      is_final: true,
      language: 'ko-KR',
      transcribe_id: 't',
      transcript_id: 'x',
      timestamp,
    }
    assert.equal(body('transcript_created', text, 'ko-KR'), JSON.stringify(wanted))
    const partial = { ...wanted, is_final: false, transcript_id: '00000000-0000-0000-0000-000000000000' }
    assert.equal(body('transcribe_speech_interim', text, 'ko-KR'), JSON.stringify(partial))
  })

  test('of a call that ended: seconds from answer to hang-up, 0 without an answer', () => {
    const call = {
      id: CALL,
      hangup_reason: 'normal',
      hangup_by: 'remote',
      tm_progressing: '2026-01-15T09:29:00.000000Z',
      tm_hangup: '2026-01-15T09:29:12.345678Z',
    }
    const wanted = {
      type: 'call.ended',
      call_id: CALL,
      hangup_reason: 'normal',
      hangup_by: 'remote',
      duration: 12.346,
      timestamp,
    }
    assert.equal(body('call_hangup', call), JSON.stringify(wanted))
    assert.equal(JSON.parse(body('call_hangup', { ...call, tm_progressing: null })).duration, 0)
  })

  test('of a connect that found nobody', () => {
    const wanted = { type: 'call.connect_failed', call_id: CALL, reason: 'busy', timestamp }
    assert.equal(body('call_connect_failed', { id: 'e', call_id: CALL, reason: 'busy' }), JSON.stringify(wanted))
  })
})
