/** Addresses as octets, for STUN (RFC 8489 §14.1). */

/** @returns 4 or 16 octets; an IPv4 address in IPv6's clothes is IPv4; null for what is no address */
export function addressOctets(address: string): Uint8Array | null {
  const bare = address.split('%')[0]!
  const four = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(bare)
  if (four) return Uint8Array.from(four.slice(1).map(Number))
  return bare.includes(':') ? sixteen(bare) : null
}

function sixteen(address: string): Uint8Array | null {
  const [head = '', tail, more] = address.split('::')
  if (more !== undefined) return null
  const before = words(head)
  const after = tail === undefined ? [] : words(tail)
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const all = [...before, ...Array<number>(missing).fill(0), ...after]
  if (!all.every((word) => word >= 0 && word <= 0xffff)) return null
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]))
}

function words(text: string): number[] {
  if (text === '') return []
  return text.split(':').map((word) => (/^[0-9a-f]{1,4}$/i.test(word) ? Number.parseInt(word, 16) : -1))
}
