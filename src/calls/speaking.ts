/**
 * One speaking session (contract §11): say, flush, stop. What its sentences became for the caller's ear is told by
 * `speaking_say_finished` and `speaking_say_interrupted` (ours).
 */

import type { Micros } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { step, type Table } from '../kernel/machine.ts'
import { LANE_SAY } from '../media/protocol.ts'
import type { Effects } from './effects.ts'
import type { CallFacts } from './facts.ts'
import type { CutBy, Say, SaySettled } from './mouth.ts'
import type { Voice } from './voice.ts'

type State = 'initiating' | 'active' | 'stopped'
type Input = 'ready' | 'say' | 'flush' | 'stop' | 'callGone'
type Action = 'queue' | 'utter' | 'utterQueued' | 'flush' | 'tellStarted' | 'tellStopped' | 'dropQueued' | 'refuse'

export const SPEAKING: Table<State, Input, Action> = {
  initiating: {
    ready: { to: 'active', run: ['tellStarted', 'utterQueued'] },
    say: { to: 'initiating', run: ['queue'] },
    flush: { to: 'initiating', run: ['dropQueued'] },
    stop: { to: 'stopped', run: ['dropQueued', 'tellStopped'] },
    callGone: { to: 'stopped', run: ['dropQueued', 'tellStopped'] },
  },
  active: {
    ready: 'ignore',
    say: { to: 'active', run: ['utter'] },
    flush: { to: 'active', run: ['flush'] },
    stop: { to: 'stopped', run: ['flush', 'tellStopped'] },
    callGone: { to: 'stopped', run: ['tellStopped'] },
  },
  stopped: {
    ready: 'ignore',
    say: { to: 'stopped', run: ['refuse'] },
    flush: { to: 'stopped', run: ['refuse'] },
    stop: 'ignore',
    callGone: 'ignore',
  },
}

export interface SpeakingWish {
  readonly language: string
  readonly provider: string
  readonly voiceId: string
  readonly direction: string
}

export class Speaking {
  readonly id: string
  readonly #facts: CallFacts
  readonly #voice: Voice
  readonly #wish: SpeakingWish
  readonly #createdAt: Micros
  #updatedAt: Micros
  #deletedAt: Micros | null = null
  #state: State = 'initiating'
  /** Says that came before the engine was ready, with their answers. */
  #queued: { readonly text: string; readonly reply: number }[] = []
  /** Says asked and not settled yet: `speaking_stopped` comes after their outcomes. */
  #open = 0
  #stoppedToldYet = false

  constructor(facts: CallFacts, voice: Voice, wish: SpeakingWish, fx: Effects) {
    this.#facts = facts
    this.#voice = voice
    this.#wish = wish
    this.id = facts.random.uuid()
    this.#createdAt = fx.stamp()
    this.#updatedAt = this.#createdAt
  }

  get isOver(): boolean {
    return this.#state === 'stopped'
  }

  get state(): State {
    return this.#state
  }

  /** Stores the record; the session begins when that is answered. */
  open(fx: Effects, reply: number): void {
    this.#save(fx)
    fx.reply(reply, { ok: true, doc: this.doc() }, `speaking:${this.id}`)
    fx.out({ kind: 'afterStored', input: { kind: 'begin', speakingId: this.id } })
  }

  begin(fx: Effects): void {
    this.#step(fx, 'ready', 'stop')
  }

