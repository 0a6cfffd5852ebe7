/**
 * What is said at the other side of a bridge, for transcriptions of direction `out` (contract §10.2). Each side asks the
 * other for it; the ear is the other call's own.
 */

import type { Ears, Listener } from './ears.ts'
import type { Effects } from './effects.ts'
import type { PeerNews } from './part.ts'

export class Overhearing {
  readonly #callId: string
  readonly #ears: Ears
  /** Whom we have asked, and for which language. */
  #asked: { readonly peer: string; readonly language: string } | null = null
  #peer: string | null = null
  #lentTo: string | null = null

  constructor(callId: string, ears: Ears) {
    this.#callId = callId
    this.#ears = ears
  }

  /**
   * Asks the peer for what our transcriptions want to know, or no longer. Called after each input.
   *
   * @param isApart we are on hold: what the peer says is not heard here
   */
  sync(fx: Effects, peer: string | null, isApart = false): void {
    if (peer !== this.#peer && this.#lentTo !== null && this.#lentTo !== peer) this.#lend(fx, null)
    this.#peer = peer
    const wanted = peer === null || isApart ? null : this.#ears.wanted
    if (this.#asked && (this.#asked.peer !== peer || !wanted)) this.#ask(fx, this.#asked.peer, null, null)
    if (peer === null || !wanted) {
      this.#asked = null
      return
    }
    if (this.#asked?.peer === peer && this.#asked.language === wanted.language) return
    this.#asked = { peer, language: wanted.language }
    this.#ask(fx, peer, wanted.language, wanted.phrases)
  }

  /** Our peer wants to know what is said here, or (language null) no longer. */
  asked(fx: Effects, news: PeerNews & { kind: 'listen' }): void {
    const { language, phrases, callId } = news
    if (language !== null) this.#lend(fx, { callId, language, phrases })
    else if (callId === this.#lentTo) this.#lend(fx, null)
  }

  #lend(fx: Effects, listener: Listener | null): void {
    this.#lentTo = listener?.callId ?? null
    this.#ears.lend(fx, listener)
  }

  #ask(fx: Effects, peer: string, language: string | null, phrases: readonly string[] | null): void {
    fx.tellPeer(peer, { kind: 'listen', callId: this.#callId, language, phrases })
  }
}
