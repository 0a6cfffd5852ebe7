/** Offer and answer for one audio stream (RFC 3264): our codecs and telephone events, everything else is refused politely. */

import { type SessionDescription, write } from 'sdp-transform'
import { bad, good, type Result } from '../kernel/result.ts'
import type { CodecName, LegFormat, TakenFormat } from '../media/protocol.ts'
import type { SrtpPair } from '../rtp/srtp/suite.ts'
import {
  type Agreed,
  agreedCrypto,
  chooseCrypto,
  isSecureProfile,
  type LocalSrtp,
  offeredCrypto,
  type WrittenCrypto,
  writtenCrypto,
} from './crypto.ts'
import { common, type Direction, type Format, type MediaLine, mirrored, readDescription } from './description.ts'
import { codecOf, eventsFor, isEvents, offered, opusWishes, takenOf, written } from './formats.ts'
import { agreedTransport, answeredTransport, hasIce, type LocalIce, offeredTransport } from './ice.ts'

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
  /** A description of the far end from before: the numbers it gave stay what they are, in our offers too. */
  readonly before?: string
  /** Absent: everything goes in the clear. */
  readonly srtp?: LocalSrtp
  /** Absent: there is no ICE on our side. */
  readonly ice?: LocalIce
}

/** The format's numbers are those to send with; what comes may have others (`alsoTaken`). */
export interface Negotiated extends LegFormat {
  readonly remote: { readonly address: string; readonly port: number }
  /** From our side. */
  readonly direction: Direction
  /** SRTP was agreed on as RTP/SAVP, not as RTP/AVP with keys. */
  readonly isSavp?: true
}

export interface Offered {
  /** The far end does not want to hear us now. */
  readonly hold: boolean
  /** Codecs of ours in its audio, in its order. */
  readonly codecs: readonly CodecName[]
}

const NARROW_HZ = 8_000
const PTIME_MS = 20
const AVP = 'RTP/AVP'
const SAVP = 'RTP/SAVP'
const PTIMES_MS: readonly number[] = [10, 20, 30, 40, 60]
/** Opus has no frames of 30 ms. */
const OPUS_PTIMES_MS: readonly number[] = [10, 20, 40, 60]

/** An offer, or the 200 to an INVITE without one: then `readAnswer` reads the ACK. */
export function makeOffer(local: LocalMedia): string {
  const formats = offered(local.codecs, formatsOf(local.before))
  const isSavp = local.srtp?.offer === 'only'
  const crypto = local.srtp ? offeredCrypto(local.srtp) : []
  const line = audioLine(local, formats, local.direction, isSavp ? SAVP : AVP, crypto)
  return describe(local, [{ ...line, ...offeredTransport(local, local.ice ?? null) }])
}

/**
 * Takes the first audio line with a codec of ours, of its codecs the first one we have, and refuses all other lines.
 * @returns bad 'no session description' | 'no media' | 'no usable audio' | 'no common codec'
 */
export function makeAnswer(offerText: string, local: LocalMedia): Result<{ text: string; negotiated: Negotiated }> {
  const lines = readDescription(offerText)
  if (!lines.ok) return lines
  const isGood = (line: MediaLine): boolean => isUsable(line) && cryptoFor(line, local) !== 'refused'
  const chosen = lines.value.find((line) => isGood(line) && chosenOf(line, local.codecs) !== null)
  if (chosen === undefined) return bad(lines.value.some(isGood) ? 'no common codec' : 'no usable audio')
  const codec = chosenOf(chosen, local.codecs)!
  const agreed = cryptoFor(chosen, local) as Agreed | null
  const settled = settle(chosen, codec, local.direction, [])
  const transport = agreedTransport(chosen.transport, settled.remote, local.ice ?? null)
  const negotiated = { ...settled, ...protectedBy(agreed?.pair, chosen.protocol), transport }
  const crypto = agreed === null ? [] : [writtenCrypto(agreed.tag, agreed.pair.ours)]
  const events = eventsFor(codec, chosen.formats)
  const formats = events === null ? [codec] : [codec, events]
  const media = lines.value.map((line) =>
    line === chosen ? audioLine(local, formats, negotiated.direction, chosen.protocol, crypto) : refusedLine(line),
  )
  Object.assign(media[lines.value.indexOf(chosen)]!, answeredTransport(chosen.transport, local, local.ice ?? null))
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
  const codec = chosenOf(theirs, codecsOf(ours))
  if (codec === null) return bad('no common codec')
  const pair = agreedCrypto(ours.crypto, theirs.crypto, isSecureProfile(ours.protocol))
  if (pair === 'refused') return bad('no common encryption')
  const settled = settle(theirs, codec, ours.direction, ours.formats)
  const rtcpMux = ours.transport.rtcpMux && theirs.transport.rtcpMux
  const transport = agreedTransport({ ...theirs.transport, rtcpMux }, settled.remote, ours.transport.ice)
  return good({ ...settled, ...protectedBy(pair, ours.protocol), transport })
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
    line.type === 'audio' &&
    (line.protocol === AVP || isSecureProfile(line.protocol)) &&
    line.port > 0 &&
    line.port < 65_536 &&
    line.address !== ''
  )
}

