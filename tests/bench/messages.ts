/** What the processes of a benchmark tell each other: the program in the middle starts a server and a caller. */

import type { BenchResult } from './figures.ts'

/** How to reach the server under test. */
export interface Access {
  readonly httpPort: number
  readonly sipPort: number
  readonly token: string
  readonly customerId: string
  /** Answers and stays silent. */
  readonly number: string
}

/** CPU time since the server's process began, ms. */
export interface Cpu {
  readonly processMs: number
  readonly mainThreadMs: number
}

/** What the server's process holds. */
export interface Held {
  readonly rssKb: number
  readonly heapKb: number
  readonly buffersKb: number
  readonly legs: number
  readonly liveCalls: number
  readonly sipTimers: number
  /** Open handles by kind, as `process.getActiveResourcesInfo` counts those of the main thread. */
  readonly handles: Readonly<Record<string, number>>
  /** File descriptors of the process; -1 where they cannot be counted. */
  readonly descriptors: number
}

/** One say as the server saw it, on the monotonic clock that all processes of the machine share. */
export interface SayTrace {
  readonly text: string
  readonly askedAt: number
  firstPcmAt: number | null
  firstClauseCpuMs: number | null
  firstVoiceAt: number | null
}

/** Speech as the detector cut it. `port`: of the leg, at the server. */
export interface UtteranceTrace {
  readonly port: number
  readonly onsetAt: number
}

/** What the media thread tells once a second. */
export interface PaceTrace {
  readonly legs: number
  readonly lateP50Ms: number
  readonly lateP99Ms: number
  readonly lateMaxMs: number
  readonly cpuMs: number
}

export interface ServerAnswers {
  cpu: Cpu
  /** After a full collection of garbage, where that can be asked for. */
  memory: Held
  /** All says since the last question. */
  says: readonly SayTrace[]
  /** All seconds since the last question. */
  paces: readonly PaceTrace[]
  /** All stored `flow_created` since the last question. */
  commits: readonly CommitTrace[]
  /** All that began since the last question. */
  utterances: readonly UtteranceTrace[]
  /** Starts the control: a bare ticker that also sends a packet every 20 ms to this UDP port. */
  startControl: null
  /** Stops it. @see control.ts */
  takeControl: readonly number[]
}

/** When the main thread learned that an event was stored. `id`: of its resource. */
export interface CommitTrace {
  readonly id: string
  readonly at: number
}

export type ServerQuestion = keyof ServerAnswers

export type ToServer =
  | { readonly kind: 'ask'; readonly id: number; readonly question: ServerQuestion; readonly port?: number }
  | { readonly kind: 'close' }

export type FromServer =
  | { readonly kind: 'ready'; readonly access: Access }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }

export type ToCaller =
  | {
      readonly kind: 'run'
      readonly bench: string
      readonly access: Access
      readonly scale: number
      readonly seed: string
    }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }

export type FromCaller =
  | { readonly kind: 'ask'; readonly id: number; readonly question: ServerQuestion; readonly port?: number }
  | { readonly kind: 'result'; readonly result: BenchResult }
  | { readonly kind: 'failed'; readonly why: string }
