/** Limits, law and usage over real HTTP, SIP and sound. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { speakIntoMemory } from '../../src/demo/caller/voice.ts'
import { FarPhone } from './far-phone.ts'
import { NUMBER, openHouse, phoneIn } from './house.ts'
import { until } from './until.ts'

const OUTSIDE = { destinations: [{ type: 'tel', target: '+4930123456' }] }

test('outbound is closed, then open; the second call of one at once is busy; what was used is told', {
  timeout: 60_000,
}, async (t) => {
  const house = await openHouse(t, '25000-25198')
  const { api, phone, node } = house
  const closed = await api.ask('POST', '/calls', OUTSIDE)
  assert.deepEqual([closed.status, closed.body.error.reason], [400, 'DESTINATION_NOT_ALLOWED'])
  const emergency = await api.ask('POST', '/calls', { destinations: [{ target: '112' }] })
  assert.deepEqual([emergency.status, emergency.body.error.reason], [400, 'EMERGENCY_NOT_ROUTED'])
  await api.must('PUT', '/limits', { allowed_prefixes: ['+49'] })
  const open = await api.must('POST', '/calls', OUTSIDE)
  // No route leads there yet: it fails, and is over.
  await until('it is over', () => api.of('call_hangup').some((call) => call.id === open.calls[0].id))
  await api.must('POST', '/do_not_call', { number: '+4930123456' })
  assert.equal((await api.ask('POST', '/calls', OUTSIDE)).body.error.reason, 'DO_NOT_CALL')

  const callId = await phoneIn(house)
  await api.must('PUT', '/limits', { calls_at_once: 1 })
  const other = await FarPhone.open(node.sipPort, 'other')
  t.after(() => other.close())
  await other.call(NUMBER)
  assert.equal(other.end?.code, 486)
  await until('it is told', async () => {
    const events = await node.parts.store.eventsAfter(node.customerId, 0, 1_000)
    return events.some(({ type, data }) => type === 'limit_reached' && data['limit'] === 'calls_at_once')
  })

  const speaking = await api.speakOn(callId)
  await api.listenOn(callId, ['opening hours', 'goodbye'])
  await until('it listens', () => api.of('streaming_started').length > 0)
  await api.say(speaking.id, 'Good morning, how are you?')
  await until('it is said', () => api.of('speaking_say_finished').length === 1)
  await phone.speak((await speakIntoMemory(['Opening hours.']))[0]!)
  await until('it is heard', () => api.of('transcript_created').length === 1)
  phone.hangup()
  await until('the call is over', () => api.of('transcribe_done').length === 1)
  let usage: Record<string, number> | undefined
  await until('its usage is stored', async () => {
    const { result } = await api.must('GET', '/usage?group=call')
    usage = result.find((one: { call_id: string }) => one.call_id === callId)
    return usage !== undefined
  })
  t.diagnostic(JSON.stringify(usage))
  assert.ok(usage!['call_seconds']! > 2 && usage!['call_seconds']! < 60)
  assert.ok(usage!['stt_seconds']! > 0.4 && usage!['stt_seconds']! < 4)
  assert.ok(usage!['tts_characters']! + usage!['tts_characters_cached']! >= 24)
  const [day] = (await api.must('GET', '/usage')).result
  assert.equal(day.calls, (await api.must('GET', '/usage?group=call')).result.length)
})
