/**
 * How often may be asked: sign-in and sign-up always, everything else when the operator says so. Keeps a bounded number of
 * addresses, usernames and customers; the ones seen longest ago are forgotten first.
 */

import { isIPv4 } from 'node:net'
import { Windows } from '../calls/admission/window.ts'
import { usernameKey } from '../contract/account.ts'
import { AppError } from '../contract/errors.ts'
import type { Clock, Millis } from '../kernel/clock.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

const LOGINS_PER_MINUTE = 30
const FAILURES_PER_MINUTE = 10
const SIGNUPS_PER_HOUR = 10
/** Tests, first steps and a proxy on the same machine all come from there. */
const LOOPBACK_FACTOR = 100

const MOST_KEYS = 20_000
/** Addresses remembered of a user who has signed in. */
const MOST_ADDRESSES = 8
const MOST_USERNAME_CHARS = 256

/** What is never made to wait: it ends or silences a call. */
const NEVER_LIMITED = /\/(say|flush|hangup)$/

export class ApiRates {
  readonly #clock: Pick<Clock, 'now'>
  readonly #requestsPerSecond: number
  readonly #logins = new Windows(MINUTE_MS, MOST_KEYS)
  readonly #failures = new Windows(MINUTE_MS, MOST_KEYS)
  readonly #signups = new Windows(HOUR_MS, MOST_KEYS)
  readonly #requests = new Windows(SECOND_MS, MOST_KEYS)
  /** Where users have signed in from, by username. */
  readonly #homes = new Map<string, string[]>()

  /** @param requestsPerSecond of one customer; 0 = as many as they like */
  constructor(clock: Pick<Clock, 'now'>, requestsPerSecond = 0) {
    this.#clock = clock
    this.#requestsPerSecond = requestsPerSecond
  }

  /** @throws AppError RATE_LIMIT_EXCEEDED */
  signUp(address: string): void {
    this.#take(this.#signups, placeOf(address), SIGNUPS_PER_HOUR * factorOf(address))
  }

  /**
   * Checks a password unless too many were wrong lately. A user who is being attacked still gets in from where he has
   * signed in before.
   *
   * @param check answers null for a wrong password
   * @throws AppError RATE_LIMIT_EXCEEDED
   */
  async signIn<T>(address: string, username: string, check: () => Promise<T | null>): Promise<T | null> {
    this.#take(this.#logins, placeOf(address), LOGINS_PER_MINUTE * factorOf(address))
    return this.password(address, username, check)
  }

  /** As `signIn`, for a password that comes with another request. */
  async password<T>(address: string, username: string, check: () => Promise<T | null>): Promise<T | null> {
    const user = usernameKey(username).slice(0, MOST_USERNAME_CHARS)
    const now = this.#clock.now()
    const isHome = this.#homes.get(user)?.includes(placeOf(address)) ?? false
    if (!isHome && !this.#failures.fits(user, FAILURES_PER_MINUTE, now)) throw new AppError('RATE_LIMIT_EXCEEDED')
    // Counted before the answer is known: those who ask at the same time would all pass otherwise.
    this.#failures.note(user, now)
    const found = await check()
    if (found === null) return null
    this.#failures.takeBack(user)
    this.#remember(user, placeOf(address))
    return found
  }

  /** @param route its pattern. @throws AppError RATE_LIMIT_EXCEEDED */
  request(customerId: string, route: string): void {
    if (this.#requestsPerSecond === 0 || NEVER_LIMITED.test(route)) return
    this.#take(this.#requests, customerId, this.#requestsPerSecond)
  }

  #take(windows: Windows, key: string, limit: number): void {
    const now: Millis = this.#clock.now()
    if (!windows.fits(key, limit, now)) throw new AppError('RATE_LIMIT_EXCEEDED')
    windows.note(key, now)
  }

  #remember(user: string, place: string): void {
    const places = (this.#homes.get(user) ?? []).filter((one) => one !== place)
    this.#homes.delete(user)
    this.#homes.set(user, [...places, place].slice(-MOST_ADDRESSES))
    const oldest = this.#homes.size > MOST_KEYS ? this.#homes.keys().next() : null
    if (oldest && !oldest.done) this.#homes.delete(oldest.value)
  }
}

function factorOf(address: string): number {
  return /^(127\.|::1$|::ffff:127\.)/.test(address) ? LOOPBACK_FACTOR : 1
}

/** Whoever has one IPv6 address has the 2^64 beside it: those count as one. */
function placeOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address
  if (isIPv4(mapped)) return mapped
  const [head = '', tail] = mapped.toLowerCase().split('%')[0]!.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  return [...front, ...zeros, ...back].slice(0, 4).join(':')
}
