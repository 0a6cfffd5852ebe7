/**
 * Keys of SRTP in session descriptions (SDES, RFC 4568), and which of them are taken. What is read and written here is
 * secret: it goes into no log.
 *
 *    a=crypto:<tag> <suite> inline:<base64 of key and salt>[|<lifetime>][|<MKI>:<its length>] [session parameters]
 */

import { isSrtpSuite, keyBytesOf, MAX_RTP_PACKETS, type SrtpKeys, type SrtpPair } from '../rtp/srtp/suite.ts'

/** `off`: neither asked for nor answered. `optional`: what is asked for is answered. `required`: nothing goes without. */
export type SrtpPolicy = 'off' | 'optional' | 'required'

/** How our offers ask for it: not at all; as RTP/AVP with keys, which who does not know them passes over (RFC 8643); as RTP/SAVP. */
export type SrtpOffer = 'none' | 'opportunistic' | 'only'

/** What we bring to the offers and answers of one leg. */
export interface LocalSrtp {
  readonly policy: SrtpPolicy
  readonly offer: SrtpOffer
  /** A key for each suite we speak, in order of preference; the same for all descriptions of a leg. */
  readonly keys: readonly SrtpKeys[]
}

/** One a=crypto line that could be taken. */
export interface CryptoLine {
  readonly tag: number
  readonly keys: SrtpKeys
}

const NO_MKI = new Uint8Array(0)
const MAX_MKI_BYTES = 128
const MAX_TAG_DIGITS = 9

/** @returns for each m= line its a=crypto lines that we can read, in order */
export function readCryptoLines(text: string): readonly (readonly CryptoLine[])[] {
  const [, ...media] = text.split(/^m=/m)
  return media.map((part) =>
    part.split(/\r\n|\r|\n/).flatMap((line) => (line.startsWith('a=crypto:') ? readCryptoLine(line.slice(9)) : [])),
  )
}

/** @param text what stands after `a=crypto:`. @returns one, or none when it is broken or asks for what we do not do */
function readCryptoLine(text: string): CryptoLine[] {
  const [tag = '', suite = '', parameters = '', ...session] = text.trim().split(/\s+/)
  if (!/^\d+$/.test(tag) || tag.length > MAX_TAG_DIGITS || !isSrtpSuite(suite)) return []
  if (!session.every(isHarmless)) return []
  const keys = readKeys(suite, parameters)
  return keys === null ? [] : [{ tag: Number(tag), keys }]
}

/**
 * A window size is only a hint (RFC 4568 §6.3.7), and what begins with a dash may be passed over (§6.3.8). All others
 * change what packets look like: another key derivation, parts that are not encrypted or not authentic, FEC.
 */
function isHarmless(parameter: string): boolean {
  return /^WSH=\d+$/i.test(parameter) || parameter.startsWith('-')
}

/** One key only: several would be told apart by their MKIs, and nobody sends them. */
function readKeys(suite: SrtpKeys['suite'], parameters: string): SrtpKeys | null {
  const match = /^inline:([A-Za-z0-9+/]+={0,2})((?:\|[0-9^:]+)*)$/i.exec(parameters)
  if (!match) return null
  const key = Uint8Array.from(Buffer.from(match[1]!, 'base64'))
  if (key.length !== keyBytesOf(suite)) return null
  let lifetimePackets: number | null = null
  let mki: Uint8Array = NO_MKI
  for (const part of match[2]!.split('|').slice(1)) {
    if (part.includes(':')) {
      const read = readMki(part)
      if (read === null) return null
      mki = read
    } else {
      const read = readLifetime(part)
      if (read === null) return null
      lifetimePackets = read >= MAX_RTP_PACKETS ? null : read
    }
  }
  return { suite, key, mki, lifetimePackets }
}

function readLifetime(text: string): number | null {
  const power = /^2\^(\d{1,2})$/.exec(text)
  const packets = power ? 2 ** Number(power[1]) : /^\d{1,15}$/.test(text) ? Number(text) : 0
  return packets > 0 ? packets : null
}

