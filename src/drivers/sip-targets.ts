/** Where a destination can be reached now (contract §4, §6). */

import type { Address } from '../calls/commands.ts'
import type { Endpoint } from '../net/port.ts'
import type { Contact, Flow, SipAddress } from '../sip/types.ts'
import type { Place } from './attempts.ts'
import type { Directory } from './directory.ts'
import { callerShown, type InviteWish } from './leg-book.ts'
import type { Locate } from './locating-port.ts'

export interface Target {
  readonly flow: Flow
  readonly requestUri: string
  readonly route?: readonly string[]
}

/** Targets ring together; places are tried one after another, where there is no target. */
export interface Ways {
  readonly targets: readonly Target[]
  readonly places: readonly Place[]
}

export interface Reach {
  readonly directory: Directory
  readonly contactsOf: (extensionId: string) => readonly Contact[]
  /** Where we are bound: an own number is reached by a call to ourselves. */
  readonly self: Endpoint | null
  readonly flowTo: (remote: SipAddress) => Flow
  readonly locate: Locate
  /** The flow a contact is reached by now: its own, or another one when its connection is gone. */
  readonly flowOf: (contact: Contact) => Flow
  /** Gateways for a number that is not ours. */
  readonly placesFor: (want: InviteWish) => Promise<readonly Place[]>
}

const NOWHERE: Ways = { targets: [], places: [] }
/** How long a server of several behind a name may keep silent. */
const SERVER_TIMEOUT_MS = 4_000

/**
 * @param destination of `want`, or one of the addresses it stands for
 * @returns all contacts of an extension, those of all addresses of an agent, one target for an own number; gateways for another
 *   number; the servers of a URI; nothing when it cannot be reached
 */
export async function waysOf(want: InviteWish, destination: Address, reach: Reach): Promise<Ways> {
  const { directory, contactsOf, locate, flowOf, placesFor } = reach
  switch (destination.type) {
    case 'extension': {
      const extension = await directory.extensionFor(want.customerId, destination, (id) => contactsOf(id).length > 0)
      const contacts = extension ? contactsOf(extension.id) : []
      return { targets: contactTargets(contacts, flowOf), places: [] }
    }
    case 'tel': {
      const own = await ownTarget(destination.target, reach)
      return own ? { targets: [own], places: [] } : { targets: [], places: await placesFor({ ...want, destination }) }
    }
    case 'agent':
      return agentWays(want, destination, reach)
    case 'sip':
      return { targets: [], places: [uriPlace(want, destination.target, locate)] }
    default:
      return NOWHERE
  }
}

/** Each device rings once, by the newest of its flows (RFC 5626 §5.3), and through the proxies it registered by. */
function contactTargets(contacts: readonly Contact[], flowOf: Reach['flowOf']): Target[] {
  const newest = new Map(contacts.map((contact) => [contact.instance ?? contact.uri, contact]))
  return [...newest.values()].map((contact) => {
    const { uri: requestUri, path: route = [] } = contact
    return { flow: flowOf(contact), requestUri, route }
  })
}

async function ownTarget(target: string, { directory, self, flowTo }: Reach): Promise<Target | null> {
  const own = await directory.ownNumber(target)
  if (!own || !self) return null
  const { port } = self
  const address = self.address === '0.0.0.0' || self.address === '::' ? '127.0.0.1' : self.address
  const host = address.includes(':') ? `[${address}]` : address
  return { flow: flowTo({ address, port }), requestUri: `sip:${own.number}@${host}:${port}` }
}

/** All that rings at once; a telephone outside rings when nothing else does. */
async function agentWays(want: InviteWish, agent: Address, reach: Reach): Promise<Ways> {
  // An agent within an agent's addresses leads nowhere, or round in circles.
  const addresses = (await reach.directory.agentAddresses(want.customerId, agent)).filter(
    ({ type }) => type !== 'agent',
  )
  const uris = addresses.filter(({ type }) => type === 'sip')
  const others = addresses.filter(({ type }) => type !== 'sip')
  const [direct, ways] = await Promise.all([
    Promise.all(uris.map(({ target }) => uriTarget(target, reach.locate))),
    Promise.all(others.map((one) => waysOf(want, one, reach))),
  ])
  const targets = [...ways.flatMap((one) => one.targets), ...direct.filter((one) => one !== null)]
  return { targets, places: ways.flatMap(({ places }) => places) }
}

/** The server that comes first of those behind its name. */
async function uriTarget(target: string, locate: Locate): Promise<Target | null> {
  const requestUri = uriOf(target)
  const [flow] = await locate(requestUri)
  return flow ? { flow, requestUri } : null
}

/** A direct SIP URI, by all servers behind its name. */
function uriPlace(want: InviteWish, target: string, locate: Locate): Place {
  const requestUri = uriOf(target)
  return {
    gatewayId: null,
    setupTimeoutMs: SERVER_TIMEOUT_MS,
    locate: () => locate(requestUri),
    invitation: (flow, host) => ({
      targets: [{ flow, requestUri }],
      to: { display: '', uri: requestUri },
      ...callerShown(want, host),
    }),
  }
}

function uriOf(target: string): string {
  return /^sips?:/i.test(target) ? target : `sip:${target}`
}
