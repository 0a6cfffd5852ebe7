/** The flight recorder of a real call: real clock, real sockets, real speech; the stored inputs give the stored events. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replay } from '../../src/calls/replay.ts'
import { speakIntoMemory } from '../../src/demo/caller/voice.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { pickVoice } from '../../src/speech/voices.ts'
import { openHouse, phoneIn } from './house.ts'
import { until } from './until.ts'

const PHRASE = 'I need help with my account balance.'
const LONG = 'On Sunday we open at noon, and the last table is at eight in the evening, in August we are by the sea.'
const EPHEMERAL = ['transcribe_speech_interim']

test('the input log of a call replays to the events that were stored', { timeout: 60_000 }, async (t) => {
  const house = await openHouse(t, '23800-23998')
  const { node, api, phone } = house
  const [sound] = await speakIntoMemory([PHRASE])
  const callId = await phoneIn(house)
  await api.listenOn(callId)
  const speaking = await api.speakOn(callId)
  await api.say(speaking.id, LONG)
  await until('it sounds', () => phone.frames.filter((frame) => frame.isVoiced).length > 30)
  await api.must('POST', `/speakings/${speaking.id}/flush`)
  await until('the cut is told', () => api.of('speaking_say_interrupted').length === 1)
  await phone.speak(sound!)
  await until('it is understood', () => api.of('transcript_created').some(({ direction }) => direction === 'in'))
  phone.press('7')
  await until('the key is told', () => api.of('dtmf_received').length === 1)
  phone.hangup()
  const { store } = node.parts
  let lines: readonly string[] | null = null
  await until('the log is stored', async () => {
    lines = await store.inputLog(node.customerId, callId)
    return lines !== null
  })

  const stored = (await store.eventsOfCall(node.customerId, callId)).map(({ type, seq, offset_ms, data }) => ({
    type,
    seq,
    offset_ms,
    data,
  }))
  const again: { type: string; seq: number; offset_ms: number; data: JsonObject }[] = []
  for (const output of replay(lines ?? [], { rateHz: 8_000, voiceFor: pickVoice }).flat()) {
    if (output.kind !== 'event' || EPHEMERAL.includes(output.event.type)) continue
    const { type, seq, offsetMs, data } = output.event
    again.push({ type, seq, offset_ms: offsetMs, data })
  }
  assert.ok(stored.length > 15, `${stored.length} events`)
  assert.deepEqual(JSON.parse(JSON.stringify(again)), stored)
  assert.ok(stored.some(({ type }) => type === 'call_hangup'))
})
