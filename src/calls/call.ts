/**
 * One call: who, where, status, and the list of what is attached to it (its flow, ears, mouth, speaking sessions). Each
 * of those is its own machine in its own file; the call passes inputs on and tells them when it is gone.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import { NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { step } from '../kernel/machine.ts'
import { SeededRandom } from '../kernel/random.ts'
import { LANE_FLOW } from '../media/protocol.ts'
import { CallRecord, callVariables } from './call-record.ts'
import { type Action, CALL, type Input, type Status } from './call-table.ts'
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
import { Speakings } from './speakings.ts'
import { Turns } from './turns.ts'

/** After hang-up everything attached must be done by then, or is given up. */
const WRAP_UP_MS = 4_000

export interface CallSettings {
  readonly rateHz: number
  readonly voiceFor: (wish: VoiceWish) => string
}

export class Call {
  readonly #settings: CallSettings
  readonly #tally: Tally = { seq: 0, bornAt: 0 }
  #record!: CallRecord
  #facts!: CallFacts
  #turns!: Turns
  #ears!: Ears
  #mouth!: Mouth
  #flow: FlowRun | null = null
  #speakings!: Speakings
  /** Our 200 is out. */
  #isAnswering = false
  #hangsUpOnceConfirmed = false
  #legIsGone = false
  #isOver = false
  #deleteReplies: number[] = []

  get #status(): Status {
    return this.#record.status
  }

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
        return this.#speakings.begin(fx, input.speakingId)
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
    this.#facts = {
      callId: birth.callId,
      customerId: birth.customerId,
      activeflowId: birth.plan ? random.uuid() : NIL_UUID,
      nodeId: birth.nodeId,
      bootId: birth.bootId,
      random,
      bornAt: fx.now,
      bornWall: fx.stamp(),
      rateHz: this.#settings.rateHz,
      voiceFor: this.#settings.voiceFor,
    }
    this.#record = new CallRecord(birth, this.#facts)
    this.#turns = new Turns(fx.now)
    this.#ears = new Ears(this.#facts, this.#turns)
    this.#mouth = new Mouth(this.#settings.rateHz)
    this.#speakings = new Speakings(this.#facts, this.#mouth, this.#turns)
    if (birth.plan)
      this.#flow = new FlowRun(this.#facts, this.#flowHost(), birth.plan, callVariables(birth, this.#facts), fx)
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
    this.#record.because(reason)
    this.#step(fx, input)
  }

  #hangUp(fx: Effects, reason: HangupReason): void {
    if (this.#status === 'hangup') return
    const unanswered = this.#status === 'dialing' || this.#status === 'ringing'
    this.#record.because(unanswered && reason === 'normal' ? 'cancel' : reason)
    if (this.#record.birth.direction === 'outgoing' || this.#status !== 'ringing') return this.#step(fx, 'hangUp')
    if (this.#isAnswering) {
      // Our 200 is out and its ACK is not here: BYE may only follow the ACK (RFC 3261 §15).
      this.#hangsUpOnceConfirmed = true
      return
    }
    fx.out({ kind: 'reject', ...REFUSALS[reason] })
    this.#step(fx, 'failed', 'local')
  }

  /** @param endedBy whom a last move is put down to; by default to us when we were already hanging up */
  #step(
    fx: Effects,
    input: Input,
    endedBy: 'remote' | 'local' = this.#status === 'terminating' || this.#status === 'canceling' ? 'local' : 'remote',
  ): void {
    const next = step('call', CALL, this.#status, input)
    this.#record.move(fx, next.to, endedBy)
    for (const action of next.run) this.#run(fx, action)
  }

  #run(fx: Effects, action: Action): void {
    switch (action) {
      case 'tell':
        this.#save(fx)
        fx.event(`call_${this.#status}`, this.doc())
        // Listeners hear of the answer before anything that the flow does with it.
        if (this.#status === 'progressing') this.#answered(fx)
        return
      case 'progress':
        fx.out({ kind: 'timer', name: 'maxDuration', at: fx.now + this.#record.birth.maxDurationMs })
        return
      case 'bye':
        return fx.out({ kind: 'bye', reason: this.#record.reason })
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
    if (this.#record.birth.direction === 'outgoing') this.#flow.begin(fx)
    else this.#flow.input(fx, { kind: 'answered' })
  }

  #gone(fx: Effects): void {
    this.#save(fx)
    fx.event('call_hangup', this.doc())
    fx.out({ kind: 'clearTimer', name: 'maxDuration' })
    fx.out({ kind: 'clearTimer', name: 'flow' })
    fx.out({ kind: 'timer', name: 'wrapUp', at: fx.now + WRAP_UP_MS })
    this.#flow?.end(fx)
    this.#ears.callGone(fx)
    this.#speakings.callGone(fx)
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
        this.#record.because('failed')
        if (this.#record.birth.direction === 'incoming' && this.#status === 'ringing') {
          fx.out({ kind: 'reject', code: 503, phrase: 'No media port' })
        } else if (this.#status === 'progressing') fx.out({ kind: 'bye', reason: 'media failed' })
        this.#voicesSettled(fx, this.#mouth.closed([]))
        return this.#end(fx, 'failed', 'failed')
      case 'voiceStarted': {
        const say = this.#mouth.voiceStarted(news.sayId, news.at)
        this.#turns.firstVoice(news.sayId, news.at)
        return say ? this.#speakings.sounds(fx, say) : undefined
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
      else this.#speakings.settled(fx, end)
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
        if (this.#status !== 'progressing') return fx.refuse(reply, 'CALL_STATE_INVALID')
        return this.#speakings.create(fx, reply, command)
      case 'say':
      case 'flush':
      case 'stopSpeaking':
      case 'deleteSpeaking':
        return this.#speakings.use(fx, reply, command)
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

  #delete(fx: Effects, reply: number): void {
    this.#record.delete(fx)
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
    if (kind === 'speaking' && id) this.#speakings.undo(fx, id)
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
    if (this.#record.birth.groupcallId !== NIL_UUID) {
      fx.out({
        kind: 'tell',
        ref: { kind: 'groupcall', id: this.#record.birth.groupcallId },
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

  doc(): JsonObject {
    return this.#record.doc(this.#flow?.currentAction)
  }

  #save(fx: Effects): void {
    this.#record.save(
      fx,
      this.#flow?.currentAction,
      this.#isOver ? { turns: this.#turns.doc(), seq: this.#tally.seq } : {},
    )
  }
}
