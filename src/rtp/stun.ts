/**
 * STUN messages (RFC 8489), as far as a server of binding requests needs them: requests and indications in, success and
 * error responses out, with MESSAGE-INTEGRITY by a short-term credential and FINGERPRINT. Also the older form without the
 * magic cookie (RFC 3489), which some phones still send. Octets only; who may ask is decided elsewhere.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   |0 0|     message type          |  length without this header   |
 *   |                    magic cookie 0x2112a442                    |
 *   |                  transaction id, 96 bits                      |
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { addressOctets } from './stun-address.ts'

export const STUN_HEADER_BYTES = 20
/** The longest message written here: an error with what was unknown, or a success over IPv6, and its proofs. */
export const MAX_STUN_BYTES = 128

const COOKIE = 0x2112_a442
const BINDING_REQUEST = 0x0001
const BINDING_INDICATION = 0x0011
const BINDING_SUCCESS = 0x0101
const BINDING_ERROR = 0x0111

const MAPPED_ADDRESS = 0x0001
const CHANGE_REQUEST = 0x0003
const USERNAME = 0x0006
const MESSAGE_INTEGRITY = 0x0008
const ERROR_CODE = 0x0009
const UNKNOWN_ATTRIBUTES = 0x000a
const XOR_MAPPED_ADDRESS = 0x0020
const PRIORITY = 0x0024
const USE_CANDIDATE = 0x0025
const FINGERPRINT = 0x8028
const ICE_CONTROLLED = 0x8029
const ICE_CONTROLLING = 0x802a
/** Attributes that must be understood, and are: ours, and those that mean nothing in a request (§14). */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  MAPPED_ADDRESS,
  USERNAME,
  MESSAGE_INTEGRITY,
  ERROR_CODE,
  UNKNOWN_ATTRIBUTES,
  XOR_MAPPED_ADDRESS,
  PRIORITY,
  USE_CANDIDATE,
])
/** Other comprehension-required attributes are told in a 420, but no more than so many. */
const MAX_UNKNOWN = 8

const INTEGRITY_BYTES = 20
const FINGERPRINT_XOR = 0x5354_554e

export type StunKind = 'request' | 'indication' | 'response' | 'other'

export interface StunMessage {
  readonly kind: StunKind
  /** Without magic cookie (RFC 3489): answered with a plain address. */
  readonly isClassic: boolean
  readonly username: string | null
  /** Where MESSAGE-INTEGRITY begins, or -1. */
  readonly integrityAt: number
  /** Null: there is none. */
  readonly isFingerprintRight: boolean | null
  readonly priority: number
  readonly useCandidate: boolean
  readonly role: 'controlled' | 'controlling' | null
  /** It is to be answered from another address or port, which we do not have. */
  readonly wantsOtherSource: boolean
  /** Must be understood, and are not. */
  readonly unknown: readonly number[]
}

/** @returns null for what is no STUN message. Never throws. */
export function parseStun(bytes: Uint8Array): StunMessage | null {
  if (bytes.length < STUN_HEADER_BYTES || bytes[0]! >> 6 !== 0) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint16(2)
  if (length % 4 !== 0 || STUN_HEADER_BYTES + length !== bytes.length) return null
  return readAttributes(bytes, view)
}

function readAttributes(bytes: Uint8Array, view: DataView): StunMessage | null {
  let username: string | null = null
  let integrityAt = -1
  let isFingerprintRight: boolean | null = null
  let priority = 0
  let useCandidate = false
  let role: StunMessage['role'] = null
  let wantsOtherSource = false
  const unknown: number[] = []
  for (let at = STUN_HEADER_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) return null
    const type = view.getUint16(at)
    const length = view.getUint16(at + 2)
    const next = at + 4 + 4 * Math.ceil(length / 4)
    if (next > bytes.length) return null
    // What follows the integrity was not signed, and does not count; but for the fingerprint, which is last (§14.5).
    if (type === FINGERPRINT && length === 4 && next === bytes.length) isFingerprintRight = isFingerprint(view, at)
    else if (integrityAt < 0) {
      if (type === USERNAME) username = Buffer.from(bytes.buffer, bytes.byteOffset + at + 4, length).toString('utf8')
      else if (type === MESSAGE_INTEGRITY && length === INTEGRITY_BYTES) integrityAt = at
      else if (type === PRIORITY && length === 4) priority = view.getUint32(at + 4)
      else if (type === USE_CANDIDATE) useCandidate = true
      else if (type === ICE_CONTROLLED) role = 'controlled'
      else if (type === ICE_CONTROLLING) role = 'controlling'
      else if (type === CHANGE_REQUEST && length === 4) wantsOtherSource = (view.getUint32(at + 4) & 6) !== 0
      else if (type < 0x8000 && !UNDERSTOOD.has(type) && unknown.length < MAX_UNKNOWN) unknown.push(type)
    }
    at = next
  }
  const kind = kindOf(view.getUint16(0))
  const isClassic = view.getUint32(4) !== COOKIE
  return {
    kind,
    isClassic,
    username,
    integrityAt,
    isFingerprintRight,
    priority,
    useCandidate,
    role,
    wantsOtherSource,
    unknown,
  }
}

function kindOf(type: number): StunKind {
  if (type === BINDING_REQUEST) return 'request'
  if (type === BINDING_INDICATION) return 'indication'
  return type === BINDING_SUCCESS || type === BINDING_ERROR ? 'response' : 'other'
}

