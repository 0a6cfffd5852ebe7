/** One INVITE of an outgoing leg: one target, all the early dialogs its forks make, and its end (RFC 3261 §13.2, §9.1). */

import { step, type Table } from '../../kernel/machine.ts'
import type { Credentials } from '../auth/answer.ts'
import { sdpOf } from '../message/body.ts'
import { ALLOW, type Extras, makeRequest } from '../message/compose.ts'
import type { Envelope } from '../message/envelope.ts'
import type { SipResponse } from '../message/message.ts'
import type { Incoming } from '../transaction/layer.ts'
import type { Failure } from '../transaction/ports.ts'
import { GIVE_UP_MS } from '../transaction/timers.ts'
import type { Flow } from '../types.ts'
import { Attempt, ask } from './attempt.ts'
import type { Desk } from './desk.ts'
import { Dialog } from './dialog.ts'

/**
 * - `cancelWaits`: to be cancelled, but a CANCEL may not go out before a provisional answer (§9.1)
 * - `cancelling`: the CANCEL is out, the final answer is not in
 */
export type State = 'calling' | 'proceeding' | 'cancelWaits' | 'cancelling' | 'done'
/**
 * - `challenged`: 401 or 407 that was answered with credentials
 * - `dead`: no final answer will come
 * - `cancelLimit`: 64*T1 after the CANCEL
 */
export type Input = 'provisional' | 'success' | 'failure' | 'challenged' | 'dead' | 'cancel' | 'cancelLimit'
export type Action =
  | 'tellProgress'
  | 'tellAnswer'
  | 'tellFailure'
  | 'tellGone'
  | 'sendCancel'
  | 'startLimit'
  | 'stopLimit'
  | 'giveUp'
  | 'repeatAck'
  | 'close'

export const BRANCH: Table<State, Input, Action> = {
  calling: {
    provisional: { to: 'proceeding', run: ['tellProgress'] },
    success: { to: 'done', run: ['close', 'tellAnswer'] },
    failure: { to: 'done', run: ['close', 'tellFailure'] },
    challenged: { to: 'calling' },
    dead: { to: 'done', run: ['close', 'tellFailure'] },
    cancel: { to: 'cancelWaits' },
    cancelLimit: 'bug',
  },
  proceeding: {
    provisional: { to: 'proceeding', run: ['tellProgress'] },
    success: { to: 'done', run: ['close', 'tellAnswer'] },
    failure: { to: 'done', run: ['close', 'tellFailure'] },
    challenged: { to: 'calling' },
    dead: { to: 'done', run: ['close', 'tellFailure'] },
    cancel: { to: 'cancelling', run: ['sendCancel', 'startLimit'] },
    cancelLimit: 'bug',
  },
  cancelWaits: {
    provisional: { to: 'cancelling', run: ['sendCancel', 'startLimit'] },
    success: { to: 'done', run: ['close', 'repeatAck', 'tellGone'] },
    failure: { to: 'done', run: ['close', 'tellGone'] },
    challenged: 'bug',
    dead: { to: 'done', run: ['close', 'tellGone'] },
    cancel: 'ignore',
    cancelLimit: 'bug',
  },
  cancelling: {
    provisional: 'ignore',
    success: { to: 'done', run: ['stopLimit', 'close', 'repeatAck', 'tellGone'] },
    failure: { to: 'done', run: ['stopLimit', 'close', 'tellGone'] },
    challenged: 'bug',
    dead: { to: 'done', run: ['stopLimit', 'close', 'tellGone'] },
    cancel: 'ignore',
    cancelLimit: { to: 'done', run: ['close', 'giveUp', 'tellGone'] },
  },
  done: {
    provisional: 'ignore',
    success: { to: 'done', run: ['repeatAck'] },
    failure: 'ignore',
    challenged: 'bug',
    dead: 'ignore',
    cancel: 'ignore',
    cancelLimit: 'bug',
  },
}

export interface BranchParts {
  readonly desk: Desk
  readonly flow: Flow
  readonly requestUri: string
  /** Printed name-addr, without tags. */
  readonly from: string
  readonly to: string
  readonly body: string
  readonly extras: Extras
  readonly credentials: Credentials | undefined
  /** 101 to 199. */
  readonly progress: (code: number, body: string | null) => void
  /** A 2xx: the ACK is out, the dialog is the user's to hold. */
  readonly answered: (dialog: Dialog, body: string) => void
  readonly failed: (code: number, phrase: string, why: Failure | null) => void
  /** Over after `cancel`. */
  readonly gone: () => void
}

interface Success {
  readonly response: SipResponse
  readonly envelope: Envelope
}

export class Branch {
  readonly #parts: BranchParts
  readonly #name: string
  readonly #attempt: Attempt
  readonly #early = new Map<string, string>()
  /** ACK of each dialog that was answered, by remote tag: sent again for every copy of the 2xx (§13.2.2.4). */
  readonly #acks = new Map<string, Uint8Array>()
  #state: State = 'calling'
  #lastProgress = ''
  #failure: { code: number; phrase: string; why: Failure | null } = { code: 408, phrase: '', why: null }
  #success: Success | null = null
  #progress: Success | null = null