function cryptoFor(line: MediaLine, { srtp }: LocalMedia): Agreed | null | 'refused' {
  return chooseCrypto(line.crypto, isSecureProfile(line.protocol), srtp ?? null)
}

function protectedBy(pair: SrtpPair | null | undefined, protocol: string): Pick<Negotiated, 'srtp' | 'isSavp'> {
  if (!pair) return {}
  return isSecureProfile(protocol) ? { srtp: pair, isSavp: true } : { srtp: pair }
}

function codecsOf(line: MediaLine): CodecName[] {
  return line.formats.flatMap((format) => codecOf(format) ?? [])
}

function formatsOf(description: string | undefined): readonly Format[] {
  const lines = readDescription(description ?? '')
  return lines.ok ? (lines.value.find(isUsable)?.formats ?? []) : []
}

function chosenOf(line: MediaLine, codecs: readonly CodecName[]): Format | null {
  return line.formats.find((format) => codecs.includes(codecOf(format)!)) ?? null
}

/** @param ours formats of our offer; none when this is our answer to theirs */
function settle(line: MediaLine, chosen: Format, ourDirection: Direction, ours: readonly Format[]): Negotiated {
  const codec = codecOf(chosen)!
  const events = eventsFor(chosen, line.formats)
  const also = alsoTaken(line, ours, [chosen.payloadType, events?.payloadType])
  return {
    codec,
    payloadType: chosen.payloadType,
    dtmfPayloadType: events?.payloadType ?? null,
    ...(events === null || events.rateHz === NARROW_HZ ? {} : { dtmfClockHz: events.rateHz }),
    ptimeMs: ptimeOf(line, codec),
    ...(also.length === 0 ? {} : { alsoTaken: also }),
    ...(codec === 'opus' ? { opus: opusWishes(chosen) } : {}),
    remote: { address: line.address, port: line.port },
    direction: common(mirrored(line.direction), ourDirection),
  }
}

/**
 * What may come beside the numbers we send with. After an offer of ours all that was agreed on, by the far end's numbers and
 * by ours, which are the ones it should use (RFC 3264 §6.1); after one of theirs events of either clock, whichever we named.
 */
function alsoTaken(line: MediaLine, ours: readonly Format[], main: readonly (number | undefined)[]): TakenFormat[] {
  const theirs = ours.length === 0 ? line.formats.filter(isEvents) : line.formats
  const agreed = ours.filter(({ name, rateHz }) =>
    line.formats.some((each) => each.name === name && each.rateHz === rateHz),
  )
  const taken = new Map<number, TakenFormat>()
  for (const one of takenOf([...agreed, ...theirs]))
    if (!main.includes(one.payloadType)) taken.set(one.payloadType, one)
  return [...taken.values()]
}

/** What the far end wants, where we can and it takes it. */
function ptimeOf({ ptimeMs, maxPtimeMs }: MediaLine, codec: CodecName): number {
  const possible = codec === 'opus' ? OPUS_PTIMES_MS : PTIMES_MS
  const wanted = possible.includes(ptimeMs) ? ptimeMs : PTIME_MS
  if (maxPtimeMs <= 0 || wanted <= maxPtimeMs) return wanted
  return possible.findLast((each) => each <= maxPtimeMs) ?? possible[0]!
}

type Media = SessionDescription['media'][number]

function audioLine(
  local: LocalMedia,
  formats: readonly Format[],
  direction: Direction,
  protocol: string,
  crypto: readonly WrittenCrypto[],
): Media {
  const lines = formats.map(written)
  return {
    type: 'audio',
    port: local.port,
    protocol,
    payloads: formats.map(({ payloadType }) => payloadType).join(' '),
    rtp: lines.map(({ rtp }) => rtp),
    fmtp: lines.flatMap(({ fmtp }) => fmtp),
    ...(crypto.length === 0 ? {} : { crypto: [...crypto] }),
    ptime: PTIME_MS,
    direction,
  }
}

/** RFC 3264 §6: port 0, the rest as offered. */
function refusedLine({ type, protocol, payloads }: MediaLine): Media {
  return { type, port: 0, protocol, payloads: payloads || '0', rtp: [], fmtp: [] }
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
    ...(hasIce(media) ? { icelite: 'ice-lite' } : {}),
    media: [...media],
  })
}
