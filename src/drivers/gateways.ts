/** Where calls to telephone numbers go out: the customer's gateways in order, how each is asked, and how they have fared. */

import {
  type AttemptEnd,
  type CallerShown,
  callerFor,
  dialledFor,
  type Gateway,
  gatewaysFor,
  goesOn,
  isGatewayDown,
  restMs,
} from '../calls/routing.ts'
import { toE164 } from '../contract/phone-number.ts'
import type { Clock, Millis } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Place } from './attempts.ts'
import type { Directory } from './directory.ts'
import type { InviteWish, MediaWish } from './leg-book.ts'
import type { Locate } from './locating-port.ts'
import type { Peers } from './peers.ts'

export interface GatewaysOptions {
  readonly clock: Clock
  readonly log: Log
  readonly peers: Peers
  readonly directory: Directory
  readonly locate: Locate
  /** ISO code of national numbers, '' = none. */
  readonly country: string
  /** What calls to a gateway go through first. Absent: nothing. */
  readonly serviceRouteOf?: (gatewayId: string) => readonly string[]
  readonly onEnd?: (outcome: 'taken' | 'refused' | 'failed') => void
}

interface Fall {
  readonly failures: number
  readonly until: Millis
}

const ANONYMOUS_URI = 'sip:anonymous@anonymous.invalid'
/** Of gateways that failed: those of long ago go when there are more. */
const MOST_FALLS = 10_000

export class Gateways {
  readonly #options: GatewaysOptions
  readonly #falls = new Map<string, Fall>()

  constructor(options: GatewaysOptions) {
    this.#options = options
  }

  /** @returns none when no route leads to the number */
  async placesFor(want: InviteWish): Promise<readonly Place[]> {
    const { peers, clock, country } = this.#options
    const { target } = want.destination
    const number = toE164(target, country) ?? (/^\d{7,15}$/.test(target) ? `+${target}` : target)
    const book = await peers.book()
    const now = clock.now()
    const isDown = (id: string): boolean => (this.#falls.get(id)?.until ?? 0) > now
    const gateways = gatewaysFor(number, book.routesOf(want.customerId), book.gatewaysOf(want.customerId), isDown)
    if (gateways.length === 0) return []
    const caller = await this.#callerOf(want)
    return gateways.map((gateway) => this.#placeOf(gateway, number, callerFor(caller, gateway)))
  }

  ended(gatewayId: string, end: AttemptEnd): void {
    const { clock, log, onEnd } = this.#options
    if (!isGatewayDown(end)) {
      this.#falls.delete(gatewayId)
      if (end.code < 300) return onEnd?.('taken')
      return onEnd?.(goesOn(end) ? 'failed' : 'refused')
    }
    const failures = (this.#falls.get(gatewayId)?.failures ?? 0) + 1
    this.#falls.delete(gatewayId)
    this.#falls.set(gatewayId, { failures, until: clock.now() + restMs(failures) })
    for (const oldest of this.#falls.keys()) {
      if (this.#falls.size <= MOST_FALLS) break
      this.#falls.delete(oldest)
    }
    log.warn({ gateway_id: gatewayId, code: end.code, cause: end.cause, failures }, 'gateway failed')
    onEnd?.('failed')
  }

  /** Down now, for metrics. */
  get downCount(): number {
    const now = this.#options.clock.now()
    return [...this.#falls.values()].filter(({ until }) => until > now).length
  }

  /** Only a number of the customer is his own; another one is shown where he has none and the gateway has no default. */
  async #callerOf({ customerId, source, callerId, anonymous, destination: _ }: InviteWish) {
    const { directory, country } = this.#options
    const given = callerId ?? (source.type === 'tel' || source.type === '' ? source.target : '')
    const number = toE164(given, country) ?? given
    const isOwn = number !== '' && (await directory.ownNumber(number))?.customerId === customerId
    const isNumber = /^\+?\d+$/.test(number)
    return {
      own: isOwn ? number : '',
      otherwise: isNumber ? number : '',
      display: source.target_name || source.name,
      isAnonymous: anonymous === true || source.target === 'anonymous',
    }
  }

  #placeOf(gateway: Gateway, number: string, caller: CallerShown): Place {
    const { locate } = this.#options
    const { transport, verify } = gateway
    const host = gateway.port === 0 ? gateway.hostname : `${gateway.hostname}:${gateway.port}`
    const user = dialledFor(number, gateway).replaceAll('#', '%23')
    const requestUri = `sip:${user}@${host}${transport === 'udp' ? '' : `;transport=${transport}`}`
    const to = { display: '', uri: `sip:${user}@${gateway.hostname}` }
    const { credentials } = gateway
    return {
      gatewayId: gateway.id,
      setupTimeoutMs: gateway.setupTimeoutMs,
      media: mediaOf(gateway),
      locate: () => locate(`sip:${host}`, { transport, verify }),
      invitation: (flow, ownHost) => ({
        targets: [{ flow, requestUri, route: this.#options.serviceRouteOf?.(gateway.id) ?? [] }],
        to,
        from: fromOf(caller, gateway.username !== '' && caller.user === gateway.username ? gateway.hostname : ownHost),
        headers: headersOf(caller, gateway, ownHost),
        ...(credentials ? { credentials } : {}),
      }),
    }
  }
}

export function mediaOf({ codecs, srtp }: Gateway): MediaWish {
  return { ...(codecs.length > 0 ? { codecs } : {}), ...(srtp === '' ? {} : { srtpPolicy: srtp }) }
}

function fromOf({ user, display }: CallerShown, host: string): { display: string; uri: string } {
  return { display, uri: user === null ? ANONYMOUS_URI : `sip:${escaped(user)}@${host}` }
}

/** RFC 3325 §9.1 to §9.3; Remote-Party-ID says privacy in a parameter of its own. */
function headersOf(caller: CallerShown, { techHeaders }: Gateway, host: string): [string, string][] {
  const { asserted, identity, isAnonymous } = caller
  const uri = `<sip:${escaped(asserted)}@${host}>`
  const headers: [string, string][] = Object.entries(techHeaders)
  if (isAnonymous) headers.push(['Privacy', 'id'])
  if (asserted === '') return headers
  if (identity === 'pai') headers.push(['P-Asserted-Identity', uri])
  if (identity === 'ppi') headers.push(['P-Preferred-Identity', uri])
  if (identity === 'rpid') {
    headers.push(['Remote-Party-ID', `${uri};party=calling;screen=yes;privacy=${isAnonymous ? 'full' : 'off'}`])
  }
  return headers
}

function escaped(user: string): string {
  return encodeURIComponent(user).replaceAll('%2B', '+')
}
