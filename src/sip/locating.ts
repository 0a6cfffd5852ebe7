/**
 * The rules of RFC 3263: what to ask the name service about a SIP URI, and in which order to try what it says. Who asks is
 * outside; a service here is a name for SRV records and the transport they are about.
 */

import type { Random } from '../kernel/random.ts'
import { bad, good, type Result } from '../kernel/result.ts'
import { parseUri } from './message/uri.ts'
import type { SipTransport, SipUri } from './types.ts'

export const SIP_PORT = 5060
export const SIPS_PORT = 5061

/** Transports we can open. */
export type OpenTransport = 'udp' | 'tcp' | 'tls'

/** Where a URI leads before any name is asked about. */
export interface Destination {
  /** Lower case, without brackets. */
  readonly host: string
  readonly isNumeric: boolean
  /** 0: the one of the records, or the transport's own. */
  readonly port: number
  /** Null: whatever the records or our own order say. */
  readonly transport: OpenTransport | null
  /** From `sips:`: nothing but TLS will do. */
  readonly isSecure: boolean
}

export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly service: string
  readonly replacement: string
}

export interface SrvRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

export interface Service {
  readonly transport: OpenTransport
  /** `_sip._udp.example.com` */
  readonly name: string
}

/** How the name is to be looked up (§4.1, §4.2). */
export type Plan =
  /** No question at all. */
  | { readonly kind: 'address'; readonly transport: OpenTransport; readonly port: number }
  /** A and AAAA only. */
  | { readonly kind: 'host'; readonly transport: OpenTransport; readonly port: number }
  /** SRV of one transport, then as `host`. */
  | { readonly kind: 'services'; readonly services: readonly Service[]; readonly otherwise: OpenTransport }
  /** NAPTR, then SRV of all transports, then as `host`. */
  | { readonly kind: 'naptr'; readonly services: readonly Service[]; readonly otherwise: OpenTransport }

/** @param hint a transport chosen by who calls; the URI's own comes first. @returns bad for a tel URI, an unknown or unserved transport */
export function destinationOf(text: string, hint: SipTransport | null = null): Result<Destination> {
  const uri = parseUri(text)
  if (!uri.ok) return uri
  if (uri.value.scheme === 'tel' || uri.value.host === '') return bad('not a SIP URI')
  const isSecure = uri.value.scheme === 'sips'
  const transport = transportOf(uri.value, hint, isSecure)
  if (transport === undefined) return bad('transport not served')
  const host = (uri.value.parameters['maddr'] || uri.value.host).toLowerCase().replace(/^\[|\]$|\.$/g, '')
  return good({ host, isNumeric: isAddress(host), port: uri.value.port, transport, isSecure })
}

function transportOf(uri: SipUri, hint: SipTransport | null, isSecure: boolean): OpenTransport | null | undefined {
  const named = (uri.parameters['transport'] ?? '').toLowerCase() || hint
  if (named === null || named === '') return isSecure ? 'tls' : null
  // `sips:...;transport=tcp` means TLS over TCP (RFC 3261 §26.2.2); over UDP there is none.
  if (isSecure) return named === 'tcp' || named === 'tls' ? 'tls' : undefined
  return named === 'udp' || named === 'tcp' || named === 'tls' ? named : undefined
}

export function planOf(destination: Destination): Plan {
  const { isNumeric, port, transport, isSecure } = destination
  const otherwise = transport ?? 'udp'
  if (isNumeric || port !== 0) {
    return { kind: isNumeric ? 'address' : 'host', transport: otherwise, port: port || portOf(otherwise) }
  }
  const services = servicesOf(destination)
  // A secure URI may say in NAPTR where its TLS is; a transport in the URI leaves nothing to ask.
  const asks = transport === null || isSecure
  return asks ? { kind: 'naptr', services, otherwise } : { kind: 'services', services, otherwise }
}

export function portOf(transport: OpenTransport): number {
  return transport === 'tls' ? SIPS_PORT : SIP_PORT
}

const LABELS: Readonly<Record<OpenTransport, string>> = { udp: '_sip._udp', tcp: '_sip._tcp', tls: '_sips._tcp' }
const NAPTR_SERVICES: Readonly<Record<string, OpenTransport>> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
}

/** Without NAPTR: the one transport that is set, or all of ours in our own order. */
function servicesOf({ host, transport }: Destination): Service[] {
  const all: readonly OpenTransport[] = transport === null ? ['udp', 'tcp', 'tls'] : [transport]
  return all.map((one) => ({ transport: one, name: `${LABELS[one]}.${host}` }))
}

/** The services of NAPTR records in their order, those we do not have left out (§4.1). */
export function servicesFrom(records: readonly NaptrRecord[], { isSecure }: Destination): Service[] {
  const sorted = [...records].sort((one, other) => one.order - other.order || one.preference - other.preference)
  const services: Service[] = []
  for (const { flags, service, replacement } of sorted) {
    const transport = NAPTR_SERVICES[service.toUpperCase()]
    if (transport === undefined || flags.toLowerCase() !== 's' || replacement === '') continue
    if (isSecure && transport !== 'tls') continue
    services.push({ transport, name: replacement.toLowerCase() })
  }
  return services
}

/**
 * By priority; within one, drawn by weight (RFC 2782), so that many callers share many servers.
 * @returns nothing for the single record `.`: the service is decidedly not there
 */
export function orderSrv(records: readonly SrvRecord[], random: Random): SrvRecord[] {
  const open = records.filter(({ name, port }) => name !== '' && name !== '.' && port > 0)
  const priorities = [...new Set(open.map(({ priority }) => priority))].sort((one, other) => one - other)
  return priorities.flatMap((priority) =>
    draw(
      open.filter((record) => record.priority === priority),
      random,
    ),
  )
}

function draw(records: readonly SrvRecord[], random: Random): SrvRecord[] {
  // Records of weight 0 stand in front: only then can they be drawn at all.
  const left = [...records].sort((one, other) => one.weight - other.weight)
  const drawn: SrvRecord[] = []
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0)
    let rest = random.below(total + 1)
    const at = left.findIndex(({ weight }) => {
      rest -= weight
      return rest <= 0
    })
    drawn.push(...left.splice(Math.max(0, at), 1))
  }
  return drawn
}

/** An IPv4 or IPv6 address, without brackets. */
export function isAddress(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)
}
