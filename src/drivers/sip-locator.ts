/** Finds the servers behind a SIP URI: the rules are `sip/locating.ts`, the answers a name service's. */

import { isIPv4 } from 'node:net'
import type { Log } from '../kernel/log.ts'
import { type Random, SeededRandom } from '../kernel/random.ts'
import type { NameService } from '../net/port.ts'
import {
  type Destination,
  destinationOf,
  type OpenTransport,
  orderSrv,
  planOf,
  portOf,
  type Service,
  servicesFrom,
} from '../sip/locating.ts'
import type { Flow, SipAddress, SipTransport } from '../sip/types.ts'
import type { Locate, LocateOptions } from './locating-port.ts'

export interface LocatorOptions {
  /** Null: only addresses and `localhost` lead anywhere. */
  readonly names: NameService | null
  readonly bindAddress: string
  /** Draws among servers of the same weight class. */
  readonly seed: string
  readonly log: Log
  readonly flowTo: (remote: SipAddress, transport: SipTransport, wishes: Pick<Flow, 'security' | 'growsToTcp'>) => Flow
}

const MOST_TARGETS = 16

interface Place {
  readonly transport: OpenTransport
  readonly address: string
  readonly port: number
}

export function makeLocator(options: LocatorOptions): Locate {
  const random = new SeededRandom(`${options.seed} servers`)
  return async (uri, wishes = {}) => {
    const destination = destinationOf(uri, wishes.transport ?? null)
    if (!destination.ok) return []
    try {
      const places = await placesOf(destination.value, options, random)
      return places.slice(0, MOST_TARGETS).map((place) => flowFor(place, destination.value, wishes, options))
    } catch (cause) {
      options.log.error({ err: cause }, 'sip destination could not be looked up')
      return []
    }
  }
}

function flowFor(
  place: Place,
  { host, transport }: Destination,
  { verify = true }: LocateOptions,
  options: LocatorOptions,
): Flow {
  // The certificate is that of the name that was asked for, whatever the records said (RFC 5922 §4).
  const security = place.transport === 'tls' ? { security: { serverName: host, verify } } : {}
  const grows = place.transport === 'udp' && transport === null ? { growsToTcp: true } : {}
  return options.flowTo({ address: place.address, port: place.port }, place.transport, { ...security, ...grows })
}

async function placesOf(destination: Destination, options: LocatorOptions, random: Random): Promise<Place[]> {
  const { host } = destination
  const plan = planOf(destination)
  if (plan.kind === 'address') {
    const isOurs = familiesOf(options.bindAddress).includes(isIPv4(host) ? 4 : 6)
    return isOurs ? [{ transport: plan.transport, address: host, port: plan.port }] : []
  }
  if (plan.kind === 'host' || host === 'localhost') {
    const transport = plan.kind === 'host' ? plan.transport : plan.otherwise
    return hostPlaces(host, transport, destination.port || portOf(transport), options)
  }
  const told = plan.kind === 'naptr' ? servicesFrom((await options.names?.naptr(host)) ?? [], destination) : []
  const found = await servicePlaces(told.length > 0 ? told : plan.services, options, random)
  return found.length > 0 ? found : hostPlaces(host, plan.otherwise, portOf(plan.otherwise), options)
}

/** All services are asked at once and tried in their order. */
async function servicePlaces(services: readonly Service[], options: LocatorOptions, random: Random): Promise<Place[]> {
  const lists = await Promise.all(
    services.map(async ({ name, transport }) => {
      const servers = orderSrv((await options.names?.srv(name)) ?? [], random).slice(0, MOST_TARGETS)
      return Promise.all(servers.map((server) => hostPlaces(server.name, transport, server.port, options)))
    }),
  )
  return lists.flat(2)
}

async function hostPlaces(
  host: string,
  transport: OpenTransport,
  port: number,
  options: LocatorOptions,
): Promise<Place[]> {
  const families = familiesOf(options.bindAddress)
  const lists =
    host === 'localhost'
      ? families.map((family) => [family === 4 ? '127.0.0.1' : '::1'])
      : await Promise.all(families.map((family) => options.names?.addresses(host, family) ?? []))
  return lists.flat().map((address) => ({ transport, address, port }))
}

/** IPv4 first: a way by IPv6 that is only half there costs a UDP caller half a minute. */
function familiesOf(bindAddress: string): readonly (4 | 6)[] {
  if (bindAddress === '::') return [4, 6]
  return isIPv4(bindAddress) ? [4] : [6]
}
