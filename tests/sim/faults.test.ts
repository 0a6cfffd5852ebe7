/** What one part's failure does to a call, and what it must not do. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallCommand } from '../../src/calls/commands.ts'
import { NIL_UUID } from '../../src/kernel/ids.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { PhoneCall } from '../../src/phone/call.ts'
import { speakPhrase } from '../../src/speech/providers/scripted/ears.ts'
import { FAILING_WORD } from '../../src/speech/providers/scripted/synthesiser.ts'
import { nothingIsLeft, recordsAreFinal, storyHolds } from './checks.ts'
import { NUMBER, VOCABULARY, World } from './world.ts'

interface Session {
  readonly world: World
  readonly call: PhoneCall
  /** Waits for the answer, and refuses anything but a yes. */
  say(text: string): Promise<void>
  readonly ends: () => JsonObject[]
  ask(command: CallCommand): Promise<JsonObject>
  data(type: string): JsonObject[]
}

async function session(seed: string, known?: World): Promise<Session> {
  const world = known ?? (await World.open({ seed }))
  const before = world.events.length
  const phone = await world.phone({ user: '+15550199' })
  const call = await phone.call(NUMBER)
  const find = (type: string) =>
    world.events
      .slice(before)
      .filter((event) => event.type === type)
      .map(({ data }) => data)
  await world.until('the call is up', () => find('call_progressing').length === 1)
  const callId = String(find('call_progressing')[0]!['id'])
  const ask = async (command: CallCommand): Promise<JsonObject> => {
    const outcome = await world.exchange.ask(world.customerId, callId, command)
    assert.ok(outcome.ok)
    return outcome.doc
  }
  const speaking = await ask({
    kind: 'createSpeaking',
    language: 'en-US',
    provider: '',
    voiceId: '',
    direction: 'both',
  })
  const speakingId = String(speaking['id'])
  return {
    world,
    call,
    say: async (text) => void (await ask({ kind: 'say', speakingId, text })),
    ask,
    data: find,
    ends: () => [...find('speaking_say_finished'), ...find('speaking_say_interrupted')],
  }
}

test('a sentence that the engine fails on ends at once, and the next one is heard', async () => {
  const { world, call, say, ends } = await session('fail')
  await say(`This goes ${FAILING_WORD} wrong.`)
  await world.until('it is over', () => ends().length === 1, 2_000)
  assert.deepEqual([ends()[0]!['cut_by'], ends()[0]!['text_heard']], ['engine', ''])
  await say('This goes right.')
  await world.until('the next one is heard', () => ends().length === 2, 5_000)
  assert.equal(ends().find(({ cut_by }) => cut_by === '')?.['text_heard'], 'This goes right.')
  call.hangup()
  await world.close()
  nothingIsLeft(world)
})

test('a long text whose second half fails is heard up to there, and ends', async () => {
  const { world, call, say, ends } = await session('half')
  const whole = 'The first sentence is well and good.'
  await say(`${whole} The second one is ${FAILING_WORD} not.`)
  await world.until('it is over', () => ends().length === 1, 10_000)
  const [end] = ends()
  assert.equal(end!['cut_by'], 'engine')
  assert.equal(String(end!['text_heard']), whole.replace('.', ''), 'to the end of its last word')
  call.hangup()
  await world.close()
  nothingIsLeft(world)
})

test('a text with nothing to speak in it ends at once', async () => {
  const { world, call, say, ends } = await session('nothing')
  await say('...')
  await say('Hello there.')
  await world.until('both are over', () => ends().length === 2, 5_000)
  call.hangup()
  await world.close()
  nothingIsLeft(world)
})

const LISTEN: CallCommand = {
  kind: 'startTranscribe',
  language: 'en-US',
  direction: 'in',
  provider: '',
  onEndFlowId: NIL_UUID,
  phrases: null,
}

/** Nothing is left, and all stories are whole. */
async function ended(world: World): Promise<void> {
  await world.close()
  for (const { id } of await recordsAreFinal(world)) {
    storyHolds(await world.store.eventsOfCall(world.customerId, id))
  }
  nothingIsLeft(world)
}

