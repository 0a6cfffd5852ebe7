/** INVITE client transaction: RFC 3261 §17.1.1.2 (figure 5) with the Accepted state of RFC 6026 §7.2. */

import { step, type Table } from '../../kernel/machine.ts'
import type { Envelope } from '../message/envelope.ts'
import type { SipResponse } from '../message/message.ts'
import type { ClientUser, Surroundings } from './ports.ts'
import { GIVE_UP_MS, REPEATED_FAILURE_MS, T1 } from './timers.ts'

export type State = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated'
/** `givenUp`: the user no longer waits (RFC 3261 §9.1, 64*T1 after a CANCEL). */
export type Input =
  | 'provisional'
  | 'success'
  | 'failure'
  | 'timerA'
  | 'timerB'
  | 'timerD'
  | 'timerM'
  | 'transportError'
  | 'givenUp'
export type Action =
  | 'send'
  | 'doubleA'
  | 'stopA'
  | 'stopB'
  | 'startD'
  | 'startM'
  | 'ack'
  | 'tell'
  | 'tellTimeout'
  | 'tellTransport'

export const INVITE_CLIENT: Table<State, Input, Action> = {
  calling: {
    provisional: { to: 'proceeding', run: ['stopA', 'stopB', 'tell'] },
    success: { to: 'accepted', run: ['stopA', 'stopB', 'startM', 'tell'] },
    failure: { to: 'completed', run: ['stopA', 'stopB', 'startD', 'ack', 'tell'] },
    timerA: { to: 'calling', run: ['send', 'doubleA'] },
    timerB: { to: 'terminated', run: ['stopA', 'tellTimeout'] },
    timerD: 'bug',
    timerM: 'bug',
    transportError: { to: 'terminated', run: ['stopA', 'stopB', 'tellTransport'] },
    givenUp: { to: 'terminated', run: ['stopA', 'stopB', 'tellTimeout'] },
  },
  proceeding: {
    provisional: { to: 'proceeding', run: ['tell'] },
    success: { to: 'accepted', run: ['startM', 'tell'] },
    failure: { to: 'completed', run: ['startD', 'ack', 'tell'] },
    timerA: 'bug',
    timerB: 'bug',
    timerD: 'bug',
    timerM: 'bug',
    transportError: { to: 'terminated', run: ['tellTransport'] },
    givenUp: { to: 'terminated', run: ['tellTimeout'] },
  },
  accepted: {
    provisional: 'ignore',
    success: { to: 'accepted', run: ['tell'] },
    failure: 'ignore',
    timerA: 'bug',
    timerB: 'bug',
    timerD: 'bug',
    timerM: { to: 'terminated' },
    transportError: 'ignore',
    givenUp: 'ignore',
  },
  completed: {
    provisional: 'ignore',
    success: 'ignore',
    failure: { to: 'completed', run: ['ack'] },
    timerA: 'bug',
    timerB: 'bug',
    timerD: { to: 'terminated' },
    timerM: 'bug',
    transportError: 'ignore',
    givenUp: 'ignore',
  },
  terminated: {
    provisional: 'ignore',
    success: 'ignore',
    failure: 'ignore',
    timerA: 'bug',
    timerB: 'bug',
    timerD: 'bug',
    timerM: 'bug',
    transportError: 'ignore',
    givenUp: 'ignore',
  },
}

export type TimerName = 'A' | 'B' | 'D' | 'M'

interface Answer {
  readonly response: SipResponse
  readonly envelope: Envelope
}

export class InviteClient {
  readonly #around: Surroundings<TimerName>
  readonly #user: ClientUser
  readonly #request: Uint8Array
  readonly #ackFor: (response: SipResponse) => Uint8Array
  #state: State = 'calling'
  #intervalA = T1

  /** @param ackFor prints the ACK of a failure (RFC 3261 §17.1.1.3) */
  constructor(
    around: Surroundings<TimerName>,
    user: ClientUser,
    request: Uint8Array,
    ackFor: (response: SipResponse) => Uint8Array,
  ) {
    this.#around = around
    this.#user = user
    this.#request = request
    this.#ackFor = ackFor
  }

  get state(): State {
    return this.#state
  }

  start(): void {
    this.#around.send(this.#request)
    if (!this.#around.reliable) this.#around.startTimer('A', this.#intervalA)
    this.#around.startTimer('B', GIVE_UP_MS)
  }

  receive(response: SipResponse, envelope: Envelope): void {
    const kind = response.code < 200 ? 'provisional' : response.code < 300 ? 'success' : 'failure'
    this.#input(kind, { response, envelope })
  }

  fire(timer: TimerName): void {
    this.#input(`timer${timer}`, null)
  }

  transportFailed(): void {
    this.#input('transportError', null)
  }

  giveUp(): void {
    this.#input('givenUp', null)
  }

  #input(input: Input, answer: Answer | null): void {
    const before = this.#state
    const { to, run } = step('invite-client', INVITE_CLIENT, before, input)
    this.#state = to
    if (to === 'terminated' && before !== to) this.#around.ended()
    for (const action of run) this.#act(action, answer)
  }

  #act(action: Action, answer: Answer | null): void {
    switch (action) {
      case 'send':
        this.#around.send(this.#request)
        break
      case 'doubleA':
        this.#intervalA *= 2
        this.#around.startTimer('A', this.#intervalA)
        break
      case 'stopA':
        this.#around.stopTimer('A')
        break
      case 'stopB':
        this.#around.stopTimer('B')
        break
      case 'startD':
        this.#around.startTimer('D', this.#around.reliable ? 0 : REPEATED_FAILURE_MS)
        break
      case 'startM':
        this.#around.startTimer('M', GIVE_UP_MS)
        break
      case 'ack':
        this.#around.send(this.#ackFor(answer!.response))
        break
      case 'tell':
        this.#user.response(answer!.response, answer!.envelope)
        break
      case 'tellTimeout':
        this.#user.failed('timeout')
        break
      case 'tellTransport':
        this.#user.failed('transport')
        break
      default:
        action satisfies never
    }
  }
}
