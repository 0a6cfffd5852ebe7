/** Things that must not be felt in a call: a disk that hangs, a thread that dies. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { speakIntoMemory } from '../../src/demo/caller/voice.ts'
import { monotonicMs } from '../../src/workers/monotonic.ts'
import { openHouse, phoneIn } from './house.ts'
import { pause, until } from './until.ts'

const LONG =
  'From Monday to Friday we open at nine in the morning and close at ten in the evening, on Saturday we open at ten and close at eleven, and on Sunday we open at noon and close at eight.'
const SHORT = 'From Monday to Friday we open at nine in the morning and close at ten.'
const FROZEN_MS = 2_000
const SILENT_WITHIN_MS = 60
const LONGEST_GAP_MS = 60
/** A thread that starts again loads its engine, on all cores of a small machine. */
const LONGEST_GAP_WHILE_LOADING_MS = 250

test('while the store hangs a flush silences the agent at once, and sound keeps its grid', {
  timeout: 60_000,
}, async (t) => {
  const house = await openHouse(t, '22000-22198')
  const { node, api, phone } = house
  const callId = await phoneIn(house)
  const speaking = await api.speakOn(callId)
  await api.say(speaking.id, LONG)
  await until('it sounds', () => phone.lastVoicedAt() > 0)
  await until('and for a while', () => phone.frames.filter((frame) => frame.isVoiced).length > 50)

  node.parts.store.freezeWriter(FROZEN_MS)
  const frozenAt = monotonicMs()
  // Something to store, which cannot be stored now.
  phone.press('5')
  await pause(500)
  assert.equal(api.of('dtmf_received').length, 0, 'the store hangs')
  const askedAt = monotonicMs()
  await api.must('POST', `/speakings/${speaking.id}/flush`)
  const answeredAt = monotonicMs()
  await until('half a second of silence', () => (phone.frames.at(-1)?.at ?? 0) > askedAt + 500)
  const silentMs = phone.lastVoicedAt() - askedAt
  await until('the store is back', () => api.of('dtmf_received').length === 1)
  const backMs = monotonicMs() - frozenAt
  await until('the cut is told', () => api.of('speaking_say_interrupted').length === 1)
  const { longestGapMs, frames } = phone.pace()

  t.diagnostic(
    `flush asked to last voiced packet at the phone ${silentMs.toFixed(0)} ms, answered in ${(answeredAt - askedAt).toFixed(0)} ms; ` +
      `longest gap of ${frames} packets ${longestGapMs.toFixed(0)} ms; the store was back after ${backMs.toFixed(0)} ms`,
  )
  assert.ok(backMs >= FROZEN_MS - 100, 'it was frozen all the while')
  assert.ok(silentMs <= SILENT_WITHIN_MS, `silent after ${silentMs} ms`)
  assert.ok(answeredAt - askedAt < FROZEN_MS / 4, `answered after ${answeredAt - askedAt} ms`)
  assert.ok(longestGapMs <= LONGEST_GAP_MS, `a gap of ${longestGapMs} ms`)
  const [cut] = api.of('speaking_say_interrupted')
  assert.equal(`${cut.text_heard}${cut.text_unheard}`, LONG)
})

test('a listen thread that dies ends transcribing, not the call; the next one hears again', {
  timeout: 60_000,
}, async (t) => {
  const [phrase] = await speakIntoMemory(['book a table'])
  const house = await openHouse(t, '22200-22398')
  const { node, api, phone } = house
  const callId = await phoneIn(house)
  const transcribe = await api.listenOn(callId)
  const speaking = await api.speakOn(callId)
  await api.say(speaking.id, SHORT)
  await until('it sounds', () => phone.lastVoicedAt() > 0)
  await node.parts.threads.listen.kill()
  await until('transcribing is over', () => api.of('transcribe_done').length === 1)
  assert.deepEqual(
    [api.of('transcribe_done')[0].id, api.of('transcribe_done')[0].status_reason],
    [transcribe.id, 'engine_failed'],
  )
  await until('the sentence is heard to its end', () => api.of('speaking_say_finished').length === 1)
  assert.ok(phone.isUp)
  assert.ok(phone.pace().longestGapMs <= LONGEST_GAP_WHILE_LOADING_MS, `a gap of ${phone.pace().longestGapMs} ms`)
  await until('the thread is back', () => node.parts.threads.listen.isReady)
  phone.hangup()
  await until('the call is over', () => phone.end !== null)
  await api.listenOn(await phoneIn(house))
  await until('it listens', () => api.of('transcribe_progressing').length === 2)
  await phone.speak(phrase!)
  await until('the caller is heard', () => api.of('transcript_created').length === 1)
  assert.equal(api.of('transcript_created')[0].message, 'book a table')
})

test('a talk thread that dies cuts the sentence, not the call; the same session speaks again', {
  timeout: 60_000,
}, async (t) => {
  const house = await openHouse(t, '22400-22598')
  const { node, api, phone } = house
  const speaking = await api.speakOn(await phoneIn(house))
  await api.say(speaking.id, LONG)
  await until('it sounds', () => api.of('speaking_say_started').length === 1)
  await node.parts.threads.talk.kill()
  await until('it is cut', () => api.of('speaking_say_interrupted').length === 1)
  assert.equal(api.of('speaking_say_interrupted')[0].cut_by, 'engine')
  await until('the thread is back', () => node.parts.threads.talk.isReady)
  await api.say(speaking.id, 'Here I am again.')
  await until('it speaks again', () => api.of('speaking_say_finished').length === 1)
  assert.ok(phone.isUp)
  assert.ok(phone.pace().longestGapMs <= LONGEST_GAP_WHILE_LOADING_MS, `a gap of ${phone.pace().longestGapMs} ms`)
})

test('a media thread that dies takes its calls with it, told as failed; the next call works', {
  timeout: 60_000,
}, async (t) => {
  const house = await openHouse(t, '22600-22798')
  const { node, api, phone } = house
  const callId = await phoneIn(house)
  const speaking = await api.speakOn(callId)
  await api.say(speaking.id, LONG)
  await until('it sounds', () => phone.lastVoicedAt() > 0)
  await node.parts.threads.media[0]!.kill()
  await until('the phone is told', () => phone.end !== null)
  await until('all is told', () => api.of('call_hangup').length === 1 && api.of('speaking_stopped').length === 1)
  assert.deepEqual([api.of('call_hangup')[0].id, api.of('call_hangup')[0].hangup_reason], [callId, 'failed'])
  await until('the thread is back', () => node.parts.threads.media[0]!.isReady)
  const again = await api.speakOn(await phoneIn(house))
  await api.say(again.id, 'Here we are.')
  await until('it is heard', () => api.of('speaking_say_finished').length === 1)
  await until('at the phone too', () => phone.frames.some((frame) => frame.isVoiced))
  await until('nothing is left of the first', () => node.parts.sound.census().legs === 1)
})
