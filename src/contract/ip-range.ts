/** Addresses and networks as text (`192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`), for lists of who may call. */

const BYTES = 16
const V4_OFFSET = 12
const V4_BITS = 96

/** Wider networks than these are no list of a carrier's gateways but a door left open. */
const WIDEST_V4 = 8
const WIDEST_V6 = 16

/** A network: its first `bits` bits. IPv4 stands in the mapped form of RFC 4291 §2.5.5.2, so `bits` counts from 96 there. */
export interface IpRange {
  readonly bytes: readonly number[]
  readonly bits: number
}

/** @returns 16 octets, IPv4 in its mapped form; null for what is no address */
export function addressBytes(text: string): readonly number[] | null {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  return bare.includes(':') ? v6Bytes(bare) : mapped(v4Bytes(bare))
}

/** @returns null for what is no address or network, and for a network wider than /8 (IPv4) or /16 (IPv6) */
export function parseRange(text: string): IpRange | null {
  const [address = '', width, more] = text.trim().split('/')
  const bytes = addressBytes(address)
  if (!bytes || more !== undefined) return null
  const isV4 = !address.includes(':')
  const most = isV4 ? 32 : 128
  if (width !== undefined && !/^\d{1,3}$/.test(width)) return null
  const bits = width === undefined ? most : Number(width)
  if (bits > most || bits < (isV4 ? WIDEST_V4 : WIDEST_V6)) return null
  if (!isV4 && bits < V4_BITS + WIDEST_V4 && holdsMapped({ bytes, bits })) return null
  return { bytes, bits: isV4 ? bits + V4_BITS : bits }
}

/** @param bytes of `addressBytes` */
export function isWithinRange(bytes: readonly number[], range: IpRange): boolean {
  const whole = range.bits >> 3
  for (let at = 0; at < whole; at++) if (bytes[at] !== range.bytes[at]) return false
  const rest = range.bits & 7
  if (rest === 0) return true
  const mask = (0xff << (8 - rest)) & 0xff
  return ((bytes[whole] ?? 0) & mask) === ((range.bytes[whole] ?? 0) & mask)
}

/** `::/16` is all of IPv4 too. */
function holdsMapped({ bytes, bits }: IpRange): boolean {
  return isWithinRange(addressBytes('0.0.0.0')!, { bytes, bits: Math.min(bits, V4_BITS) })
}

function v4Bytes(text: string): readonly number[] | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null
  const bytes = text.split('.').map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : null
}

function mapped(v4: readonly number[] | null): readonly number[] | null {
  return v4 && [...new Array<number>(V4_OFFSET - 2).fill(0), 0xff, 0xff, ...v4]
}

/** RFC 4291 §2.2: groups, at most one `::`, the last 32 bits perhaps as IPv4. */
function v6Bytes(text: string): readonly number[] | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = groups(halves[0]!)
  const tail = halves.length === 2 ? groups(halves[1]!) : []
  if (!head || !tail) return null
  const missing = BYTES - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function groups(text: string): readonly number[] | null {
  if (text === '') return []
  const bytes: number[] = []
  for (const [at, group] of text.split(':').entries()) {
    const isLast = at === text.split(':').length - 1
    const v4 = isLast ? v4Bytes(group) : null
    if (v4) bytes.push(...v4)
    else if (/^[0-9a-f]{1,4}$/i.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff)
    else return null
  }
  return bytes
}
