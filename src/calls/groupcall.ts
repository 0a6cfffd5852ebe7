/**
 * A groupcall: the calls made by one request, or by one `connect` (contract §8). Made by `POST /calls` every call lives on
 * its own; with `hangup_others` the first answer sends the others away, and the call that dials them is told. The
 * groupcall ends with its last call.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import { NIL_UUID, timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { step, type Table } from '../kernel/machine.ts'
import type { Address } from './commands.ts'
import { Effects, type Tally } from './effects.ts'
import type { CallOutput, PeerNews } from './part.ts'

/** `answered`: one has won. On the wire `dialing` and `answered` are `progressing`, `leaving` and `refusing` `hangingup`. */
type State = 'dialing' | 'answered' | 'refusing' | 'leaving' | 'hangup'
/** `next`: the one whose turn it was is gone, there are more to dial. */
type Input = 'early' | 'answer' | 'next' | 'lastOver' | 'hangUp'
type Action = 'tellEarly' | 'win' | 'hangUpIt' | 'hangUpAll' | 'dialNext' | 'tellNobody' | 'tell' | 'over'

export const GROUPCALL: Table<State, Input, Action> = {
  dialing: {
    early: { to: 'dialing', run: ['tellEarly'] },
    answer: { to: 'answered', run: ['win'] },
    next: { to: 'dialing', run: ['dialNext'] },
    lastOver: { to: 'hangup', run: ['tell', 'tellNobody', 'over'] },
    hangUp: { to: 'refusing', run: ['hangUpAll'] },
  },
  answered: {
    early: 'ignore',
    answer: { to: 'answered', run: ['hangUpIt'] },
    next: 'ignore',
    lastOver: { to: 'hangup', run: ['tell', 'over'] },
    hangUp: { to: 'leaving', run: ['hangUpAll'] },
  },
  refusing: {
    early: 'ignore',
    answer: { to: 'refusing', run: ['hangUpIt'] },
    next: 'ignore',
    lastOver: { to: 'hangup', run: ['tell', 'tellNobody', 'over'] },
    hangUp: 'ignore',
  },
  leaving: {
    early: 'ignore',
    answer: { to: 'leaving', run: ['hangUpIt'] },
    next: 'ignore',
    lastOver: { to: 'hangup', run: ['tell', 'over'] },
    hangUp: 'ignore',
  },
  hangup: { early: 'ignore', answer: 'ignore', next: 'ignore', lastOver: 'bug', hangUp: 'ignore' },
}

const STATUS: Readonly<Record<State, 'progressing' | 'hangingup' | 'hangup'>> = {
  dialing: 'progressing',
  answered: 'progressing',
  refusing: 'hangingup',
  leaving: 'hangingup',
  hangup: 'hangup',
}

export interface GroupcallBirth {
  readonly kind: 'born'
  readonly groupcallId: string
  readonly customerId: string
  readonly flowId: string
  readonly source: Address
  readonly destinations: readonly Address[]
  /** One a destination. */
  readonly callIds: readonly string[]
  /** The call that dials these, told by `peer` news what becomes of them. Absent: none. */
  readonly masterCallId?: string
  /** Absent: `ring_all`. With `linear` only the first call is made with the groupcall; `dialMember` asks for the others. */
  readonly ringMethod?: 'ring_all' | 'linear'
  /** Absent: '', every call lives on its own. */
  readonly answerMethod?: '' | 'hangup_others'
  readonly nodeId: string
  readonly bootId: string
}

/** `delete` is answered when the last call has ended. */
export interface GroupcallCommand {
  readonly kind: 'hangup' | 'delete'
}

export type GroupcallInput =
  | GroupcallBirth
  | { readonly kind: 'callEarly'; readonly callId: string }
  | { readonly kind: 'callAnswered'; readonly callId: string }
  | { readonly kind: 'callOver'; readonly callId: string; readonly reason: string }
  /** Another phone has taken the place of one that rings (RFC 3891): as if that one had answered. */
  | { readonly kind: 'pickedUp'; readonly callId: string }
  /** The call that dials is another one from now on. */
  | { readonly kind: 'master'; readonly callId: string }
  /** It has broken: whoever is still rung for it rings no more. */
  | { readonly kind: 'masterLost'; readonly callId: string }
  | { readonly kind: 'command'; readonly reply: number; readonly command: GroupcallCommand }

/** From the one that says most of somebody who was reached to the one that says least. */
const BEST_REASONS: readonly string[] = ['busy', 'noanswer', 'dialout', 'cancel']

export class Groupcall {
  readonly #tally: Tally = { seq: 0, bornAt: 0 }
  #birth!: GroupcallBirth
  #master = NIL_UUID
  #state: State = 'dialing'
  /** Calls that were made, and those of them that live. */
  #made: string[] = []
  #live = new Set<string>()
  #winner = NIL_UUID
  #reasons: string[] = []
  /** Whom the input is about. */
  #callId = ''
  #createdAt: Micros = 0
  #updatedAt: Micros = 0
  #deletedAt: Micros | null = null
  /** Answered when the last call has ended. */
  #deleting: number[] = []

