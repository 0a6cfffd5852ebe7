/**
 * RTCP packets (RFC 3550 §6.4 to §6.6): sender and receiver reports, SDES with a CNAME, BYE. Octets in and out only; what
 * they are worth is `rtcp-session.ts`.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   |V=2|P|  count  |      PT       |   length in words, minus one  |
 */

const SENDER_REPORT = 200
const RECEIVER_REPORT = 201
const SOURCE_DESCRIPTION = 202
const GOODBYE = 203
const CNAME = 1

const HEADER_BYTES = 4
const SENDER_INFO_BYTES = 20
const BLOCK_BYTES = 24

/** What one receiver says of one sender (§6.4.1). */
export interface ReportBlock {
  /** Of whom it is. */
  readonly ssrc: number
  /** Lost of those expected since the last report, in 1/256. */
  readonly fractionLost: number
  /** Since the beginning; below 0 when more came than were sent, as doubles do. */
  readonly lost: number
  /** Highest number seen, with its wraps in the upper half. */
  readonly highest: number
  /** In units of RTP time. */
  readonly jitter: number
  /** The middle 32 bits of the last sender report's time, and the time since, in 1/65,536 s. 0: none has come. */
  readonly lastReport: number
  readonly sinceLastReport: number
}

export interface SenderInfo {
  /** Seconds since 1900 and their fraction in 1/2^32, unsigned words. */
  readonly ntpSeconds: number
  readonly ntpFraction: number
  readonly rtpTime: number
  readonly packets: number
  readonly octets: number
}

/** One datagram of RTCP. */
export interface Rtcp {
  /** Who reports. */
  readonly ssrc: number
  readonly sender: SenderInfo | null
  readonly blocks: readonly ReportBlock[]
  readonly cname: string | null
  /** Who leaves. */
  readonly byes: readonly number[]
}

/**
 * @returns null for what is no valid compound packet (appendix A.2): version, a report first, padding only in the last,
 *   lengths that add up. Packets of other kinds in it are stepped over. Never throws.
 */
export function parseRtcp(bytes: Uint8Array): Rtcp | null {
  if (!isCompound(bytes)) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const blocks: ReportBlock[] = []
  const byes: number[] = []
  let sender: SenderInfo | null = null
  let cname: string | null = null
  for (let at = 0; at < bytes.length; at = endOf(view, at)) {
    const end = endOf(view, at)
    const count = bytes[at]! & 0x1f
    const type = bytes[at + 1]!
    if (type === SENDER_REPORT && end - at >= HEADER_BYTES + 4 + SENDER_INFO_BYTES) {
      sender ??= readSender(view, at + 8)
      readBlocks(view, at + 8 + SENDER_INFO_BYTES, end, count, blocks)
    } else if (type === RECEIVER_REPORT) readBlocks(view, at + 8, end, count, blocks)
    else if (type === SOURCE_DESCRIPTION) cname ??= readCname(bytes, at + HEADER_BYTES, end)
    else if (type === GOODBYE) {
      for (let i = 0; i < count && at + 8 + 4 * i <= end; i++) byes.push(view.getUint32(at + 4 + 4 * i))
    }
  }
  return { ssrc: view.getUint32(4), sender, blocks, cname, byes }
}

function isCompound(bytes: Uint8Array): boolean {
  const { length } = bytes
  if (length < 8 || length % 4 !== 0) return false
  if (bytes[1] !== SENDER_REPORT && bytes[1] !== RECEIVER_REPORT) return false
  for (let at = 0; at < length; ) {
    if (at + HEADER_BYTES > length || bytes[at]! >> 6 !== 2) return false
    const size = sizeAt(bytes, at)
    if (at + size > length) return false
    if (bytes[at]! & 0x20 && at + size !== length) return false
    if (at === 0 && size < 8) return false
    at += size
  }
  return true
}

function sizeAt(bytes: Uint8Array, at: number): number {
  return 4 * (1 + ((bytes[at + 2]! << 8) | bytes[at + 3]!))
}

function endOf(view: DataView, at: number): number {
  return at + 4 * (1 + view.getUint16(at + 2))
}

