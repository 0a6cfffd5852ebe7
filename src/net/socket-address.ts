/** Addresses as Linux holds them: `sockaddr_in` and `sockaddr_in6`. */

import { isIPv6 } from 'node:net'
import type { Endpoint } from './port.ts'

const AF_INET = 2
const AF_INET6 = 10
const IPV4_BYTES = 16
const IPV6_BYTES = 28
const GROUPS = 8

/** @param endpoint with an address in numbers; a zone is not understood */
export function writeAddress({ address, port }: Endpoint): Uint8Array {
  if (!isIPv6(address)) {
    const bytes = Buffer.alloc(IPV4_BYTES)
    bytes.writeUInt16LE(AF_INET, 0)
    bytes.writeUInt16BE(port, 2)
    for (const [i, octet] of address.split('.').entries()) bytes[4 + i] = Number(octet)
    return bytes
  }
  const bytes = Buffer.alloc(IPV6_BYTES)
  bytes.writeUInt16LE(AF_INET6, 0)
  bytes.writeUInt16BE(port, 2)
  for (const [i, group] of groupsOf(address).entries()) bytes.writeUInt16BE(group, 8 + 2 * i)
  return bytes
}

export function readAddress(bytes: Buffer): Endpoint {
  const port = bytes.readUInt16BE(2)
  if (bytes.readUInt16LE(0) === AF_INET) return { address: `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`, port }
  const groups = Array.from({ length: GROUPS }, (_, i) => bytes.readUInt16BE(8 + 2 * i))
  return { address: printed(groups), port }
}

function groupsOf(address: string): number[] {
  const plain = address.replace(/%.*$/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const word = (high: string, low: string): string => ((Number(high) << 8) | Number(low)).toString(16)
    return `${word(a, b)}:${word(c, d)}`
  })
  const [head = '', tail] = plain.split('::')
  const read = (text: string): number[] => (text === '' ? [] : text.split(':').map((one) => Number.parseInt(one, 16)))
  const [first, last] = [read(head), tail === undefined ? [] : read(tail)]
  return [...first, ...new Array<number>(GROUPS - first.length - last.length).fill(0), ...last]
}

/** RFC 5952: the longest run of two and more zeros is left out; IPv4 in IPv6 shows its dots. */
function printed(groups: readonly number[]): string {
  if (groups.slice(0, 5).every((one) => one === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  }
  let best = { at: -1, length: 1 }
  for (let at = 0; at < GROUPS; at++) {
    let length = 0
    while (at + length < GROUPS && groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((one) => one.toString(16))
      .join(':')
  return best.at < 0 ? text(0, GROUPS) : `${text(0, best.at)}::${text(best.at + best.length, GROUPS)}`
}
