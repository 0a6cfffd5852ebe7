/**
 * One REFER of theirs (RFC 3515) and the subscription it makes: what becomes of it is told by NOTIFY with the status line
 * as a `message/sipfrag`, one after the other, until a final one. With `Refer-Sub: false` (RFC 4488) nothing is told.
 */

import { step, type Table } from '../../kernel/machine.ts'
import type { Extras } from '../message/compose.ts'
import { phraseOf } from '../message/phrases.ts'
import type { Incoming } from '../transaction/layer.ts'
import { ask } from './attempt.ts'
import type { Desk } from './desk.ts'
import type { Dialog } from './dialog.ts'

/** `asked`: our user thinks about it. `told`: accepted, and followed by NOTIFYs. */
export type State = 'asked' | 'told' | 'over'
/** `acceptQuiet`: accepted without a subscription. `expired`: our user has said nothing for too long. */
export type Input = 'accept' | 'acceptQuiet' | 'refuse' | 'progress' | 'final' | 'expired' | 'close'
export type Action =
  | 'respondAccepted'
  | 'respondQuiet'
  | 'respondRefused'
  | 'respondGone'
  | 'startLimit'
  | 'stopLimit'
  | 'notifyTrying'
  | 'notify'
  | 'notifyTimeout'
  | 'over'

export const REFERRAL: Table<State, Input, Action> = {
  asked: {
    accept: { to: 'told', run: ['respondAccepted', 'startLimit', 'notifyTrying'] },
    acceptQuiet: { to: 'over', run: ['respondQuiet', 'over'] },
    refuse: { to: 'over', run: ['respondRefused', 'over'] },
    progress: 'ignore',
    final: 'ignore',
    expired: 'bug',
    close: { to: 'over', run: ['respondGone', 'over'] },
  },
  told: {
    accept: 'ignore',
    acceptQuiet: 'ignore',
    refuse: 'ignore',
    progress: { to: 'told', run: ['notify'] },
    final: { to: 'over', run: ['stopLimit', 'notify', 'over'] },
    expired: { to: 'over', run: ['notifyTimeout', 'over'] },
    close: { to: 'over', run: ['stopLimit', 'over'] },
  },
  over: {
    accept: 'ignore',
    acceptQuiet: 'ignore',
    refuse: 'ignore',
    progress: 'ignore',
    final: 'ignore',
    expired: 'ignore',
    close: 'ignore',
  },
}

/** How long the subscription lasts: longer than anybody is rung. */
export const REFERRAL_S = 180

export interface ReferralParts {
  readonly desk: Desk
  readonly dialog: Dialog
  readonly incoming: Incoming
  /** RFC 4488 §4: they want no subscription. */
  readonly isQuiet: boolean
  /** The first REFER of a dialog has no `id` in its events (RFC 3515 §2.4.6). */
  readonly isFirst: boolean
  readonly over: () => void
  /** One NOTIFY more, or less, has still to arrive. */
  readonly notifying: (change: 1 | -1) => void
}

export class Referral {
  readonly #parts: ReferralParts
  readonly #name: string
  /** Status lines that wait for the answer to the NOTIFY before. */
  readonly #queue: { readonly line: string; readonly state: string }[] = []
  #isNotifying = false
  #state: State = 'asked'
  #line = ''
  #isFinal = false
  #refusal = { code: 603, phrase: '' }

  constructor(parts: ReferralParts) {
    this.#parts = parts
    this.#name = parts.desk.context.newName('referral')
  }

  get state(): State {
    return this.#state
  }

  /** @param code 2xx accepts */
  answer(code: number, phrase: string): void {
    this.#refusal = { code: code >= 300 && code <= 699 ? code : 603, phrase }
    if (code >= 300) this.#input('refuse')
    else this.#input(this.#parts.isQuiet ? 'acceptQuiet' : 'accept')
  }

  /** @param code 100 to 199 on the way, otherwise the end */
  told(code: number, phrase: string): void {
    this.#line = `SIP/2.0 ${code} ${phrase || phraseOf(code)}`
    this.#isFinal = code >= 200
    this.#input(this.#isFinal ? 'final' : 'progress')
  }

  close(): void {
    for (const _ of this.#queue.splice(0)) this.#parts.notifying(-1)
    this.#input('close')
  }

  #input(input: Input): void {
    const { to, run } = step('referral', REFERRAL, this.#state, input)
    this.#state = to
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    const { desk, incoming, over } = this.#parts
    const limit = `${this.#name}/limit`
    switch (action) {
      case 'respondAccepted':
        incoming.respond({ code: 202, extras: desk.headersFor(incoming.flow) })
        break
      case 'respondQuiet':
        incoming.respond({ code: 202, extras: [...desk.headersFor(incoming.flow), ['Refer-Sub', 'false']] })
        break
      case 'respondRefused':
        incoming.respond(this.#refusal)
        break
      case 'respondGone':
        incoming.respond({ code: 481 })
        break
      case 'startLimit':
        desk.context.startTimer(limit, REFERRAL_S * 1_000, () => this.#input('expired'))
        break
      case 'stopLimit':
        desk.context.stopTimer(limit)
        break
      case 'notifyTrying':
        this.#notify('SIP/2.0 100 Trying', false)
        break
      case 'notify':
        this.#notify(this.#line, this.#isFinal)
        break
      case 'notifyTimeout':
        this.#notify('SIP/2.0 408 Request Timeout', true)
        break
      case 'over':
        over()
        break
      default:
        action satisfies never
    }
  }

  #notify(line: string, isLast: boolean): void {
    const state = isLast ? 'terminated;reason=noresource' : `active;expires=${REFERRAL_S}`
    this.#queue.push({ line, state })
    this.#parts.notifying(1)
    if (!this.#isNotifying) this.#sendNext()
  }

  /** One at a time: two at once may arrive in the wrong order. */
  #sendNext(): void {
    const next = this.#queue.shift()
    this.#isNotifying = next !== undefined
    if (next === undefined) return
    const { desk, dialog, incoming, isFirst } = this.#parts
    const extras: Extras = [
      ...desk.headersFor(dialog.flow),
      ['Event', isFirst ? 'refer' : `refer;id=${incoming.envelope.cseq}`],
      ['Subscription-State', next.state],
      ['Content-Type', 'message/sipfrag;version=2.0'],
    ]
    const make = (more: Extras) => dialog.next('NOTIFY', [...extras, ...more], `${next.line}\r\n`)
    ask(desk, { flow: dialog.flow, credentials: undefined, make }, ({ code }) => {
      if (code === 481 || code === 408) this.close()
      this.#sendNext()
      this.#parts.notifying(-1)
    })
  }
}
