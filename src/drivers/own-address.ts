/** Which of our addresses a far end is told: the one it can reach. */

import { BlockList, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isLoopback } from './sip-policy.ts'

export interface OwnAddressOptions {
  readonly bindAddress: string
  /** Set by the operator, for a server behind a translated address. */
  readonly publicAddress: string | null
  /** For tests. */
  readonly interfaces?: typeof networkInterfaces
}

/** @param remote address of the far end */
export function addressTowards(remote: string, options: OwnAddressOptions): string {
  const { bindAddress, publicAddress, interfaces = networkInterfaces } = options
  const isWildcard = bindAddress === '0.0.0.0' || bindAddress === '::'
  if (!isWildcard) return publicAddress ?? bindAddress
  if (isLoopback(remote)) return isIPv6(remote) ? '::1' : '127.0.0.1'
  // An operator's address is of one family; far ends of the other one cannot use it.
  if (publicAddress !== null && isIPv6(publicAddress) === isIPv6(remote)) return publicAddress
  const family = isIPv6(remote) ? 'ipv6' : 'ipv4'
  const own = Object.values(interfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((one) => !one.internal && one.family.toLowerCase() === family)
  const near = own.find((one) => {
    const subnet = new BlockList()
    subnet.addSubnet(one.address, Number(one.cidr?.split('/')[1] ?? 32), family)
    return subnet.check(remote, family)
  })
  return near?.address ?? own[0]?.address ?? publicAddress ?? bindAddress
}

/** Of all interfaces but loopback, in the order of the system. */
export function ownAddresses(interfaces = networkInterfaces): string[] {
  const all = Object.values(interfaces()).flatMap((addresses) => addresses ?? [])
  return all.filter(({ internal }) => !internal).map(({ address }) => address)
}
