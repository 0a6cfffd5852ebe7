/** A leg that began with their INVITE, until it is answered or refused; then its session goes on. */

import { step, type Table } from '../../kernel/machine.ts'
import { ALLOW, type Extras } from '../message/compose.ts'
import { phraseOf } from '../message/phrases.ts'
import type { Incoming } from '../transaction/layer.ts'
import type { EndCause } from '../types.ts'
import type { Desk } from './desk.ts'
import { Dialog } from './dialog.ts'
import { Session } from './session.ts'

export type State = 'alerting' | 'answered' | 'over'
/** `withdrawn`: their CANCEL, or a BYE before the answer. `unreachable`: our answers do not arrive. */
export type Input = 'ring' | 'accept' | 'reject' | 'withdrawn' | 'unreachable'
export type Action = 'ring' | 'accept' | 'reject' | 'terminate' | 'tellCancelled' | 'tellFailed' | 'close'

export const INCOMING_LEG: Table<State, Input, Action> = {
  alerting: {
    ring: { to: 'alerting', run: ['ring'] },
    accept: { to: 'answered', run: ['accept'] },
    reject: { to: 'over', run: ['reject', 'tellFailed', 'close'] },
    withdrawn: { to: 'over', run: ['terminate', 'tellCancelled', 'close'] },
    unreachable: { to: 'over', run: ['tellFailed', 'close'] },
  },
  answered: { ring: 'ignore', accept: 'ignore', reject: 'ignore', withdrawn: 'ignore', unreachable: 'ignore' },
  over: { ring: 'ignore', accept: 'ignore', reject: 'ignore', withdrawn: 'ignore', unreachable: 'ignore' },
}

/** A provisional answer is repeated so often, or proxies on the way give up (RFC 3261 §13.3.1.1). */
export const RING_AGAIN_MS = 60_000

interface Refusal {
  readonly code: number
  readonly phrase: string
  readonly cause: EndCause
  readonly extras: Extras
}

export class IncomingLeg {
  readonly #desk: Desk
  readonly #leg: string
  readonly #incoming: Incoming
  /** True when the INVITE had no offer: ours goes out in the 2xx. */
  readonly #late: boolean
  readonly #dialog: Dialog
  readonly #over: () => void
  readonly #timer: string
  #state: State = 'alerting'
  #body = ''
  #refusal: Refusal = { code: 480, phrase: '', cause: 'local', extras: [] }
  #session: Session | null = null

  constructor(desk: Desk, leg: string, parts: { incoming: Incoming; late: boolean; over: () => void }) {
    const { incoming } = parts
    this.#desk = desk
    this.#leg = leg
    this.#incoming = incoming
    this.#late = parts.late
    this.#over = parts.over
    this.#timer = desk.context.newName('ring')
    this.#dialog = Dialog.ofRequest(incoming.request, incoming.envelope, incoming.toTag, incoming.flow)
    desk.dialogs.set(this.#dialog.key, {
      dialog: this.#dialog,
      user: { request: (early) => this.#early(early), acknowledged() {} },
    })
    incoming.onCancel = () => this.#input('withdrawn')
    incoming.user = {
      acknowledged: (request, envelope) => this.#session?.acknowledged(request, envelope),
      failed: (why) => {
        if (why === 'transport') this.#refuse('unreachable', { code: 503, phrase: '', cause: 'transport', extras: [] })
      },
    }
  }

  get session(): Session | null {
    return this.#session
  }

  /** @param body early media (183), null for 180 */
  ring(body: string | null): void {
    this.#body = body ?? ''
    this.#input('ring')
  }

  accept(body: string): void {
    this.#body = body
    this.#input('accept')
  }

  reject(code: number, phrase: string, extras: Extras): void {
    const final = code >= 300 && code <= 699 ? code : 480
    this.#refuse('reject', { code: final, phrase, cause: 'local', extras })
  }

  #refuse(input: Input, refusal: Refusal): void {
    this.#refusal = refusal
    this.#input(input)
  }

  /** Requests of theirs before our answer. An offer has to wait: theirs is not answered yet (RFC 3311 §5.2). */
  #early(incoming: Incoming): void {
    const { method } = incoming.request
    if (method === 'BYE') {
      incoming.respond({ code: 200 })
      this.#input('withdrawn')
    } else if (method === 'OPTIONS' || (method === 'INFO' && incoming.request.body === ''))
      incoming.respond({ code: 200 })
    else if (method === 'UPDATE' && incoming.request.body === '') {
      this.#dialog.refresh(incoming.request, incoming.flow)
      incoming.respond({ code: 200, extras: this.#desk.headersFor(incoming.flow) })
    } else if (method === 'INVITE' || method === 'UPDATE') {
      incoming.respond({ code: 500, extras: [['Retry-After', String(this.#desk.context.random.below(11))]] })
    } else incoming.respond({ code: 405, extras: [ALLOW] })
  }

  #input(input: Input): void {
    const { to, run } = step('incoming-leg', INCOMING_LEG, this.#state, input)
    this.#state = to
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    const { context } = this.#desk
    switch (action) {
      case 'ring':
        this.#ring()
        break
      case 'accept':
        this.#accept()
        break
      case 'reject':
        this.#incoming.respond(this.#refusal)
        break
      case 'terminate':
        this.#incoming.respond({ code: 487 })
        break
      case 'tellCancelled':
        context.emit({ kind: 'cancelled', leg: this.#leg })
        break
      case 'tellFailed': {
        const { code, phrase, cause } = this.#refusal
        context.emit({ kind: 'failed', leg: this.#leg, code, phrase: phrase || phraseOf(code), cause })
        break
      }
      case 'close':
        context.stopTimer(this.#timer)
        this.#desk.dialogs.delete(this.#dialog.key)
        this.#over()
        break
      default:
        action satisfies never
    }
  }

  #ring(): void {
    const extras = this.#desk.headersFor(this.#incoming.flow)
    this.#incoming.respond({ code: this.#body === '' ? 180 : 183, extras, body: this.#body })
    this.#desk.context.startTimer(this.#timer, RING_AGAIN_MS, () => this.#ring())
  }

  #accept(): void {
    const desk = this.#desk
    desk.context.stopTimer(this.#timer)
    const bytes = this.#incoming.respond({
      code: 200,
      extras: desk.headersFor(this.#incoming.flow),
      body: this.#body,
    })
    this.#session = new Session({ desk, dialog: this.#dialog, leg: this.#leg, over: this.#over })
    this.#session.awaitAck(this.#incoming, bytes, this.#late)
  }
}