  constructor(parts: BranchParts) {
    const { desk } = parts
    this.#parts = parts
    this.#name = desk.context.newName('branch')
    const from = `${parts.from};tag=${desk.newTag()}`
    const sipCallId = desk.context.random.uuid()
    let cseq = desk.context.random.below(1_000)
    this.#attempt = new Attempt(desk, {
      flow: parts.flow,
      credentials: parts.credentials,
      make: (credentials) =>
        makeRequest({
          method: 'INVITE',
          uri: parts.requestUri,
          from,
          to: parts.to,
          sipCallId,
          cseq: ++cseq,
          extras: [...desk.headersFor(parts.flow), ...parts.extras, ...credentials],
          body: parts.body,
        }),
      user: {
        response: (response, envelope) => this.#response(response, envelope),
        failed: (why) => this.#fail(why === 'timeout' ? 408 : 503, '', why, 'dead'),
      },
    })
  }

  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** Ends with `gone`, at the latest 64*T1 after the CANCEL (or after the INVITE, when nothing comes back at all). */
  cancel(): void {
    this.#input('cancel')
  }

  #response(response: SipResponse, envelope: Envelope): void {
    if (response.code < 200) {
      this.#progress = { response, envelope }
      this.#input('provisional')
    } else if (response.code < 300) {
      this.#success = { response, envelope }
      this.#input('success')
    } else if (!this.#isBeingCancelled && this.#attempt.answers(response)) this.#input('challenged')
    else this.#fail(response.code, response.phrase, null, 'failure')
  }

  get #isBeingCancelled(): boolean {
    return this.#state !== 'calling' && this.#state !== 'proceeding'
  }

  #fail(code: number, phrase: string, why: Failure | null, input: 'failure' | 'dead'): void {
    this.#failure = { code, phrase, why }
    this.#input(input)
  }

  #input(input: Input): void {
    const { to, run } = step('branch', BRANCH, this.#state, input)
    this.#state = to
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    const { desk, failed, gone } = this.#parts
    switch (action) {
      case 'tellProgress':
        this.#tellProgress(this.#progress!)
        break
      case 'tellAnswer':
        this.#tellAnswer(this.#success!)
        break
      case 'tellFailure':
        failed(this.#failure.code, this.#failure.phrase, this.#failure.why)
        break
      case 'tellGone':
        gone()
        break
      case 'sendCancel':
        desk.transactions.cancel(this.#attempt.current)
        break
      case 'startLimit':
        desk.context.startTimer(`${this.#name}/limit`, GIVE_UP_MS, () => this.#input('cancelLimit'))
        break
      case 'stopLimit':
        desk.context.stopTimer(`${this.#name}/limit`)
        break
      case 'giveUp':
        this.#attempt.current.giveUp()
        break
      case 'repeatAck':
        this.#repeatAck(this.#success!)
        break
      case 'close':
        for (const key of this.#early.values()) desk.dialogs.delete(key)
        break
      default:
        action satisfies never
    }
  }

  #tellProgress({ response, envelope }: Success): void {
    if (response.code === 100) return
    if (envelope.toTag !== '' && !this.#early.has(envelope.toTag)) this.#openEarly(response, envelope)
    const body = sdpOf(response) || null
    const summary = `${response.code} ${envelope.toTag} ${body}`
    if (summary === this.#lastProgress) return
    this.#lastProgress = summary
    this.#parts.progress(response.code, body)
  }

  #openEarly(response: SipResponse, envelope: Envelope): void {
    const { desk, flow } = this.#parts
    const dialog = Dialog.ofResponse(this.#attempt.current.request, response, envelope, flow)
    this.#early.set(envelope.toTag, dialog.key)
    desk.dialogs.set(dialog.key, { dialog, user: { request: answerEarly, acknowledged() {} } })
  }

  #tellAnswer({ response, envelope }: Success): void {
    const dialog = this.#acknowledge(response, envelope)
    this.#parts.answered(dialog, sdpOf(response) ?? '')
  }

  #acknowledge(response: SipResponse, envelope: Envelope): Dialog {
    const { desk, flow } = this.#parts
    const dialog = Dialog.ofResponse(this.#attempt.current.request, response, envelope, flow)
    const ack = dialog.ack(envelope.cseq, this.#attempt.credentials)
    this.#acks.set(envelope.toTag, desk.transactions.sendAck(ack, flow))
    return dialog
  }

  /** A copy of a 2xx gets its ACK again; a 2xx nobody wants any more, or that of another fork, an ACK and a BYE. */
  #repeatAck({ response, envelope }: Success): void {
    const { desk, flow, credentials } = this.#parts
    const known = this.#acks.get(envelope.toTag)
    if (known !== undefined) desk.context.send(flow, known)
    else {
      const dialog = this.#acknowledge(response, envelope)
      ask(desk, { flow, credentials, make: (extras) => dialog.next('BYE', extras) }, () => {})
    }
  }
}

/** Requests of theirs before their answer. Our offer is not answered yet: theirs meets it (RFC 3311 §5.2). */
function answerEarly(incoming: Incoming): void {
  const { method, body } = incoming.request
  if (method === 'OPTIONS' || ((method === 'UPDATE' || method === 'INFO') && body === ''))
    incoming.respond({ code: 200 })
  else if (method === 'INVITE' || method === 'UPDATE') incoming.respond({ code: 491 })
  else if (method === 'BYE') incoming.respond({ code: 481 })
  else incoming.respond({ code: 405, extras: [ALLOW] })
}
