/** One INVITE of an outgoing leg: one target, all the early dialogs its forks make, and its end (RFC 3261 §13.2, §9.1). */

import { step, type Table } from '../../kernel/machine.ts'
import type { Credentials } from '../auth/answer.ts'
import { sdpOf } from '../message/body.ts'
import { type Extras, makeRequest } from '../message/compose.ts'
import type { Envelope } from '../message/envelope.ts'
import { header, type SipResponse } from '../message/message.ts'
import type { Failure } from '../transaction/ports.ts'
import { GIVE_UP_MS } from '../transaction/timers.ts'
import type { Flow } from '../types.ts'
import { Attempt, ask } from './attempt.ts'
import type { Desk } from './desk.ts'
import { Dialog } from './dialog.ts'
import { EarlyDialog } from './early-dialog.ts'
import { Exchange } from './exchange.ts'
import { COMPLETED_ELSEWHERE, reasonHeader } from './reason.ts'
import { WishedInterval } from './session-expires.ts'

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
  /** Route values of the INVITE; the dialog has its own. */
  readonly route?: readonly string[]
  /** Printed name-addr, without tags. */
  readonly from: string
  readonly to: string
  readonly body: string
  readonly extras: Extras
  readonly credentials: Credentials | undefined
  /** A 100: somebody has the request. */
  readonly trying?: () => void
  /** 101 to 199. */
  readonly progress: (code: number, body: string | null) => void
  /** A 2xx: the ACK is out, the dialog is the user's to hold. */
  readonly answered: (answer: BranchAnswer) => void
  /** @param reason the answer's Reason header, '' without */
  readonly failed: (code: number, phrase: string, why: Failure | null, reason: string) => void
  /** For the TU: whose dialogs these are. */
  readonly leg: string
  /** Over after `cancel`. */
  readonly gone: () => void
}

export interface BranchAnswer {
  readonly dialog: Dialog
  /** Their answer: of the 2xx, or of the reliable provisional before it. */
  readonly body: string
  readonly response: SipResponse
  /** What both sides know already when the answer came early. */
  readonly exchange: Exchange
}

interface Refusal {
  readonly code: number
  readonly phrase: string
  readonly why: Failure | null
  readonly reason: string
}

interface Success {
  readonly response: SipResponse
  readonly envelope: Envelope
}

export class Branch {
  readonly #parts: BranchParts
  readonly #name: string
  readonly #attempt: Attempt
  /** By remote tag: each fork of the INVITE has its own. */
  readonly #early = new Map<string, EarlyDialog>()
  readonly #interval: WishedInterval
  /** ACK of each dialog that was answered, by remote tag: sent again for every copy of the 2xx (§13.2.2.4). */
  readonly #acks = new Map<string, Uint8Array>()
  #state: State = 'calling'
  #lastProgress = ''
  #failure: Refusal = { code: 408, phrase: '', why: null, reason: '' }
  #reason = ''
  #success: Success | null = null
  #progress: Success | null = null

