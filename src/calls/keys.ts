/**
 * Keys the caller presses, by whichever way they come: as RFC 4733 events in the sound, or by INFO. Many phones send each
 * key by both ways; it counts once.
 */

import type { Millis } from '../kernel/clock.ts'

export type Way = 'sound' | 'info'

/** The same key by the other way within this time is the same press. An RFC 4733 key is told when it is released. */
const SAME_PRESS_MS = 2_000

interface Press {
  readonly digit: string
  readonly at: Millis
}

export class Keys {
  /** Presses that were counted, and whose twin has not come by the other way. */
  readonly #counted: Record<Way, Press[]> = { sound: [], info: [] }

  /** @returns false when the key came by the other way already */
  counts(digit: string, way: Way, now: Millis): boolean {
    const others = this.#counted[way === 'info' ? 'sound' : 'info']
    while (others[0] && now - others[0].at > SAME_PRESS_MS) others.shift()
    const twin = others.findIndex((press) => press.digit === digit)
    if (twin !== -1) {
      others.splice(twin, 1)
      return false
    }
    const own = this.#counted[way]
    while (own[0] && now - own[0].at > SAME_PRESS_MS) own.shift()
    own.push({ digit, at: now })
    return true
  }
}
