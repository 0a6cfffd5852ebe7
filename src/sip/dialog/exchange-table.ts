/** Who may offer now, within a dialog (RFC 3261 §14, RFC 3311 §5, RFC 6141): one table per dialog. */

import type { Table } from '../../kernel/machine.ts'

/**
 * - `offering`: our re-INVITE or UPDATE is on the way
 * - `backoff`: it met theirs; we wait and try again (§14.1)
 * - `deciding`: their offer is with our user
 * - `unacked`: our 2xx to an INVITE waits for its ACK
 */
export type State = 'idle' | 'offering' | 'backoff' | 'deciding' | 'unacked' | 'closed'

/**
 * - ours: `wish` (somebody wants an offer sent), `retry` (the back-off is over)
 * - their answer to our offer: `accepted`, `glare` (491, or 500 with Retry-After), `refused`
 * - theirs: `offer`, `withdrawn` (CANCEL), `ack`
 * - our user's answer to their offer: `acceptInvite`, `acceptUpdate`, `refuse`
 */
export type Input =
  | 'wish'
  | 'retry'
  | 'accepted'
  | 'glare'
  | 'refused'
  | 'offer'
  | 'withdrawn'
  | 'ack'
  | 'acceptInvite'
  | 'acceptUpdate'
  | 'refuse'
  | 'close'

export type Action =
  | 'send'
  | 'startBackoff'
  | 'stopBackoff'
  | 'tellOffer'
  | 'tellResult'
  | 'tellAck'
  | 'accept'
  | 'refuse'
  | 'withdraw'
  | 'replyPending'
  | 'replyBusy'
  | 'next'

export const EXCHANGE: Table<State, Input, Action> = {
  idle: {
    wish: { to: 'offering', run: ['send'] },
    retry: 'bug',
    accepted: 'bug',
    glare: 'bug',
    refused: 'bug',
    offer: { to: 'deciding', run: ['tellOffer'] },
    withdrawn: 'ignore',
    ack: 'ignore',
    acceptInvite: 'ignore',
    acceptUpdate: 'ignore',
    refuse: 'ignore',
    close: { to: 'closed' },
  },
  offering: {
    wish: 'ignore',
    retry: 'bug',
    accepted: { to: 'idle', run: ['tellResult', 'next'] },
    glare: { to: 'backoff', run: ['startBackoff'] },
    refused: { to: 'idle', run: ['tellResult', 'next'] },
    offer: { to: 'offering', run: ['replyPending'] },
    withdrawn: 'ignore',
    ack: 'ignore',
    acceptInvite: 'ignore',
    acceptUpdate: 'ignore',
    refuse: 'ignore',
    close: { to: 'closed' },
  },
  backoff: {
    wish: 'ignore',
    retry: { to: 'offering', run: ['send'] },
    accepted: 'bug',
    glare: 'bug',
    refused: 'bug',
    offer: { to: 'deciding', run: ['stopBackoff', 'tellOffer'] },
    withdrawn: 'ignore',
    ack: 'ignore',
    acceptInvite: 'ignore',
    acceptUpdate: 'ignore',
    refuse: 'ignore',
    close: { to: 'closed', run: ['stopBackoff'] },
  },
  deciding: {
    wish: 'ignore',
    retry: 'bug',
    accepted: 'bug',
    glare: 'bug',
    refused: 'bug',
    offer: { to: 'deciding', run: ['replyBusy'] },
    withdrawn: { to: 'idle', run: ['withdraw', 'next'] },
    ack: 'ignore',
    acceptInvite: { to: 'unacked', run: ['accept'] },
    acceptUpdate: { to: 'idle', run: ['accept', 'next'] },
    refuse: { to: 'idle', run: ['refuse', 'next'] },
    close: { to: 'closed', run: ['withdraw'] },
  },
  unacked: {
    wish: 'ignore',
    retry: 'bug',
    accepted: 'bug',
    glare: 'bug',
    refused: 'bug',
    offer: { to: 'unacked', run: ['replyPending'] },
    withdrawn: 'ignore',
    ack: { to: 'idle', run: ['tellAck', 'next'] },
    acceptInvite: 'ignore',
    acceptUpdate: 'ignore',
    refuse: 'ignore',
    close: { to: 'closed' },
  },
  closed: {
    wish: 'ignore',
    retry: 'ignore',
    accepted: 'ignore',
    glare: 'ignore',
    refused: 'ignore',
    offer: 'ignore',
    withdrawn: 'ignore',
    ack: 'ignore',
    acceptInvite: 'ignore',
    acceptUpdate: 'ignore',
    refuse: 'ignore',
    close: 'ignore',
  },
}