  say(fx: Effects, reply: number, text: string): void {
    const wasInitiating = this.#state === 'initiating'
    for (const action of step('speaking', SPEAKING, this.#state, 'say').run) {
      if (action === 'refuse') return fx.refuse(reply, 'SPEAKING_STATE_INVALID')
      if (action === 'queue') this.#queued.push({ text, reply })
      if (action === 'utter') this.#utter(fx, text)
    }
    if (!wasInitiating) fx.reply(reply, { ok: true, doc: this.doc() })
  }

  flush(fx: Effects, reply: number): void {
    if (this.#step(fx, 'flush', 'flush')) fx.reply(reply, { ok: true, doc: this.doc() })
    else fx.refuse(reply, 'SPEAKING_STATE_INVALID')
  }

  /** Ends the session and silences it. Never an error, also when it is over. */
  stop(fx: Effects, reply: number | null): void {
    this.#step(fx, 'stop', 'stop')
    if (reply !== null) fx.reply(reply, { ok: true, doc: this.doc() })
  }

  delete(fx: Effects, reply: number): void {
    this.#step(fx, 'stop', 'stop')
    this.#deletedAt = fx.stamp()
    this.#save(fx)
    fx.reply(reply, { ok: true, doc: this.doc() })
  }

  callGone(fx: Effects): void {
    this.#step(fx, 'callGone', 'hangup')
  }

  /** The first sound of a say has left. */
  sounds(fx: Effects, say: Say): void {
    fx.event('speaking_say_started', this.#sayDoc(fx, say))
  }

  /** One of this session's says is over. */
  settled(fx: Effects, end: SaySettled): void {
    this.#open--
    const { say } = end
    fx.event(end.complete ? 'speaking_say_finished' : 'speaking_say_interrupted', {
      ...this.#sayDoc(fx, say),
      text_heard: say.text.slice(0, end.heardChars),
      text_unheard: say.text.slice(end.heardChars),
      cut_word: end.cutWord,
      position_ms: end.positionMs,
      cut_by: end.complete ? '' : (say.cutBy ?? (say.failedWhy === null ? '' : 'engine')),
    })
    this.#tellStoppedWhenQuiet(fx)
  }

  #sayDoc(fx: Effects, say: Say): JsonObject {
    return {
      id: say.uuid,
      customer_id: this.#facts.customerId,
      speaking_id: this.id,
      reference_type: 'call',
      reference_id: this.#facts.callId,
      text: say.text,
      tm_create: fx.time(),
    }
  }

  doc(): JsonObject {
    return {
      id: this.id,
      customer_id: this.#facts.customerId,
      reference_type: 'call',
      reference_id: this.#facts.callId,
      language: this.#wish.language,
      provider: this.#wish.provider,
      voice_id: this.#wish.voiceId,
      direction: this.#wish.direction,
      status: this.#state,
      pod_id: '',
      tm_create: timestamp(this.#createdAt),
      tm_update: timestamp(this.#updatedAt),
      tm_delete: this.#deletedAt === null ? null : timestamp(this.#deletedAt),
    }
  }

  /** @returns false when the table refused */
  #step(fx: Effects, input: Input, cutBy: CutBy): boolean {
    const next = step('speaking', SPEAKING, this.#state, input)
    if (next.to !== this.#state) {
      this.#state = next.to
      this.#updatedAt = fx.stamp()
      this.#save(fx)
    }
    for (const action of next.run) {
      switch (action) {
        case 'refuse':
          return false
        case 'tellStarted':
          fx.event('speaking_started', this.doc())
          break
        case 'utterQueued':
          for (const { text, reply } of this.#queued) {
            this.#utter(fx, text)
            fx.reply(reply, { ok: true, doc: this.doc() })
          }
          this.#queued = []
          break
        case 'dropQueued':
          for (const { reply } of this.#queued) fx.reply(reply, { ok: true, doc: this.doc() })
          this.#queued = []
          break
        case 'flush':
          if (this.#open > 0) this.#voice.flush(fx, cutBy)
          break
        case 'tellStopped':
          this.#tellStoppedWhenQuiet(fx)
          break
        case 'queue':
        case 'utter':
          break
        default:
          action satisfies never
      }
    }
    return true
  }

  #utter(fx: Effects, text: string): void {
    this.#open++
    this.#voice.say(fx, this.#wish.direction, {
      lane: LANE_SAY,
      owner: { kind: 'speaking', id: this.id },
      uuid: this.#facts.random.uuid(),
      text,
      voice: this.#facts.voiceFor({
        voiceId: this.#wish.voiceId,
        language: this.#wish.language,
        gender: '',
        voice: '',
      }),
    })
  }

  #tellStoppedWhenQuiet(fx: Effects): void {
    if (this.#state !== 'stopped' || this.#open > 0 || this.#stoppedToldYet) return
    this.#stoppedToldYet = true
    this.#save(fx)
    fx.event('speaking_stopped', this.doc())
  }

  #save(fx: Effects): void {
    fx.row('speakings', {
      id: this.id,
      tmCreate: this.#createdAt,
      tmDelete: this.#deletedAt,
      keys: {
        // Until its end is told, a kill leaves work for the recovery: the key says so, the record shows the truth.
        status: this.#state === 'stopped' && !this.#stoppedToldYet ? 'active' : this.#state,
        reference_type: 'call',
        reference_id: this.#facts.callId,
        node_id: this.#facts.nodeId,
        boot_id: this.#facts.bootId,
      },
      doc: this.doc(),
      hidden: {},
    })
  }
}
