import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hearing } from './hearing.ts'
import { type Evidence, judge } from './judge.ts'
import type { Line } from './script.ts'
import type { TurnDoc } from './turns.ts'

const SILENCE = new Int16Array(160)
const VOICE = new Int16Array(160).fill(3_000)

/** The server's call clock starts here on the caller's clock. */
const BIRTH = 10_000

const ask: Line = { kind: 'ask', text: 'Opening hours.' }
const stop: Line = { kind: 'interrupt', text: 'Stop.', afterVoicedMs: 500 }
const foreign: Line = { kind: 'foreign', text: 'Purple trains.' }
const last: Line = { kind: 'last', text: 'Goodbye.' }

/** Stretches of voice from the agent, in ms on the call's clock; silence everywhere else. */
function heard(stretches: readonly (readonly [from: number, to: number])[]): Hearing {
  const hearing = new Hearing()
  for (let ms = 0; ms < 12_000; ms += 20) {
    const isVoice = stretches.some(([from, to]) => ms >= from && ms < to)
    hearing.note(isVoice ? VOICE : SILENCE, BIRTH + ms)
  }
  return hearing
}

function turn(text: string, more: Partial<TurnDoc>): TurnDoc {
  const none = { detector_ms: null, end_of_turn_ms: null, final_ms: null, sent_ms: null, first_pcm_ms: null }
  return { text, rejected: false, last_voiced_ms: null, say_ms: null, first_voice_ms: null, ...none, ...more }
}

/** A call as it must be: asked at 1 s, stopped at 4 s, foreign at 7 s, goodbye at 10 s. */
function goodCall(): Evidence {
  const spoke = (line: Line, from: number) => ({ line, from: BIRTH + from, lastVoicedAt: BIRTH + from + 500 })
  const said = { heard: 'We open', unheard: '', cutBy: '' }
  return {
    trouble: '',
    agentHungUp: true,
    planned: 4,
    spoke: [spoke(ask, 1_000), spoke(stop, 4_000), spoke(foreign, 7_000), spoke(last, 10_000)],
    understood: [
      { at: BIRTH + 1_850, text: 'opening hours' },
      { at: BIRTH + 4_840, text: 'stop' },
      { at: BIRTH + 10_860, text: 'goodbye' },
    ],
    unrecognised: [BIRTH + 7_800],
    said: [
      { ...said, at: BIRTH + 4_880, unheard: ' at noon.', cutBy: 'flush' },
      { ...said, at: BIRTH + 9_000, heard: 'That is outside my demo phrases.' },
    ],
    hearing: heard([
      [1_900, 4_860],
      [4_960, 6_000],
      [7_900, 9_000],
      [10_900, 11_500],
    ]),
    turns: {
      turns: [
        turn('opening hours', { say_ms: 1_860, first_voice_ms: 1_900 }),
        turn('stop', { say_ms: 4_900, first_voice_ms: 4_960 }),
        turn('', { rejected: true, say_ms: 7_830, first_voice_ms: 7_900 }),
        turn('goodbye', { say_ms: 10_870, first_voice_ms: 10_900 }),
      ],
      flushes: [{ asked_ms: 4_850, silent_ms: 4_860 }],
    },
    endedAt: BIRTH + 11_600,
  }
}

function failuresOf(change: (good: Evidence) => Partial<Evidence>): string {
  const good = goodCall()
  const { failures, verdict } = judge({ ...good, ...change(good) })
  assert.equal(verdict.ok, failures.length === 0)
  return failures.join(' ')
}

test('a call as it must be is ok, and its figures are the measured ones', () => {
  const { verdict, failures, turnMs } = judge(goodCall())
  assert.deepEqual(failures, [])
  assert.deepEqual(turnMs, [400, 460, 400, 400])
  assert.deepEqual(verdict, {
    ok: true,
    turns: 4,
    turn_ms: { p50: 400, p95: 460 },
    speech_end_to_transcript_ms: { p50: 350, p95: 360 },
    say_to_first_voice_ms: { p50: 40, p95: 70 },
    flush_to_silence_ms: 10,
    rejected: 1,
    caller: 'synthetic',
  })
})

test('a transcript that differs from what was spoken fails', () => {
  const wrong = failuresOf(({ understood }) => ({
    understood: [{ ...understood[0]!, text: 'help' }, ...understood.slice(1)],
  }))
  assert.match(wrong, /said "Opening hours\." and the transcript was "help"/)
  const missing = failuresOf(({ understood }) => ({ understood: understood.slice(0, 2) }))
  assert.match(missing, /said "Goodbye\." and the transcript was ""/)
})

test('a foreign sentence that is taken for one of the phrases fails', () => {
  const taken = { at: BIRTH + 7_900, text: 'help' }
  assert.match(
    failuresOf(({ understood }) => ({ understood: [...understood, taken] })),
    /taken for "help"/,
  )
  assert.match(
    failuresOf(() => ({ unrecognised: [] })),
    /Nothing told/,
  )
  assert.match(
    failuresOf(({ said }) => ({ said: said.slice(0, 1) })),
    /did not say that/,
  )
})

test('a reply that was never heard fails', () => {
  const deaf = heard([
    [1_900, 4_860],
    [4_960, 6_000],
    [10_900, 11_500],
  ])
  assert.match(
    failuresOf(() => ({ hearing: deaf })),
    /no answer to "Purple trains\."/,
  )
})

test('the old sentence heard again after the cut fails', () => {
  const leaking = heard([
    [1_900, 4_860],
    [4_900, 4_920],
    [4_960, 6_000],
    [7_900, 9_000],
    [10_900, 11_500],
  ])
  assert.match(
    failuresOf(() => ({ hearing: leaking })),
    /did not hear silence/,
  )
})

test('a sentence that goes on over the interruption fails', () => {
  assert.match(
    failuresOf(({ said }) => ({ said: said.slice(1) })),
    /was not cut by "Stop\."/,
  )
})

test('a flush slower than the contract fails', () => {
  assert.match(
    failuresOf(({ turns }) => ({ turns: { ...turns, flushes: [{ asked_ms: 4_750, silent_ms: 4_860 }] } })),
    /110 ms from the flush/,
  )
})

test('no record of the flush fails, and its figure is null', () => {
  const good = goodCall()
  const { verdict, failures } = judge({ ...good, turns: { ...good.turns, flushes: [] } })
  assert.equal(verdict.flush_to_silence_ms, null)
  assert.match(failures.join(' '), /no record of the cut/)
})

test('a call that ends early or is not ended by the agent fails', () => {
  assert.match(
    failuresOf(() => ({ agentHungUp: false })),
    /did not hang up/,
  )
  const trouble = 'There was no answer.'
  assert.match(
    failuresOf(({ spoke }) => ({ spoke: spoke.slice(0, 1), trouble })),
    /There was no answer\./,
  )
  assert.equal(judge({ ...goodCall(), spoke: [], trouble }).verdict.ok, false)
})
