/**
 * Signalling as people draw it: one line a message, the far end on the left, us on the right. Streams of sound are summed up
 * in one line each.
 */

import type { Endpoint } from '../../net/port.ts'
import type { Packet } from './pcap.ts'
import type { SipMessage } from './sip-trace.ts'

export interface MediaPacket extends Packet {
  readonly isOut: boolean
}

const ARROW_WIDTH = 34
const PAYLOAD_NAMES: Readonly<Record<number, string>> = { 0: 'PCMU', 8: 'PCMA', 9: 'G722', 13: 'comfort noise' }

/** @returns lines without an end of line */
export function ladderOf(messages: readonly SipMessage[], sound: readonly MediaPacket[]): string[] {
  const start = Math.min(messages[0]?.wallUs ?? Number.POSITIVE_INFINITY, sound[0]?.wallUs ?? Number.POSITIVE_INFINITY)
  const lines = [
    ...messages.map((one) => ({ wallUs: one.wallUs, text: sipLine(one, start) })),
    ...streamsOf(sound).map((one) => ({ wallUs: one.firstUs, text: streamLine(one, start) })),
  ]
  return lines.sort((a, b) => a.wallUs - b.wallUs).map(({ text }) => text)
}

function sipLine({ wallUs, isOut, from, to, transport, bytes }: SipMessage, start: number): string {
  const text = Buffer.from(bytes).toString('utf8')
  const [first = ''] = text.split('\r\n', 1)
  const isSdp = /\r\n\r\nv=0/.test(text)
  const status = /^SIP\/2\.0 (\d{3} .*)$/.exec(first)?.[1]
  const method = /^CSeq[ \t]*:[ \t]*\d+[ \t]+(\S+)/im.exec(text)?.[1] ?? ''
  const what = status === undefined ? (first.split(' ', 1)[0] ?? '') : `${status} (${method})`
  return line(wallUs - start, { isOut, remote: isOut ? to : from, what: isSdp ? `${what} SDP` : what, by: transport })
}

interface Stream {
  readonly isOut: boolean
  readonly remote: Endpoint
  readonly ssrc: number
  readonly payloadType: number
  readonly firstUs: number
  lastUs: number
  packets: number
  readonly firstSequence: number
  highest: number
  longestGapMs: number
}

function streamsOf(sound: readonly MediaPacket[]): Stream[] {
  const streams = new Map<string, Stream>()
  for (const one of sound) note(streams, one)
  return [...streams.values()]
}

function note(streams: Map<string, Stream>, { wallUs, isOut, from, to, bytes }: MediaPacket): void {
  // RTP only: RTCP and STUN are in the file.
  if (bytes.length < 12 || bytes[0]! >> 6 !== 2 || (bytes[1]! >= 192 && bytes[1]! <= 223)) return
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [payloadType, sequence, ssrc] = [bytes[1]! & 0x7f, view.getUint16(2), view.getUint32(8)]
  const key = `${isOut} ${ssrc} ${payloadType}`
  const known = streams.get(key)
  if (known) {
    known.longestGapMs = Math.max(known.longestGapMs, (wallUs - known.lastUs) / 1000)
    known.lastUs = wallUs
    known.packets++
    const ahead = (sequence - known.highest) & 0xffff
    if (ahead < 0x8000) known.highest += ahead
    return
  }
  const times = { firstUs: wallUs, lastUs: wallUs, longestGapMs: 0 }
  const counts = { packets: 1, firstSequence: sequence, highest: sequence }
  streams.set(key, { isOut, remote: isOut ? to : from, ssrc, payloadType, ...times, ...counts })
}

function streamLine(stream: Stream, start: number): string {
  const { isOut, remote, payloadType, packets, firstUs, lastUs, longestGapMs } = stream
  const lost = Math.max(0, stream.highest - stream.firstSequence + 1 - packets)
  const name = PAYLOAD_NAMES[payloadType] ?? `payload ${payloadType}`
  const seconds = ((lastUs - firstUs) / 1e6).toFixed(1)
  const by = `${packets} packets in ${seconds} s, ${lost} missing, longest gap ${Math.round(longestGapMs)} ms`
  return line(firstUs - start, { isOut, remote, what: `RTP ${name}`, by })
}

function line(
  us: number,
  { isOut, remote, what, by }: { isOut: boolean; remote: Endpoint; what: string; by: string },
): string {
  const at = `${(us / 1e6).toFixed(3)} s`.padStart(11)
  const host = remote.address.includes(':') ? `[${remote.address}]` : remote.address
  const shaft = '-'.repeat(Math.max(1, ARROW_WIDTH - what.length - 3))
  const arrow = isOut ? `<${shaft} ${what} ` : ` ${what} ${shaft}>`
  return `${at}  ${`${host}:${remote.port}`.padEnd(22)} ${arrow.padEnd(ARROW_WIDTH)} us   ${by}`
}
