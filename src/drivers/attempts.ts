/**
 * One call's way out, place after place: the next one when one cannot take it. Gateways, and the servers a name stands for
 * (RFC 3263 §4.3), are tried by the same list; the call hears of the last one only.
 */

import { type AttemptEnd, goesOn } from '../calls/routing.ts'
import type { Clock, Millis, Scheduled } from '../kernel/clock.ts'
import type { EndCause, Flow, SipInput } from '../sip/types.ts'
import type { MediaWish } from './leg-book.ts'

type Invite = Extract<SipInput, { kind: 'invite' }>

/** Somewhere a call can be sent. */
export interface Place {
  /** Null: an address somebody gave, whose failures say nothing of others. */
  readonly gatewayId: string | null
  /** How long it may keep silent while there is another one. */
  readonly setupTimeoutMs: Millis
  /** Absent: as the server does. */
  readonly media?: MediaWish
  /** In the order to be tried; none: it cannot be found. Never rejects. */
  locate(): Promise<readonly Flow[]>
  /** @param host how the far end sees us on this flow */
  invitation(flow: Flow, host: string): Pick<Invite, 'targets' | 'from' | 'to' | 'headers' | 'credentials'>
}

export interface AttemptsOptions {
  readonly clock: Clock
  readonly places: readonly Place[]
  /** For all of them together. */
  readonly timeoutMs: Millis
  /** Sends the INVITE. @returns false when we cannot: no media port */
  readonly start: (place: Place, flow: Flow, timeoutMs: Millis) => boolean
  /** Gives up the one that is out: another follows. */
  readonly abandon: () => void
  /** Nobody took it. */
  readonly failed: (code: number, cause: EndCause, why: string) => void
  /** What became of a place. */
  readonly onEnd: (place: Place, end: AttemptEnd) => void
}

interface Out {
  readonly place: Place
  hasRung: boolean
  timer: Scheduled | null
}

export class Attempts {
  readonly #options: AttemptsOptions
  readonly #endAt: Millis
  readonly #places: Place[]
  #place: Place | null = null
  #flows: Flow[] = []
  #out: Out | null = null
  #isOver = false
  #last: { readonly code: number; readonly cause: EndCause } = { code: 404, cause: 'local' }

  constructor(options: AttemptsOptions) {
    this.#options = options
    this.#places = [...options.places]
    this.#endAt = options.clock.now() + options.timeoutMs
  }

  begin(): void {
    void this.#next()
  }

  /** Somebody has the request: no hurry any more. @param hasRung a telephone rings, or is heard */
  heard(hasRung: boolean): void {
    if (!this.#out) return
    this.#out.timer?.cancel()
    this.#out.timer = null
    this.#out.hasRung ||= hasRung
  }

  /** It was taken. */
  answered(): void {
    this.#end({ code: 200, cause: 'remote' })
    this.#isOver = true
  }

  /**
   * The one that is out has ended.
   * @returns true when another is tried, or was; `failed` tells when that is over
   */
  ended(code: number, cause: EndCause): boolean {
    const end = this.#end({ code, cause })
    if (this.#isOver || !end || !goesOn(end) || !this.#hasMore || this.#leftMs <= 0) {
      this.#isOver = true
      return false
    }
    this.#last = { code, cause }
    void this.#next()
    return true
  }

  /** No further one, please. */
  stop(): void {
    this.#out?.timer?.cancel()
    this.#out = null
    this.#isOver = true
  }

  get #hasMore(): boolean {
    return this.#flows.length > 0 || this.#places.length > 0
  }

  get #leftMs(): Millis {
    return this.#endAt - this.#options.clock.now()
  }

  async #next(): Promise<void> {
    while (this.#flows.length === 0) {
      const place = this.#places.shift()
      if (!place) return this.#exhausted()
      this.#place = place
      this.#flows = [...(await place.locate())]
      if (this.#isOver) return
      if (this.#flows.length === 0) this.#notFound(place)
    }
    if (this.#leftMs <= 0) return this.#exhausted()
    this.#try(this.#place!, this.#flows.shift()!)
  }

  #notFound(place: Place): void {
    this.#last = { code: 503, cause: 'transport' }
    this.#options.onEnd(place, { ...this.#last, cause: 'transport', hasRung: false })
  }

  #try(place: Place, flow: Flow): void {
    const { clock, start } = this.#options
    this.#out = { place, hasRung: false, timer: null }
    if (!start(place, flow, this.#leftMs)) return this.stop()
    // The last one has all the time there is.
    if (this.#out && this.#hasMore) {
      this.#out.timer = clock.schedule(clock.now() + place.setupTimeoutMs, () => this.#silent())
    }
  }

  #silent(): void {
    this.#options.abandon()
    this.#end({ code: 408, cause: 'timeout' })
    this.#last = { code: 408, cause: 'timeout' }
    void this.#next()
  }

  #end({ code, cause }: { readonly code: number; readonly cause: EndCause }): AttemptEnd | null {
    const out = this.#out
    if (!out) return null
    out.timer?.cancel()
    this.#out = null
    const end = { code, cause, hasRung: out.hasRung }
    this.#options.onEnd(out.place, end)
    return end
  }

  #exhausted(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { code, cause } = this.#last
    this.#options.failed(code, cause, 'no gateway took the call')
  }
}
