/** Addresses of both families as the rest of the program wants to see them. */

import { isIP } from 'node:net'

const MAPPED = '::ffff:'

/** An IPv4 address that a socket of both families shows as IPv6 (RFC 4291 §2.5.5.2) comes back as itself. */
export function plainAddress(address: string): string {
  if (!address.startsWith(MAPPED)) return address
  const inner = address.slice(MAPPED.length)
  return isIP(inner) === 4 ? inner : address
}

/** How a socket of both families wants an IPv4 address to be written. */
export function mappedAddress(address: string): string {
  return address.includes(':') ? address : MAPPED + address
}
