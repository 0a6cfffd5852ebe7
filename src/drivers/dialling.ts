/**
 * Makes groupcalls and their calls: for requests, and for calls that dial others (`connect`, transfers, `call`). What is
 * withdrawn while it was still being asked for never rings.
 */

import type { Address, Ref } from '../calls/commands.ts'
import type { Birth, Dial, FlowPlan } from '../calls/part.ts'
import { NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { BirthOptions, Births, CallerId } from './births.ts'
import type { Dialler } from './call-runner.ts'
import { planFor } from './plans.ts'

interface Wish {
  readonly customerId: string
  readonly source: Address
  /** As asked for. */
  readonly destinations: readonly Address[]
  /** Where they are reached; one a destination. */
  readonly reached: readonly Address[]
  readonly plan: FlowPlan | null
  readonly anonymous: boolean
  readonly callerId: CallerId
  readonly ringMethod: 'ring_all' | 'linear'
  readonly answerMethod: '' | 'hangup_others'
  readonly groupcallId?: string
  readonly callIds?: readonly string[]
  readonly masterCallId?: string
}

/** Records as first stored, null where one could not be: an outgoing call is `dialing` there, whatever has happened since. */
export interface Made {
  readonly groupcall: Promise<JsonObject | null>
  /** Of the members that are dialled at once. */
  readonly calls: readonly Promise<JsonObject | null>[]
}

export class Dialling {
  readonly #options: BirthOptions
  readonly #births: Births
  /** Groupcalls that are being asked for. */
  readonly #asking = new Set<string>()
  /** Members of linear groupcalls that have not had their turn. */
  readonly #turns = new Map<string, { readonly births: readonly Birth[]; readonly number: string }>()
  /** Calls whose first `connect` has been to the gate already, and where it leads. */
  readonly #admitted = new Map<string, readonly Address[]>()

  constructor(options: BirthOptions, births: Births) {
    this.#options = options
    this.#births = births
  }

  isAdmitted(callId: string, destinations: readonly Address[]): void {
    // Borne already, it may have dialled and ended meanwhile: what is noted of it is forgotten with it.
    if (this.#options.runner.birthOf(callId)) this.#admitted.set(callId, destinations)
  }

  /** What a call, or a run, dials. Never rejects. */
  async dial(from: Dialler, dial: Dial): Promise<void> {
    const { groupcallId } = dial
    this.#asking.add(groupcallId)
    try {
      const wish = await this.#wishOf(from, dial)
      const isWanted = this.#asking.has(groupcallId) && (from.birth === null || this.#isLive(from.birth.callId))
      if (wish && isWanted) this.make(wish)
      else if (isWanted) this.nobody(from, dial, 'failed')
    } catch {
      this.nobody(from, dial, 'failed')
    } finally {
      this.#asking.delete(groupcallId)
    }
  }

  nobody({ birth }: Dialler, { isChild }: Dial, reason: string): void {
    if (!birth || !isChild) return
    this.#options.runner.tell({ kind: 'call', id: birth.callId }, { kind: 'peer', news: { kind: 'nobody', reason } })
  }

  make(wish: Wish): Made {
    const { groupcallId = this.#births.newId(), customerId, callerId } = wish
    const births = wish.destinations.map((_, i) => this.#birth(wish, i, groupcallId))
    const callIds = births.map((birth) => birth.callId)
    const { runner, nodeId, bootId } = this.#options
    const groupcall = runner.bearGroupcall({
      kind: 'born',
      groupcallId,
      customerId,
      flowId: wish.plan?.flowId ?? NIL_UUID,
      source: wish.source,
      destinations: wish.destinations,
      callIds,
      ringMethod: wish.ringMethod,
      answerMethod: wish.answerMethod,
      ...(wish.masterCallId === undefined ? {} : { masterCallId: wish.masterCallId }),
      nodeId,
      bootId,
    })
    if (wish.ringMethod !== 'linear') {
      return { groupcall, calls: births.map((birth) => this.#births.bear(birth, callerId.own)) }
    }
    this.#turns.set(groupcallId, { births, number: callerId.own })
    this.member(groupcallId, 0)
    return { groupcall, calls: [] }
  }

  /** The turn of one member of a groupcall that dials one after another. */
  member(groupcallId: string, index: number): void {
    const turns = this.#turns.get(groupcallId)
    const birth = turns?.births[index]
    if (birth) void this.#births.bear(birth, turns!.number)
  }

  /** Somebody gave up what is still being asked for. */
  untold(ref: Ref): void {
    if (ref.kind === 'groupcall') this.#asking.delete(ref.id)
  }

  over(ref: Ref): void {
    this.#turns.delete(ref.id)
    this.#admitted.delete(ref.id)
    if (ref.kind === 'call') this.#births.over(ref.id)
  }

  #isLive(callId: string): boolean {
    return this.#options.runner.birthOf(callId) !== null
  }

  /** @returns null when nothing of it may be, or is known */
  async #wishOf(from: Dialler, dial: Dial): Promise<Wish | null> {
    const { customerId, birth } = from
    // A variable may have come to nothing.
    if (dial.destinations.length === 0) return null
    const source = dial.source ?? birth?.source ?? { type: '', target: '', target_name: '', name: '', detail: '' }
    const callerId = await this.#callerIdOf(from, dial, source)
    const plan = dial.isChild ? null : await planFor(this.#options.store, { customerId, ...dial })
    if (plan === 'unknown flow') return null
    const reached = await this.#reached(from, dial, source, callerId.own)
    if (!reached) return null
    return {
      customerId,
      source,
      destinations: dial.destinations,
      reached,
      plan,
      anonymous: dial.anonymous || birth?.metadata?.['privacy'] === 'id',
      callerId,
      ringMethod: 'ring_all',
      answerMethod: dial.isChild ? 'hangup_others' : '',
      groupcallId: dial.groupcallId,
      ...(dial.callIds ? { callIds: dial.callIds } : {}),
      ...(dial.isChild && birth ? { masterCallId: birth.callId } : {}),
    }
  }

  /** Between a customer's own phones the caller is shown as he is; to the telephone network only as who he may be. */
  async #callerIdOf({ customerId }: Dialler, dial: Dial, source: Address): Promise<CallerId> {
    const isInside = dial.source === null && dial.destinations.every(({ type }) => type !== 'tel')
    if (isInside) return { shown: undefined, own: '', isReplaced: false }
    return this.#births.callerId(customerId, source.type === 'tel' ? source : { ...source, type: 'tel' })
  }

  async #reached(
    { customerId, birth }: Dialler,
    { destinations }: Dial,
    source: Address,
    number: string,
  ): Promise<readonly Address[] | null> {
    const known = birth ? this.#admitted.get(birth.callId) : undefined
    if (birth) this.#admitted.delete(birth.callId)
    if (known && known.length === destinations.length) return known
    const asked = await this.#births.admitted({ customerId, source, callerId: number }, destinations)
    return asked.ok ? asked.destinations : null
  }

  #birth(wish: Wish, index: number, groupcallId: string): Birth {
    const { customerId, source, plan, anonymous, callerId, masterCallId } = wish
    return {
      ...this.#births.of(customerId, wish.callIds?.[index]),
      direction: 'outgoing',
      source,
      destination: wish.reached[index] ?? wish.destinations[index]!,
      plan,
      groupcallId,
      sipCallId: '',
      ...(masterCallId === undefined ? {} : { masterCallId }),
      ...(anonymous ? { anonymous } : {}),
      ...(callerId.shown === undefined ? {} : { callerId: callerId.shown }),
    }
  }
}
