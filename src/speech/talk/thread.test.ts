import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRing, emptyHeader, RingReader, SAY_END, SAY_START } from '../../kernel/ring.ts'
import type { LegRef } from '../../media/protocol.ts'
import type { TalkCommand, TalkEvent } from '../protocol.ts'
import { FAILING_WORD, ScriptedSynthesiser, WORD_MS } from '../providers/scripted/synthesiser.ts'
import { SENTENCE_PAUSE_MS } from '../sentences.ts'
import type { Synthesiser } from './engine.ts'
import { TalkThread } from './thread.ts'

const RATE_HZ = 8_000
const FRAME = 160
const WORD_SAMPLES = (WORD_MS * RATE_HZ) / 1000
const PAUSE_SAMPLES = (SENTENCE_PAUSE_MS * RATE_HZ) / 1000
const LONG =
  'We have a table for you on Sunday evening, and we will keep it for you until eight. Then it goes to someone else.'

interface Heard {
  readonly sayId: number
  readonly epoch: number
  readonly lane: number
  readonly firstSample: number
  readonly count: number
  readonly flags: number
  readonly loudest: number
}

/** A talk thread with one ring per leg, and what is read out of it. */
function world(records = 1000, engine: Synthesiser = new ScriptedSynthesiser()) {
  const events: TalkEvent[] = []
  const rendered: string[] = []
  const noted: Synthesiser = {
    isSpeakable: (text) => engine.isSpeakable(text),
    render(text, voice, rateHz) {
      rendered.push(text.trim())
      return engine.render(text, voice, rateHz)
    },
  }
  const thread = new TalkThread({ engine: noted, emit: (event) => events.push(event) })
  const readers = new Map<number, RingReader>()
  const open = (slot: number, generation = 1): LegRef => {
    const playout = createRing(records, 'refuse', FRAME)
    readers.set(slot, new RingReader(playout))
    const leg = { slot, generation }
    thread.handle({ kind: 'openVoice', leg, playout, rateHz: RATE_HZ }, 0)
    return leg
  }
  const read = (leg: LegRef, atMost = Number.POSITIVE_INFINITY): Heard[] => {
    const heard: Heard[] = []
    const header = emptyHeader()
    const samples = new Int16Array(FRAME)
    while (heard.length < atMost && readers.get(leg.slot)!.pop(header, samples)) {
      const { sayId, epoch, lane, firstSample, count, flags } = header
      heard.push({ sayId, epoch, lane, firstSample, count, flags, loudest: Math.max(0, ...samples.subarray(0, count)) })
    }
    return heard
  }
  const say = (leg: LegRef, sayId: number, text: string, more: Partial<Extract<TalkCommand, { kind: 'utter' }>> = {}) =>
    thread.handle({ kind: 'utter', leg, lane: 1, epoch: 0, sayId, text, voice: 'slt', askedAt: 0, ...more }, 0)
  const finish = (now = 0) => {
    while (thread.work(now)) {}
    thread.pump(now)
  }
  return { thread, events, rendered, open, read, say, finish }
}

const samplesOf = (heard: readonly Heard[]) => heard.reduce((sum, { count }) => sum + count, 0)

test('a say is written in frames of 20 ms, from SAY_START to SAY_END, without a hole', () => {
  const { events, open, read, say, finish } = world()
  const leg = open(3)
  say(leg, 7, 'Hello there my friend. Good bye.')
  finish()
  const heard = read(leg)
  const expected = 6 * WORD_SAMPLES + PAUSE_SAMPLES
  assert.equal(samplesOf(heard), expected)
  assert.deepEqual(heard.map(({ flags }) => flags).filter(Boolean), [SAY_START, SAY_END])
  assert.equal(heard[0]!.flags, SAY_START)
  assert.equal(heard.at(-1)!.flags, SAY_END)
  heard.forEach(({ firstSample, count, sayId }, i) => {
    assert.deepEqual({ firstSample, sayId }, { firstSample: i * FRAME, sayId: 7 })
    if (i < heard.length - 1) assert.equal(count, FRAME)
  })
  const last = events.at(-1)
  assert.ok(last?.kind === 'rendered' && last.final && last.totalSamples === expected)
})

test('a clause is told before its first sample is in the ring', () => {
  const { thread, events, open, read, say } = world()
  const leg = open(0)
  say(leg, 1, LONG)
  let told = 0
  while (thread.work(0)) {
    for (const event of events) if (event.kind === 'rendered') told = event.totalSamples
    const heard = read(leg)
    const last = heard.at(-1)
    assert.ok(last && last.firstSample + last.count <= told)
  }
})

