/** The REFERs of one dialog: each becomes a referral with a number of its own, and our user is asked. */

import { header } from '../message/message.ts'
import type { Incoming } from '../transaction/layer.ts'
import type { ReplacedLeg } from '../types.ts'
import type { Desk } from './desk.ts'
import { type Dialog, dialogKey } from './dialog.ts'
import { Referral } from './referral.ts'
import { type Replaces, referToOf } from './replaces.ts'

export interface ReferralsParts {
  readonly desk: Desk
  readonly dialog: Dialog
  readonly leg: string
  /** No NOTIFY is on the way any more. */
  readonly told: () => void
}

export class Referrals {
  readonly #parts: ReferralsParts
  readonly #live = new Map<string, Referral>()
  #count = 0
  #notifying = 0

  constructor(parts: ReferralsParts) {
    this.#parts = parts
  }

  /** A NOTIFY is not answered yet, or waits for its turn. */
  get isTelling(): boolean {
    return this.#notifying > 0
  }

  take(incoming: Incoming): void {
    const { desk, dialog, leg } = this.#parts
    const target = referToOf(incoming.request)
    if (!target.ok) return void incoming.respond({ code: 400, phrase: `Bad Request (${target.why})` })
    const { uri, replaces } = target.value
    const refer = String(++this.#count)
    const isQuiet = /^\s*false/i.test(header(incoming.request, 'refer-sub') ?? '')
    const over = (): void => void this.#live.delete(refer)
    const isFirst = this.#count === 1
    const notifying = (change: 1 | -1): void => this.#notes(change)
    this.#live.set(refer, new Referral({ desk, dialog, incoming, isQuiet, isFirst, over, notifying }))
    desk.context.emit({
      kind: 'refer',
      leg,
      refer,
      target: uri,
      ...(replaces === null ? {} : { replaces: replacedLeg(desk, replaces) }),
      referredBy: header(incoming.request, 'referred-by') ?? '',
    })
  }

  answer(refer: string, code: number, phrase: string): void {
    this.#live.get(refer)?.answer(code, phrase)
  }

  told(refer: string, code: number, phrase: string): void {
    this.#live.get(refer)?.told(code, phrase)
  }

  close(): void {
    for (const referral of [...this.#live.values()]) referral.close()
  }

  #notes(change: 1 | -1): void {
    this.#notifying += change
    if (this.#notifying === 0) this.#parts.told()
  }
}

/** @returns null when no dialog of ours is meant, or one that may not be replaced (RFC 3891 §3) */
export function replacedLeg(desk: Desk, { sipCallId, toTag, fromTag }: Replaces): ReplacedLeg | null {
  const entry = desk.dialogs.get(dialogKey(sipCallId, toTag, fromTag))
  return entry === undefined || entry.stage === 'theirsEarly'
    ? null
    : { leg: entry.leg, isEarly: entry.stage === 'early' }
}
