/**
 * What descriptions say of the way packets take: RTCP's port (RFC 3605), RTP and RTCP on one port (RFC 5761), and ICE
 * (RFC 8839), where ours is always the lite side (RFC 8445 §2.5): one host candidate per component, and no checks of our own.
 */

import type { MediaDescription, SessionDescription } from 'sdp-transform'
import type { LegTransport } from '../media/protocol.ts'

/** What the writer of one m= line says. */
export interface WrittenTransport {
  readonly rtcpMux: boolean
  /** RTCP's port and host where they are not beside RTP's; null: not said. */
  readonly rtcp: { readonly port: number; readonly address: string | null } | null
  readonly ice: WrittenIce | null
}

export interface WrittenIce {
  readonly ufrag: string
  readonly pwd: string
  readonly isLite: boolean
  /** The address of c= and m= is none of its candidates: something on the way has rewritten it (RFC 8839 §5.4). */
  readonly isMismatched: boolean
}

/** Ours, the same for all descriptions of a leg until the far end restarts ICE. */
export interface IceCredentials {
  readonly ufrag: string
  readonly pwd: string
}

/** Our side of ICE. Absent in a description of ours: there is no ICE. */
export interface LocalIce extends IceCredentials {
  /** Offered too, not only answered. */
  readonly offers: boolean
}

type Media = SessionDescription['media'][number]

/** RFC 8445 §5.1.2.1: the best of a host, and one below it for RTCP. */
const HOST_PRIORITY = 126 * 2 ** 24 + 65_535 * 2 ** 8 + 255
/** RFC 8839 §5.4: what a ufrag and a password may be. */
const UFRAG = /^[A-Za-z0-9+/]{4,256}$/
const PWD = /^[A-Za-z0-9+/]{22,256}$/

export function readTransport(session: SessionDescription, media: MediaDescription): WrittenTransport {
  const port = Number(media.rtcp?.port ?? 0)
  const isPort = Number.isInteger(port) && port > 0 && port < 65_536
  return {
    rtcpMux: media.rtcpMux !== undefined,
    rtcp: isPort ? { port, address: media.rtcp?.address ?? null } : null,
    ice: readIce(session, media),
  }
}

function readIce(session: SessionDescription, media: MediaDescription): WrittenIce | null {
  const ufrag = String(media.iceUfrag ?? session.iceUfrag ?? '')
  const pwd = String(media.icePwd ?? session.icePwd ?? '')
  if (!UFRAG.test(ufrag) || !PWD.test(pwd)) return null
  const address = String(media.connection?.ip ?? session.connection?.ip ?? '')
  const ofRtp = (media.candidates ?? []).filter(({ component }) => Number(component) === 1)
  const isNamed = ofRtp.some(({ ip, port }) => ip === address && Number(port) === Number(media.port))
  // With trickled candidates (RFC 8838) there may be none yet, and the port is 9.
  const isMismatched = ofRtp.length > 0 && !isNamed && Number(media.port) !== 9
  return { ufrag, pwd, isLite: session.icelite !== undefined, isMismatched }
}

/**
 * What goes into the m= line of our answer: only what was offered.
 * @param local null: no ICE here
 */
export function answeredTransport(
  theirs: WrittenTransport,
  at: { readonly address: string; readonly port: number },
  local: IceCredentials | null,
): Partial<Media> {
  const mux: Partial<Media> = theirs.rtcpMux ? { rtcpMux: 'rtcp-mux' } : {}
  if (theirs.ice === null || local === null) return mux
  if (theirs.ice.isMismatched) return { ...mux, invalid: [{ value: 'ice-mismatch' }] }
  return { ...mux, ...candidatesOf(at, local, theirs.rtcpMux) }
}

/** What goes into the m= line of our offer: ICE when it is wished for. RTP and RTCP stay apart, as older switches want it. */
export function offeredTransport(
  at: { readonly address: string; readonly port: number },
  local: LocalIce | null,
): Partial<Media> {
  return local?.offers ? candidatesOf(at, local, false) : {}
}

function candidatesOf(
  { address, port }: { readonly address: string; readonly port: number },
  { ufrag, pwd }: IceCredentials,
  isMuxed: boolean,
): Partial<Media> {
  const candidate = (component: number) => ({
    foundation: '1',
    component,
    transport: 'UDP',
    priority: HOST_PRIORITY + 1 - component,
    ip: address,
    port: port + component - 1,
    type: 'host',
  })
  return { iceUfrag: ufrag, icePwd: pwd, candidates: isMuxed ? [candidate(1)] : [candidate(1), candidate(2)] }
}

/** Whether one of these m= lines does ICE: then the description says that ours is the lite side. */
export function hasIce(media: readonly Partial<Media>[]): boolean {
  return media.some(({ iceUfrag }) => iceUfrag !== undefined)
}

/** What both descriptions come to. */
export function agreedTransport(
  theirs: WrittenTransport,
  remote: { readonly address: string; readonly port: number },
  local: IceCredentials | null,
): LegTransport {
  const { rtcpMux, rtcp, ice } = theirs
  const beside = rtcp ?? { port: Math.min(remote.port + 1, 65_535), address: null }
  const isUsed = ice !== null && local !== null && !ice.isMismatched
  return {
    rtcpMux,
    remoteRtcp: rtcpMux ? remote : { address: beside.address ?? remote.address, port: beside.port },
    // Of two lite sides none checks: then everything goes where the descriptions say.
    ice: isUsed && !ice.isLite ? { ufrag: local.ufrag, pwd: local.pwd, remoteUfrag: ice.ufrag } : null,
  }
}

/** The far end's user fragment, '' when a description has none. For finding out whether it restarts. */
export function ufragOf(text: string): string {
  return /^a=ice-ufrag:(\S+)/m.exec(text)?.[1] ?? ''
}
