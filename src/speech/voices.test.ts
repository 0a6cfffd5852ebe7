import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_VOICE, pickVoice, VOICES } from './voices.ts'

test('every installed voice is picked by its name', () => {
  for (const { id } of VOICES) assert.equal(pickVoice({ voiceId: id }), id)
  assert.equal(pickVoice({ voiceId: 'RMS' }), 'rms')
})

test('an unknown voice_id is answered by the default voice', () => {
  assert.equal(pickVoice({ voiceId: '21m00Tcm4TlvDq8ikWAM' }), DEFAULT_VOICE)
  assert.equal(pickVoice({}), DEFAULT_VOICE)
})

test('gender picks a voice, an installed voice_id goes before it', () => {
  assert.equal(pickVoice({ gender: 'male' }), 'rms')
  assert.equal(pickVoice({ gender: 'Female' }), 'slt')
  assert.equal(pickVoice({ gender: 'neutral' }), DEFAULT_VOICE)
  assert.equal(pickVoice({ gender: 'male', voiceId: 'slt' }), 'slt')
  assert.equal(pickVoice({ gender: 'male', language: 'en-GB' }), 'awb')
})

test("another vendor's en-US names give a voice of the same gender", () => {
  for (const letter of 'ABDIJ') assert.equal(pickVoice({ voice: `en-US-Neural2-${letter}` }), 'rms', letter)
  for (const letter of 'CEFGH') assert.equal(pickVoice({ voice: `en-US-Wavenet-${letter}` }), 'slt', letter)
  assert.equal(pickVoice({ voiceId: 'en-US-Neural2-D' }), 'rms')
})

test('names of other languages give the default voice', () => {
  assert.equal(pickVoice({ voice: 'ko-KR-Neural2-C' }), DEFAULT_VOICE)
  assert.equal(pickVoice({ voice: 'en-GB-Neural2-B' }), DEFAULT_VOICE)
})
