/** What legs share: the context, the transactions, the dialogs by key, and the headers each of their messages carries. */

import type { Context } from '../context.ts'
import { ALLOW, type Extras } from '../message/compose.ts'
import type { Envelope } from '../message/envelope.ts'
import type { SipRequest } from '../message/message.ts'
import type { Incoming, Transactions } from '../transaction/layer.ts'
import type { Flow } from '../types.ts'
import type { Dialog } from './dialog.ts'
import { SUPPORTED } from './option-tags.ts'

/** Whoever lives in a dialog. */
export interface DialogUser {
  /** A request of theirs, in order; it has a server transaction that waits for an answer. */
  request(incoming: Incoming): void
  /** An ACK that belongs to no transaction: that of a 2xx. */
  acknowledged(request: SipRequest, envelope: Envelope): void
}

export interface DialogEntry {
  /** Whose dialog it is, for the TU. */
  readonly leg: string
  /** `early`: ours, and not answered (RFC 3891 §3 lets nobody replace an early dialog of theirs). */
  readonly stage: 'early' | 'theirsEarly' | 'answered'
  readonly dialog: Dialog
  readonly user: DialogUser
}

export class Desk {
  readonly context: Context
  readonly transactions: Transactions
  readonly dialogs = new Map<string, DialogEntry>()

  constructor(context: Context, transactions: Transactions) {
    this.context = context
    this.transactions = transactions
  }

  /** Contact, Allow and Supported: what an INVITE, an UPDATE and their answers carry. */
  headersFor(flow: Flow): Extras {
    return [['Contact', `<${this.contactUri(flow, '')}>`], ALLOW, SUPPORTED]
  }

  contactUri(flow: Flow, user: string): string {
    const { address, port } = this.context.options.contactFor(flow)
    const host = address.includes(':') ? `[${address}]` : address
    const transport = flow.transport === 'udp' ? '' : `;transport=${flow.transport}`
    return `sip:${user === '' ? '' : `${user}@`}${host}:${port}${transport}`
  }

  newTag(): string {
    return this.context.random.token(12)
  }
}
