/**
 * Provisional answers that arrive for certain (RFC 3262 §3): numbered, repeated until their PRACK comes, one at a time,
 * and the INVITE is given up when it never does.
 */

import { step, type Table } from '../../kernel/machine.ts'
import type { Context } from '../context.ts'
import type { Extras } from '../message/compose.ts'
import { header } from '../message/message.ts'
import type { Incoming } from '../transaction/layer.ts'
import { GIVE_UP_MS, T1 } from '../transaction/timers.ts'

/** `waiting`: one is out and its PRACK is not in. */
export type State = 'quiet' | 'waiting' | 'over'
/** `stop`: a final answer goes out. */
export type Input = 'send' | 'acked' | 'again' | 'limit' | 'stop'
export type Action = 'transmit' | 'queue' | 'repeat' | 'stopTimers' | 'stopAgain' | 'next' | 'tellLost'

export const RELIABLE: Table<State, Input, Action> = {
  quiet: {
    send: { to: 'waiting', run: ['transmit'] },
    acked: 'bug',
    again: 'bug',
    limit: 'bug',
    stop: { to: 'over' },
  },
  waiting: {
    send: { to: 'waiting', run: ['queue'] },
    acked: { to: 'quiet', run: ['stopTimers', 'next'] },
    again: { to: 'waiting', run: ['repeat'] },
    limit: { to: 'over', run: ['stopAgain', 'tellLost'] },
    stop: { to: 'over', run: ['stopTimers'] },
  },
  over: { send: 'ignore', acked: 'ignore', again: 'ignore', limit: 'ignore', stop: 'ignore' },
}

interface Provisional {
  readonly code: number
  readonly extras: Extras
  readonly body: string
}

interface Sent {
  readonly rseq: number
  readonly body: string
  readonly bytes: Uint8Array
}

export interface ReliableParts {
  readonly context: Context
  readonly incoming: Incoming
  /** A PRACK was matched, and is to be answered. @param body the SDP that it acknowledges, '' for none */
  readonly acked: (prack: Incoming, body: string) => void
  /** 64*T1 without a PRACK. */
  readonly lost: () => void
}

export class ReliableProvisionals {
  readonly #parts: ReliableParts
  readonly #name: string
  readonly #queue: Provisional[] = []
  #state: State = 'quiet'
  #rseq: number
  #intervalMs = T1
  #given: Provisional | null = null
  #sent: Sent | null = null

  constructor(parts: ReliableParts) {
    this.#parts = parts
    this.#name = parts.context.newName('reliable')
    this.#rseq = parts.context.random.below(10_000)
  }

  /** One with a session description waits for its PRACK: no 2xx before (§3). */
  get holdsBody(): boolean {
    return this.#state === 'waiting' && (this.#sent!.body !== '' || this.#queue.some(({ body }) => body !== ''))
  }

  send(code: number, extras: Extras, body: string): void {
    this.#given = { code, extras, body }
    this.#input('send')
  }

  /** A PRACK: matched, or refused. One that comes after our final answer is matched all the same. */
  take(prack: Incoming): void {
    const sent = this.#sent
    const { cseq } = this.#parts.incoming.envelope
    const match = /^(\d{1,10})\s+(\d{1,10})\s+INVITE$/.exec(header(prack.request, 'rack')?.trim() ?? '')
    if (sent === null || Number(match?.[1]) !== sent.rseq || Number(match?.[2]) !== cseq)
      return void prack.respond({ code: 481 })
    this.#sent = null
    this.#input('acked')
    this.#parts.acked(prack, sent.body)
  }

  stop(): void {
    this.#input('stop')
  }

  #input(input: Input): void {
    const { to, run } = step('reliable', RELIABLE, this.#state, input)
    this.#state = to
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    const { context, incoming, lost } = this.#parts
    switch (action) {
      case 'transmit':
        this.#transmit(this.#given!)
        break
      case 'queue':
        this.#queue.push(this.#given!)
        break
      case 'repeat':
        context.send(incoming.flow, this.#sent!.bytes)
        this.#intervalMs *= 2
        this.#startAgain()
        break
      case 'stopTimers':
        context.stopTimer(`${this.#name}/again`)
        context.stopTimer(`${this.#name}/limit`)
        break
      case 'stopAgain':
        context.stopTimer(`${this.#name}/again`)
        break
      case 'next':
        this.#next()
        break
      case 'tellLost':
        lost()
        break
      default:
        action satisfies never
    }
  }

  #transmit({ code, extras, body }: Provisional): void {
    const { context, incoming } = this.#parts
    this.#rseq += 1
    const numbered: Extras = [...extras, ['Require', '100rel'], ['RSeq', String(this.#rseq)]]
    const bytes = incoming.respond({ code, extras: numbered, body })
    this.#sent = { rseq: this.#rseq, body, bytes }
    this.#intervalMs = T1
    this.#startAgain()
    context.startTimer(`${this.#name}/limit`, GIVE_UP_MS, () => this.#input('limit'))
  }

  #startAgain(): void {
    this.#parts.context.startTimer(`${this.#name}/again`, this.#intervalMs, () => this.#input('again'))
  }

  #next(): void {
    const next = this.#queue.shift()
    if (next !== undefined) this.send(next.code, next.extras, next.body)
  }
}
