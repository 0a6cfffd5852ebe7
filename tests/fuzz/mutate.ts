/** Packets that were damaged on purpose: by bits, by lengths, by numbers that are too large, and, for text, by its lines. */

import type { Random } from '../../src/kernel/random.ts'

const MAX_BYTES = 4_000
const NUMBERS = ['0', '-1', '1', '65535', '65536', '2147483647', '4294967296', '99999999999999999999', '1e9', '', 'NaN']
const TOKENS = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ';',
    ',',
    '"',
    '<',
    '>',
    '@',
    ':',
    '=',
    '%',
    '%00',
    '\\',
    '[::1]',
    '\u00e9',
    '\ud83d\ude00',
  ],
  ...['\r\n\r\n', ';;', ',,', '<<', 'sip:', 'SIP/2.0', 'z9hG4bK', '__proto__', 'constructor', 'a'.repeat(300)],
]
const EDGES = [0, 1, 0x7f, 0x80, 0xfe, 0xff]

/** @param others further packets, of which parts are taken */
export function mutated(
  packet: Uint8Array,
  others: readonly Uint8Array[],
  isText: boolean,
  random: Random,
): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(packet)
  const times = 1 + random.below(3)
  for (let i = 0; i < times; i++)
    bytes = isText && random.below(3) > 0 ? ofText(bytes, random) : ofBytes(bytes, others, random)
  return bytes.length > MAX_BYTES ? bytes.subarray(0, MAX_BYTES) : bytes
}

function ofBytes(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random.below(bytes.length + 1)
  switch (random.below(8)) {
    case 0:
      return set(bytes, at, random.below(256))
    case 1:
      return set(bytes, at, EDGES[random.below(EDGES.length)]!)
    case 2:
      return set(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)))
    case 3:
      return bytes.slice(0, at)
    case 4:
      return joined(bytes.subarray(0, at), noise(random.below(24), random), bytes.subarray(at))
    case 5:
      return joined(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + random.below(24))))
    case 6: {
      const other = others[random.below(others.length)] ?? bytes
      return joined(bytes.subarray(0, at), other.subarray(random.below(other.length + 1)))
    }
    default:
      return random.below(4) === 0 ? noise(random.below(300), random) : joined(bytes, bytes.subarray(at))
  }
}

function ofText(bytes: Uint8Array, random: Random): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  const lines = text.split('\r\n')
  const at = random.below(lines.length)
  const line = lines[at]!
  switch (random.below(7)) {
    case 0:
      lines.splice(at, 1)
      break
    case 1:
      lines.splice(random.below(lines.length + 1), 0, line)
      break
    case 2:
      lines[at] = line.replace(/\d+/, NUMBERS[random.below(NUMBERS.length)]!)
      break
    case 3:
      lines[at] = inserted(line, random)
      break
    case 4:
      lines[at] = line.replace(/[:=].*$/, (value) => value.slice(0, random.below(value.length + 1)))
      break
    case 5:
      lines[at] = `${line}${line}`
      break
    default:
      lines[at] = swapped(line.split(/([;,= ])/), random).join('')
  }
  return Uint8Array.from(Buffer.from(lines.join('\r\n'), 'latin1'))
}

function swapped(parts: string[], random: Random): string[] {
  const [a, b] = [random.below(parts.length), random.below(parts.length)]
  ;[parts[a], parts[b]] = [parts[b]!, parts[a]!]
  return parts
}

function inserted(line: string, random: Random): string {
  const at = random.below(line.length + 1)
  return line.slice(0, at) + TOKENS[random.below(TOKENS.length)]! + line.slice(at)
}

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  if (at < bytes.length) bytes[at] = value
  return bytes
}

function noise(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256))
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}