test('the talk thread dies: what it was saying is cut where it was, the call stays, and it speaks again', async () => {
  const { world, call, say, ends, data } = await session('talk dies')
  await say('These are a good many words that will never be said to their end, as we shall see.')
  await world.until('it sounds', () => data('speaking_say_started').length === 1)
  await world.run(1_000)
  world.kill('talk')
  await world.until('it is over', () => ends().length === 1, 500)
  const [end] = ends()
  assert.equal(end!['cut_by'], 'engine')
  assert.match(String(end!['text_heard']), /^These are a good/)
  await say('Nobody is there to say this.')
  await world.until('that is over', () => ends().length === 2, 200)
  assert.deepEqual([ends()[1]!['cut_by'], ends()[1]!['text_heard']], ['engine', ''])
  await world.run(1_100)
  await say('Here I am again.')
  await world.until('it is heard', () => ends().length === 3, 5_000)
  assert.equal(ends().filter(({ text_heard }) => text_heard === 'Here I am again.').length, 1)
  assert.equal(call.state, 'answered')
  call.hangup()
  await ended(world)
})

test('the listen thread dies: transcribing ends as failed, the call and its sound go on, and it can be started again', async () => {
  const { world, call, say, ask, ends, data } = await session('listen dies')
  await ask(LISTEN)
  await say('One two three four five six seven eight nine ten.')
  await world.run(500)
  world.kill('listen')
  await world.until('transcribing is over', () => data('transcribe_done').length === 1, 200)
  assert.equal(data('transcribe_done')[0]!['status_reason'], 'engine_failed')
  // Too early: refused by the same words, not left hanging.
  await ask(LISTEN)
  await world.until('that is over too', () => data('transcribe_done').length === 2, 200)
  await world.until('the sentence is heard', () => ends().length === 1)
  assert.equal(ends()[0]!['cut_by'], '')
  await world.run(1_100)
  await ask(LISTEN)
  void call.speak(speakPhrase(VOCABULARY, 'opening hours'))
  await world.until('the caller is heard', () => data('transcript_created').length === 1, 3_000)
  assert.equal(data('transcript_created')[0]!['message'], 'opening hours')
  call.hangup()
  await ended(world)
})

test('the media thread dies: its calls end as failed, calls meanwhile are refused, and the next one works', async () => {
  const { world, call, say, ends, data } = await session('media dies')
  await say('One two three four five six seven eight nine ten.')
  await world.run(500)
  world.kill('media')
  await world.until('the phone is told', () => call.state === 'ended', 2_000)
  await world.until('all is told', () => data('call_hangup').length === 1 && data('speaking_stopped').length === 1)
  assert.equal(data('call_hangup')[0]!['hangup_reason'], 'failed')
  assert.equal(ends().length, 1)
  const early = await (await world.phone({ user: '+15550198' })).call(NUMBER)
  await world.until('it is refused', () => early.state === 'ended', 900)
  await world.run(1_200)
  const later = await session('', world)
  await later.say('Here we are.')
  await world.until('it is heard', () => later.ends().length === 1, 5_000)
  later.call.hangup()
  await ended(world)
})

test('a call that finds no free leg is refused at once, and leaves nothing', async () => {
  const world = await World.open({ seed: 'full', maxCalls: 1 })
  const phone = await world.phone({ user: '+15550199' })
  const first = await phone.call(NUMBER)
  await world.until('the first is up', () => first.state === 'answered')
  const second = await phone.call(NUMBER)
  const end = Promise.withResolvers<number>()
  void second.ended.then(({ code }) => end.resolve(code))
  await world.until('the second is refused', () => second.state === 'ended', 500)
  assert.equal(await end.promise, 503)
  first.hangup()
  await ended(world)
})

test('who stops a transcribe of a call whose last records are still on their way waits for them', async () => {
  const { world, call, ask, data } = await session('last records')
  const { id } = await ask(LISTEN)
  const transcribeId = String(id)
  const callId = String(data('call_progressing')[0]!['id'])
  const arrived = Promise.withResolvers<void>()
  const commit = world.store.commit.bind(world.store)
  world.store.commit = (batch) => arrived.promise.then(() => commit(batch))
  call.hangup()
  await world.until('the call is over', () => world.runner.callIds().length === 0, 5_000)
  assert.equal(world.runner.callOf('transcribe', transcribeId), callId, 'it is known whom to ask')
  let answered = false
  const asked = world.exchange.ask(world.customerId, callId, { kind: 'stopTranscribe', transcribeId })
  void asked.then(() => {
    answered = true
  })
  await world.run(1_000)
  assert.equal(answered, false)
  arrived.resolve()
  const outcome = await asked
  assert.deepEqual([outcome.ok, !outcome.ok && outcome.code], [false, 'CALL_NOT_FOUND'])
  const row = await world.store.get('transcribes', world.customerId, transcribeId)
  assert.equal(row?.doc['status'], 'done')
  assert.equal(world.runner.callOf('transcribe', transcribeId), null)
  await ended(world)
})
