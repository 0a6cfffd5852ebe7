/** A caller as the tests hold it: the phone lives in a worker, what it heard is here, on the one clock of all threads. */

import { Worker } from 'node:worker_threads'
import { until } from './until.ts'

export interface Frame {
  /** Monotonic ms of arrival. */
  readonly at: number
  readonly sequence: number
  readonly isVoiced: boolean
}

export type FarPhoneCommand =
  | { readonly kind: 'call'; readonly target: string }
  | { readonly kind: 'speak'; readonly pcm8k: Int16Array }
  | { readonly kind: 'press'; readonly digit: string }
  | { readonly kind: 'hangup' }
  | { readonly kind: 'close' }

export type FarPhoneNews =
  | { readonly kind: 'ready' | 'answered' | 'closed' }
  | { readonly kind: 'frames'; readonly frames: readonly Frame[] }
  | { readonly kind: 'spoken'; readonly firstAt: number; readonly lastAt: number }
  | { readonly kind: 'ended'; readonly code: number; readonly cause: string }

export class FarPhone {
  readonly frames: Frame[] = []
  readonly #worker: Worker
  #isReady = false
  #isAnswered = false
  #isClosed = false
  #spoken: number[] = []
  end: { readonly code: number; readonly cause: string } | null = null

  static async open(sipPort: number, user: string): Promise<FarPhone> {
    const phone = new FarPhone(sipPort, user)
    await until('the phone is open', () => phone.#isReady)
    return phone
  }

  private constructor(sipPort: number, user: string) {
    this.#worker = new Worker(new URL('./far-phone-worker.ts', import.meta.url), { workerData: { sipPort, user } })
    this.#worker.on('message', (news: FarPhoneNews) => this.#hear(news))
  }

  #hear(news: FarPhoneNews): void {
    if (news.kind === 'frames') this.frames.push(...news.frames)
    else if (news.kind === 'ready') this.#isReady = true
    else if (news.kind === 'answered') this.#isAnswered = true
    else if (news.kind === 'closed') this.#isClosed = true
    else if (news.kind === 'spoken') this.#spoken.push(news.lastAt)
    else if (news.kind === 'ended') this.end = { code: news.code, cause: news.cause }
  }

  #post(command: FarPhoneCommand): void {
    this.#worker.postMessage(command)
  }

  get isUp(): boolean {
    return this.#isAnswered && this.end === null
  }

  async call(target: string): Promise<void> {
    this.#isAnswered = false
    this.end = null
    this.frames.length = 0
    this.#post({ kind: 'call', target })
    await until('the call is answered or refused', () => this.#isAnswered || this.end !== null)
  }

  /** @returns when its last sample left */
  async speak(pcm8k: Int16Array): Promise<number> {
    const before = this.#spoken.length
    this.#post({ kind: 'speak', pcm8k })
    await until('it is spoken', () => this.#spoken.length > before)
    return this.#spoken.at(-1)!
  }

  press(digit: string): void {
    this.#post({ kind: 'press', digit })
  }

  hangup(): void {
    this.#post({ kind: 'hangup' })
  }

  async close(): Promise<void> {
    this.#post({ kind: 'close' })
    await until('the phone is closed', () => this.#isClosed)
    await this.#worker.terminate()
  }

  /** Longest time between two arrivals from `since` on, and how many frames that were. */
  pace(since = 0): { readonly longestGapMs: number; readonly frames: number } {
    const times = this.frames.map(({ at }) => at).filter((at) => at >= since)
    let longestGapMs = 0
    for (let i = 1; i < times.length; i++) longestGapMs = Math.max(longestGapMs, times[i]! - times[i - 1]!)
    return { longestGapMs, frames: times.length }
  }

  lastVoicedAt(): number {
    return this.frames.findLast((frame) => frame.isVoiced)?.at ?? 0
  }
}
