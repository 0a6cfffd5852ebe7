/** Collects what one `handle` wants done. Lives for one input. */

import type { Micros, Millis } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { TableName } from '../store/port.ts'
import type { Outcome, Ref } from './commands.ts'
import type { CallOutput, PeerNews, RowOut } from './part.ts'

/** Numbers that outlive one input: the call's event counter and its birth. */
export interface Tally {
  seq: number
  bornAt: Millis
}

export class Effects {
  readonly now: Millis
  readonly outputs: CallOutput[] = []
  readonly #tally: Tally
  readonly #wall: Micros
  #stamps = 0

  constructor(now: Millis, wall: Micros, tally: Tally) {
    this.now = now
    this.#wall = wall
    this.#tally = tally
  }

  /** Wall time in microseconds, one later each time it is asked, so that rows of one input keep their order. */
  stamp(): Micros {
    return this.#wall + this.#stamps++
  }

  /** `stamp` in the form of the wire. */
  time(): string {
    return timestamp(this.stamp())
  }

  out(output: CallOutput): void {
    this.outputs.push(output)
  }

  /** To another mailbox, or this one: taken after what is being handled. */
  tell(ref: Ref, input: object): void {
    this.outputs.push({ kind: 'tell', ref, input: input as JsonObject })
  }

  /** To another call. */
  tellPeer(callId: string, news: PeerNews): void {
    this.tell({ kind: 'call', id: callId }, { kind: 'peer', news })
  }

  event(type: string, data: JsonObject, ephemeral = false): void {
    const seq = ++this.#tally.seq
    const offsetMs = Math.max(0, Math.round(this.now - this.#tally.bornAt))
    this.outputs.push({ kind: 'event', event: { type, seq, offsetMs, data, ephemeral } })
  }

  row(table: TableName, row: RowOut): void {
    this.outputs.push({ kind: 'row', table, row })
  }

  reply(to: number, outcome: Outcome, created?: string): void {
    this.outputs.push({ kind: 'reply', to, outcome, ...(created === undefined ? {} : { created }) })
  }

  refuse(to: number, code: string): void {
    this.reply(to, { ok: false, code })
  }
}
