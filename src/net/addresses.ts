/**
 * Which addresses a request of ours may connect to. Looked at when the connection is made, after the name was resolved: a
 * name that changes its address between a check and the connection gains nothing.
 */

import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'

/** Link-local addresses, among them those where clouds hand out a machine's own credentials. */
const ALWAYS_REFUSED: readonly [string, number, 'ipv4' | 'ipv6'][] = [
  ['169.254.0.0', 16, 'ipv4'],
  ['fe80::', 10, 'ipv6'],
  ['fd00:ec2::254', 128, 'ipv6'],
  // Credentials of machines at clouds that do not use a link-local address for them.
  ['100.100.100.200', 32, 'ipv4'],
  ['192.0.0.192', 32, 'ipv4'],
  // The same IPv4 range behind a translator, RFC 6052.
  ['64:ff9b::a9fe:0', 112, 'ipv6'],
]

const PRIVATE: readonly [string, number, 'ipv4' | 'ipv6'][] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
]

export class AddressRefused extends Error {
  constructor() {
    super('the address is not allowed')
    this.name = 'AddressRefused'
  }
}

/** @param blockPrivate also refuses loopback and private networks, for installations that strangers share */
export function refusedAddresses(blockPrivate: boolean): (address: string) => boolean {
  const list = new BlockList()
  for (const [net, prefix, family] of blockPrivate ? [...ALWAYS_REFUSED, ...PRIVATE] : ALWAYS_REFUSED) {
    list.addSubnet(net, prefix, family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Asks for the addresses of a name; `node:dns` does it unless a test has its own. */
export type LookUp = (
  hostname: string,
  options: { readonly all: true },
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

/** A connector for undici that refuses with `AddressRefused`, for names as for literal addresses. */
export function checkedConnector(
  isRefused: (address: string) => boolean,
  timeoutMs: number,
  lookUp: LookUp = lookup,
): buildConnector.connector {
  const connect = buildConnector({
    timeout: timeoutMs,
    lookup: checkedLookup(isRefused, lookUp),
  } as buildConnector.BuildOptions)
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && isRefused(host)) callback(new AddressRefused(), null)
    else connect(options, callback)
  }
}

function checkedLookup(isRefused: (address: string) => boolean, lookUp: LookUp): LookupFunction {
  return (hostname, options, callback) => {
    lookUp(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      if (addresses.some(({ address }) => isRefused(address))) return callback(new AddressRefused(), [])
      if (options.all) return callback(null, addresses)
      const [first] = addresses
      callback(null, first?.address ?? '', first?.family)
    })
  }
}