function readSender(view: DataView, at: number): SenderInfo {
  return {
    ntpSeconds: view.getUint32(at),
    ntpFraction: view.getUint32(at + 4),
    rtpTime: view.getUint32(at + 8),
    packets: view.getUint32(at + 12),
    octets: view.getUint32(at + 16),
  }
}

function readBlocks(view: DataView, from: number, end: number, count: number, into: ReportBlock[]): void {
  for (let i = 0, at = from; i < count && at + BLOCK_BYTES <= end; i++, at += BLOCK_BYTES) {
    into.push({
      ssrc: view.getUint32(at),
      fractionLost: view.getUint8(at + 4),
      lost: (view.getInt32(at + 4) << 8) >> 8,
      highest: view.getUint32(at + 8),
      jitter: view.getUint32(at + 12),
      lastReport: view.getUint32(at + 16),
      sinceLastReport: view.getUint32(at + 20),
    })
  }
}

/** Of the first chunk. */
function readCname(bytes: Uint8Array, from: number, end: number): string | null {
  for (let at = from + 4; at + 2 <= end && bytes[at] !== 0; ) {
    const length = bytes[at + 1]!
    if (at + 2 + length > end) return null
    if (bytes[at] === CNAME) return String.fromCharCode(...bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return null
}

/** What is to be told. The size is at most 28 + 24 + 12 + the name. */
export interface Report {
  readonly ssrc: number
  readonly sender: SenderInfo | null
  readonly block: ReportBlock | null
  /** ASCII, at most 255 characters. */
  readonly cname: string
  readonly isBye: boolean
}

/** Writes one compound packet: report, CNAME, and BYE when we leave (§6.1). @returns its length in octets */
export function writeRtcp(out: Uint8Array, report: Report): number {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  let at = writeReport(view, report)
  at = writeCname(out, view, at, report)
  if (!report.isBye) return at
  writeHeader(view, at, 1, GOODBYE, 8)
  view.setUint32(at + 4, report.ssrc)
  return at + 8
}

function writeReport(view: DataView, { ssrc, sender, block }: Report): number {
  const size = HEADER_BYTES + 4 + (sender ? SENDER_INFO_BYTES : 0) + (block ? BLOCK_BYTES : 0)
  writeHeader(view, 0, block ? 1 : 0, sender ? SENDER_REPORT : RECEIVER_REPORT, size)
  view.setUint32(4, ssrc)
  if (sender) {
    view.setUint32(8, sender.ntpSeconds)
    view.setUint32(12, sender.ntpFraction)
    view.setUint32(16, sender.rtpTime)
    view.setUint32(20, sender.packets)
    view.setUint32(24, sender.octets)
  }
  if (block) writeBlock(view, size - BLOCK_BYTES, block)
  return size
}

function writeBlock(view: DataView, at: number, block: ReportBlock): void {
  view.setUint32(at, block.ssrc)
  view.setUint32(at + 4, ((block.fractionLost & 0xff) << 24) | (block.lost & 0xff_ffff))
  view.setUint32(at + 8, block.highest)
  view.setUint32(at + 12, block.jitter)
  view.setUint32(at + 16, block.lastReport)
  view.setUint32(at + 20, block.sinceLastReport)
}

function writeCname(out: Uint8Array, view: DataView, at: number, { ssrc, cname }: Report): number {
  // The list of items ends with at least one zero octet, and the chunk at a word's border (§6.5).
  const size = HEADER_BYTES + 4 * Math.ceil((4 + 2 + cname.length + 1) / 4)
  writeHeader(view, at, 1, SOURCE_DESCRIPTION, size)
  view.setUint32(at + 4, ssrc)
  out.fill(0, at + 8, at + size)
  out[at + 8] = CNAME
  out[at + 9] = cname.length
  for (let i = 0; i < cname.length; i++) out[at + 10 + i] = cname.charCodeAt(i)
  return at + size
}

function writeHeader(view: DataView, at: number, count: number, type: number, sizeBytes: number): void {
  view.setUint8(at, 0x80 | count)
  view.setUint8(at + 1, type)
  view.setUint16(at + 2, sizeBytes / 4 - 1)
}
