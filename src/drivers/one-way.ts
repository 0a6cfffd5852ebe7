/**
 * Notices calls of which nothing is heard: answered, sound is sent, and not one packet has come. Mostly it is a NAT or a
 * firewall between the phone and the port we told it, so the warning says which address and ports those are.
 */

import type { Clock, Scheduled } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { RtpAddress } from '../media/protocol.ts'

/** So long after the answer nothing has come. */
export const NOTHING_HEARD_MS = 5_000

interface Watched {
  /** Where the far end says that it wants our sound. */
  remote: RtpAddress | null
  isSending: boolean
  isHeard: boolean
  timer: Scheduled | null
}

export interface OneWayWatchOptions {
  readonly clock: Clock
  readonly log: Log
  /** Told once for a call that is so. */
  readonly onOneWay?: (callId: string) => void
}

export class OneWayWatch {
  readonly #options: OneWayWatchOptions
  readonly #calls = new Map<string, Watched>()

  constructor(options: OneWayWatchOptions) {
    this.#options = options
  }

  /** Calls looked after now. */
  get size(): number {
    return this.#calls.size
  }

  started(callId: string, remote: RtpAddress, isSending: boolean): void {
    const call = this.#of(callId)
    call.remote = remote
    call.isSending = isSending
  }

  /** @param advertised the address and port we told the far end to send to */
  answered(callId: string, advertised: RtpAddress): void {
    const call = this.#of(callId)
    if (call.isHeard || call.timer) return
    const at = this.#options.clock.now() + NOTHING_HEARD_MS
    call.timer = this.#options.clock.schedule(at, () => this.#look(callId, call, advertised))
  }

  heard(callId: string): void {
    const call = this.#calls.get(callId)
    if (!call) return
    call.isHeard = true
    call.timer?.cancel()
  }

  over(callId: string): void {
    this.#calls.get(callId)?.timer?.cancel()
    this.#calls.delete(callId)
  }

  #look(callId: string, call: Watched, advertised: RtpAddress): void {
    if (call.isHeard || !call.isSending || call.remote === null) return
    const fields = {
      call_id: callId,
      seconds: NOTHING_HEARD_MS / 1000,
      advertised_address: advertised.address,
      advertised_port: advertised.port,
      remote_address: call.remote.address,
      remote_port: call.remote.port,
    }
    this.#options.log.warn(fields, 'nothing is heard of a call: is UDP let through to the advertised port')
    this.#options.onOneWay?.(callId)
  }

  #of(callId: string): Watched {
    const call = this.#calls.get(callId) ?? { remote: null, isSending: false, isHeard: false, timer: null }
    this.#calls.set(callId, call)
    return call
  }
}