  handle(input: GroupcallInput, now: Millis, wall: Micros): CallOutput[] {
    if (input.kind === 'born') this.#tally.bornAt = now
    const fx = new Effects(now, wall, this.#tally)
    switch (input.kind) {
      case 'born':
        this.#born(fx, input)
        break
      case 'callEarly':
        this.#callId = input.callId
        this.#step(fx, 'early')
        break
      case 'callAnswered':
        this.#callId = input.callId
        if (this.#birth.answerMethod === 'hangup_others' || this.#isLinear) this.#step(fx, 'answer')
        break
      case 'pickedUp':
        this.#callId = input.callId
        this.#step(fx, 'answer')
        break
      case 'callOver':
        this.#over(fx, input.callId, input.reason)
        break
      case 'master':
        this.#master = input.callId
        this.#save(fx)
        break
      case 'masterLost':
        if (input.callId === this.#master && this.#state === 'dialing') this.#step(fx, 'hangUp')
        break
      case 'command':
        if (input.command.kind === 'delete') this.#deleting.push(input.reply)
        this.#step(fx, 'hangUp')
        if (input.command.kind === 'hangup') fx.reply(input.reply, { ok: true, doc: this.doc() })
        break
      default:
        input satisfies never
    }
    return fx.outputs
  }

  get #isLinear(): boolean {
    return this.#birth.ringMethod === 'linear'
  }

  #born(fx: Effects, birth: GroupcallBirth): void {
    this.#birth = birth
    this.#master = birth.masterCallId ?? NIL_UUID
    this.#made = this.#isLinear ? birth.callIds.slice(0, 1) : [...birth.callIds]
    this.#live = new Set(this.#made)
    this.#createdAt = fx.stamp()
    this.#updatedAt = this.#createdAt
    this.#save(fx)
    fx.event('groupcall_created', this.doc())
    fx.event('groupcall_progressing', this.doc())
  }

  #over(fx: Effects, callId: string, reason: string): void {
    if (!this.#live.delete(callId)) return
    this.#reasons.push(reason)
    const hasMore = this.#isLinear && this.#made.length < this.#birth.callIds.length
    if (hasMore && this.#state === 'dialing') return this.#step(fx, 'next')
    if (this.#live.size === 0) this.#step(fx, 'lastOver')
  }

  #step(fx: Effects, input: Input): void {
    const next = step('groupcall', GROUPCALL, this.#state, input)
    if (next.to !== this.#state) {
      this.#state = next.to
      this.#updatedAt = fx.stamp()
      if (input === 'answer') this.#winner = this.#callId
      this.#save(fx)
    }
    for (const action of next.run) this.#run(fx, action)
  }

  #run(fx: Effects, action: Action): void {
    switch (action) {
      case 'tellEarly':
        return this.#tellMaster(fx, { kind: 'early', callId: this.#callId })
      case 'win':
        for (const id of this.#live) if (id !== this.#callId) this.#hangUp(fx, id, true)
        return this.#tellMaster(fx, { kind: 'connected', callId: this.#callId })
      case 'hangUpIt':
        return this.#hangUp(fx, this.#callId)
      case 'hangUpAll':
        for (const id of this.#live) this.#hangUp(fx, id)
        return
      case 'dialNext':
        return this.#dialNext(fx)
      case 'tellNobody':
        return this.#tellMaster(fx, { kind: 'nobody', reason: this.#bestReason })
      case 'tell':
        fx.event('groupcall_hangup', this.doc())
        return this.#delete(fx)
      case 'over':
        return fx.out({ kind: 'over' })
      default:
        action satisfies never
    }
  }

  #dialNext(fx: Effects): void {
    const index = this.#made.length
    const callId = this.#birth.callIds[index]!
    this.#made.push(callId)
    this.#live.add(callId)
    this.#updatedAt = fx.stamp()
    this.#save(fx)
    fx.out({ kind: 'dialMember', index })
  }

  #delete(fx: Effects): void {
    if (this.#deleting.length === 0) return
    this.#deletedAt = fx.stamp()
    this.#save(fx)
    fx.event('groupcall_deleted', this.doc())
    for (const reply of this.#deleting.splice(0)) fx.reply(reply, { ok: true, doc: this.doc() })
  }

  get #bestReason(): string {
    const found = BEST_REASONS.find((reason) => this.#reasons.includes(reason))
    return found ?? 'failed'
  }

  #hangUp(fx: Effects, id: string, elsewhere = false): void {
    const command = { kind: 'hangup', ...(elsewhere ? { elsewhere } : {}) }
    fx.tell({ kind: 'call', id }, { kind: 'command', reply: 0, command })
  }

  #tellMaster(fx: Effects, news: PeerNews): void {
    if (this.#master !== NIL_UUID) fx.tellPeer(this.#master, news)
  }

  doc(): JsonObject {
    const birth = this.#birth
    return {
      id: birth.groupcallId,
      customer_id: birth.customerId,
      owner_type: '',
      owner_id: NIL_UUID,
      status: STATUS[this.#state],
      flow_id: birth.flowId,
      source: { ...birth.source },
      destinations: birth.destinations.map((address) => ({ ...address })),
      master_call_id: this.#master,
      master_groupcall_id: NIL_UUID,
      ring_method: birth.ringMethod ?? 'ring_all',
      answer_method: birth.answerMethod ?? '',
      answer_call_id: this.#winner,
      call_ids: [...this.#made],
      answer_groupcall_id: NIL_UUID,
      groupcall_ids: [],
      call_count: this.#live.size,
      groupcall_count: 0,
      dial_index: this.#isLinear ? this.#made.length - 1 : 0,
      tm_create: timestamp(this.#createdAt),
      tm_update: timestamp(this.#updatedAt),
      tm_delete: this.#deletedAt === null ? null : timestamp(this.#deletedAt),
    }
  }

  #save(fx: Effects): void {
    fx.row('groupcalls', {
      id: this.#birth.groupcallId,
      tmCreate: this.#createdAt,
      tmDelete: this.#deletedAt,
      keys: { status: STATUS[this.#state], node_id: this.#birth.nodeId, boot_id: this.#birth.bootId },
      doc: this.doc(),
      hidden: {},
    })
  }
}