  constructor(parts: BranchParts) {
    const { desk } = parts
    this.#parts = parts
    this.#name = desk.context.newName('branch')
    this.#interval = new WishedInterval(desk.context.options.sessionExpiresS)
    const from = `${parts.from};tag=${desk.newTag()}`
    const sipCallId = desk.context.random.uuid()
    let cseq = desk.context.random.below(1_000)
    this.#attempt = new Attempt(desk, {
      flow: parts.flow,
      credentials: parts.credentials,
      adapt: (response) => !this.#isBeingCancelled && this.#interval.raise(response),
      make: (credentials) =>
        makeRequest({
          method: 'INVITE',
          uri: parts.requestUri,
          route: parts.route ?? [],
          from,
          to: parts.to,
          sipCallId,
          cseq: ++cseq,
          extras: [...desk.headersFor(parts.flow), ...this.#interval.headers(null), ...parts.extras, ...credentials],
          body: parts.body,
        }),
      user: {
        response: (response, envelope) => this.#response(response, envelope),
        failed: (why) => this.#fail({ code: why === 'timeout' ? 408 : 503, phrase: '', why, reason: '' }, 'dead'),
      },
    })
  }

  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** Ends with `gone`, at the latest 64*T1 after the CANCEL (or after the INVITE, when nothing comes back at all). */
  cancel(reason = ''): void {
    this.#reason ||= reason
    this.#input('cancel')
  }

  /** Exchanges of early dialogs where an offer and its answer are settled. */
  get exchanges(): Exchange[] {
    return [...this.#early.values()].flatMap(({ exchange }) => exchange ?? [])
  }

  #response(response: SipResponse, envelope: Envelope): void {
    if (response.code < 200) {
      this.#progress = { response, envelope }
      this.#input('provisional')
    } else if (response.code < 300) {
      this.#success = { response, envelope }
      this.#input('success')
    } else if (!this.#isBeingCancelled && this.#attempt.answers(response)) this.#input('challenged')
    else {
      const { code, phrase } = response
      this.#fail({ code, phrase, why: null, reason: header(response, 'reason') ?? '' }, 'failure')
    }
  }

  get #isBeingCancelled(): boolean {
    return this.#state !== 'calling' && this.#state !== 'proceeding'
  }

  #fail(failure: Refusal, input: 'failure' | 'dead'): void {
    this.#failure = failure
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
        failed(this.#failure.code, this.#failure.phrase, this.#failure.why, this.#failure.reason)
        break
      case 'tellGone':
        gone()
        break
      case 'sendCancel':
        desk.transactions.cancel(this.#attempt.current, reasonHeader(this.#reason))
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
        for (const [tag, early] of this.#early) early.close(tag === this.#success?.envelope.toTag)
        break
      default:
        action satisfies never
    }
  }

  #tellProgress({ response, envelope }: Success): void {
    if (response.code === 100) return this.#parts.trying?.()
    const early = envelope.toTag === '' ? null : this.#earlyOf(response, envelope)
    if (early !== null && !early.takes(response)) return
    const body = sdpOf(response) || null
    const summary = `${response.code} ${envelope.toTag} ${body}`
    if (summary === this.#lastProgress) return
    this.#lastProgress = summary
    this.#parts.progress(response.code, body)
  }

  #earlyOf(response: SipResponse, envelope: Envelope): EarlyDialog {
    const { desk, flow, leg, credentials, body: offer } = this.#parts
    const known = this.#early.get(envelope.toTag)
    if (known !== undefined) return known
    const dialog = Dialog.ofResponse(this.#attempt.current.request, response, envelope, flow)
    const early = new EarlyDialog({ desk, dialog, leg, credentials, offer, cseq: envelope.cseq })
    this.#early.set(envelope.toTag, early)
    return early
  }

  #tellAnswer({ response, envelope }: Success): void {
    const { desk, leg, credentials, body: offer } = this.#parts
    const dialog = this.#acknowledge(response, envelope)
    const early = this.#early.get(envelope.toTag)?.exchange ?? null
    const body = sdpOf(response) || early?.theirs || ''
    const exchange = early ?? new Exchange({ desk, dialog, leg, credentials })
    if (early === null) exchange.note(offer, body)
    this.#parts.answered({ dialog, body, response, exchange })
  }

  #acknowledge(response: SipResponse, envelope: Envelope): Dialog {
    const { desk, flow } = this.#parts
    const early = this.#early.get(envelope.toTag)
    early?.dialog.confirm(response)
    const dialog = early?.dialog ?? Dialog.ofResponse(this.#attempt.current.request, response, envelope, flow)
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
      ask(
        desk,
        { flow, credentials, make: (extras) => dialog.next('BYE', [...reasonHeader(COMPLETED_ELSEWHERE), ...extras]) },
        () => {},
      )
    }
  }
}
