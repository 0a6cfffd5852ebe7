/** INVITE server transaction: RFC 3261 §17.2.1 (figure 7) with the Accepted state of RFC 6026 §7.1. */

import { step, type Table } from '../../kernel/machine.ts'
import type { Envelope } from '../message/envelope.ts'
import type { SipRequest } from '../message/message.ts'
import type { ServerUser, Surroundings } from './ports.ts'
import { GIVE_UP_MS, T1, T2, T4 } from './timers.ts'

export type State = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated'
/** `request` is the INVITE again; `provisional`, `success` and `failure` are answers of the user. */
export type Input =
  | 'request'
  | 'ack'
  | 'provisional'
  | 'success'
  | 'failure'
  | 'timerG'
  | 'timerH'
  | 'timerI'
  | 'timerL'
  | 'transportError'
export type Action =
  | 'send'
  | 'resend'
  | 'startG'
  | 'doubleG'
  | 'stopG'
  | 'startH'
  | 'stopH'
  | 'startI'
  | 'startL'
  | 'tellAck'
  | 'tellTimeout'
  | 'tellTransport'

export const INVITE_SERVER: Table<State, Input, Action> = {
  proceeding: {
    request: { to: 'proceeding', run: ['resend'] },
    ack: 'ignore',
    provisional: { to: 'proceeding', run: ['send'] },
    success: { to: 'accepted', run: ['send', 'startL'] },
    failure: { to: 'completed', run: ['send', 'startG', 'startH'] },
    timerG: 'bug',
    timerH: 'bug',
    timerI: 'bug',
    timerL: 'bug',
    transportError: { to: 'terminated', run: ['tellTransport'] },
  },
  accepted: {
    request: 'ignore',
    ack: { to: 'accepted', run: ['tellAck'] },
    provisional: 'bug',
    success: { to: 'accepted', run: ['send'] },
    failure: 'bug',
    timerG: 'bug',
    timerH: 'bug',
    timerI: 'bug',
    timerL: { to: 'terminated' },
    transportError: { to: 'accepted', run: ['tellTransport'] },
  },
  completed: {
    request: { to: 'completed', run: ['resend'] },
    ack: { to: 'confirmed', run: ['stopG', 'stopH', 'startI'] },
    provisional: 'bug',
    success: 'bug',
    failure: 'bug',
    timerG: { to: 'completed', run: ['resend', 'doubleG'] },
    timerH: { to: 'terminated', run: ['stopG', 'tellTimeout'] },
    timerI: 'bug',
    timerL: 'bug',
    transportError: { to: 'terminated', run: ['stopG', 'stopH', 'tellTransport'] },
  },
  confirmed: {
    request: 'ignore',
    ack: 'ignore',
    provisional: 'bug',
    success: 'bug',
    failure: 'bug',
    timerG: 'bug',
    timerH: 'bug',
    timerI: { to: 'terminated' },
    timerL: 'bug',
    transportError: 'ignore',
  },
  terminated: {
    request: 'ignore',
    ack: 'ignore',
    provisional: 'ignore',
    success: 'ignore',
    failure: 'ignore',
    timerG: 'bug',
    timerH: 'bug',
    timerI: 'bug',
    timerL: 'bug',
    transportError: 'ignore',
  },
}

export type TimerName = 'G' | 'H' | 'I' | 'L'

interface Acknowledgement {
  readonly request: SipRequest
  readonly envelope: Envelope
}

export class InviteServer {
  readonly #around: Surroundings<TimerName>
  #user: ServerUser = {}
  #state: State = 'proceeding'
  #last: Uint8Array | null = null
  #intervalG = T1

  constructor(around: Surroundings<TimerName>) {
    this.#around = around
  }

  get state(): State {
    return this.#state
  }

  set user(user: ServerUser) {
    this.#user = user
  }

  /** @param response printed; `code` is its status code */
  respond(code: number, response: Uint8Array): void {
    this.#last = response
    this.#input(code < 200 ? 'provisional' : code < 300 ? 'success' : 'failure', null)
  }

  receive(request: SipRequest, envelope: Envelope): void {
    if (request.method === 'ACK') this.#input('ack', { request, envelope })
    else this.#input('request', null)
  }

  fire(timer: TimerName): void {
    this.#input(`timer${timer}`, null)
  }

  transportFailed(): void {
    this.#input('transportError', null)
  }

  #input(input: Input, ack: Acknowledgement | null): void {
    const before = this.#state
    const { to, run } = step('invite-server', INVITE_SERVER, before, input)
    this.#state = to
    if (to === 'terminated' && before !== to) this.#around.ended()
    for (const action of run) this.#act(action, ack)
  }

  #act(action: Action, ack: Acknowledgement | null): void {
    switch (action) {
      case 'send':
      case 'resend':
        if (this.#last !== null) this.#around.send(this.#last)
        break
      case 'startG':
        if (!this.#around.reliable) this.#around.startTimer('G', this.#intervalG)
        break
      case 'doubleG':
        this.#intervalG = Math.min(2 * this.#intervalG, T2)
        this.#around.startTimer('G', this.#intervalG)
        break
      case 'stopG':
        this.#around.stopTimer('G')
        break
      case 'startH':
        this.#around.startTimer('H', GIVE_UP_MS)
        break
      case 'stopH':
        this.#around.stopTimer('H')
        break
      case 'startI':
        this.#around.startTimer('I', this.#around.reliable ? 0 : T4)
        break
      case 'startL':
        this.#around.startTimer('L', GIVE_UP_MS)
        break
      case 'tellAck':
        this.#user.acknowledged?.(ack!.request, ack!.envelope)
        break
      case 'tellTimeout':
        this.#user.failed?.('timeout')
        break
      case 'tellTransport':
        this.#user.failed?.('transport')
        break
      default:
        action satisfies never
    }
  }
}
