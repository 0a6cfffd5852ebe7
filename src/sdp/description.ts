/** Session descriptions in the few words an audio leg needs. Text in and out is by sdp-transform; here is what it means. */

import { type MediaDescription, parse, type SessionDescription } from 'sdp-transform'
import { bad, good, type Result } from '../kernel/result.ts'
import { type CryptoLine, readCryptoLines } from './crypto.ts'
import { readTransport, type WrittenTransport } from './ice.ts'

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

export interface Format {
  readonly payloadType: number
  /** In upper case. */
  readonly name: string
  readonly rateHz: number
  /** Of a=fmtp, '' when there are none. */
  readonly parameters: string
}

/** One m= line with all that holds for it from the session part. */
export interface MediaLine {
  readonly type: string
  /** 0 = refused. */
  readonly port: number
  readonly protocol: string
  /** As it stood, for a refusal that repeats it. */
  readonly payloads: string
  /** In order of preference. */
  readonly formats: readonly Format[]
  readonly address: string
  /** From the writer's side. An address of zero takes the receiving away (RFC 3264 §8.4, the old form of hold). */
  readonly direction: Direction
  /** What the writer likes to receive, 0 when not said. */
  readonly ptimeMs: number
  /** The most it takes, 0 when not said. */
  readonly maxPtimeMs: number
  /** Keys of SRTP that could be taken, in order of preference. */
  readonly crypto: readonly CryptoLine[]
  /** RTCP's port, and ICE. */
  readonly transport: WrittenTransport
}

/** The formats an RTP/AVP number has without saying (RFC 3551 §6). */
const STATIC: ReadonlyMap<number, string> = new Map([
  [0, 'PCMU'],
  [8, 'PCMA'],
  [9, 'G722'],
])
const DEFAULT_RATE_HZ = 8_000
const ZERO_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '::0'])

/** @returns the m= lines in order; bad for a text without any */
export function readDescription(text: string): Result<readonly MediaLine[]> {
  if (!/^v=0\s*$/m.test(text)) return bad('no session description')
  const session = parse(text)
  if (session.media.length === 0) return bad('no media')
  const crypto = readCryptoLines(text)
  return good(session.media.map((media, i) => readLine(session, media, crypto[i] ?? [])))
}

/** The same seen from the other end. */
export function mirrored(direction: Direction): Direction {
  return toDirection(receives(direction), sends(direction))
}

/** What both allow. */
export function common(one: Direction, other: Direction): Direction {
  return toDirection(sends(one) && sends(other), receives(one) && receives(other))
}

function readLine(session: SessionDescription, media: MediaDescription, crypto: readonly CryptoLine[]): MediaLine {
  const payloads = String(media.payloads ?? '')
  const address = String(media.connection?.ip ?? session.connection?.ip ?? '')
  const said = directionOf(media.direction ?? session.direction)
  return {
    type: media.type ?? '',
    port: Number.parseInt(String(media.port ?? 0), 10) || 0,
    protocol: String(media.protocol ?? ''),
    payloads,
    formats: payloads.split(/\s+/).flatMap((payload) => readFormat(media, payload)),
    address,
    direction: ZERO_ADDRESS.has(address) ? common(said, 'sendonly') : said,
    ptimeMs: Number(media.ptime) || 0,
    maxPtimeMs: Number(media.maxptime) || 0,
    crypto,
    transport: readTransport(session, media),
  }
}

function readFormat(media: MediaDescription, payload: string): Format[] {
  if (!/^\d{1,3}$/.test(payload) || Number(payload) > 127) return []
  const payloadType = Number(payload)
  const map = media.rtp.find((each) => each.payload === payloadType)
  const name = map?.codec ?? STATIC.get(payloadType)
  if (name === undefined) return []
  const parameters = String(media.fmtp.find((each) => each.payload === payloadType)?.config ?? '')
  return [{ payloadType, name: String(name).toUpperCase(), rateHz: Number(map?.rate ?? DEFAULT_RATE_HZ), parameters }]
}

function directionOf(text: string | undefined): Direction {
  return text === 'sendonly' || text === 'recvonly' || text === 'inactive' ? text : 'sendrecv'
}

function sends(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

function receives(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly'
}

function toDirection(send: boolean, receive: boolean): Direction {
  if (send) return receive ? 'sendrecv' : 'sendonly'
  return receive ? 'recvonly' : 'inactive'
}
