import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Story } from './story.ts'

const ours = { id: 'call-1', metadata: { sip_call_id: 'abc@phone' } }

function storyOf(events: readonly (readonly [type: string, data: object])[]): Story {
  const story = new Story('abc@phone')
  for (const [index, [type, data]] of events.entries()) story.note({ type, data }, index * 100)
  return story
}

test('a story follows its own call only', () => {
  const story = storyOf([
    ['call_created', { id: 'call-2', metadata: { sip_call_id: 'other' } }],
    ['call_created', ours],
    ['transcribe_created', { id: 't-1', reference_id: 'call-1' }],
    ['transcribe_created', { id: 't-2', reference_id: 'call-2' }],
    ['transcript_created', { transcribe_id: 't-1', direction: 'in', message: 'stop' }],
    ['transcript_created', { transcribe_id: 't-2', direction: 'in', message: 'help' }],
    ['transcript_created', { transcribe_id: 't-1', direction: 'out', message: 'All right.' }],
    ['speaking_say_finished', { reference_id: 'call-2', text_heard: 'No.' }],
  ])
  assert.equal(story.callId, 'call-1')
  assert.deepEqual(story.understood, [{ at: 400, text: 'stop' }])
  assert.deepEqual(story.said, [])
})

test('a cut sentence is told with what was heard of it', () => {
  const cut = { reference_id: 'call-1', text_heard: 'On Sunday', text_unheard: ' we open.', cut_by: 'flush' }
  const story = storyOf([
    ['call_created', ours],
    ['speaking_say_started', { reference_id: 'call-1', text: 'On Sunday we open.' }],
    ['speaking_say_interrupted', cut],
  ])
  assert.deepEqual(story.said, [{ at: 200, heard: 'On Sunday', unheard: ' we open.', cutBy: 'flush' }])
})

test('speech that was not recognised is noted, recognised speech is not', () => {
  const ended = { transcribe_id: 't-1', direction: 'in' }
  const story = storyOf([
    ['call_created', ours],
    ['transcribe_created', { id: 't-1', reference_id: 'call-1' }],
    ['transcribe_speech_ended', { ...ended, recognised: true }],
    ['transcribe_speech_ended', { ...ended, recognised: false }],
  ])
  assert.deepEqual(story.unrecognised, [300])
})

test('frames of any shape are survived', () => {
  const story = new Story('x')
  for (const frame of [
    null,
    1,
    'text',
    [],
    {},
    { type: 5 },
    { type: 'call_created' },
    { type: 'call_created', data: 4 },
  ]) {
    story.note(frame, 0)
  }
  assert.equal(story.callId, null)
})
