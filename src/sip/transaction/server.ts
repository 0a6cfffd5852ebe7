/** Server transaction of every request but INVITE: RFC 3261 §17.2.2 (figure 8). */

import { step, type Table } from '../../kernel/machine.ts'
import type { ServerUser, Surroundings } from './ports.ts'
import { GIVE_UP_MS } from './timers.ts'

export type State = 'trying' | 'proceeding' | 'completed' | 'terminated'
/** `request` is the request again; `provisional` and `final` are answers of the user. */
export type Input = 'request' | 'provisional' | 'final' | 'timerJ' | 'transportError'
export type Action = 'send' | 'resend' | 'startJ' | 'stopJ' | 'tellTransport'

export const SERVER: Table<State, Input, Action> = {
  trying: {
    request: 'ignore',
    provisional: { to: 'proceeding', run: ['send'] },
    final: { to: 'completed', run: ['send', 'startJ'] },
    timerJ: 'bug',
    transportError: { to: 'terminated', run: ['tellTransport'] },
  },
  proceeding: {
    request: { to: 'proceeding', run: ['resend'] },
    provisional: { to: 'proceeding', run: ['send'] },
    final: { to: 'completed', run: ['send', 'startJ'] },
    timerJ: 'bug',
    transportError: { to: 'terminated', run: ['tellTransport'] },
  },
  completed: {
    request: { to: 'completed', run: ['resend'] },
    provisional: 'ignore',
    final: 'ignore',
    timerJ: { to: 'terminated' },
    transportError: { to: 'terminated', run: ['stopJ', 'tellTransport'] },
  },
  terminated: {
    request: 'ignore',
    provisional: 'ignore',
    final: 'ignore',
    timerJ: 'bug',
    transportError: 'ignore',
  },
}

export type TimerName = 'J'

export class Server {
  readonly #around: Surroundings<TimerName>
  #user: ServerUser = {}
  #state: State = 'trying'
  #last: Uint8Array | null = null

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
    this.#input(code < 200 ? 'provisional' : 'final')
  }

  receive(): void {
    this.#input('request')
  }

  fire(timer: TimerName): void {
    this.#input(`timer${timer}`)
  }

  transportFailed(): void {
    this.#input('transportError')
  }

  #input(input: Input): void {
    const before = this.#state
    const { to, run } = step('server', SERVER, before, input)
    this.#state = to
    if (to === 'terminated' && before !== to) this.#around.ended()
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    switch (action) {
      case 'send':
      case 'resend':
        if (this.#last !== null) this.#around.send(this.#last)
        break
      case 'startJ':
        this.#around.startTimer('J', this.#around.reliable ? 0 : GIVE_UP_MS)
        break
      case 'stopJ':
        this.#around.stopTimer('J')
        break
      case 'tellTransport':
        this.#user.failed?.('transport')
        break
      default:
        action satisfies never
    }
  }
}
