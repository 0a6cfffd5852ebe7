/** The call's own turn record (`GET /v1.0/calls/{id}/turns`) as sentences: how fast the agent has been answering. */

import { counted, inWords } from './numbers.ts'

/** Ms on the call's clock; null until that stage has happened. */
export interface TurnRecord {
  readonly last_voiced_ms: number | null
  readonly end_of_turn_ms: number | null
  readonly final_ms: number | null
  readonly say_ms: number | null
  readonly first_voice_ms: number | null
}

export interface FlushRecord {
  readonly asked_ms: number | null
  /** When the last voiced packet had left; null when nothing was sounding. */
  readonly silent_ms: number | null
}

export interface CallTimings {
  readonly turns: readonly TurnRecord[]
  readonly flushes: readonly FlushRecord[]
}

type Whole = { readonly [key in keyof TurnRecord]: number }

/** Medians over the finished turns, in words. Turns without an answer of ours do not count. */
export function speedInWords(timings: CallTimings): string {
  const turns = timings.turns.filter(isWhole)
  if (turns.length === 0) return 'I have not answered you often enough yet. Ask me again after my next answer.'
  const over = (from: keyof Whole, to: keyof Whole) => milliseconds(median(turns.map((turn) => turn[to] - turn[from])))
  const sentences = [
    `From your last sound to my first, ${over('last_voiced_ms', 'first_voice_ms')}. ` +
      `That is the median of ${counted(turns.length, 'turn', 'turns')}.`,
    `${capital(over('last_voiced_ms', 'end_of_turn_ms'))} of that I listen, to be sure that you have finished.`,
    `Understanding takes ${over('end_of_turn_ms', 'final_ms')}, ` +
      `deciding takes ${over('final_ms', 'say_ms')}, and my voice needs ${over('say_ms', 'first_voice_ms')}.`,
  ]
  const silence = silenceAfterFlush(timings.flushes)
  if (silence !== null) sentences.push(`When you stopped me, I was silent after ${milliseconds(silence)}.`)
  return sentences.join(' ')
}

function isWhole(turn: TurnRecord): turn is Whole {
  return [turn.last_voiced_ms, turn.end_of_turn_ms, turn.final_ms, turn.say_ms, turn.first_voice_ms].every(
    (at) => typeof at === 'number',
  )
}

/** @returns null when nothing was cut while it sounded */
function silenceAfterFlush(flushes: readonly FlushRecord[]): number | null {
  const waits = flushes.flatMap(({ asked_ms, silent_ms }) =>
    asked_ms === null || silent_ms === null ? [] : [Math.max(0, silent_ms - asked_ms)],
  )
  return waits.length === 0 ? null : median(waits)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
}

function milliseconds(value: number): string {
  return value < 1
    ? 'less than one millisecond'
    : `${inWords(value)} ${Math.round(value) === 1 ? 'millisecond' : 'milliseconds'}`
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1)
}
