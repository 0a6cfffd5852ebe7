/** For tests: the surroundings of one transaction, on a clock moved by hand. */

import assert from 'node:assert/strict'
import { type Scheduled, VirtualClock } from '../../kernel/clock.ts'
import type { Cell, Table } from '../../kernel/machine.ts'
import type { Envelope } from '../message/envelope.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import type { ClientUser, ServerUser, Surroundings } from './ports.ts'

export const NO_ENVELOPE = {} as Envelope

/** Notes what a transaction does, each with its time in ms since the start. */
export class Stopwatch {
  readonly clock = new VirtualClock(0)
  readonly log: string[] = []
  fire: (timer: never) => void = () => {}
  readonly reliable: boolean
  readonly #timers = new Map<string, Scheduled>()

  constructor(reliable = false) {
    this.reliable = reliable
  }

  note(what: string): void {
    this.log.push(`${this.clock.now()} ${what}`)
  }

  surroundings<Name extends string>(): Surroundings<Name> {
    return {
      reliable: this.reliable,
      send: (bytes) => this.note(`send ${Buffer.from(bytes)}`),
      startTimer: (name, delayMs) => {
        this.#timers.get(name)?.cancel()
        const at = this.clock.now() + delayMs
        this.#timers.set(
          name,
          this.clock.schedule(at, () => this.fire(name as never)),
        )
      },
      stopTimer: (name) => this.#timers.get(name)?.cancel(),
      ended: () => this.note('ended'),
    }
  }

  readonly client: ClientUser = {
    response: ({ code }) => this.note(`told ${code}`),
    failed: (why) => this.note(`told ${why}`),
  }

  readonly server: ServerUser = {
    acknowledged: () => this.note('told ack'),
    failed: (why) => this.note(`told ${why}`),
  }

  runTo(ms: number): string[] {
    this.clock.advanceTo(ms)
    return this.log.splice(0)
  }
}

export function answer(code: number): SipResponse {
  return { kind: 'response', code, phrase: '', fields: [], body: '' }
}

export function asked(method: string): SipRequest {
  return { kind: 'request', method, uri: 'sip:a@b', fields: [], body: '' }
}

/** Gives every input in every state to a real machine, and compares where it goes with the table. */
export function reachEveryCell<S extends string, I extends string, A>(
  table: Table<S, I, A>,
  make: () => { readonly state: S },
  pathTo: Readonly<Record<S, readonly I[]>>,
  give: (machine: { readonly state: S }, input: I) => void,
): number {
  let cells = 0
  for (const [state, row] of Object.entries(table) as [S, Readonly<Record<I, Cell<S, A>>>][]) {
    for (const [input, cell] of Object.entries(row) as [I, Cell<S, A>][]) {
      const machine = make()
      for (const each of pathTo[state]) give(machine, each)
      assert.equal(machine.state, state)
      if (cell === 'bug') assert.throws(() => give(machine, input), { name: 'ImpossibleInput' }, `${state}.${input}`)
      else give(machine, input)
      assert.equal(machine.state, typeof cell === 'string' ? state : cell.to, `${state}.${input}`)
      cells += 1
    }
  }
  return cells
}
