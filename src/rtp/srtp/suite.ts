/** The ways to protect RTP that we speak, by their names in RFC 4568 §6.2 and RFC 7714 §14.1, and what each needs. */

export type SrtpSuite = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32' | 'AEAD_AES_128_GCM'

/** Longest packet that is protected or taken, and what protection adds at most besides an MKI. */
export const MAX_PACKET_BYTES = 2_048
export const MAX_ADDED_BYTES = 20

/** So many are protected with one key at most (RFC 3711 §9.2). */
export const MAX_RTP_PACKETS = 2 ** 48
export const MAX_RTCP_PACKETS = 2 ** 31

export interface SuiteShape {
  readonly keyBytes: number
  readonly saltBytes: number
  readonly rtpTagBytes: number
  /** RFC 4568 §6.2.2: the short tag is for RTP only. */
  readonly rtcpTagBytes: number
}

export const SUITES: Readonly<Record<SrtpSuite, SuiteShape>> = {
  AES_CM_128_HMAC_SHA1_80: { keyBytes: 16, saltBytes: 14, rtpTagBytes: 10, rtcpTagBytes: 10 },
  AES_CM_128_HMAC_SHA1_32: { keyBytes: 16, saltBytes: 14, rtpTagBytes: 4, rtcpTagBytes: 10 },
  AEAD_AES_128_GCM: { keyBytes: 16, saltBytes: 12, rtpTagBytes: 16, rtcpTagBytes: 16 },
}

/** What protects packets of one direction. Secret: never logged, never told to anybody but the far end. */
export interface SrtpKeys {
  readonly suite: SrtpSuite
  /** Master key, then master salt: `keyBytesOf(suite)` bytes. */
  readonly key: Uint8Array
  /** Stands in every packet that comes, when it is not empty (RFC 3711 §3.1). What we send has none. */
  readonly mki: Uint8Array
  /** So many packets, RTP and RTCP counted apart, are protected with this key at most; null = as many as the RFC allows. */
  readonly lifetimePackets: number | null
}

/** Both directions of one stream, as offer and answer agreed. */
export interface SrtpPair {
  readonly ours: SrtpKeys
  readonly theirs: SrtpKeys
}

export function isSrtpSuite(name: string): name is SrtpSuite {
  return Object.hasOwn(SUITES, name)
}

/** Length of master key and salt together. */
export function keyBytesOf(suite: SrtpSuite): number {
  const { keyBytes, saltBytes } = SUITES[suite]
  return keyBytes + saltBytes
}

/** Whether packets of one can be read with the other: then its counts go on. */
export function isSameKey(a: SrtpKeys, b: SrtpKeys): boolean {
  return a.suite === b.suite && isEqual(a.key, b.key) && isEqual(a.mki, b.mki)
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}
