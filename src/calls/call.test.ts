import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NIL_UUID } from '../kernel/ids.ts'
import { CALL } from './call-table.ts'
import { action, HandDrivenCall, LEG } from './harness.suite.ts'
import type { CallOutput } from './part.ts'
import { replay } from './replay.ts'

const TRANSCRIBE = {
  kind: 'startTranscribe',
  language: 'en-US',
  direction: 'both',
  provider: '',
  onEndFlowId: NIL_UUID,
  phrases: null,
} as const
const SPEAKING = { kind: 'createSpeaking', language: 'en-US', provider: '', voiceId: '', direction: 'both' } as const

function conversation(): { call: HandDrivenCall; transcribeId: string; speakingId: string } {
  const call = new HandDrivenCall().answered()
  const transcribeId = String(call.done(TRANSCRIBE)['id'])
  call.listen({ kind: 'attached', ear: 1, at: call.now })
  const speakingId = String(call.done(SPEAKING)['id'])
  return { call, transcribeId, speakingId }
}

test('an incoming call rings, is answered by its flow and tells so in order', () => {
  const call = new HandDrivenCall()
  call.born()
  assert.deepEqual(call.events(), ['call_created', 'call_ringing'])
  call.sound({ kind: 'legOpened', leg: LEG, localPort: 10_000, at: call.now })
  assert.equal(call.acts('accept').length, 1)
  assert.ok(!call.events().includes('call_progressing'), 'not before the far end has confirmed')
  call.give({ kind: 'sip', news: { kind: 'confirmed' } })
  // The action it executes is another one after each step.
  assert.deepEqual(call.events('call_').slice(2), ['call_updated', 'call_progressing', 'call_updated'])
})

test('actions that run out hang up, reason normal, by us', () => {
  const call = new HandDrivenCall().answered({
    plan: {
      flowId: NIL_UUID,
      actions: [action('answer'), action('talk', { text: 'Good day to you.' })],
      variables: {},
    },
  })
  const sayId = call.lastSayId()
  const samples = call.rendered('Good day to you.')
  call.sound({ kind: 'played', leg: LEG, say: { sayId, lane: 0, samples }, rtpTime: 0, at: call.now })
  assert.equal(call.acts('bye').length, 1)
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'local' } })
  const gone = call.eventData('call_hangup')[0]
  assert.equal(gone?.['hangup_reason'], 'normal')
  assert.equal(gone?.['hangup_by'], 'local')
  call.closed()
  assert.equal(call.acts('over').length, 1)
})

test('a call with neither flow nor actions stays up after answer', () => {
  const call = new HandDrivenCall().answered({ direction: 'outgoing', plan: null })
  assert.equal(call.events('call_').at(-1), 'call_progressing')
  assert.equal(call.acts('bye').length, 0)
  assert.equal(call.call.doc()['status'], 'progressing')
})

test('hang-up comes before what it causes, and once', () => {
  const { call } = conversation()
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })
  call.listen({ kind: 'detached', ear: 1, at: call.now })
  call.closed()
  const events = call.events()
  const at = (type: string): number => events.indexOf(type)
  assert.equal(events.filter((type) => type === 'call_hangup').length, 1)
  assert.ok(at('call_hangup') < at('transcribe_done'))
  assert.ok(at('streaming_stopped') < at('transcribe_done'))
  assert.ok(at('call_hangup') < at('speaking_stopped'))
  assert.equal(call.acts('over').length, 1)
})

test('a late transcript may follow the hang-up, never the end of its transcription', () => {
  const { call } = conversation()
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })
  call.heard(1, 'opening hours')
  call.listen({ kind: 'detached', ear: 1, at: call.now })
  const events = call.events()
  assert.ok(events.indexOf('call_hangup') < events.indexOf('transcript_created'))
  assert.ok(events.indexOf('transcript_created') < events.indexOf('transcribe_done'))
})

