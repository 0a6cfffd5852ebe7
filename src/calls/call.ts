/**
 * One call: who, where, status, and the list of what is attached to it (its flow, ears, mouth, speaking sessions). Each
 * of those is its own machine in its own file; the call passes inputs on and tells them when it is gone.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import { NIL_UUID, timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { step, type Table } from '../kernel/machine.ts'
import { SeededRandom } from '../kernel/random.ts'
import { LANE_FLOW } from '../media/protocol.ts'
import type { CallCommand } from './commands.ts'
import { Ears } from './ears.ts'
import { Effects, type Tally } from './effects.ts'
import type { CallFacts, VoiceWish } from './facts.ts'
import type { FlowHost, FlowInput } from './flow/action.ts'
import { FlowRun } from './flow/run.ts'
import { type HangupReason, REFUSALS, reasonOf } from './hangup.ts'
import { Mouth, type SaySettled } from './mouth.ts'
import { outTranscripts } from './out-transcripts.ts'
import type { Birth, CallInput, CallOutput, SipNews, SoundNews, SpokenNews } from './part.ts'
import { Speaking } from './speaking.ts'
import { Turns } from './turns.ts'

type Status = 'dialing' | 'ringing' | 'progressing' | 'terminating' | 'canceling' | 'hangup'
type Input = 'rang' | 'answered' | 'failed' | 'hangUp' | 'ended'
type Action = 'tell' | 'progress' | 'bye' | 'cancel' | 'gone'

/** Contract §7.2. `failed`: it will never be answered. `ended`: an answered call is over. */
export const CALL: Table<Status, Input, Action> = {
  dialing: {
    rang: { to: 'ringing', run: ['tell'] },
    answered: { to: 'progressing', run: ['progress', 'tell'] },
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: { to: 'canceling', run: ['cancel', 'tell'] },
    ended: { to: 'hangup', run: ['gone'] },
  },
  ringing: {
    rang: 'ignore',
    answered: { to: 'progressing', run: ['progress', 'tell'] },
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: { to: 'canceling', run: ['cancel', 'tell'] },
    ended: { to: 'hangup', run: ['gone'] },
  },
  progressing: {
    rang: 'ignore',
    answered: 'ignore',
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: { to: 'terminating', run: ['bye', 'tell'] },
    ended: { to: 'hangup', run: ['gone'] },
  },
  terminating: {
    rang: 'ignore',
    answered: 'ignore',
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: 'ignore',
    ended: { to: 'hangup', run: ['gone'] },
  },
  canceling: {
    rang: 'ignore',
    // The answer crossed our CANCEL: hang up what was just answered (RFC 3261 §15.1.2).
    answered: { to: 'terminating', run: ['bye', 'tell'] },
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: 'ignore',
    ended: { to: 'hangup', run: ['gone'] },
  },
  hangup: { rang: 'ignore', answered: 'ignore', failed: 'ignore', hangUp: 'ignore', ended: 'ignore' },
}

/** After hang-up everything attached must be done by then, or is given up. */
const WRAP_UP_MS = 4_000

export interface CallSettings {
  readonly rateHz: number
  readonly voiceFor: (wish: VoiceWish) => string
}

export class Call {
  readonly #settings: CallSettings
  readonly #tally: Tally = { seq: 0, bornAt: 0 }
  #birth!: Birth
  #facts!: CallFacts
  #turns!: Turns
  #ears!: Ears
  #mouth!: Mouth
  #flow: FlowRun | null = null
  #speakings: Speaking[] = []
  #status: Status = 'dialing'
  /** Our 200 is out. */
  #isAnswering = false
  #hangsUpOnceConfirmed = false
  #legIsGone = false
  #isOver = false
  #reason: HangupReason | '' = ''
  #hangupBy: '' | 'remote' | 'local' = ''
  #createdAt: Micros = 0
  #updatedAt: Micros = 0
  #ringingAt: Micros | null = null
  #progressingAt: Micros | null = null
  #hangupAt: Micros | null = null
  #deletedAt: Micros | null = null
  #deleteReplies: number[] = []

