/**
 * Packets as a file that Wireshark and tcpdump read (draft-ietf-opsawg-pcap, microseconds, link type 101: raw IP). We see
 * datagrams, not IP headers: those are made up around the addresses. What came by TCP or TLS is shown as datagrams too, one
 * for each message, so that it can be read.
 */

import { isIPv6 } from 'node:net'
import type { Endpoint } from '../../net/port.ts'

export interface Packet {
  /** Microseconds since 1970. */
  readonly wallUs: number
  readonly from: Endpoint
  readonly to: Endpoint
  readonly bytes: Uint8Array
}

const MAGIC = 0xa1b2c3d4
const LINKTYPE_RAW = 101
const SNAP_LENGTH = 65_535
const FILE_HEADER_BYTES = 24
const RECORD_HEADER_BYTES = 16
const UDP_HEADER_BYTES = 8
const UDP = 17
const TTL = 64

export function pcapOf(packets: readonly Packet[]): Uint8Array {
  const header = Buffer.alloc(FILE_HEADER_BYTES)
  header.writeUInt32BE(MAGIC, 0)
  header.writeUInt16BE(2, 4)
  header.writeUInt16BE(4, 6)
  header.writeUInt32BE(SNAP_LENGTH, 16)
  header.writeUInt32BE(LINKTYPE_RAW, 20)
  return Buffer.concat([header, ...packets.flatMap(record)])
}

function record(packet: Packet): Uint8Array[] {
  const { wallUs } = packet
  const datagram = isIPv6(bare(packet.from.address)) ? ipv6(packet) : ipv4(packet)
  const header = Buffer.alloc(RECORD_HEADER_BYTES)
  header.writeUInt32BE(Math.floor(wallUs / 1e6), 0)
  header.writeUInt32BE(wallUs % 1e6, 4)
  header.writeUInt32BE(datagram.length, 8)
  header.writeUInt32BE(datagram.length, 12)
  return [header, datagram]
}

function ipv4({ from, to, bytes }: Packet): Buffer {
  const ip = Buffer.alloc(20)
  ip[0] = 0x45
  ip.writeUInt16BE(Math.min(SNAP_LENGTH, ip.length + UDP_HEADER_BYTES + bytes.length), 2)
  ip[8] = TTL
  ip[9] = UDP
  ip.set(ipv4Octets(from.address), 12)
  ip.set(ipv4Octets(to.address), 16)
  ip.writeUInt16BE(checksum(ip), 10)
  return Buffer.concat([ip, udp(from, to, bytes)])
}

/** The UDP checksum must be there over IPv6; readers that check it say so, and show the packet all the same. */
function ipv6({ from, to, bytes }: Packet): Buffer {
  const ip = Buffer.alloc(40)
  ip[0] = 0x60
  ip.writeUInt16BE(Math.min(SNAP_LENGTH, UDP_HEADER_BYTES + bytes.length), 4)
  ip[6] = UDP
  ip[7] = TTL
  ip.set(ipv6Octets(bare(from.address)), 8)
  ip.set(ipv6Octets(bare(to.address)), 24)
  return Buffer.concat([ip, udp(from, to, bytes)])
}

function udp(from: Endpoint, to: Endpoint, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(UDP_HEADER_BYTES)
  header.writeUInt16BE(from.port & 0xffff, 0)
  header.writeUInt16BE(to.port & 0xffff, 2)
  header.writeUInt16BE(Math.min(SNAP_LENGTH, UDP_HEADER_BYTES + bytes.length), 4)
  return Buffer.concat([header, bytes])
}

/** RFC 1071. */
function checksum(header: Buffer): number {
  let sum = 0
  for (let i = 0; i < header.length; i += 2) sum += header.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return ~sum & 0xffff
}

function ipv4Octets(address: string): number[] {
  const octets = address
    .replace(/^::ffff:/i, '')
    .split('.')
    .map(Number)
  return octets.length === 4 && octets.every((one) => one >= 0 && one < 256) ? octets : [0, 0, 0, 0]
}

function ipv6Octets(address: string): Uint8Array {
  const [head = '', tail] = address.split('::')
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').flatMap(groupOf))
  const first = groups(head)
  const last = tail === undefined ? [] : groups(tail)
  const all = [...first, ...new Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0), ...last]
  const octets = Buffer.alloc(16)
  for (const [i, group] of all.slice(0, 8).entries()) octets.writeUInt16BE(group, 2 * i)
  return octets
}

function groupOf(text: string): number[] {
  if (!text.includes('.')) return [Number.parseInt(text, 16) & 0xffff]
  const [a, b, c, d] = ipv4Octets(text) as [number, number, number, number]
  return [(a << 8) | b, (c << 8) | d]
}

/** Without a zone, and without the brackets that some write. */
function bare(address: string): string {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(plain) ? plain.slice(7) : plain
}