test('what was heard becomes one transcript between its speech events', () => {
  const { call, transcribeId } = conversation()
  call.after(4_000).heard(1, 'book a table')
  assert.deepEqual(call.events('trans').slice(-3), [
    'transcribe_speech_started',
    'transcribe_speech_ended',
    'transcript_created',
  ])
  const transcript = call.eventData('transcript_created')[0]
  assert.equal(transcript?.['message'], 'book a table')
  assert.equal(transcript?.['direction'], 'in')
  assert.equal(transcript?.['transcribe_id'], transcribeId)
  assert.equal(transcript?.['tm_transcript'], '0001-01-01 00:00:04.000000')
})

test('speech that was rejected ends without a transcript', () => {
  const { call } = conversation()
  call.heard(1, '')
  assert.equal(call.eventData('transcript_created').length, 0)
  assert.equal(call.eventData('transcribe_speech_ended')[0]?.['recognised'], false)
})

test('a say is told as finished with all its text when its last sample has left', () => {
  const { call, speakingId } = conversation()
  call.done({ kind: 'say', speakingId, text: 'We are open every day.' })
  const sayId = call.lastSayId()
  const samples = call.rendered('We are open every day.')
  call.sound({ kind: 'played', leg: LEG, say: { sayId, lane: 1, samples }, rtpTime: 0, at: call.now })
  const finished = call.eventData('speaking_say_finished')[0]
  assert.equal(finished?.['text_heard'], 'We are open every day.')
  assert.equal(finished?.['text_unheard'], '')
  assert.equal(call.eventData('transcript_created')[0]?.['message'], 'We are open every day.')
  assert.equal(call.eventData('transcript_created')[0]?.['direction'], 'out')
})

test('a flush tells the prefix that was heard and the word that was cut', () => {
  const { call, speakingId } = conversation()
  call.done({ kind: 'say', speakingId, text: 'On Sunday we open at ten.' })
  const sayId = call.lastSayId()
  call.rendered('On Sunday we open at ten.')
  call.done({ kind: 'flush', speakingId })
  call.sound({
    kind: 'flushed',
    leg: LEG,
    lane: 1,
    epoch: 1,
    cut: [{ sayId, lane: 1, samples: 1_900 }],
    lastVoicedAt: call.now,
    at: call.now,
  })
  const cut = call.eventData('speaking_say_interrupted')[0]
  assert.equal(cut?.['text_heard'], 'On Sunday')
  assert.equal(cut?.['text_unheard'], ' we open at ten.')
  assert.equal(cut?.['cut_word'], 'we')
  assert.equal(cut?.['cut_by'], 'flush')
  assert.equal(call.eventData('transcript_created')[0]?.['message'], 'On Sunday')
})

test('what was asked before a flush and never began is told as unheard', () => {
  const { call, speakingId } = conversation()
  call.done({ kind: 'say', speakingId, text: 'First sentence.' })
  call.done({ kind: 'say', speakingId, text: 'Second sentence.' })
  const second = call.lastSayId()
  call.rendered('First sentence.', second - 1)
  call.done({ kind: 'flush', speakingId })
  call.sound({
    kind: 'flushed',
    leg: LEG,
    lane: 1,
    epoch: 1,
    cut: [{ sayId: second - 1, lane: 1, samples: 800 }],
    lastVoicedAt: call.now,
    at: call.now,
  })
  const heard = call.eventData('speaking_say_interrupted').map((data) => data['text_heard'])
  assert.deepEqual(heard, ['First', ''])
})

test('a say after a flush carries the new epoch', () => {
  const { call, speakingId } = conversation()
  call.done({ kind: 'say', speakingId, text: 'Old.' })
  call.done({ kind: 'flush', speakingId })
  call.done({ kind: 'say', speakingId, text: 'New.' })
  const epochs = call.acts('utter').map((output) => (output.kind === 'utter' ? output.epoch : -1))
  assert.deepEqual(epochs, [0, 1])
})

