/**
 * Whether our far end is on hold (contract §7.4): it hears music and nobody else, nobody hears it, and its phone is told
 * by a re-INVITE. A bridge stays meanwhile. All of it holds at once; a phone that refuses brings back what was before.
 */

import type { Effects } from './effects.ts'

export class Hold {
  #isOn = false
  /** What the phone has agreed to last. */
  #agreed = false
  /** Re-INVITEs that are not answered. */
  #asked = 0

  get isOn(): boolean {
    return this.#isOn
  }

  /** @returns false when it is so already */
  set(fx: Effects, on: boolean): boolean {
    if (on === this.#isOn) return false
    this.#sound(fx, on)
    this.#asked++
    fx.out({ kind: 'hold', on })
    return true
  }

  /** The phone's answer. @returns true when it changes what was */
  answered(fx: Effects, on: boolean, ok: boolean): boolean {
    if (this.#asked > 0) this.#asked--
    if (ok) this.#agreed = on
    // With another one on its way that one decides.
    if (this.#asked > 0 || this.#isOn === this.#agreed) return false
    this.#sound(fx, this.#agreed)
    return true
  }

  #sound(fx: Effects, on: boolean): void {
    this.#isOn = on
    fx.out({ kind: 'holdSound', on })
  }
}
