/**
 * Whether a session is still alive (RFC 4028): one side refreshes it at half its interval, and a session that nobody
 * refreshes is ended by either side shortly before the interval is over (§10).
 */

import { step, type Table } from '../../kernel/machine.ts'
import type { Context } from '../context.ts'
import type { Extras } from '../message/compose.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { supports } from './option-tags.ts'
import { intervalOf, printInterval, type Refresher, WishedInterval } from './session-expires.ts'

/** `off`: no interval was agreed. `ours`: we refresh. `theirs`: we wait for it. */
export type State = 'off' | 'ours' | 'theirs' | 'over'
/** `weRefresh`, `theyRefresh`, `endless`: agreed with the last refresh. `again`: ours was put off (491). */
export type Input = 'weRefresh' | 'theyRefresh' | 'endless' | 'due' | 'again' | 'expired' | 'close'
export type Action = 'startDue' | 'stopDue' | 'startExpiry' | 'stopExpiry' | 'startAgain' | 'refresh' | 'tellExpired'

export const SESSION_TIMER: Table<State, Input, Action> = {
  off: {
    weRefresh: { to: 'ours', run: ['startDue', 'startExpiry'] },
    theyRefresh: { to: 'theirs', run: ['startExpiry'] },
    endless: 'ignore',
    due: 'bug',
    again: 'ignore',
    expired: 'bug',
    close: { to: 'over' },
  },
  ours: {
    weRefresh: { to: 'ours', run: ['startDue', 'startExpiry'] },
    theyRefresh: { to: 'theirs', run: ['stopDue', 'startExpiry'] },
    endless: { to: 'off', run: ['stopDue', 'stopExpiry'] },
    due: { to: 'ours', run: ['refresh'] },
    again: { to: 'ours', run: ['startAgain'] },
    expired: { to: 'over', run: ['stopDue', 'tellExpired'] },
    close: { to: 'over', run: ['stopDue', 'stopExpiry'] },
  },
  theirs: {
    weRefresh: { to: 'ours', run: ['startDue', 'startExpiry'] },
    theyRefresh: { to: 'theirs', run: ['startExpiry'] },
    endless: { to: 'off', run: ['stopExpiry'] },
    due: 'bug',
    again: 'ignore',
    expired: { to: 'over', run: ['tellExpired'] },
    close: { to: 'over', run: ['stopExpiry'] },
  },
  over: {
    weRefresh: 'ignore',
    theyRefresh: 'ignore',
    endless: 'ignore',
    due: 'ignore',
    again: 'ignore',
    expired: 'ignore',
    close: 'ignore',
  },
}

export interface SessionTimerParts {
  readonly context: Context
  /** Send one now: an UPDATE, or a re-INVITE with what was said last. */
  readonly refresh: () => void
  /** Nobody has refreshed. */
  readonly expired: () => void
}

export class SessionTimer {
  readonly #parts: SessionTimerParts
  readonly #name: string
  readonly #wish: WishedInterval
  #state: State = 'off'
  #againMs = 0

  constructor(parts: SessionTimerParts) {
    this.#parts = parts
    this.#name = parts.context.newName('session')
    this.#wish = new WishedInterval(parts.context.options.sessionExpiresS)
  }

  get state(): State {
    return this.#state
  }

  /** For a re-INVITE or UPDATE of ours: who refreshes stays as it was. */
  get asked(): Extras {
    if (this.#state !== 'ours' && this.#state !== 'theirs') return []
    return this.#wish.headers(this.#state === 'ours' ? 'uac' : 'uas')
  }

  /** Their 2xx to an INVITE, re-INVITE or UPDATE of ours. Without the header the session has no end (§7.2). */
  answered(response: SipResponse): void {
    const interval = intervalOf(response)
    if (interval === null) return this.#input('endless')
    this.#wish.seconds = interval.seconds
    this.#input(interval.refresher === 'uas' ? 'theyRefresh' : 'weRefresh')
  }

  /** @returns true when a request of ours is to be sent again with what their 422 asks for */
  raise(response: SipResponse): boolean {
    return this.#wish.raise(response)
  }

  /** A request of theirs is accepted, which refreshes the session. @returns headers for the 2xx (§9) */
  accept(request: SipRequest): Extras {
    const asked = intervalOf(request)
    const knows = supports(request, 'timer')
    if (asked === null && !knows && this.#state !== 'ours') {
      this.#input('endless')
      return []
    }
    if (asked !== null) this.#wish.seconds = asked.seconds
    const refresher = knows ? (asked?.refresher ?? this.#choice(asked !== null)) : 'uas'
    this.#input(refresher === 'uas' ? 'weRefresh' : 'theyRefresh')
    const header = printInterval({ seconds: asked?.seconds ?? this.#wish.seconds, refresher })
    return refresher === 'uac' ? [header, ['Require', 'timer']] : [header]
  }

  /** Our refresh was put off. */
  again(delayMs: number): void {
    this.#againMs = delayMs
    this.#input('again')
  }

  close(): void {
    this.#input('close')
  }

  /** Who asks for an interval may keep it; where only we want one we do the work. */
  #choice(theyAsk: boolean): Refresher {
    if (this.#state === 'ours') return 'uas'
    return theyAsk || this.#state === 'theirs' ? 'uac' : 'uas'
  }

  #input(input: Input): void {
    const { to, run } = step('session-timer', SESSION_TIMER, this.#state, input)
    this.#state = to
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    const { context, refresh, expired } = this.#parts
    const ms = 1_000 * this.#wish.seconds
    switch (action) {
      case 'startDue':
        context.startTimer(`${this.#name}/due`, ms / 2, () => this.#input('due'))
        break
      case 'stopDue':
        context.stopTimer(`${this.#name}/due`)
        break
      case 'startAgain':
        context.startTimer(`${this.#name}/due`, this.#againMs, () => this.#input('due'))
        break
      case 'startExpiry':
        // The lesser of 32 s and a third of the interval before its end (§10).
        context.startTimer(`${this.#name}/end`, ms - Math.min(32_000, ms / 3), () => this.#input('expired'))
        break
      case 'stopExpiry':
        context.stopTimer(`${this.#name}/end`)
        break
      case 'refresh':
        refresh()
        break
      case 'tellExpired':
        expired()
        break
      default:
        action satisfies never
    }
  }
}