test('hang-up in mid-word tells what was heard before the session is told as stopped', () => {
  const { call, speakingId } = conversation()
  call.done({ kind: 'say', speakingId, text: 'Thank you for calling.' })
  const sayId = call.lastSayId()
  call.rendered('Thank you for calling.')
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })
  call.closed([{ sayId, lane: 1, samples: 1_600 }])
  const events = call.events('speaking_')
  assert.deepEqual(events.slice(-2), ['speaking_say_interrupted', 'speaking_stopped'])
  const cut = call.eventData('speaking_say_interrupted')[0]
  assert.equal(cut?.['text_heard'], 'Thank you')
  assert.equal(cut?.['cut_by'], 'hangup')
})

test('a speaking counts as live until its end is told, so that a kill in between is made good', () => {
  const { call, speakingId } = conversation()
  call.done({ kind: 'say', speakingId, text: 'Thank you for calling.' })
  call.rendered('Thank you for calling.')
  const keyOf = (outputs: readonly { kind: string }[]): unknown =>
    (outputs as readonly CallOutput[]).flatMap((output) =>
      output.kind === 'row' && output.row.id === speakingId
        ? [[output.row.keys['status'], output.row.doc['status']]]
        : [],
    )
  assert.deepEqual(keyOf(call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })), [['active', 'stopped']])
  const closing = call.closed([{ sayId: call.lastSayId(), lane: 1, samples: 100 }])
  assert.deepEqual(keyOf(closing), [['stopped', 'stopped']])
  assert.equal(call.eventData('speaking_stopped').length, 1)
})

test('a flush leaves a flow talk playing', () => {
  const call = new HandDrivenCall().answered({
    plan: { flowId: NIL_UUID, actions: [action('answer'), action('talk', { text: 'From the flow.' })], variables: {} },
  })
  const speakingId = String(call.done(SPEAKING)['id'])
  call.done({ kind: 'say', speakingId, text: 'From the API.' })
  call.done({ kind: 'flush', speakingId })
  const flushes = call.acts('flush')
  assert.deepEqual(flushes, [{ kind: 'flush', lane: 1, epoch: 1 }])
})

test('say while initiating is queued and answered with active', () => {
  const call = new HandDrivenCall().answered()
  const outputs = call.call.handle({ kind: 'command', reply: 70, command: SPEAKING }, call.now, 1)
  const row = outputs.find((output) => output.kind === 'row')
  assert.equal(row?.kind === 'row' && row.row.doc['status'], 'initiating')
  const speakingId = row?.kind === 'row' ? row.row.id : ''
  const early = call.call.handle(
    { kind: 'command', reply: 71, command: { kind: 'say', speakingId, text: 'Hello.' } },
    call.now,
    2,
  )
  assert.equal(early.filter((output) => output.kind === 'reply').length, 0)
  const begun = call.call.handle({ kind: 'begin', speakingId }, call.now, 3)
  const reply = begun.find((output) => output.kind === 'reply')
  assert.equal(reply?.kind === 'reply' && reply.outcome.ok && reply.outcome.doc['status'], 'active')
  assert.ok(begun.some((output) => output.kind === 'utter'))
})

test('sessions on a call that is not in conversation are refused', () => {
  const call = new HandDrivenCall()
  call.born()
  assert.deepEqual(call.command(TRANSCRIBE), { ok: false, code: 'CALL_STATE_INVALID' })
  assert.deepEqual(call.command(SPEAKING), { ok: false, code: 'CALL_STATE_INVALID' })
})

test('the same language twice is refused with the id of the running one', () => {
  const { call, transcribeId } = conversation()
  const outcome = call.command(TRANSCRIBE)
  assert.ok(outcome && !outcome.ok)
  assert.equal(outcome.code, 'TRANSCRIBE_ALREADY_PROGRESSING')
  assert.deepEqual(outcome.extra, { id: transcribeId })
})

test('stop is answered when pending sound is recognised', () => {
  const { call, transcribeId } = conversation()
  assert.equal(call.command({ kind: 'stopTranscribe', transcribeId }), null)
  const outputs = call.listen({ kind: 'detached', ear: 1, at: call.now })
  const reply = outputs.find((output) => output.kind === 'reply')
  assert.equal(reply?.kind === 'reply' && reply.outcome.ok && reply.outcome.doc['status'], 'done')
  assert.equal(call.command({ kind: 'stopTranscribe', transcribeId })?.ok, true, 'and again, without an error')
})

