/**
 * Which gateway takes a call to a telephone number, and in what order they are tried; how each wants the number and the caller
 * (contract §4 `tel`, §6 "Providers and routes"). Pure: what is known of gateways comes in as arguments.
 */

import type { CallerIdRule, GatewayCodec, GatewaySrtp, GatewayTransport, NumberFormat } from '../contract/gateway.ts'
import { countryOf } from '../contract/phone-number.ts'
import type { Millis } from '../kernel/clock.ts'
import { NIL_UUID } from '../kernel/ids.ts'

export interface Route {
  readonly id: string
  /** `all`, or first digits with the plus. */
  readonly target: string
  /** ISO codes; empty: of any country. */
  readonly countries: readonly string[]
  readonly priority: number
  readonly providerId: string
  readonly trunkId: string
}

/** A provider or a trunk, as calls go out through it. */
export interface Gateway {
  readonly id: string
  readonly kind: 'provider' | 'trunk'
  readonly hostname: string
  /** 0: by name service, or the usual one. */
  readonly port: number
  readonly transport: GatewayTransport
  /** Null: a challenge is a refusal. */
  readonly credentials: { readonly username: string; readonly password: string } | null
  /** The name we are known by there, '' when by none. */
  readonly username: string
  readonly techPrefix: string
  readonly techPostfix: string
  readonly techHeaders: Readonly<Record<string, string>>
  readonly numberFormat: NumberFormat
  readonly callerId: CallerIdRule
  readonly setupTimeoutMs: number
  /** In the order they are offered; empty: as the server does. */
  readonly codecs: readonly GatewayCodec[]
  /** Whether the certificate of TLS must be a good one. */
  readonly verify: boolean
  /** '': as the server does. */
  readonly srtp: GatewaySrtp
  /** Order where no route says otherwise. */
  readonly priority: number
}

/**
 * Routes that lead to a number, in the order they are tried: the longest prefix first, then those by country, then `all`;
 * among equals by priority, then as given. Less exact ones are what the others fail over to.
 */
export function routesFor(number: string, routes: readonly Route[]): readonly Route[] {
  const country = routes.some((route) => route.countries.length > 0) ? countryOf(number) : null
  return routes
    .map((route) => ({ route, exactness: exactnessOf(route, number, country) }))
    .filter(({ exactness }) => exactness >= 0)
    .sort((a, b) => b.exactness - a.exactness || a.route.priority - b.route.priority)
    .map(({ route }) => route)
}

/** Twice the digits that fit, and one more when the country does; -1 when the route is for others. */
function exactnessOf({ target, countries }: Route, number: string, country: string | null): number {
  const isOfCountry = country !== null && countries.includes(country)
  if (countries.length > 0 && !isOfCountry) return -1
  const byCountry = isOfCountry ? 1 : 0
  if (target === 'all' || target === '') return byCountry
  return number.startsWith(target) ? 2 * target.length + byCountry : -1
}

/**
 * @param gateways of the customer, in the order they were made
 * @param isDown asked for each; those that are down come last
 * @returns each at most once; without any route all of them, providers by their priority, then trunks
 */
export function gatewaysFor(
  number: string,
  routes: readonly Route[],
  gateways: readonly Gateway[],
  isDown: (gatewayId: string) => boolean,
): readonly Gateway[] {
  const usable = gateways.filter(({ hostname }) => hostname !== '')
  const byId = new Map(usable.map((gateway) => [gateway.id, gateway]))
  const chosen =
    routes.length === 0
      ? [...usable].sort((a, b) => rank(a) - rank(b) || a.priority - b.priority)
      : routesFor(number, routes).map(({ providerId, trunkId }) =>
          byId.get(providerId === NIL_UUID ? trunkId : providerId),
        )
  const once = [...new Set(chosen.filter((gateway) => gateway !== undefined))]
  return [...once.filter(({ id }) => !isDown(id)), ...once.filter(({ id }) => isDown(id))]
}

function rank({ kind }: Gateway): number {
  return kind === 'provider' ? 0 : 1
}

// ---------------------------------------------------------------- fail-over

/** How an attempt ended without an answer. */
export interface AttemptEnd {
  /** Of the final answer; 408 and 503 also stand for none. */
  readonly code: number
  /** `remote`: the gateway said so itself. */
  readonly cause: 'remote' | 'timeout' | 'transport' | 'local'
  /** The far end's telephone rang, or its sound was heard: the call has got where it should. */
  readonly hasRung: boolean
}

/**
 * Whether the next gateway is tried. What the called party decides (busy, declined, no such number) is final; what the
 * gateway cannot do (5xx, silence, a lost path) is not. Refused credentials (401, 407) are the gateway's matter too.
 */
export function goesOn({ code, cause, hasRung }: AttemptEnd): boolean {
  if (cause === 'local' || hasRung) return false
  if (cause !== 'remote') return true
  return (code >= 500 && code <= 599) || code === 408 || code === 401 || code === 407
}

/** Whether the gateway itself is at fault, so that other calls try it last for a while. One call's 500 is no such thing. */
export function isGatewayDown({ code, cause, hasRung }: AttemptEnd): boolean {
  if (hasRung) return false
  return cause === 'timeout' || cause === 'transport' || (cause === 'remote' && code === 503)
}

const FIRST_REST_MS = 15_000
const LONGEST_REST_MS = 600_000

/** How long a gateway is tried last after it failed so many times in a row. */
export function restMs(failures: number): Millis {
  return Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(failures - 1, 10))
}

// ---------------------------------------------------------------- how a gateway wants numbers

/** The number as this gateway wants it, without prefix. What is no number stays as it is. */
export function numberFor(number: string, format: NumberFormat): string {
  return format === 'digits' && /^\+\d+$/.test(number) ? number.slice(1) : number
}

/** User part of the request URI and of To. */
export function dialledFor(number: string, { numberFormat, techPrefix, techPostfix }: Gateway): string {
  return `${techPrefix}${numberFor(number, numberFormat)}${techPostfix}`
}

export interface CallerWish {
  /** The number the caller is shown by when it is his own, '' when he has none. */
  readonly own: string
  /** What he says he is called by, which nobody has verified: shown where there is nothing better. '' = nothing. */
  readonly otherwise: string
  readonly display: string
  /** RFC 3323: kept from whom is called. */
  readonly isAnonymous: boolean
}

export interface CallerShown {
  readonly display: string
  /** User part of From; null: `sip:anonymous@anonymous.invalid`. */
  readonly user: string | null
  /** User part for the header that asserts who calls, '' when nothing does. */
  readonly asserted: string
  readonly identity: CallerIdRule['identity']
  readonly isAnonymous: boolean
}

/**
 * The caller's own number, else the gateway's default. Where the caller withholds it, From shows nothing and the network alone is
 * told (RFC 3323 §4.1, RFC 3325 §9.3).
 */
export function callerFor({ own, otherwise, display, isAnonymous }: CallerWish, gateway: Gateway): CallerShown {
  const { callerId, numberFormat, username } = gateway
  const number = numberFor(own || callerId.number || otherwise, numberFormat)
  const { identity } = callerId
  const asserted = identity === 'none' ? '' : numberFor(own || callerId.number, numberFormat)
  if (isAnonymous) return { display: 'Anonymous', user: null, asserted, identity, isAnonymous }
  const user = callerId.from === 'username' && username !== '' ? username : number || username || 'anonymous'
  return { display, user, asserted, identity, isAnonymous }
}