  constructor(settings: CallSettings) {
    this.#settings = settings
  }

  handle(input: CallInput, now: Millis, wall: Micros): CallOutput[] {
    if (input.kind === 'born') this.#tally.bornAt = now
    const fx = new Effects(now, wall, this.#tally)
    if (!this.#isOver) this.#take(fx, input)
    return fx.outputs
  }

  #take(fx: Effects, input: CallInput): void {
    switch (input.kind) {
      case 'born':
        return this.#born(fx, input)
      case 'sip':
        return this.#signalled(fx, input.news)
      case 'sound':
        return this.#sounded(fx, input.news)
      case 'listen':
        this.#ears.news(fx, input.news)
        return this.#closeWhenQuiet(fx)
      case 'talk':
        return this.#spoken(fx, input.news)
      case 'command':
        return this.#command(fx, input.reply, input.command)
      case 'timer':
        return this.#timer(fx, input.name)
      case 'begin':
        return this.#speakings.find((one) => one.id === input.speakingId)?.begin(fx)
      case 'stored':
        return this.#turns.stored(input.mark, input.at, input.sentAt)
      case 'notStored':
        return this.#undo(fx, input.created)
      case 'threadLost':
        return this.#threadLost(fx, input.thread)
      default:
        input satisfies never
    }
  }

  // ---------------------------------------------------------------- birth and signalling

  #born(fx: Effects, birth: Birth): void {
    const random = new SeededRandom(birth.seed)
    this.#birth = birth
    this.#createdAt = fx.stamp()
    this.#updatedAt = this.#createdAt
    this.#facts = {
      callId: birth.callId,
      customerId: birth.customerId,
      activeflowId: birth.plan ? random.uuid() : NIL_UUID,
      nodeId: birth.nodeId,
      bootId: birth.bootId,
      random,
      bornAt: fx.now,
      bornWall: this.#createdAt,
      rateHz: this.#settings.rateHz,
      voiceFor: this.#settings.voiceFor,
    }
    this.#turns = new Turns(fx.now)
    this.#ears = new Ears(this.#facts, this.#turns)
    this.#mouth = new Mouth(this.#settings.rateHz)
    if (birth.plan)
      this.#flow = new FlowRun(this.#facts, this.#flowHost(), birth.plan, callVariables(birth, this.#facts), fx)
    if (birth.direction === 'incoming') {
      this.#status = 'ringing'
      this.#ringingAt = this.#createdAt
    }
    fx.out({ kind: 'openLeg' })
    this.#save(fx)
    fx.event('call_created', this.doc())
    fx.event(this.#status === 'ringing' ? 'call_ringing' : 'call_dialing', this.doc())
  }

