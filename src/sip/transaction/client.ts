/** Client transaction of every request but INVITE: RFC 3261 §17.1.2.2 (figure 6). */

import { step, type Table } from '../../kernel/machine.ts'
import type { Envelope } from '../message/envelope.ts'
import type { SipResponse } from '../message/message.ts'
import type { ClientUser, Surroundings } from './ports.ts'
import { GIVE_UP_MS, T1, T2, T4 } from './timers.ts'

export type State = 'trying' | 'proceeding' | 'completed' | 'terminated'
export type Input = 'provisional' | 'final' | 'timerE' | 'timerF' | 'timerK' | 'transportError'
export type Action =
  | 'send'
  | 'doubleE'
  | 'slowE'
  | 'stopE'
  | 'stopF'
  | 'startK'
  | 'tell'
  | 'tellTimeout'
  | 'tellTransport'

export const CLIENT: Table<State, Input, Action> = {
  trying: {
    provisional: { to: 'proceeding', run: ['tell'] },
    final: { to: 'completed', run: ['stopE', 'stopF', 'startK', 'tell'] },
    timerE: { to: 'trying', run: ['send', 'doubleE'] },
    timerF: { to: 'terminated', run: ['stopE', 'tellTimeout'] },
    timerK: 'bug',
    transportError: { to: 'terminated', run: ['stopE', 'stopF', 'tellTransport'] },
  },
  proceeding: {
    provisional: { to: 'proceeding', run: ['tell'] },
    final: { to: 'completed', run: ['stopE', 'stopF', 'startK', 'tell'] },
    timerE: { to: 'proceeding', run: ['send', 'slowE'] },
    timerF: { to: 'terminated', run: ['stopE', 'tellTimeout'] },
    timerK: 'bug',
    transportError: { to: 'terminated', run: ['stopE', 'stopF', 'tellTransport'] },
  },
  completed: {
    provisional: 'ignore',
    final: 'ignore',
    timerE: 'bug',
    timerF: 'bug',
    timerK: { to: 'terminated' },
    transportError: 'ignore',
  },
  terminated: {
    provisional: 'ignore',
    final: 'ignore',
    timerE: 'bug',
    timerF: 'bug',
    timerK: 'bug',
    transportError: 'ignore',
  },
}

export type TimerName = 'E' | 'F' | 'K'

interface Answer {
  readonly response: SipResponse
  readonly envelope: Envelope
}

export class Client {
  readonly #around: Surroundings<TimerName>
  readonly #user: ClientUser
  readonly #request: Uint8Array
  #state: State = 'trying'
  #intervalE = T1

  constructor(around: Surroundings<TimerName>, user: ClientUser, request: Uint8Array) {
    this.#around = around
    this.#user = user
    this.#request = request
  }

  get state(): State {
    return this.#state
  }

  start(): void {
    this.#around.send(this.#request)
    if (!this.#around.reliable) this.#around.startTimer('E', this.#intervalE)
    this.#around.startTimer('F', GIVE_UP_MS)
  }

  receive(response: SipResponse, envelope: Envelope): void {
    this.#input(response.code < 200 ? 'provisional' : 'final', { response, envelope })
  }

  fire(timer: TimerName): void {
    this.#input(`timer${timer}`, null)
  }

  transportFailed(): void {
    this.#input('transportError', null)
  }

  #input(input: Input, answer: Answer | null): void {
    const before = this.#state
    const { to, run } = step('client', CLIENT, before, input)
    this.#state = to
    if (to === 'terminated' && before !== to) this.#around.ended()
    for (const action of run) this.#act(action, answer)
  }

  #act(action: Action, answer: Answer | null): void {
    switch (action) {
      case 'send':
        this.#around.send(this.#request)
        break
      case 'doubleE':
        this.#intervalE = Math.min(2 * this.#intervalE, T2)
        this.#around.startTimer('E', this.#intervalE)
        break
      case 'slowE':
        this.#around.startTimer('E', T2)
        break
      case 'stopE':
        this.#around.stopTimer('E')
        break
      case 'stopF':
        this.#around.stopTimer('F')
        break
      case 'startK':
        this.#around.startTimer('K', this.#around.reliable ? 0 : T4)
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
