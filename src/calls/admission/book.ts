/** The calls of one customer as far as limits go: what is up, what began lately, what today's calls took. */

import type { LimitName, Limits, NumberLimits } from '../../contract/limits.ts'
import type { Millis } from '../../kernel/clock.ts'
import { Window, Windows } from './window.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
/** An admitted call that has not begun by then never will. */
const RESERVED_MS = 10_000
/** Destinations remembered for a minute; past that the ones called longest ago are forgotten. */
const MOST_DESTINATIONS = 10_000

/** A call about to be, in the words of this file. */
export interface Asked {
  /** The customer's own number it is made with or comes to; '' when none. */
  readonly number: string
  /** Names the destination of an outgoing call; null for incoming ones. */
  readonly destination: string | null
  /** Tells this call from others that are admitted at the same time, until it begins. */
  readonly mark?: string
}

interface Moment {
  readonly now: Millis
  /** `2026-01-31`, UTC. */
  readonly day: string
}

export class Book {
  readonly #all = new Meter()
  readonly #byNumber = new Map<string, Meter>()
  readonly #destinations = new Windows(MINUTE_MS, MOST_DESTINATIONS)
  readonly #live = new Map<string, { readonly number: string; readonly beganAt: Millis }>()

  get liveCalls(): number {
    return this.#live.size
  }

  /** True when it knows nothing that a new book would not know, but for the minutes of today. */
  isIdle(now: Millis): boolean {
    return this.#live.size === 0 && this.#all.isIdle(now)
  }

  /** Counts the call when it may be. @returns the limit that refuses it, or null */
  admit(asked: Asked, limits: Limits, own: NumberLimits, moment: Moment): LimitName | null {
    const meter = this.#meterOf(asked.number)
    const refusal = this.#all.refusal(limits, moment) ?? numbered(meter?.refusal(own, moment) ?? null)
    if (refusal) return refusal
    const { destination } = asked
    const { now } = moment
    if (destination !== null && !this.#destinations.fits(destination, limits.per_destination_per_minute, now)) {
      return 'per_destination_per_minute'
    }
    if (destination !== null) this.#destinations.note(destination, now)
    this.#all.reserve(asked.mark ?? '', now)
    meter?.reserve(asked.mark ?? '', now)
    return null
  }

  /** @param mark as it was admitted with */
  began(callId: string, number: string, now: Millis, mark = ''): void {
    if (this.#live.has(callId)) return
    this.#live.set(callId, { number, beganAt: now })
    this.#all.began(mark, now)
    this.#meterOf(number)?.began(mark, now)
  }

  over(callId: string, { now, day }: Moment): void {
    const call = this.#live.get(callId)
    if (!call) return
    this.#live.delete(callId)
    this.#all.over(call.beganAt, now, day)
    this.#meterOf(call.number)?.over(call.beganAt, now, day)
  }

  /** Time that calls of that day took before this book was opened. */
  restore(number: string, ms: Millis, day: string): void {
    this.#all.spent(ms, day)
    this.#meterOf(number)?.spent(ms, day)
  }

  #meterOf(number: string): Meter | null {
    if (number === '') return null
    const known = this.#byNumber.get(number)
    if (known) return known
    const made = new Meter()
    this.#byNumber.set(number, made)
    return made
  }
}

/** What is counted of a customer, and of each of its numbers. */
class Meter {
  readonly #second = new Window(SECOND_MS)
  #reserved: { readonly mark: string; readonly at: Millis }[] = []
  #live = 0
  /** Sum of the moments at which live calls began: tells how long all of them have lasted without asking each. */
  #begunSum = 0
  #day = ''
  #spentMs = 0

  isIdle(now: Millis): boolean {
    return this.#live === 0 && this.#pending(now) === 0 && this.#second.count(now) === 0
  }

  refusal(
    limits: NumberLimits,
    { now, day }: Moment,
  ): 'calls_at_once' | 'new_calls_per_second' | 'minutes_per_day' | null {
    const { calls_at_once: atOnce, new_calls_per_second: perSecond, minutes_per_day: minutes } = limits
    if (minutes !== undefined && this.#tookMs(now, day) >= minutes * MINUTE_MS) return 'minutes_per_day'
    if (atOnce !== undefined && this.#live + this.#pending(now) >= atOnce) return 'calls_at_once'
    if (perSecond !== undefined && !this.#second.fits(perSecond, now)) return 'new_calls_per_second'
    return null
  }

  reserve(mark: string, now: Millis): void {
    this.#second.note(now)
    this.#reserved.push({ mark, at: now })
  }

  began(mark: string, now: Millis): void {
    const at = this.#reserved.findIndex((one) => one.mark === mark)
    if (at >= 0) this.#reserved.splice(at, 1)
    this.#live++
    this.#begunSum += now
  }

  over(beganAt: Millis, now: Millis, day: string): void {
    this.#live--
    this.#begunSum -= beganAt
    this.spent(now - beganAt, day)
  }

  spent(ms: Millis, day: string): void {
    if (day !== this.#day) this.#spentMs = 0
    this.#day = day
    this.#spentMs += ms
  }

  #tookMs(now: Millis, day: string): number {
    return (day === this.#day ? this.#spentMs : 0) + this.#live * now - this.#begunSum
  }

  #pending(now: Millis): number {
    const [oldest] = this.#reserved
    if (oldest && oldest.at <= now - RESERVED_MS) {
      this.#reserved = this.#reserved.filter(({ at }) => at > now - RESERVED_MS)
    }
    return this.#reserved.length
  }
}

function numbered(name: 'calls_at_once' | 'new_calls_per_second' | 'minutes_per_day' | null): LimitName | null {
  return name === null ? null : `number.${name}`
}
