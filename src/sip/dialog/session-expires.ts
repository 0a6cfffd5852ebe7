/** The headers of session timers (RFC 4028): Session-Expires, Min-SE and who refreshes. */

import type { Extras } from '../message/compose.ts'
import { parseNumber, parseParameters } from '../message/grammar.ts'
import { header, type SipMessage, type SipRequest, type SipResponse } from '../message/message.ts'
import { supports } from './option-tags.ts'

/** Who sends the refreshing requests, as seen from the request that carries the header. */
export type Refresher = 'uac' | 'uas'

export interface Interval {
  readonly seconds: number
  /** Null: left to the answering side. */
  readonly refresher: Refresher | null
}

/** What we ask for: PJSIP's and Asterisk's default too. */
export const WANTED_S = 1_800
/** The least RFC 4028 §5 allows. */
export const LEAST_S = 90
/** More than this is nobody's wish for a session's check. */
const MOST_S = 86_400

/** @returns null when the header is absent or cannot be read */
export function intervalOf(message: SipMessage): Interval | null {
  const value = header(message, 'session-expires')
  if (value === null) return null
  const semicolon = value.indexOf(';')
  const seconds = parseNumber((semicolon === -1 ? value : value.slice(0, semicolon)).trim())
  if (seconds === null || seconds === 0) return null
  const said = semicolon === -1 ? undefined : parseParameters(value.slice(semicolon))?.get('refresher')?.toLowerCase()
  return { seconds: Math.min(seconds, MOST_S), refresher: said === 'uac' || said === 'uas' ? said : null }
}

/** An interval below our least, from somebody who understands a 422 (RFC 4028 §9: nobody else may get one). */
export function isTooBrief(request: SipRequest): boolean {
  const interval = intervalOf(request)
  return interval !== null && interval.seconds < LEAST_S && supports(request, 'timer')
}

export const TOO_BRIEF: { readonly code: number; readonly extras: Extras } = {
  code: 422,
  extras: [['Min-SE', String(LEAST_S)]],
}

export function printInterval({ seconds, refresher }: Interval): readonly [string, string] {
  return ['Session-Expires', refresher === null ? String(seconds) : `${seconds};refresher=${refresher}`]
}

/** The interval we ask for; a 422 raises it (RFC 4028 §7.4). */
export class WishedInterval {
  #seconds: number
  #leastS = LEAST_S
  #raises = 0

  constructor(seconds = WANTED_S) {
    this.#seconds = seconds
  }

  get seconds(): number {
    return this.#seconds
  }

  set seconds(seconds: number) {
    this.#seconds = Math.max(seconds, this.#leastS)
  }

  /** @param refresher null leaves it to them */
  headers(refresher: Refresher | null): Extras {
    const leastS: readonly [string, string] = ['Min-SE', String(this.#leastS)]
    return [printInterval({ seconds: this.#seconds, refresher }), leastS]
  }

  /** @returns true when the request is to be sent again with what the 422 asks for */
  raise(response: SipResponse): boolean {
    const asked = response.code === 422 ? parseNumber(header(response, 'min-se') ?? '') : null
    if (asked === null || asked <= this.#leastS || asked > MOST_S || this.#raises >= 3) return false
    this.#raises += 1
    this.#leastS = asked
    this.#seconds = Math.max(this.#seconds, asked)
    return true
  }
}