/** Whether MESSAGE-INTEGRITY was made with this password (§14.5, short-term credentials §9.1). In constant time. */
export function isIntact(bytes: Uint8Array, { integrityAt }: StunMessage, password: string): boolean {
  if (integrityAt < 0) return false
  const expected = integrityOf(bytes, integrityAt, password)
  return timingSafeEqual(expected, bytes.subarray(integrityAt + 4, integrityAt + 4 + INTEGRITY_BYTES))
}

// ---------------------------------------------------------------- responses

/** How a response proves where it is from: with the password of the request, or not at all. */
export interface Proof {
  readonly password: string | null
  readonly fingerprint: boolean
}

export const NO_PROOF: Proof = { password: null, fingerprint: false }

/**
 * A success response to `request`.
 * @param out receives at most MAX_STUN_BYTES
 * @returns its length in octets, or 0 when `address` is none
 */
export function writeBindingSuccess(
  out: Uint8Array,
  request: Uint8Array,
  isClassic: boolean,
  mapped: { readonly address: string; readonly port: number },
  proof: Proof,
): number {
  const octets = addressOctets(mapped.address)
  if (octets === null) return 0
  const view = beginResponse(out, request, BINDING_SUCCESS)
  const at = STUN_HEADER_BYTES
  view.setUint16(at, isClassic ? MAPPED_ADDRESS : XOR_MAPPED_ADDRESS)
  view.setUint16(at + 2, 4 + octets.length)
  view.setUint16(at + 4, octets.length === 4 ? 1 : 2)
  // XORed with the cookie, then with the transaction id behind it (§14.2), so that no NAT finds and changes it.
  view.setUint16(at + 6, isClassic ? mapped.port : mapped.port ^ (COOKIE >>> 16))
  for (let i = 0; i < octets.length; i++) out[at + 8 + i] = isClassic ? octets[i]! : octets[i]! ^ out[4 + i]!
  return finish(out, view, at + 8 + octets.length, proof)
}

const PHRASES = { 400: 'Bad Request', 401: 'Unauthenticated', 420: 'Unknown Attribute', 487: 'Role Conflict' } as const

/** An error response. @param unknown attribute types, for a 420. @returns its length in octets */
export function writeBindingError(
  out: Uint8Array,
  request: Uint8Array,
  code: keyof typeof PHRASES,
  unknown: readonly number[],
  proof: Proof,
): number {
  const view = beginResponse(out, request, BINDING_ERROR)
  const phrase = PHRASES[code]
  let at = STUN_HEADER_BYTES
  view.setUint16(at, ERROR_CODE)
  view.setUint16(at + 2, 4 + phrase.length)
  view.setUint32(at + 4, (Math.floor(code / 100) << 8) | (code % 100))
  for (let i = 0; i < phrase.length; i++) out[at + 8 + i] = phrase.charCodeAt(i)
  at = pad(out, at + 8 + phrase.length)
  if (unknown.length > 0) {
    view.setUint16(at, UNKNOWN_ATTRIBUTES)
    view.setUint16(at + 2, 2 * unknown.length)
    for (const [i, type] of unknown.entries()) view.setUint16(at + 4 + 2 * i, type)
    at = pad(out, at + 4 + 2 * unknown.length)
  }
  return finish(out, view, at, proof)
}

function beginResponse(out: Uint8Array, request: Uint8Array, type: number): DataView {
  out.set(request.subarray(0, STUN_HEADER_BYTES))
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  view.setUint16(0, type)
  return view
}

function pad(out: Uint8Array, at: number): number {
  const end = 4 * Math.ceil(at / 4)
  out.fill(0, at, end)
  return end
}

function finish(out: Uint8Array, view: DataView, end: number, { password, fingerprint }: Proof): number {
  let at = end
  if (password !== null) at = writeIntegrity(out, view, at, password)
  if (fingerprint) at = writeFingerprint(view, at)
  view.setUint16(2, at - STUN_HEADER_BYTES)
  return at
}

/** @returns where it ends. Also for requests that tests and probes make. */
export function writeIntegrity(out: Uint8Array, view: DataView, at: number, password: string): number {
  view.setUint16(at, MESSAGE_INTEGRITY)
  view.setUint16(at + 2, INTEGRITY_BYTES)
  out.set(integrityOf(out, at, password), at + 4)
  return at + 4 + INTEGRITY_BYTES
}

export function writeFingerprint(view: DataView, at: number): number {
  view.setUint16(2, at + 8 - STUN_HEADER_BYTES)
  view.setUint16(at, FINGERPRINT)
  view.setUint16(at + 2, 4)
  view.setUint32(at + 4, fingerprintOf(view, at))
  return at + 8
}

/** Of all before it, as if the message ended with it (§14.5). */
function integrityOf(bytes: Uint8Array, integrityAt: number, password: string): Buffer {
  const head = Buffer.from(bytes.subarray(0, integrityAt))
  head.writeUInt16BE(integrityAt + 4 + INTEGRITY_BYTES - STUN_HEADER_BYTES, 2)
  return createHmac('sha1', password).update(head).digest()
}

function isFingerprint(view: DataView, at: number): boolean {
  return view.getUint32(at + 4) === fingerprintOf(view, at)
}

function fingerprintOf(view: DataView, at: number): number {
  return (crc32(new Uint8Array(view.buffer, view.byteOffset, at)) ^ FINGERPRINT_XOR) >>> 0
}
