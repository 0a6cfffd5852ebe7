/** Offer and answer for one audio stream (RFC 3264): G.711 and telephone events, everything else is refused politely. */

import { type SessionDescription, write } from 'sdp-transform'
import { bad, good, type Result } from '../kernel/result.ts'
import type { CodecName } from '../media/protocol.ts'
import { common, type Direction, type Format, type MediaLine, mirrored, readDescription } from './description.ts'

export interface LocalMedia {
  readonly address: string
  readonly port: number
  /** Digits; the same for all descriptions of a leg. */
  readonly sessionId: string
  /** Rises with every description that differs from the one before. */
  readonly version: number
  /** In order of preference, for an offer. */
  readonly codecs: readonly CodecName[]
  readonly direction: Direction
}

export interface Negotiated {
  readonly codec: CodecName
  /** The number to send with. */
  readonly payloadType: number
  /** The number to send telephone events with; null when the far end knows none. */
  readonly dtmfPayloadType: number | null
  /** How much sound the far end wants in a packet. */
  readonly ptimeMs: number
  readonly remote: { readonly address: string; readonly port: number }
  /** From our side. */
  readonly direction: Direction
}

export interface Offered {
  /** The far end does not want to hear us now. */
  readonly hold: boolean
  /** G.711 codecs of its audio, in its order. */
  readonly codecs: readonly CodecName[]
}

const PAYLOAD_TYPES: Readonly<Record<CodecName, number>> = { PCMU: 0, PCMA: 8 }
const RATE_HZ = 8_000
const DTMF = 'TELEPHONE-EVENT'
const DTMF_PAYLOAD_TYPE = 101
const DTMF_EVENTS = '0-16'
const PTIME_MS = 20
const PTIMES_MS: ReadonlySet<number> = new Set([10, 20, 30, 40, 60])

/** An offer, or the 200 to an INVITE without one: then `readAnswer` reads the ACK. */
export function makeOffer(local: LocalMedia): string {
  const formats = local.codecs.map((codec) => ({ payloadType: PAYLOAD_TYPES[codec], name: codec, rateHz: RATE_HZ }))
  return describe(local, [audioLine(local, [...formats, dtmf(DTMF_PAYLOAD_TYPE)], local.direction)])
}

/**
 * Takes the first audio line with a codec of ours, of its codecs the first one we have, and refuses all other lines.
 * @returns bad 'no session description' | 'no media' | 'no usable audio' | 'no common codec'
 */
export function makeAnswer(offerText: string, local: LocalMedia): Result<{ text: string; negotiated: Negotiated }> {
  const lines = readDescription(offerText)
  if (!lines.ok) return lines
  const chosen = lines.value.find((line) => isUsable(line) && codecOf(line, local.codecs) !== null)
  if (chosen === undefined) return bad(lines.value.some(isUsable) ? 'no common codec' : 'no usable audio')
  const codec = codecOf(chosen, local.codecs)!
  const negotiated = settle(chosen, codec, local.direction)
  const formats = negotiated.dtmfPayloadType === null ? [codec] : [codec, dtmf(negotiated.dtmfPayloadType)]
  const media = lines.value.map((line) =>
    line === chosen ? audioLine(local, formats, negotiated.direction) : refusedLine(line),
  )
  return good({ text: describe(local, media), negotiated })
}

/**
 * @param offerText ours, as sent
 * @returns bad when the answer refuses our audio, or names no codec of the offer
 */
export function readAnswer(offerText: string, answerText: string): Result<Negotiated> {
  const offer = readDescription(offerText)
  const answer = readDescription(answerText)
  if (!offer.ok) return offer
  if (!answer.ok) return answer
  const at = offer.value.findIndex((line) => line.type === 'audio')
  const ours = offer.value[at]
  const theirs = answer.value[at]
  if (ours === undefined || theirs === undefined || !isUsable(theirs)) return bad('audio refused')
  const codec = codecOf(theirs, codecsOf(ours))
  return codec === null ? bad('no common codec') : good(settle(theirs, codec, ours.direction))
}

/** Looks at an offer without answering it. */
export function readOffer(text: string): Result<Offered> {
  const lines = readDescription(text)
  if (!lines.ok) return lines
  const audio = lines.value.find(isUsable)
  if (audio === undefined) return bad('no usable audio')
  return good({ hold: audio.direction === 'sendonly' || audio.direction === 'inactive', codecs: codecsOf(audio) })
}

function isUsable(line: MediaLine): boolean {
  return (
    line.type === 'audio' && line.protocol === 'RTP/AVP' && line.port > 0 && line.port < 65_536 && line.address !== ''
  )
}

function codecsOf(line: MediaLine): CodecName[] {
  return line.formats.flatMap(({ name, rateHz }) => (isCodec(name) && rateHz === RATE_HZ ? [name] : []))
}

function codecOf(line: MediaLine, codecs: readonly CodecName[]): Format | null {
  return line.formats.find(({ name, rateHz }) => isCodec(name) && rateHz === RATE_HZ && codecs.includes(name)) ?? null
}

function isCodec(name: string): name is CodecName {
  return Object.hasOwn(PAYLOAD_TYPES, name)
}

function settle(line: MediaLine, codec: Format, ourDirection: Direction): Negotiated {
  const events = line.formats.find(({ name, rateHz }) => name === DTMF && rateHz === RATE_HZ)
  return {
    codec: codec.name as CodecName,
    payloadType: codec.payloadType,
    dtmfPayloadType: events?.payloadType ?? null,
    ptimeMs: PTIMES_MS.has(line.ptimeMs) ? line.ptimeMs : PTIME_MS,
    remote: { address: line.address, port: line.port },
    direction: common(mirrored(line.direction), ourDirection),
  }
}

type Media = SessionDescription['media'][number]

function audioLine(local: LocalMedia, formats: readonly Format[], direction: Direction): Media {
  const events = formats.find(({ name }) => name === DTMF)
  return {
    type: 'audio',
    port: local.port,
    protocol: 'RTP/AVP',
    payloads: formats.map(({ payloadType }) => payloadType).join(' '),
    rtp: formats.map(({ payloadType, name, rateHz }) => ({
      payload: payloadType,
      codec: name === DTMF ? 'telephone-event' : name,
      rate: rateHz,
    })),
    fmtp: events === undefined ? [] : [{ payload: events.payloadType, config: DTMF_EVENTS }],
    ptime: PTIME_MS,
    direction,
  }
}

/** RFC 3264 §6: port 0, the rest as offered. */
function refusedLine({ type, protocol, payloads }: MediaLine): Media {
  return { type, port: 0, protocol, payloads: payloads || '0', rtp: [], fmtp: [] }
}

function dtmf(payloadType: number): Format {
  return { payloadType, name: DTMF, rateHz: RATE_HZ }
}

function describe(local: LocalMedia, media: readonly Media[]): string {
  const { address, sessionId, version } = local
  const ipVer = address.includes(':') ? 6 : 4
  return write({
    version: 0,
    origin: { username: '-', sessionId, sessionVersion: version, netType: 'IN', ipVer, address },
    name: '-',
    connection: { version: ipVer, ip: address },
    timing: { start: 0, stop: 0 },
    media: [...media],
  })
}
