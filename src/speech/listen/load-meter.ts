/** How busy the listening thread is: once a second, while somebody is listened to. */

import type { Millis } from '../../kernel/clock.ts'
import type { ListenEvent } from '../protocol.ts'
import type { RecogniserPool } from './port.ts'

const TELL_MS = 1000

export class LoadMeter {
  readonly #pool: RecogniserPool
  readonly #emit: (event: ListenEvent) => void
  readonly #waits: number[] = []
  #since: Millis | null = null
  #busyMs = 0
  #mostBusy = 0

  constructor(pool: RecogniserPool, emit: (event: ListenEvent) => void) {
    this.#pool = pool
    this.#emit = emit
  }

  /** A piece of sound was read this long after it came in. */
  waited(ms: Millis): void {
    this.#waits.push(ms)
  }

  /** One poll is over. @param isListening false: nothing is told, and the count starts anew */
  polled(from: Millis, to: Millis, isListening: boolean): void {
    this.#busyMs += to - from
    this.#mostBusy = Math.max(this.#mostBusy, this.#pool.busy)
    if (!isListening) return this.#restart(null)
    this.#since ??= from
    if (to - this.#since < TELL_MS) return
    const waitP99Ms = percentile(this.#waits, 0.99)
    const busyShare = this.#busyMs / (to - this.#since)
    this.#emit({ kind: 'load', busyShare, waitP99Ms, decodersBusy: this.#mostBusy, decoders: this.#pool.size })
    this.#restart(to)
  }

  #restart(since: Millis | null): void {
    this.#since = since
    this.#busyMs = 0
    this.#mostBusy = 0
    this.#waits.length = 0
  }
}

function percentile(values: number[], share: number): number {
  const sorted = values.sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
