/** Commands to a live call: which part of it each is for, and when it may be. */

import { NIL_UUID, timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Acts } from './acts.ts'
import type { Legs } from './bridge.ts'
import type { CallCommand } from './commands.ts'
import type { Effects } from './effects.ts'
import type { CallHost } from './flow-host.ts'
import type { Inside } from './inside.ts'

type Transfer = CallCommand & { kind: 'transfer' }

export class CallCommands {
  readonly #inside: Inside
  readonly #host: CallHost
  readonly #acts: Acts
  /** Answered when the call is over. */
  #deleting: number[] = []

  constructor(inside: Inside, host: CallHost, acts: Acts) {
    this.#inside = inside
    this.#host = host
    this.#acts = acts
  }

  take(fx: Effects, reply: number, command: CallCommand): void {
    const { record, speakings } = this.#inside
    switch (command.kind) {
      case 'hangup':
        if (record.status === 'hangup') return fx.refuse(reply, 'CALL_ALREADY_HANGUP')
        this.#inside.hangUp(fx, 'normal', command.elsewhere)
        return this.#reply(fx, reply)
      case 'delete':
        if (record.status === 'hangup') return this.#delete(fx, reply)
        this.#deleting.push(reply)
        return this.#inside.hangUp(fx, 'normal')
      case 'turns':
        return fx.reply(reply, { ok: true, doc: this.#inside.turns.doc() })
      case 'startTranscribe':
        return this.#startTranscribe(fx, reply, command)
      case 'setPhrases':
      case 'stopTranscribe':
      case 'deleteTranscribe':
        return this.#transcribe(fx, reply, command)
      case 'createSpeaking':
        if (record.status !== 'progressing') return fx.refuse(reply, 'CALL_STATE_INVALID')
        return speakings.create(fx, reply, command)
      case 'say':
      case 'flush':
      case 'stopSpeaking':
      case 'deleteSpeaking':
        return speakings.use(fx, reply, command)
      case 'act':
        return this.#acts.command(fx, reply, command.action)
      case 'hold':
      case 'mute':
      case 'moh':
      case 'silence':
        return this.#sound(fx, reply, command)
      case 'transfer':
        return command.byPhone === true ? this.#transferByPhone(fx, reply, command) : this.#transfer(fx, reply, command)
      case 'joinPeers':
        return this.#joinPeers(fx, reply, command.callId)
      case 'stopFlow':
        return this.#stopFlow(fx, reply, command.thenDelete === true)
      case 'continueFlow':
        return this.#continueFlow(fx, reply)
      default:
        command satisfies never
    }
  }

  /** The call is over: who asked for its record to be deleted is answered. */
  gone(fx: Effects): void {
    for (const reply of this.#deleting.splice(0)) this.#delete(fx, reply)
  }

  #reply(fx: Effects, reply: number): void {
    fx.reply(reply, { ok: true, doc: this.#inside.doc() })
  }

  #startTranscribe(fx: Effects, reply: number, command: CallCommand & { kind: 'startTranscribe' }): void {
    const { ears, record } = this.#inside
    if (record.status !== 'progressing') return fx.refuse(reply, 'CALL_STATE_INVALID')
    const running = ears.running(command.language)
    if (running) {
      const id = { id: running.id }
      return fx.reply(reply, { ok: false, code: 'TRANSCRIBE_ALREADY_PROGRESSING', details: [id], extra: id })
    }
    ears.start(fx, command, command.phrases, reply)
  }

  #transcribe(
    fx: Effects,
    reply: number,
    command: CallCommand & { kind: 'setPhrases' | 'stopTranscribe' | 'deleteTranscribe' },
  ): void {
    const { ears } = this.#inside
    const transcribe = ears.find(command.transcribeId)
    if (!transcribe) return fx.refuse(reply, 'TRANSCRIBE_NOT_FOUND')
    if (command.kind === 'stopTranscribe') return ears.stop(fx, transcribe, reply, 'stop')
    if (command.kind === 'deleteTranscribe') {
      ears.stop(fx, transcribe, null, 'stop')
      transcribe.delete(fx)
    } else ears.setPhrases(fx, command.phrases)
    fx.reply(reply, { ok: true, doc: transcribe.doc() })
  }

  #sound(fx: Effects, reply: number, command: CallCommand & { kind: 'hold' | 'mute' | 'moh' | 'silence' }): void {
    if (this.#inside.record.status !== 'progressing') return fx.refuse(reply, 'CALL_STATE_INVALID')
    if (command.kind === 'mute') this.#host.mute(fx, command.direction)
    else if (command.kind === 'hold') this.#host.hold(fx, command.on)
    else fx.out({ kind: 'background', sound: command.kind === 'moh' && command.on ? 'music' : 'none' })
    this.#reply(fx, reply)
  }

  /** Blind: the other side of the bridge goes to the destinations, and we hang up. Attended: it waits while we ask them. */
  #transfer(fx: Effects, reply: number, command: Transfer): void {
    const { bridge, record } = this.#inside
    if (record.status !== 'progressing') return fx.refuse(reply, 'CALL_STATE_INVALID')
    const { destinations, transferType } = command
    const hadPeer = bridge.peer !== null
    let legs: Legs | null
    if (!hadPeer) legs = bridge.connect(fx, { ...PLAIN, destinations }, 'command')
    else legs = transferType === 'blind' ? bridge.giveAway(fx, destinations) : bridge.consult(fx, destinations)
    if (!legs) return fx.refuse(reply, 'CALL_STATE_INVALID')
    fx.reply(reply, { ok: true, doc: this.#transferDoc(fx, command, legs) })
    if (hadPeer && transferType === 'blind') this.#inside.hangUp(fx, 'normal')
  }

  /** REFER: only who talks to somebody can be rid of him. We stay until he is with another one, or take him back. */
  #transferByPhone(fx: Effects, reply: number, command: Transfer): void {
    const { bridge, record } = this.#inside
    const legs = record.status === 'progressing' ? bridge.giveAway(fx, command.destinations, true) : null
    if (!legs) return fx.refuse(reply, 'CALL_STATE_INVALID')
    fx.reply(reply, { ok: true, doc: this.#transferDoc(fx, command, legs) })
  }

  #joinPeers(fx: Effects, reply: number, otherCallId: string): void {
    const { bridge, record, facts } = this.#inside
    const mayBe = record.status === 'progressing' && otherCallId !== facts.callId
    if (!mayBe || !bridge.giveTo(fx, otherCallId)) return fx.refuse(reply, 'CALL_STATE_INVALID')
    this.#reply(fx, reply)
  }

  #transferDoc(fx: Effects, command: Transfer, legs: Legs): JsonObject {
    const { facts } = this.#inside
    const created = timestamp(fx.stamp())
    return {
      id: facts.random.uuid(),
      customer_id: facts.customerId,
      type: command.transferType,
      transferer_call_id: facts.callId,
      transferee_addresses: command.destinations.map((address) => ({ ...address })),
      transferee_call_id: legs.callIds[0] ?? NIL_UUID,
      groupcall_id: legs.groupcallId,
      confbridge_id: NIL_UUID,
      tm_create: created,
      tm_update: created,
      tm_delete: null,
    }
  }

  #stopFlow(fx: Effects, reply: number, thenDelete: boolean): void {
    const flow = this.#inside.flow()
    if (!flow) return fx.refuse(reply, 'ACTIVEFLOW_NOT_FOUND')
    if (thenDelete) flow.delete(fx)
    else flow.stop(fx)
    fx.reply(reply, { ok: true, doc: flow.doc() })
  }

  #continueFlow(fx: Effects, reply: number): void {
    const flow = this.#inside.flow()
    if (!flow) return fx.refuse(reply, 'ACTIVEFLOW_NOT_FOUND')
    if (!flow.isBlocked) return fx.refuse(reply, 'STATE_INVALID')
    this.#inside.tellFlow(fx, { kind: 'continue' })
    fx.reply(reply, { ok: true, doc: flow.doc() })
  }

  #delete(fx: Effects, reply: number): void {
    const { record, doc, save } = this.#inside
    record.delete(fx)
    save(fx)
    fx.event('call_deleted', doc())
    fx.reply(reply, { ok: true, doc: doc() })
  }
}

const PLAIN = { source: null, earlyMedia: false, relayReason: false, anonymous: false } as const
