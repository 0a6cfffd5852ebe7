/**
 * Who may register and who may call: phones with their digest, trunks and providers by address, digest, their own domain or
 * our registration, and loopback (contract §6). Whoever is nobody we know is asked for credentials, as phones are.
 */

import type { Endpoint } from '../net/port.ts'
import type { AuthPolicy, RequestSummary } from '../sip/types.ts'
import { ownNumberCalled } from './callers.ts'
import type { Directory } from './directory.ts'
import type { Peer, PeerBook, Peers } from './peers.ts'

export const LOOPBACK = 'loopback'
const PEER_MARK = 'peer:'

export interface PolicyParts {
  readonly directory: Directory
  /** Absent: there are no trunks. */
  readonly peers?: Peers
  /** Trunks that are registered: by the address of the registrar, and by the line of our Contact. */
  readonly registered?: {
    byAddress(address: string): readonly string[]
    byLine(line: string): string | null
  }
  /** The user named by credentials, null without. */
  readonly authUser?: string | null
  /** Where we are bound: calls to our own numbers come from there. */
  readonly self?: Endpoint | null
  /** Default true. */
  readonly trustLoopback?: boolean
  /** ISO code of national numbers, '' (also absent) = none. */
  readonly country?: string
}

export async function policyFor(request: RequestSummary, parts: PolicyParts): Promise<AuthPolicy> {
  if (request.method === 'REGISTER') return phonePolicy(request, request.to, parts)
  if (isSelf(request.flow.remote, parts.self ?? null)) return { kind: 'open', identity: LOOPBACK }
  const book = (await parts.peers?.book()) ?? null
  return (book && (await peerPolicy(request, book, parts))) ?? callerPolicy(request, parts)
}

/** Whether a request may come from a trunk or provider that needs no credentials; asks nothing of the store. */
export async function mayBePeer(request: RequestSummary, parts: PolicyParts): Promise<boolean> {
  const book = (await parts.peers?.book()) ?? null
  return book !== null && knownPeers(request, book, parts).length > 0
}

/** @returns the id of a trunk or provider, null for other identities */
export function peerIdOf(identity: string): string | null {
  return identity.startsWith(PEER_MARK) ? identity.slice(PEER_MARK.length) : null
}

/** How a trunk or provider is named as an identity. */
export const peerIdentity = (id: string): string => PEER_MARK + id

const identityOf = ({ id }: Peer): string => peerIdentity(id)

// ---------------------------------------------------------------- trunks and providers

async function peerPolicy(request: RequestSummary, book: PeerBook, parts: PolicyParts): Promise<AuthPolicy | null> {
  const domain = trunkDomain(request, parts.directory)
  if (domain) return domainPolicy(request, book, domain)
  if (parts.directory.customerOfDomain(request.from.host) !== null) return null
  const known = knownPeers(request, book, parts)
  const caller = known.length > 0 ? await ownerAmong(known, request, parts) : null
  if (caller) return { kind: 'open', identity: identityOf(caller) }
  const named = parts.authUser == null ? null : book.byUsername(parts.authUser)
  // A phone of the same name goes first: it was here before.
  const isPhone = named?.account?.username === request.from.user && (await parts.directory.extensionOf(request.from))
  return named && !isPhone ? digestOf(named, realmOf(request, parts.directory)) : null
}

/** Called by a trunk's own name: it and nobody else. A name of nobody looks like one with credentials. */
function domainPolicy(request: RequestSummary, book: PeerBook, { label, host }: TrunkDomain): AuthPolicy {
  const peer = book.byDomain(label)
  if (peer && book.bySource(request.flow.remote.address).includes(peer)) {
    return { kind: 'open', identity: identityOf(peer) }
  }
  return peer?.account ? digestOf(peer, host) : { kind: 'digest', realm: host, account: null }
}

interface TrunkDomain {
  readonly label: string
  readonly host: string
}

function trunkDomain({ requestUri, to }: RequestSummary, directory: Directory): TrunkDomain | null {
  for (const { host } of [requestUri, to]) {
    const label = directory.trunkLabelOf(host)
    if (label !== null) return { label, host }
  }
  return null
}

function digestOf(peer: Peer, realm: string): AuthPolicy {
  return { kind: 'digest', realm, account: peer.account && { ...peer.account, identity: identityOf(peer) } }
}

function knownPeers(request: RequestSummary, book: PeerBook, { registered }: PolicyParts): readonly Peer[] {
  const { address } = request.flow.remote
  const line = registered?.byLine(request.requestUri.parameters['line'] ?? '') ?? null
  const ids = [...(line === null ? [] : [line]), ...(registered?.byAddress(address) ?? [])]
  return [...ids.map((id) => book.byId(id)).filter((peer) => peer !== null), ...book.bySource(address)]
}

/**
 * A peer reaches numbers of its own customer only. What it calls otherwise is nobody's call: it is asked for credentials as
 * everybody is, so that a trunk tells its owner nothing of who else is here.
 */
async function ownerAmong(known: readonly Peer[], request: RequestSummary, parts: PolicyParts): Promise<Peer | null> {
  const prefixes = [...new Set(known.map(({ techPrefix }) => techPrefix))]
  const number = await ownNumberCalled(request, parts.directory, parts.country ?? '', prefixes)
  return (number && known.find(({ customerId }) => customerId === number.customerId)) ?? null
}

// ---------------------------------------------------------------- phones and loopback

async function callerPolicy(request: RequestSummary, parts: PolicyParts): Promise<AuthPolicy> {
  const policy = await phonePolicy(request, request.from, parts)
  const { trustLoopback = true } = parts
  const isAlone = trustLoopback && isLoopback(request.flow.remote.address) && !isForwarded(request)
  if (policy.kind === 'digest' && policy.account === null && isAlone) return { kind: 'open', identity: LOOPBACK }
  return policy
}

async function phonePolicy(
  request: RequestSummary,
  user: RequestSummary['from'],
  { directory }: PolicyParts,
): Promise<AuthPolicy> {
  const extension = await directory.extensionOf(user)
  const account = extension
    ? { username: extension.extension, password: extension.password, identity: extension.id }
    : null
  return { kind: 'digest', realm: realmOf(request, directory), account }
}

/** Somebody before the one who sent it: a proxy on this machine makes everybody look like loopback. */
function isForwarded({ headers }: RequestSummary): boolean {
  const vias = headers.filter(([name]) => /^(?:via|v)$/i.test(name)).flatMap(([, value]) => value.split(','))
  return vias.length > 1 || headers.some(([name]) => /^record-route$/i.test(name))
}

/** The registrar domain where one was used, otherwise the host the phone used (contract §6). */
function realmOf(request: RequestSummary, directory: Directory): string {
  const hosts = [request.to.host, request.from.host, request.requestUri.host]
  return hosts.find((host) => directory.customerOfDomain(host) !== null) ?? request.requestUri.host
}

/** A call of ours to a number of ours. The system lets nobody outside send in the name of its own addresses. */
export function isSelf(remote: Endpoint, self: Endpoint | null): boolean {
  if (!self || remote.port !== self.port) return false
  const isAnywhere = self.address === '0.0.0.0' || self.address === '::'
  return isAnywhere ? isLoopback(remote.address) : remote.address === self.address
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}