test('words are placed in the whole text and the whole say', () => {
  const { events, open, say, finish } = world()
  say(open(0), 1, 'One two. Three four.')
  finish()
  const words = events.flatMap((event) => (event.kind === 'rendered' ? event.words : []))
  assert.deepEqual(
    words.map(({ charStart, charEnd }) => 'One two. Three four.'.slice(charStart, charEnd)),
    ['One', 'two', 'Three', 'four'],
  )
  assert.equal(words[2]!.startSample, 2 * WORD_SAMPLES + PAUSE_SAMPLES)
})

test('the earliest deadline is rendered first: a new first clause goes before what is needed later', () => {
  const { thread, rendered, open, say } = world()
  const [a, b] = [open(0), open(1)]
  say(a, 1, LONG, { askedAt: 0 })
  thread.work(0)
  say(b, 1, 'Quick answer.', { askedAt: 50 })
  thread.work(50)
  assert.equal(rendered[1], 'Quick answer.')
})

test('of two first clauses the one asked for earlier is first', () => {
  const { thread, rendered, open, say } = world()
  say(open(0), 1, 'Later.', { askedAt: 20 })
  say(open(1), 1, 'Earlier.', { askedAt: 10 })
  thread.work(30)
  assert.deepEqual(rendered, ['Earlier.'])
})

test('utterances of a leg keep their order over both lanes, with a breath between them', () => {
  const { open, read, say, finish } = world()
  const leg = open(0)
  say(leg, 1, 'From the flow.', { lane: 0 })
  say(leg, 2, 'From the session.', { lane: 1 })
  say(leg, 3, 'Flow again.', { lane: 0 })
  finish()
  const heard = read(leg)
  assert.deepEqual([...new Set(heard.map(({ sayId, lane }) => `${sayId}/${lane}`))], ['1/0', '2/1', '3/0'])
  const second = heard.filter(({ sayId }) => sayId === 2)
  assert.equal(samplesOf(second), 3 * WORD_SAMPLES + PAUSE_SAMPLES)
  assert.equal(second[0]!.loudest, 0)
})

test('what was dropped is not rendered, not even its next clause', () => {
  const { thread, events, rendered, open, read, say, finish } = world()
  const leg = open(0)
  say(leg, 1, LONG)
  thread.work(0)
  thread.handle({ kind: 'drop', leg, lane: 1, epoch: 1 }, 10)
  say(leg, 2, 'New words.', { epoch: 1 })
  finish(10)
  assert.equal(rendered.length, 2)
  assert.equal(rendered[1], 'New words.')
  const afterwards = read(leg).filter(({ sayId }) => sayId === 2)
  assert.ok(afterwards.every(({ epoch }) => epoch === 1))
  assert.equal(afterwards.at(-1)?.flags, SAY_END)
  assert.equal(events.filter(({ kind }) => kind === 'utterFailed').length, 0)
})

test('a drop leaves the other lane alone, and an utter older than the drop is ignored', () => {
  const { thread, open, read, say, finish } = world()
  const leg = open(0)
  say(leg, 1, 'Flow speaks.', { lane: 0 })
  say(leg, 2, 'Session speaks.', { lane: 1 })
  thread.handle({ kind: 'drop', leg, lane: 1, epoch: 4 }, 0)
  say(leg, 3, 'Too late.', { lane: 1, epoch: 3 })
  say(leg, 4, 'In time.', { lane: 1, epoch: 4 })
  finish()
  assert.deepEqual([...new Set(read(leg).map(({ sayId }) => sayId))], [1, 4])
})

test('a full ring holds the sound back without losing a sample, and rendering stops well ahead', () => {
  const { thread, rendered, open, read, say } = world(25)
  const leg = open(0)
  const text = Array.from({ length: 20 }, (_, i) => `This is the sentence with number ${i}.`).join(' ')
  say(leg, 1, text)
  const heard: Heard[] = []
  let most = 0
  for (let now = 0; thread.isBusy; now += 20) {
    while (thread.work(now)) {}
    thread.pump(now)
    heard.push(...read(leg, 1))
    most = Math.max(most, rendered.length - Math.floor(samplesOf(heard) / (7 * WORD_SAMPLES + PAUSE_SAMPLES)))
  }
  heard.push(...read(leg))
  assert.equal(samplesOf(heard), 20 * 7 * WORD_SAMPLES + 19 * PAUSE_SAMPLES)
  assert.ok(most <= 4, `${most} sentences ahead`)
})

