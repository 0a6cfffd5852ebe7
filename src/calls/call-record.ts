/** What of a call is stored and shown (contract §7.1): its status, when it changed, and why it ended. */

import type { Micros } from '../kernel/clock.ts'
import { NIL_UUID, timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { LegQuality } from '../media/protocol.ts'
import type { Status } from './call-table.ts'
import type { Effects } from './effects.ts'
import type { CallFacts } from './facts.ts'
import type { HangupReason } from './hangup.ts'
import type { Birth } from './part.ts'

const MAX_REASON = 200
const NO_ACTION: JsonObject = { id: NIL_UUID, next_id: NIL_UUID, type: '', option: {}, tm_execute: null }

/** What its parts know of a call. */
export interface Shown {
  readonly action: JsonObject | undefined
  /** Calls at the other end of a bridge, or being rung. */
  readonly chained: readonly string[]
  readonly bridgedWith: string | null
  readonly isOnHold: boolean
}

export class CallRecord {
  readonly birth: Birth
  readonly #facts: CallFacts
  readonly #createdAt: Micros
  #status: Status
  #reason: HangupReason | '' = ''
  #signalled = ''
  #hangupBy: '' | 'remote' | 'local' = ''
  #updatedAt: Micros
  #ringingAt: Micros | null = null
  #progressingAt: Micros | null = null
  #hangupAt: Micros | null = null
  #deletedAt: Micros | null = null
  #muted: '' | 'in' | 'out' | 'both' = ''
  #quality: LegQuality | null = null

  constructor(birth: Birth, facts: CallFacts) {
    this.birth = birth
    this.#facts = facts
    this.#createdAt = facts.bornWall
    this.#updatedAt = this.#createdAt
    this.#status = birth.direction === 'incoming' ? 'ringing' : 'dialing'
    if (this.#status === 'ringing') this.#ringingAt = this.#createdAt
  }

  get status(): Status {
    return this.#status
  }

  get reason(): HangupReason | '' {
    return this.#reason
  }

  get isDeleted(): boolean {
    return this.#deletedAt !== null
  }

  /** @param hangupBy who ended it, with the last move */
  move(fx: Effects, to: Status, hangupBy: '' | 'remote' | 'local' = ''): void {
    if (to === this.#status) return
    this.#status = to
    this.#updatedAt = fx.stamp()
    if (to === 'ringing') this.#ringingAt = this.#updatedAt
    if (to === 'progressing') this.#progressingAt = this.#updatedAt
    if (to === 'hangup') {
      this.#hangupAt = this.#updatedAt
      this.#hangupBy = hangupBy
    }
  }

  /** @returns false when it was so already */
  mute(direction: '' | 'in' | 'out' | 'both'): boolean {
    const isNew = direction !== this.#muted
    this.#muted = direction
    return isNew
  }

  touch(fx: Effects): void {
    this.#updatedAt = fx.stamp()
  }

  /** How its sound came and went: shown once its leg is closed. */
  sounded(quality: LegQuality): void {
    this.#quality = quality
  }

  /** The first reason counts. */
  because(reason: HangupReason): void {
    if (this.#reason === '') this.#reason = reason
  }

  /** What the far end gave as its reason (RFC 3326): shown as it stood, the contract's words stay ours. */
  signalled(reason: string | undefined): void {
    if (reason !== undefined) this.#signalled = reason.slice(0, MAX_REASON)
  }

  delete(fx: Effects): void {
    this.#deletedAt ??= fx.stamp()
  }

  doc(now: Shown): JsonObject {
    const { birth } = this
    const time = (at: Micros | null): string | null => (at === null ? null : timestamp(at))
    return {
      id: birth.callId,
      customer_id: birth.customerId,
      owner_type: '',
      owner_id: NIL_UUID,
      flow_id: birth.plan?.flowId ?? NIL_UUID,
      activeflow_id: this.#facts.activeflowId,
      type: 'flow',
      master_call_id: birth.masterCallId ?? NIL_UUID,
      chained_call_ids: [...now.chained],
      recording_id: NIL_UUID,
      recording_ids: [],
      groupcall_id: birth.groupcallId,
      source: { ...birth.source },
      destination: { ...birth.destination },
      status: this.#status,
      action: now.action ?? NO_ACTION,
      direction: birth.direction,
      mute_direction: this.#muted,
      hangup_by: this.#hangupBy,
      hangup_reason: this.#status === 'hangup' ? this.#reason : '',
      metadata: {
        sip_call_id: birth.sipCallId,
        ...(birth.callerId === undefined ? {} : { caller_id: birth.callerId }),
        ...(now.bridgedWith === null ? {} : { bridged_call_id: now.bridgedWith }),
        ...(now.isOnHold ? { on_hold: true } : {}),
        ...(this.#signalled === '' ? {} : { sip_reason: this.#signalled }),
        ...(this.#quality === null ? {} : { media: shownQuality(this.#quality) }),
        ...birth.metadata,
      },
      tm_ringing: time(this.#ringingAt),
      tm_progressing: time(this.#progressingAt),
      tm_hangup: time(this.#hangupAt),
      tm_create: timestamp(this.#createdAt),
      tm_update: timestamp(this.#updatedAt),
      tm_delete: time(this.#deletedAt),
    }
  }

  /** @param hidden what the wire never shows */
  save(fx: Effects, now: Shown, hidden: JsonObject): void {
    const { birth } = this
    const keys = {
      status: this.#status,
      groupcall_id: birth.groupcallId,
      node_id: birth.nodeId,
      boot_id: birth.bootId,
      source: birth.source.target,
      destination: birth.destination.target,
      master_call_id: birth.masterCallId ?? null,
    }
    fx.row('calls', {
      id: birth.callId,
      tmCreate: this.#createdAt,
      tmDelete: this.#deletedAt,
      keys,
      doc: this.doc(now),
      hidden,
    })
  }
}

/** Variables that every call's flow has (contract §9.4). */
export function callVariables(birth: Birth, facts: CallFacts): Record<string, string> {
  const variables: Record<string, string> = {
    'voipbin.activeflow.id': facts.activeflowId,
    'voipbin.activeflow.flow_id': birth.plan?.flowId ?? NIL_UUID,
    'voipbin.activeflow.reference_type': 'call',
    'voipbin.activeflow.reference_id': birth.callId,
    'voipbin.call.id': birth.callId,
    'voipbin.call.direction': birth.direction,
    'voipbin.call.master_call_id': birth.masterCallId ?? NIL_UUID,
    'voipbin.call.digits': '',
  }
  for (const [end, address] of [
    ['source', birth.source],
    ['destination', birth.destination],
  ] as const) {
    for (const [name, value] of Object.entries(address)) variables[`voipbin.call.${end}.${name}`] = value
  }
  return variables
}

/** `metadata.media` of a call that is over: shares in percent, times in ms. `far` is what the other end reported of us. */
function shownQuality({
  codec,
  expected,
  lost,
  jitterMs,
  jitterMaxMs,
  roundTripMs,
  far,
  mos,
  farMos,
  ice,
}: LegQuality): JsonObject {
  const round = (value: number): number => Math.round(value * 100) / 100
  return {
    codec,
    packets_expected: expected,
    packets_lost: lost,
    loss_percent: expected === 0 ? 0 : round((100 * lost) / expected),
    jitter_ms: round(jitterMs),
    jitter_max_ms: round(jitterMaxMs),
    round_trip_ms: roundTripMs === null ? null : round(roundTripMs),
    mos: expected === 0 ? null : round(mos),
    far: far && {
      packets_lost: far.lost,
      loss_percent: round(100 * far.lostShare),
      jitter_ms: round(far.jitterMs),
      mos: farMos === null ? null : round(farMos),
    },
    ...(ice && { ice: { checks: ice.checks, refused: ice.refused, quiet_ms: ice.quietMs && Math.round(ice.quietMs) } }),
  }
}
