/**
 * What the flat dialect (contract §17) tells of each call and when, as a state table fed with the events of calls in their
 * order. Pure. Not here: who is told, and the bodies.
 */

import type { FlatName } from '../contract/webhook.ts'
import type { Micros } from '../kernel/clock.ts'
import { isUnset } from '../kernel/ids.ts'
import { step, type Table } from '../kernel/machine.ts'
import type { EventRow } from '../store/port.ts'

/** `call.ended` goes at the latest this long after `call_hangup`. */
export const ENDED_AFTER_MS = 2_000
/** A text that comes later than this after `call_hangup` is not told: storing it could take it past `call.ended`. */
const LAST_TEXT_MS = 1_800
/** A call whose transcriptions never end is forgotten after this. */
const FORGOTTEN_AFTER_MS = 10_000
/** Bounds the memory for calls whose end is never told. */
const MAX_CALLS = 50_000

/**
 * - live: told of
 * - bridged: talks with another party; texts are held back and not told later
 * - ending, endingBridged: hung up; the last texts are awaited
 * - leg: made by `connect` or a transfer, never told of
 * - over: nothing more is told
 */
type State = 'live' | 'bridged' | 'ending' | 'endingBridged' | 'leg' | 'over'

/** hungUp: while it is transcribed; hungUpQuiet: while it is not. heardAll: the last transcription is done. late: see above. */
type Input =
  | 'created'
  | 'answered'
  | 'bridged'
  | 'alone'
  | 'nobody'
  | 'said'
  | 'hungUp'
  | 'hungUpQuiet'
  | 'heardAll'
  | 'late'

type Action = FlatName | 'hold' | 'release'

const SILENT = {
  created: 'ignore',
  answered: 'ignore',
  bridged: 'ignore',
  alone: 'ignore',
  nobody: 'ignore',
  said: 'ignore',
  hungUp: { to: 'over' },
  hungUpQuiet: { to: 'over' },
  heardAll: 'ignore',
  late: 'ignore',
} as const

const ENDING = {
  ...SILENT,
  // Told again when the store could not take it the first time.
  hungUp: { to: 'ending', run: ['call.ended', 'hold'] },
  hungUpQuiet: { to: 'over', run: ['call.ended'] },
  heardAll: { to: 'over', run: ['release'] },
  late: { to: 'over' },
} as const

const TABLE: Table<State, Input, Action> = {
  live: {
    created: { to: 'live', run: ['call.initiated'] },
    answered: { to: 'live', run: ['call.answered'] },
    bridged: { to: 'bridged' },
    alone: 'ignore',
    nobody: { to: 'live', run: ['call.connect_failed'] },
    said: { to: 'live', run: ['transcript'] },
    hungUp: { to: 'ending', run: ['call.ended', 'hold'] },
    hungUpQuiet: { to: 'over', run: ['call.ended'] },
    heardAll: 'ignore',
    late: 'ignore',
  },
  bridged: {
    created: { to: 'bridged', run: ['call.initiated'] },
    answered: { to: 'bridged', run: ['call.answered'] },
    bridged: 'ignore',
    alone: { to: 'live' },
    nobody: { to: 'live', run: ['call.connect_failed'] },
    said: 'ignore',
    hungUp: { to: 'endingBridged', run: ['call.ended', 'hold'] },
    hungUpQuiet: { to: 'over', run: ['call.ended'] },
    heardAll: 'ignore',
    late: 'ignore',
  },
  ending: { ...ENDING, said: { to: 'ending', run: ['transcript'] } },
  endingBridged: { ...ENDING, hungUp: { to: 'endingBridged', run: ['call.ended', 'hold'] } },
  leg: SILENT,
  over: SILENT,
}

interface Call {
  state: State
  readonly flowId: string
  /** Transcriptions that are not done. */
  readonly transcribes: Set<string>
  hungUpAt: Micros | null
}

export interface FlatNews {
  readonly name: FlatName | null
  /** True: it waits for `release`, or for `ENDED_AFTER_MS`. */
  readonly isHeld: boolean
  /** What is held of this call may go, after this event. */
  readonly releases: boolean
  readonly flowId: string
}

export class FlatCalls {
  readonly #calls = new Map<string, Call>()
  /** In the order of their hang-up. */
  readonly #ending = new Map<string, Call>()

  /** @returns what this event means in the flat dialect, or null for nothing. Texts that are not final give `transcript` too */
  hear(event: EventRow): FlatNews | null {
    const { call_id: id } = event
    if (id === null) return null
    const call = this.#calls.get(id) ?? this.#begin(id, event)
    if (!call) return null
    const run = [...inputsOf(event, call)].flatMap((input) => this.#step(call, input))
    if (call.state === 'over') this.#forget(id)
    else if (event.type === 'call_hangup') this.#awaitLast(id, call, event.wall_us)
    if (run.length === 0) return null
    const name = run.find((action): action is FlatName => action !== 'hold' && action !== 'release') ?? null
    return { name, isHeld: run.includes('hold'), releases: run.includes('release'), flowId: call.flowId }
  }

  /** Calls that are remembered. */
  get size(): number {
    return this.#calls.size
  }

  /** A call is known from its first event on; one of an earlier run of the server is heard of by its hang-up only. */
  #begin(id: string, { type, data }: EventRow): Call | null {
    if (type !== 'call_created' && type !== 'call_hangup') return null
    const call: Call = {
      state: isUnset(String(data['master_call_id'] ?? '')) ? 'live' : 'leg',
      flowId: String(data['flow_id'] ?? ''),
      transcribes: new Set(),
      hungUpAt: null,
    }
    this.#calls.set(id, call)
    if (this.#calls.size > MAX_CALLS) this.#forget(this.#calls.keys().next().value!)
    return call
  }

  #step(call: Call, input: Input): readonly Action[] {
    const { to, run } = step('flat call', TABLE, call.state, input)
    call.state = to
    return run
  }

  #awaitLast(id: string, call: Call, now: Micros): void {
    call.hungUpAt ??= now
    this.#ending.set(id, call)
    for (const [oldest, { hungUpAt }] of this.#ending) {
      if (now - (hungUpAt ?? now) <= FORGOTTEN_AFTER_MS * 1000) break
      this.#forget(oldest)
    }
  }

  #forget(id: string): void {
    this.#calls.delete(id)
    this.#ending.delete(id)
  }
}

/** Keeps the set of transcriptions, too. */
function* inputsOf({ type, data, wall_us }: EventRow, call: Call): Generator<Input> {
  if (call.hungUpAt !== null && wall_us - call.hungUpAt > LAST_TEXT_MS * 1000) yield 'late'
  switch (type) {
    case 'call_created':
      yield 'created'
      break
    case 'call_progressing':
      yield 'answered'
      break
    case 'call_updated':
      yield isBridged(data['metadata']) ? 'bridged' : 'alone'
      break
    case 'call_connect_failed':
      yield 'nobody'
      break
    case 'transcript_created':
    case 'transcribe_speech_interim':
      if (data['direction'] === 'in') yield 'said'
      break
    case 'transcribe_created':
      call.transcribes.add(String(data['id']))
      break
    case 'transcribe_done':
      call.transcribes.delete(String(data['id']))
      if (call.transcribes.size === 0) yield 'heardAll'
      break
    case 'call_hangup':
      yield call.transcribes.size > 0 ? 'hungUp' : 'hungUpQuiet'
  }
}

function isBridged(metadata: unknown): boolean {
  const with_ = (metadata as { bridged_call_id?: unknown } | null | undefined)?.bridged_call_id
  return typeof with_ === 'string' && !isUnset(with_)
}