  #signalled(fx: Effects, news: SipNews): void {
    switch (news.kind) {
      case 'progress':
        return this.#step(fx, 'rang')
      case 'answered':
      case 'confirmed':
        return this.#step(fx, 'answered')
      case 'failed':
        return this.#end(fx, 'failed', reasonOf(this.#status, news))
      case 'cancelled':
        return this.#end(fx, 'failed', 'cancel')
      case 'ended':
        return this.#end(fx, 'ended', news.cause === 'timeout' || news.cause === 'transport' ? 'failed' : 'normal')
      default:
        news satisfies never
    }
  }

  #end(fx: Effects, input: 'failed' | 'ended', reason: HangupReason): void {
    if (this.#status === 'hangup') return
    if (this.#reason === '') this.#reason = reason
    this.#hangupBy = this.#status === 'terminating' || this.#status === 'canceling' ? 'local' : 'remote'
    this.#step(fx, input)
  }

  #hangUp(fx: Effects, reason: HangupReason): void {
    if (this.#status === 'hangup') return
    const unanswered = this.#status === 'dialing' || this.#status === 'ringing'
    if (this.#reason === '') this.#reason = unanswered && reason === 'normal' ? 'cancel' : reason
    if (this.#birth.direction === 'outgoing' || this.#status !== 'ringing') return this.#step(fx, 'hangUp')
    if (this.#isAnswering) {
      // Our 200 is out and its ACK is not here: BYE may only follow the ACK (RFC 3261 §15).
      this.#hangsUpOnceConfirmed = true
      return
    }
    fx.out({ kind: 'reject', ...REFUSALS[reason] })
    this.#hangupBy = 'local'
    this.#step(fx, 'failed')
  }

  #step(fx: Effects, input: Input): void {
    const next = step('call', CALL, this.#status, input)
    this.#status = next.to
    for (const action of next.run) this.#run(fx, action)
  }

  #run(fx: Effects, action: Action): void {
    switch (action) {
      case 'tell':
        this.#updatedAt = fx.stamp()
        if (this.#status === 'ringing') this.#ringingAt = this.#updatedAt
        this.#save(fx)
        fx.event(`call_${this.#status}`, this.doc())
        // Listeners hear of the answer before anything that the flow does with it.
        if (this.#status === 'progressing') this.#answered(fx)
        return
      case 'progress':
        this.#progressingAt = fx.stamp()
        fx.out({ kind: 'timer', name: 'maxDuration', at: fx.now + this.#birth.maxDurationMs })
        return
      case 'bye':
        return fx.out({ kind: 'bye', reason: this.#reason })
      case 'cancel':
        return fx.out({ kind: 'cancelInvite' })
      case 'gone':
        return this.#gone(fx)
      default:
        action satisfies never
    }
  }

  #answered(fx: Effects): void {
    if (this.#hangsUpOnceConfirmed) return this.#step(fx, 'hangUp')
    if (!this.#flow) return
    if (this.#birth.direction === 'outgoing') this.#flow.begin(fx)
    else this.#flow.input(fx, { kind: 'answered' })
  }

  #gone(fx: Effects): void {
    this.#hangupAt = fx.stamp()
    this.#updatedAt = this.#hangupAt
    this.#save(fx)
    fx.event('call_hangup', this.doc())
    fx.out({ kind: 'clearTimer', name: 'maxDuration' })
    fx.out({ kind: 'clearTimer', name: 'flow' })
    fx.out({ kind: 'timer', name: 'wrapUp', at: fx.now + WRAP_UP_MS })
    this.#flow?.end(fx)
    this.#ears.callGone(fx)
    for (const speaking of this.#speakings) speaking.callGone(fx)
    fx.out({ kind: 'closeLeg' })
    for (const reply of this.#deleteReplies) this.#delete(fx, reply)
    this.#deleteReplies = []
    this.#closeWhenQuiet(fx)
  }

  // ---------------------------------------------------------------- sound

  #sounded(fx: Effects, news: SoundNews): void {
    switch (news.kind) {
      case 'legOpened':
        return this.#legOpened(fx)
      case 'legFailed':
        this.#legIsGone = true
        this.#reason ||= 'failed'
        if (this.#birth.direction === 'incoming' && this.#status === 'ringing') {
          fx.out({ kind: 'reject', code: 503, phrase: 'No media port' })
        } else if (this.#status === 'progressing') fx.out({ kind: 'bye', reason: 'media failed' })
        this.#voicesSettled(fx, this.#mouth.closed([]))
        return this.#end(fx, 'failed', 'failed')
      case 'voiceStarted': {
        const say = this.#mouth.voiceStarted(news.sayId, news.at)
        this.#turns.firstVoice(news.sayId, news.at)
        return this.#speakings.find((one) => one.id === say?.owner.id)?.sounds(fx, say!)
      }
      case 'played':
        return this.#voicesSettled(fx, this.#mouth.played(news.say))
      case 'flushed':
        this.#turns.flushed(news.at, news.lastVoicedAt)
        return this.#voicesSettled(fx, this.#mouth.flushed(news.lane, news.epoch, news.cut))
      case 'dtmf':
        return fx.event('dtmf_received', {
          id: this.#facts.random.uuid(),
          customer_id: this.#facts.customerId,
          call_id: this.#facts.callId,
          digit: news.digit,
          duration: Math.round(news.durationMs),
          tm_create: fx.time(),
        })
      case 'legClosed':
        this.#legIsGone = true
        this.#voicesSettled(fx, this.#mouth.closed(news.cut))
        return this.#closeWhenQuiet(fx)
      case 'rtpStarted':
      case 'gate':
      case 'digitsSent':
      case 'ready':
      case 'pace':
        return
      default:
        news satisfies never
    }
  }

  #legOpened(fx: Effects): void {
    if (this.#status === 'dialing') return fx.out({ kind: 'invite' })
    if (this.#status !== 'ringing') return
    fx.out({ kind: 'ring' })
    if (this.#flow) this.#flow.begin(fx)
    else this.#hangUp(fx, 'failed')
  }

  #spoken(fx: Effects, news: SpokenNews): void {
    if (news.kind === 'rendered') {
      this.#turns.firstPcm(news.sayId, news.at)
      this.#voicesSettled(fx, this.#mouth.rendered(news))
    } else if (news.kind === 'utterFailed') {
      this.#voicesSettled(fx, this.#mouth.failed(news.sayId, news.why))
    }
  }

  #voicesSettled(fx: Effects, ends: readonly SaySettled[]): void {
    for (const end of ends) {
      for (const part of outTranscripts(end, this.#settings.rateHz)) this.#ears.spoken(fx, part.message, part.at)
      if (end.say.owner.kind === 'flow') this.#tellFlow(fx, { kind: 'said', end })
      else this.#speakings.find((one) => one.id === end.say.owner.id)?.settled(fx, end)
    }
  }

  #tellFlow(fx: Effects, input: FlowInput): void {
    this.#flow?.input(fx, input)
  }

  // ---------------------------------------------------------------- commands

  #command(fx: Effects, reply: number, command: CallCommand): void {
    switch (command.kind) {
      case 'hangup':
        if (this.#status === 'hangup') return fx.refuse(reply, 'CALL_ALREADY_HANGUP')
        this.#hangUp(fx, 'normal')
        return fx.reply(reply, { ok: true, doc: this.doc() })
      case 'delete':
        if (this.#status === 'hangup') return this.#delete(fx, reply)
        this.#deleteReplies.push(reply)
        return this.#hangUp(fx, 'normal')
      case 'turns':
        return fx.reply(reply, { ok: true, doc: this.#turns.doc() })
      case 'startTranscribe':
        return this.#startTranscribe(fx, reply, command)
      case 'setPhrases':
      case 'stopTranscribe':
      case 'deleteTranscribe':
        return this.#transcribeCommand(fx, reply, command)
      case 'createSpeaking':
        return this.#createSpeaking(fx, reply, command)
      case 'say':
      case 'flush':
      case 'stopSpeaking':
      case 'deleteSpeaking':
        return this.#speakingCommand(fx, reply, command)
      default:
        command satisfies never
    }
  }

  #startTranscribe(fx: Effects, reply: number, command: CallCommand & { kind: 'startTranscribe' }): void {
    if (this.#status !== 'progressing') return fx.refuse(reply, 'CALL_STATE_INVALID')
    const running = this.#ears.running(command.language)
    if (running) {
      const id = { id: running.id }
      return fx.reply(reply, { ok: false, code: 'TRANSCRIBE_ALREADY_PROGRESSING', details: [id], extra: id })
    }
    this.#ears.start(fx, command, command.phrases, reply)
  }

  #transcribeCommand(
    fx: Effects,
    reply: number,
    command: CallCommand & { kind: 'setPhrases' | 'stopTranscribe' | 'deleteTranscribe' },
  ): void {
    const transcribe = this.#ears.find(command.transcribeId)
    if (!transcribe) return fx.refuse(reply, 'TRANSCRIBE_NOT_FOUND')
    if (command.kind === 'stopTranscribe') return this.#ears.stop(fx, transcribe, reply, 'stop')
    if (command.kind === 'deleteTranscribe') {
      this.#ears.stop(fx, transcribe, null, 'stop')
      transcribe.delete(fx)
    } else this.#ears.setPhrases(fx, command.phrases)
    fx.reply(reply, { ok: true, doc: transcribe.doc() })
  }

  #createSpeaking(fx: Effects, reply: number, command: CallCommand & { kind: 'createSpeaking' }): void {
    if (this.#status !== 'progressing') return fx.refuse(reply, 'CALL_STATE_INVALID')
    const other = this.#speakings.find((one) => !one.isOver)
    if (other?.state === 'active') return fx.refuse(reply, 'SPEAKING_ALREADY_ACTIVE')
    other?.stop(fx, null)
    const speaking = new Speaking(this.#facts, this.#mouth, command, fx)
    this.#speakings.push(speaking)
    speaking.open(fx, reply)
  }

  #speakingCommand(
    fx: Effects,
    reply: number,
    command: CallCommand & { kind: 'say' | 'flush' | 'stopSpeaking' | 'deleteSpeaking' },
  ): void {
    const speaking = this.#speakings.find((one) => one.id === command.speakingId)
    if (!speaking) return fx.refuse(reply, 'SPEAKING_NOT_FOUND')
    switch (command.kind) {
      case 'say': {
        const before = fx.outputs.length
        speaking.say(fx, reply, command.text)
        const utter = fx.outputs.slice(before).find((output) => output.kind === 'utter')
        if (utter?.kind === 'utter') this.#turns.said({ sayId: utter.sayId, askedAt: fx.now })
        return
      }
      case 'flush':
        this.#turns.flushAsked(fx.now)
        return speaking.flush(fx, reply)
      case 'stopSpeaking':
        return speaking.stop(fx, reply)
      case 'deleteSpeaking':
        return speaking.delete(fx, reply)
      default:
        command satisfies never
    }
  }

  #delete(fx: Effects, reply: number): void {
    this.#deletedAt ??= fx.stamp()
    this.#save(fx)
    fx.event('call_deleted', this.doc())
    fx.reply(reply, { ok: true, doc: this.doc() })
  }

  // ---------------------------------------------------------------- time, faults and the end

  #timer(fx: Effects, name: string): void {
    if (name === 'maxDuration') return this.#hangUp(fx, 'timeout')
    if (name === 'flow') return this.#tellFlow(fx, { kind: 'timer' })
    if (name !== 'wrapUp') return
    this.#ears.abandon(fx)
    this.#voicesSettled(fx, this.#mouth.closed([]))
    this.#legIsGone = true
    this.#closeWhenQuiet(fx)
  }

  /** A new session whose record could not be stored was never given out: it goes as if it had not been. */
  #undo(fx: Effects, created: string | null): void {
    const [kind, id] = created?.split(':') ?? []
    if (kind === 'speaking') this.#speakings.find((one) => one.id === id)?.stop(fx, null)
    const transcribe = kind === 'transcribe' && id ? this.#ears.find(id) : undefined
    if (transcribe) this.#ears.stop(fx, transcribe, null, 'stop')
  }

  #threadLost(fx: Effects, thread: 'media' | 'listen' | 'talk'): void {
    if (thread === 'listen') {
      this.#ears.abandon(fx)
      return
    }
    if (thread === 'talk') return this.#voicesSettled(fx, this.#mouth.engineLost(fx))
    this.#voicesSettled(fx, this.#mouth.closed([]))
    this.#legIsGone = true
    this.#hangUp(fx, 'failed')
  }

  #closeWhenQuiet(fx: Effects): void {
    if (this.#status !== 'hangup' || !this.#legIsGone || !this.#ears.isQuiet || this.#mouth.isBusy || this.#isOver)
      return
    this.#isOver = true
    fx.out({ kind: 'clearTimer', name: 'wrapUp' })
    this.#save(fx)
    if (this.#birth.groupcallId !== NIL_UUID) {
      fx.out({
        kind: 'tell',
        ref: { kind: 'groupcall', id: this.#birth.groupcallId },
        input: { kind: 'callOver', callId: this.#facts.callId },
      })
    }
    fx.out({ kind: 'over' })
  }

  // ---------------------------------------------------------------- what the flow may ask

  #flowHost(): FlowHost {
    return {
      answer: (fx) => {
        if (this.#status === 'progressing') return true
        if (this.#status === 'ringing' && !this.#isAnswering) {
          this.#isAnswering = true
          fx.out({ kind: 'accept' })
        }
        return false
      },
      speak: (fx, words, wish) => {
        this.#mouth.say(fx, {
          lane: LANE_FLOW,
          owner: { kind: 'flow', id: this.#facts.activeflowId },
          uuid: this.#facts.random.uuid(),
          text: words,
          voice: this.#facts.voiceFor(wish),
        })
      },
      startTranscribe: (fx, wish) => {
        if (!this.#ears.running(wish.language)) this.#ears.start(fx, wish, null, null)
      },
      wake: (fx, at) => fx.out({ kind: 'timer', name: 'flow', at }),
      hangUp: (fx) => this.#hangUp(fx, 'normal'),
    }
  }

  // ---------------------------------------------------------------- the record

  doc(): JsonObject {
    const birth = this.#birth
    const time = (at: Micros | null): string | null => (at === null ? null : timestamp(at))
    return {
      id: birth.callId,
      customer_id: birth.customerId,
      owner_type: '',
      owner_id: NIL_UUID,
      flow_id: birth.plan?.flowId ?? NIL_UUID,
      activeflow_id: this.#facts.activeflowId,
      type: 'flow',
      master_call_id: NIL_UUID,
      chained_call_ids: [],
      recording_id: NIL_UUID,
      recording_ids: [],
      groupcall_id: birth.groupcallId,
      source: { ...birth.source },
      destination: { ...birth.destination },
      status: this.#status,
      action: this.#flow?.currentAction ?? { id: NIL_UUID, next_id: NIL_UUID, type: '', option: {}, tm_execute: null },
      direction: birth.direction,
      mute_direction: '',
      hangup_by: this.#hangupBy,
      hangup_reason: this.#status === 'hangup' ? this.#reason : '',
      metadata: { sip_call_id: birth.sipCallId },
      tm_ringing: time(this.#ringingAt),
      tm_progressing: time(this.#progressingAt),
      tm_hangup: time(this.#hangupAt),
      tm_create: timestamp(this.#createdAt),
      tm_update: timestamp(this.#updatedAt),
      tm_delete: time(this.#deletedAt),
    }
  }

  #save(fx: Effects): void {
    fx.row('calls', {
      id: this.#birth.callId,
      tmCreate: this.#createdAt,
      tmDelete: this.#deletedAt,
      keys: {
        status: this.#status,
        groupcall_id: this.#birth.groupcallId,
        node_id: this.#facts.nodeId,
        boot_id: this.#facts.bootId,
      },
      doc: this.doc(),
      hidden: this.#isOver ? { turns: this.#turns.doc(), seq: this.#tally.seq } : {},
    })
  }
}

/** Variables that every call's flow has (contract §9.4). */
function callVariables(birth: Birth, facts: CallFacts): Record<string, string> {
  const variables: Record<string, string> = {
    'voipbin.activeflow.id': facts.activeflowId,
    'voipbin.activeflow.flow_id': birth.plan?.flowId ?? NIL_UUID,
    'voipbin.activeflow.reference_type': 'call',
    'voipbin.activeflow.reference_id': birth.callId,
    'voipbin.call.id': birth.callId,
    'voipbin.call.direction': birth.direction,
    'voipbin.call.master_call_id': NIL_UUID,
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
