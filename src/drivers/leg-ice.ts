/** Our credentials of ICE for a leg: made when first needed, and the same until the far end restarts (RFC 8839 §4.4.1.1). */

import { randomBytes } from 'node:crypto'
import { type LocalIce, ufragOf } from '../sdp/ice.ts'

/** `answer`: only with phones that offer it. */
export type IceMode = 'off' | 'answer' | 'offer'

export interface LegIce {
  readonly ufrag: string
  readonly pwd: string
  /** Of the far end's last description; '' when it has no ICE. */
  readonly theirs: string
}

/**
 * @param before what the leg has so far
 * @param theirs the description we answer; '' for an offer of ours
 */
export function nextIce(before: LegIce | null, theirs: string): LegIce {
  const ufrag = theirs === '' ? (before?.theirs ?? '') : ufragOf(theirs)
  const isRestart = before !== null && ufrag !== '' && before.theirs !== '' && before.theirs !== ufrag
  return before === null || isRestart ? { ...fresh(), theirs: ufrag } : { ...before, theirs: ufrag }
}

/** What goes into a description. Once both do ICE, our later offers have it too. */
export function localIce(mode: IceMode, { ufrag, pwd, theirs }: LegIce): LocalIce | null {
  return mode === 'off' ? null : { ufrag, pwd, offers: mode === 'offer' || theirs !== '' }
}

/** 48 and 144 random bits, in letters that need no quoting; 24 and 128 are the least (RFC 8839 §5.4). */
function fresh(): { readonly ufrag: string; readonly pwd: string } {
  return { ufrag: randomBytes(6).toString('base64'), pwd: randomBytes(18).toString('base64') }
}
