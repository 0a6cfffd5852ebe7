/** A leg of ours: one INVITE to each of its targets at once, the first answer wins. */

import { step, type Table } from '../../kernel/machine.ts'
import { printAddress } from '../message/address.ts'
import { phraseOf } from '../message/phrases.ts'
import type { EndCause, SipInput } from '../types.ts'
import { Branch, type BranchAnswer } from './branch.ts'
import type { Desk } from './desk.ts'
import type { Exchange } from './exchange.ts'
import { COMPLETED_ELSEWHERE } from './reason.ts'
import { Session } from './session.ts'

export type Invitation = Extract<SipInput, { kind: 'invite' }>

/** `expired`: our user was told that time is up, the branches are still being cancelled. */
export type State = 'calling' | 'withdrawing' | 'expired' | 'answered' | 'failed'
/** `allFailed`: the last branch has ended without an answer. `decided`: a 6xx speaks for all (RFC 3261 §16.7). */
export type Input = 'answer' | 'decided' | 'allFailed' | 'cancel' | 'timeLimit'
export type Action = 'stopTime' | 'cancelBranches' | 'cancelOthers' | 'tellAnswered' | 'tellFailed' | 'close'

export const OUTGOING_LEG: Table<State, Input, Action> = {
  calling: {
    answer: { to: 'answered', run: ['stopTime', 'cancelOthers', 'tellAnswered'] },
    decided: { to: 'calling', run: ['cancelBranches'] },
    allFailed: { to: 'failed', run: ['stopTime', 'tellFailed', 'close'] },
    cancel: { to: 'withdrawing', run: ['stopTime', 'cancelBranches'] },
    timeLimit: { to: 'expired', run: ['tellFailed', 'cancelBranches'] },
  },
  withdrawing: {
    answer: 'bug',
    decided: 'ignore',
    allFailed: { to: 'failed', run: ['tellFailed', 'close'] },
    cancel: 'ignore',
    timeLimit: 'bug',
  },
  expired: {
    answer: 'bug',
    decided: 'ignore',
    allFailed: { to: 'failed', run: ['close'] },
    cancel: 'ignore',
    timeLimit: 'bug',
  },
  answered: { answer: 'bug', decided: 'ignore', allFailed: 'ignore', cancel: 'ignore', timeLimit: 'bug' },
  failed: { answer: 'bug', decided: 'bug', allFailed: 'bug', cancel: 'ignore', timeLimit: 'bug' },
}

interface Failed {
  readonly code: number
  readonly phrase: string
  readonly cause: EndCause
  readonly reason?: string
}

const TIME_UP: Failed = { code: 408, phrase: '', cause: 'timeout' }
const WITHDRAWN: Failed = { code: 487, phrase: '', cause: 'local' }
const NO_TARGET: Failed = { code: 480, phrase: 'No Target', cause: 'local' }

export class OutgoingLeg {
  readonly #desk: Desk
  readonly #invitation: Invitation
  readonly #over: () => void
  readonly #timer: string
  #branches: readonly Branch[] = []
  #state: State = 'calling'
  #failure: Failed | null = null
  #winner: BranchAnswer | null = null
  #reason = ''
  #session: Session | null = null

  constructor(desk: Desk, invitation: Invitation, over: () => void) {
    this.#desk = desk
    this.#invitation = invitation
    this.#over = over
    this.#timer = desk.context.newName('invite')
  }

  start(): void {
    const { targets, timeoutMs } = this.#invitation
    this.#desk.context.startTimer(this.#timer, timeoutMs, () => {
      this.#failure = TIME_UP
      this.#input('timeLimit')
    })
    this.#branches = targets.map((target) => this.#branch(target))
    if (this.#branches.length === 0) this.#branchFailed(NO_TARGET)
  }

  get session(): Session | null {
    return this.#session
  }

  /** Where an offer may be answered, or made; null before there is one. */
  get exchange(): Exchange | null {
    if (this.#session !== null) return this.#session.exchange
    const early = this.#branches.flatMap(({ exchanges }) => exchanges)
    return early.find(({ state }) => state === 'deciding') ?? early.at(-1) ?? null
  }

  /** Gives up; also what a `bye` before the answer means. @param reason for the Reason header, '' for none */
  cancel(reason = ''): void {
    this.#reason = reason
    if (this.#state === 'calling') this.#failure = WITHDRAWN
    this.#input('cancel')
  }

  #branch({ flow, requestUri, route = [] }: Invitation['targets'][number]): Branch {
    const { leg, from, to, body, headers, credentials } = this.#invitation
    return new Branch({
      desk: this.#desk,
      flow,
      requestUri,
      route,
      from: printAddress(from.display, from.uri),
      to: printAddress(to.display, to.uri),
      body,
      extras: headers ?? [],
      credentials,
      trying: () => {
        if (this.#state === 'calling' && this.#invitation.tellTrying) this.#desk.context.emit({ kind: 'trying', leg })
      },
      progress: (code, sdp) => {
        if (this.#state === 'calling') this.#desk.context.emit({ kind: 'progress', leg, code, body: sdp })
      },
      answered: (answer) => {
        this.#winner = answer
        this.#input('answer')
      },
      failed: (code, phrase, why, reason) =>
        this.#branchFailed({ code, phrase, cause: why ?? 'remote', ...(reason === '' ? {} : { reason }) }),
      leg,
      gone: () => this.#branchGone(),
    })
  }

  #branchFailed(failure: Failed): void {
    if (this.#failure === null || rank(failure) < rank(this.#failure)) this.#failure = failure
    if (failure.code >= 600) this.#input('decided')
    this.#branchGone()
  }

  #branchGone(): void {
    if (this.#branches.every((branch) => branch.isDone)) this.#input('allFailed')
  }

  #input(input: Input): void {
    const { to, run } = step('outgoing-leg', OUTGOING_LEG, this.#state, input)
    this.#state = to
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    const { context } = this.#desk
    const { leg } = this.#invitation
    switch (action) {
      case 'stopTime':
        context.stopTimer(this.#timer)
        break
      case 'cancelBranches':
        for (const branch of this.#branches) branch.cancel(this.#reason)
        break
      case 'cancelOthers':
        for (const branch of this.#branches) branch.cancel(COMPLETED_ELSEWHERE)
        break
      case 'tellAnswered':
        this.#tellAnswered()
        break
      case 'tellFailed': {
        const failure = this.#failure!
        context.emit({ kind: 'failed', leg, ...failure, phrase: failure.phrase || phraseOf(failure.code) })
        break
      }
      case 'close':
        this.#over()
        break
      default:
        action satisfies never
    }
  }

  #tellAnswered(): void {
    const { dialog, body, response, exchange } = this.#winner!
    const { leg, credentials } = this.#invitation
    this.#session = new Session({ desk: this.#desk, dialog, leg, credentials, exchange, over: this.#over })
    this.#session.timer.answered(response)
    this.#desk.context.emit({ kind: 'answered', leg, body, flow: dialog.flow })
  }
}

/** 4xx answers that say more than the others (RFC 3261 §16.7 step 6), then what a caller most wants to know. */
const TELLING = [401, 407, 415, 420, 484, 486, 603, 480]

/**
 * The lower, the better: 6xx, then the lowest class, then the more telling. What we found out ourselves (408, 503)
 * comes after what was answered.
 */
function rank({ code, cause }: Failed): number {
  const byClass = code >= 600 ? 0 : Math.floor(code / 100)
  const telling = TELLING.indexOf(code)
  return byClass * 100 + (telling === -1 ? TELLING.length : telling) + (cause === 'remote' ? 0 : 50)
}