test('a text without anything to say fails and still ends', () => {
  const { events, open, read, say, finish } = world()
  const leg = open(0)
  say(leg, 5, '😀 ... !!')
  finish()
  assert.deepEqual(events, [{ kind: 'utterFailed', leg, sayId: 5, why: 'nothing to speak' }])
  const [only, ...others] = read(leg)
  assert.deepEqual([only?.sayId, only?.count, only?.flags, others.length], [5, 0, SAY_START | SAY_END, 0])
})

test('a say that fails in the middle plays what it has and ends', () => {
  const { events, open, read, say, finish } = world()
  const leg = open(0)
  say(leg, 5, `All well so far. Now ${FAILING_WORD} it. Never reached.`)
  say(leg, 6, 'The next one.')
  finish()
  assert.deepEqual(
    events.map((event) =>
      event.kind === 'rendered' || event.kind === 'utterFailed' ? `${event.kind} ${event.sayId}` : event.kind,
    ),
    ['rendered 5', 'utterFailed 5', 'rendered 6'],
  )
  const heard = read(leg)
  assert.equal(samplesOf(heard.filter(({ sayId }) => sayId === 5)), 4 * WORD_SAMPLES + PAUSE_SAMPLES)
  assert.equal(heard.filter(({ sayId, flags }) => sayId === 5 && flags & SAY_END).length, 1)
  assert.equal(heard.at(-1)!.sayId, 6)
})

test('unspeakable clauses are passed over; the last speakable one is final', () => {
  const { events, open, read, say, finish } = world()
  const leg = open(0)
  say(leg, 1, 'Hello you. 😀')
  finish()
  const last = events.at(-1)
  assert.ok(last?.kind === 'rendered' && last.final)
  assert.equal(samplesOf(read(leg)), 2 * WORD_SAMPLES)
})

test('closing a voice forgets everything and says so; its slot may then be opened anew', () => {
  const { thread, events, open, read, say, finish } = world()
  const old = open(0, 1)
  say(old, 1, LONG)
  thread.handle({ kind: 'closeVoice', leg: old }, 0)
  finish()
  assert.deepEqual(events, [{ kind: 'voiceClosed', leg: old }])
  assert.equal(thread.isBusy, false)
  const young = open(0, 2)
  say(old, 2, 'A ghost.')
  say(young, 1, 'A newcomer.')
  finish()
  assert.ok(events.some((event) => event.kind === 'utterFailed' && event.leg.generation === 1))
  assert.ok(read(young).every(({ sayId }) => sayId === 1))
})

test('a late closeVoice of an older generation is answered and harms nobody', () => {
  const { thread, events, open, say, finish } = world()
  const old = open(0, 1)
  const young = open(0, 2)
  thread.handle({ kind: 'closeVoice', leg: old }, 0)
  say(young, 1, 'Still here.')
  finish()
  assert.ok(events.every((event) => event.kind !== 'voiceClosed' || event.leg.generation === 1))
  assert.ok(events.some((event) => event.kind === 'rendered'))
})

test('shutDown closes every voice', () => {
  const { thread, events, open } = world()
  open(0)
  open(1)
  thread.handle({ kind: 'shutDown' }, 0)
  assert.equal(events.filter(({ kind }) => kind === 'voiceClosed').length, 2)
})

test('the load is told once a second while there is work', () => {
  const { thread, events, open, say, finish } = world(1000, new ScriptedSynthesiser(50))
  thread.pump(0)
  say(open(0), 1, 'Hello there.')
  finish(500)
  thread.pump(1000)
  thread.pump(2500)
  const loads = events.filter((event) => event.kind === 'load')
  assert.deepEqual(loads, [{ kind: 'load', busyShare: 0.05, queued: 0 }])
})

test('SSML tags are not spoken and leave the words at their places', () => {
  const { events, open, say, finish } = world()
  const text = '<speak>Tom &amp; <emphasis>Jerry</emphasis> left</speak>'
  say(open(0), 1, text)
  finish()
  const words = events.flatMap((event) => (event.kind === 'rendered' ? event.words : []))
  assert.deepEqual(
    words.map(({ charStart, charEnd }) => text.slice(charStart, charEnd)),
    ['Tom', 'Jerry', 'left'],
  )
})