test('a second speaking session is refused while the first is active', () => {
  const { call } = conversation()
  assert.deepEqual(call.command(SPEAKING), { ok: false, code: 'SPEAKING_ALREADY_ACTIVE' })
})

test('an outgoing call that nobody answers ends with the reason of the contract', () => {
  const cases = [
    [486, 'remote', 'busy'],
    [480, 'remote', 'noanswer'],
    [603, 'remote', 'noanswer'],
    [404, 'local', 'failed'],
    [408, 'timeout', 'dialout'],
  ] as const
  for (const [code, cause, reason] of cases) {
    const call = new HandDrivenCall()
    call.born({ direction: 'outgoing', plan: null })
    call.sound({ kind: 'legOpened', leg: LEG, localPort: 10_000, at: call.now })
    if (code !== 404) call.give({ kind: 'sip', news: { kind: 'progress', code: 180 } })
    call.give({ kind: 'sip', news: { kind: 'failed', code, cause, why: '' } })
    assert.equal(call.eventData('call_hangup')[0]?.['hangup_reason'], reason, `${code} ${cause}`)
    assert.equal(call.eventData('call_hangup')[0]?.['hangup_by'], 'remote')
  }
})

test('hanging up before the answer cancels, and an answer that crosses it is hung up', () => {
  const call = new HandDrivenCall()
  call.born({ direction: 'outgoing', plan: null })
  call.sound({ kind: 'legOpened', leg: LEG, localPort: 10_000, at: call.now })
  call.done({ kind: 'hangup' })
  assert.equal(call.acts('cancelInvite').length, 1)
  assert.equal(call.call.doc()['status'], 'canceling')
  call.give({ kind: 'sip', news: { kind: 'answered' } })
  assert.equal(call.acts('bye').length, 1)
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'local' } })
  assert.equal(call.eventData('call_hangup')[0]?.['hangup_reason'], 'cancel')
})

test('an ear that never lets go does not keep the call: it is over after the wrap-up time', () => {
  const { call } = conversation()
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })
  call.closed()
  assert.equal(call.acts('over').length, 0)
  call.give({ kind: 'timer', name: 'wrapUp' })
  assert.equal(call.events().filter((type) => type === 'transcribe_done').length, 1)
  assert.equal(call.acts('over').length, 1)
})

test('a lost listen thread ends the transcription with a reason and leaves the call up', () => {
  const { call, transcribeId } = conversation()
  call.give({ kind: 'threadLost', thread: 'listen' })
  assert.equal(call.eventData('transcribe_done')[0]?.['status_reason'], 'engine_failed')
  assert.equal(call.eventData('transcribe_done')[0]?.['id'], transcribeId)
  assert.equal(call.call.doc()['status'], 'progressing')
})

test('the input log, through JSON, replays to identical outputs', () => {
  const { call, speakingId } = conversation()
  call.heard(1, 'opening hours')
  call.done({ kind: 'say', speakingId, text: 'We open at nine.' })
  call.rendered('We open at nine.')
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })
  call.listen({ kind: 'detached', ear: 1, at: call.now })
  call.closed([{ sayId: 1, lane: 1, samples: 900 }])
  const lines = call.inputs.map(({ input, now, wall }, n) =>
    JSON.stringify({ v: 1, n, now, wall, part: 'call', input }),
  )
  const outputs = replay(lines, { rateHz: 8000, voiceFor: (wish) => wish.voiceId || 'slt' }).flat()
  assert.equal(JSON.stringify(outputs), JSON.stringify(call.all))
})

test('every status has a cell for every input', () => {
  for (const [status, row] of Object.entries(CALL)) assert.equal(Object.keys(row).length, 5, status)
})

test('events of a call are numbered without a gap', () => {
  const { call } = conversation()
  const seqs = call.all.flatMap((output) => (output.kind === 'event' ? [output.event.seq] : []))
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  )
})
