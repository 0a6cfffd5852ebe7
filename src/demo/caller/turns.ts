/** The server's own record of a call's turns, as `GET /v1.0/calls/{id}/turns` gives it: ms on the call's clock. */

const STAGES = [
  ['detector', 'last_voiced_ms', 'detector_ms'],
  ['end of turn', 'detector_ms', 'end_of_turn_ms'],
  ['final text', 'end_of_turn_ms', 'final_ms'],
  ['stored, sent', 'final_ms', 'sent_ms'],
  ['agent', 'sent_ms', 'say_ms'],
  ['synthesiser', 'say_ms', 'first_pcm_ms'],
  ['first voice', 'first_pcm_ms', 'first_voice_ms'],
] as const

type Mark = (typeof STAGES)[number][1 | 2]

export type TurnDoc = { readonly text: string; readonly rejected: boolean } & Readonly<Record<Mark, number | null>>

export interface FlushDoc {
  readonly asked_ms: number | null
  readonly silent_ms: number | null
}

export interface TurnsDoc {
  readonly turns: readonly TurnDoc[]
  readonly flushes: readonly FlushDoc[]
}

export const NO_TURNS: TurnsDoc = { turns: [], flushes: [] }

export interface Stage {
  readonly name: string
  readonly ms: number
}

export const STAGE_NAMES: readonly string[] = STAGES.map(([name]) => name)

/** Where the time of one turn went, from the caller's last sound to our first; null while a mark is missing. */
export function stagesOf(turn: TurnDoc): readonly Stage[] | null {
  const stages: Stage[] = []
  for (const [name, from, to] of STAGES) {
    const start = turn[from]
    const end = turn[to]
    if (start === null || end === null) return null
    stages.push({ name, ms: end - start })
  }
  return stages
}

/** Reads an answer of the API; what is not a number counts as not known. */
export function readTurns(body: unknown): TurnsDoc {
  const { result, flushes } = record(body)
  return { turns: list(result).map(readTurn), flushes: list(flushes).map(readFlush) }
}

function readTurn(value: unknown): TurnDoc {
  const fields = record(value)
  const marks = new Map<Mark, number | null>()
  for (const [, from, to] of STAGES) {
    marks.set(from, number(fields[from]))
    marks.set(to, number(fields[to]))
  }
  const text = typeof fields['text'] === 'string' ? fields['text'] : ''
  return { text, rejected: fields['rejected'] === true, ...(Object.fromEntries(marks) as Record<Mark, number | null>) }
}

function readFlush(value: unknown): FlushDoc {
  const fields = record(value)
  return { asked_ms: number(fields['asked_ms']), silent_ms: number(fields['silent_ms']) }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
