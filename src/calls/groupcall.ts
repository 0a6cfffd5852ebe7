/**
 * A groupcall: the calls made by one request (contract §8). Made by `POST /calls` every call lives on its own; the
 * groupcall ends with its last call.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import { NIL_UUID, timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { step, type Table } from '../kernel/machine.ts'
import type { Address } from './commands.ts'
import { Effects, type Tally } from './effects.ts'
import type { CallOutput } from './part.ts'

type Status = 'progressing' | 'hangingup' | 'hangup'
type Input = 'hangUp' | 'lastOver'
type Action = 'hangUpAll' | 'tell' | 'over'

export const GROUPCALL: Table<Status, Input, Action> = {
  progressing: { hangUp: { to: 'hangingup', run: ['hangUpAll'] }, lastOver: { to: 'hangup', run: ['tell', 'over'] } },
  hangingup: { hangUp: 'ignore', lastOver: { to: 'hangup', run: ['tell', 'over'] } },
  hangup: { hangUp: 'ignore', lastOver: 'bug' },
}

export interface GroupcallBirth {
  readonly kind: 'born'
  readonly groupcallId: string
  readonly customerId: string
  readonly flowId: string
  readonly source: Address
  readonly destinations: readonly Address[]
  readonly callIds: readonly string[]
  readonly nodeId: string
  readonly bootId: string
}

export type GroupcallInput =
  | GroupcallBirth
  | { readonly kind: 'callOver'; readonly callId: string }
  | { readonly kind: 'command'; readonly reply: number; readonly command: { readonly kind: 'hangup' } }

export class Groupcall {
  readonly #tally: Tally = { seq: 0, bornAt: 0 }
  #birth!: GroupcallBirth
  #status: Status = 'progressing'
  #live = new Set<string>()
  #createdAt: Micros = 0
  #updatedAt: Micros = 0

  handle(input: GroupcallInput, now: Millis, wall: Micros): CallOutput[] {
    if (input.kind === 'born') this.#tally.bornAt = now
    const fx = new Effects(now, wall, this.#tally)
    switch (input.kind) {
      case 'born':
        this.#born(fx, input)
        break
      case 'callOver':
        if (this.#live.delete(input.callId) && this.#live.size === 0) this.#step(fx, 'lastOver')
        break
      case 'command':
        this.#step(fx, 'hangUp')
        fx.reply(input.reply, { ok: true, doc: this.doc() })
        break
      default:
        input satisfies never
    }
    return fx.outputs
  }

  #born(fx: Effects, birth: GroupcallBirth): void {
    this.#birth = birth
    this.#live = new Set(birth.callIds)
    this.#createdAt = fx.stamp()
    this.#updatedAt = this.#createdAt
    this.#save(fx)
    fx.event('groupcall_created', this.doc())
    fx.event('groupcall_progressing', this.doc())
  }

  #step(fx: Effects, input: Input): void {
    const next = step('groupcall', GROUPCALL, this.#status, input)
    if (next.to !== this.#status) {
      this.#status = next.to
      this.#updatedAt = fx.stamp()
      this.#save(fx)
    }
    for (const action of next.run) {
      if (action === 'tell') fx.event('groupcall_hangup', this.doc())
      else if (action === 'over') fx.out({ kind: 'over' })
      else {
        for (const id of this.#live) {
          fx.out({
            kind: 'tell',
            ref: { kind: 'call', id },
            input: { kind: 'command', reply: 0, command: { kind: 'hangup' } },
          })
        }
      }
    }
  }

  doc(): JsonObject {
    const birth = this.#birth
    return {
      id: birth.groupcallId,
      customer_id: birth.customerId,
      owner_type: '',
      owner_id: NIL_UUID,
      status: this.#status,
      flow_id: birth.flowId,
      source: { ...birth.source },
      destinations: birth.destinations.map((address) => ({ ...address })),
      master_call_id: NIL_UUID,
      master_groupcall_id: NIL_UUID,
      ring_method: 'ring_all',
      answer_method: '',
      answer_call_id: NIL_UUID,
      call_ids: [...birth.callIds],
      answer_groupcall_id: NIL_UUID,
      groupcall_ids: [],
      call_count: this.#live.size,
      groupcall_count: 0,
      dial_index: 0,
      tm_create: timestamp(this.#createdAt),
      tm_update: timestamp(this.#updatedAt),
      tm_delete: null,
    }
  }

  #save(fx: Effects): void {
    fx.row('groupcalls', {
      id: this.#birth.groupcallId,
      tmCreate: this.#createdAt,
      tmDelete: null,
      keys: { status: this.#status, node_id: this.#birth.nodeId, boot_id: this.#birth.bootId },
      doc: this.doc(),
      hidden: {},
    })
  }
}