/** A number and how many bytes hold it (§6.1). */
function readMki(text: string): Uint8Array | null {
  const match = /^(\d{1,38}):(\d{1,3})$/.exec(text)
  const length = Number(match?.[2] ?? 0)
  if (!match || length < 1 || length > MAX_MKI_BYTES) return null
  const mki = new Uint8Array(length)
  let value = BigInt(match[1]!)
  for (let i = length - 1; i >= 0; i--, value >>= 8n) mki[i] = Number(value & 0xffn)
  return value === 0n ? mki : null
}

/** As sdp-transform writes it. */
export interface WrittenCrypto {
  readonly id: number
  readonly suite: string
  readonly config: string
}

/** @param tag of the line that is answered, or of our own choice in an offer */
export function writtenCrypto(tag: number, { suite, key }: SrtpKeys): WrittenCrypto {
  return { id: tag, suite, config: `inline:${Buffer.from(key).toString('base64')}` }
}

/** The lines of an offer: tags count from 1. */
export function offeredCrypto(local: LocalSrtp): WrittenCrypto[] {
  return local.offer === 'none' ? [] : local.keys.map((keys, i) => writtenCrypto(i + 1, keys))
}

/** What is agreed on: nothing, or keys and the tag of their line. */
export interface Agreed {
  readonly tag: number
  readonly pair: SrtpPair
}

/**
 * What becomes of an offered audio line: the first of its keys that we have a suite for (§5.1.2).
 * @param isSecure whether its profile is an SAVP one, which cannot be answered in the clear
 * @returns null: in the clear; 'refused': not at all
 */
export function chooseCrypto(
  lines: readonly CryptoLine[],
  isSecure: boolean,
  local: LocalSrtp | null,
): Agreed | null | 'refused' {
  if (local === null || local.policy === 'off') return isSecure ? 'refused' : null
  for (const { tag, keys: theirs } of lines) {
    const ours = local.keys.find(({ suite }) => suite === theirs.suite)
    if (ours) return { tag, pair: { ours, theirs } }
  }
  return isSecure || local.policy === 'required' ? 'refused' : null
}

/**
 * What an answer made of our keys (§5.1.3): one line, with the tag and the suite of one of ours.
 * @param offered our own lines, as sent
 * @returns as `chooseCrypto`
 */
export function agreedCrypto(
  offered: readonly CryptoLine[],
  answered: readonly CryptoLine[],
  isSecure: boolean,
): SrtpPair | null | 'refused' {
  for (const { tag, keys: theirs } of answered) {
    const ours = offered.find((line) => line.tag === tag && line.keys.suite === theirs.suite)
    if (ours) return { ours: ours.keys, theirs }
  }
  return isSecure ? 'refused' : null
}

/** What our next offer in the same session asks for: the same again, with the key in use first. */
export function goingOn(local: LocalSrtp, pair: SrtpPair | null, isSecure: boolean): LocalSrtp {
  if (pair === null) return { ...local, offer: local.policy === 'required' ? 'only' : 'none' }
  const { ours } = pair
  const keys = [ours, ...local.keys.filter(({ suite }) => suite !== ours.suite)]
  return { ...local, offer: isSecure ? 'only' : 'opportunistic', keys }
}

/** A copy of a message for people to see: of its keys only their length is left. */
export function withoutKeys(message: Uint8Array): Uint8Array {
  const text = Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('latin1')
  if (!/a=crypto:/i.test(text)) return Uint8Array.from(message)
  const shown = text.replace(/^(a=crypto:.*?inline:)(.*)$/gim, (_, head: string, keys: string) => {
    return head + '.'.repeat(keys.replace(/\r$/, '').length) + (keys.endsWith('\r') ? '\r' : '')
  })
  return Uint8Array.from(Buffer.from(shown, 'latin1'))
}

export function isSecureProfile(protocol: string): boolean {
  return /^RTP\/SAVPF?$/.test(protocol)
}
