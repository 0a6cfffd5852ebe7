/**
 * One call: who, where, status, and the list of what is attached to it (its flow, ears, mouth, speaking sessions, its
 * bridge to other calls). Each of those is its own machine in its own file; the call passes inputs on and tells them when
 * it is gone.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import { NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { step } from '../kernel/machine.ts'
import { assemble, type CallParts, type CallSettings } from './call-parts.ts'
import type { Shown } from './call-record.ts'
import { type Action, CALL, type Input, type Status } from './call-table.ts'
import { disclose } from './disclosure.ts'
import { Effects, type Tally } from './effects.ts'
import type { FlowInput } from './flow/action.ts'
import type { GroupcallInput } from './groupcall.ts'
import { type HangupReason, REFUSALS, reasonOf } from './hangup.ts'
import { Keys, type Way } from './keys.ts'
import type { Birth, CallInput, CallOutput, SipNews, SoundNews, SpokenNews } from './part.ts'
import { Usage } from './usage.ts'

/** After hang-up everything attached must be done by then, or is given up. */
const WRAP_UP_MS = 4_000

export type { CallSettings }

export class Call {
  readonly #settings: CallSettings
  readonly #tally: Tally = { seq: 0, bornAt: 0 }
  readonly #usage = new Usage()
  readonly #keys = new Keys()
  #parts!: CallParts
  /** Our 200 is out. */
  #isAnswering = false
  #hangsUpOnceConfirmed = false
  /** What we rang for was answered by another one. */
  #isElsewhere = false
  #legIsGone = false
  #isOver = false
  /** What is shown of the call is not what was told last. */
  #isChanged = false
  #toldAction = ''

  get #status(): Status {
    return this.#parts.record.status
  }

  constructor(settings: CallSettings) {
    this.#settings = settings
  }

  handle(input: CallInput, now: Millis, wall: Micros): CallOutput[] {
    if (input.kind === 'born') this.#tally.bornAt = now
    const fx = new Effects(now, wall, this.#tally)
    if (!this.#isOver) {
      this.#take(fx, input)
      this.#settle(fx)
    }
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
        this.#usage.listened(input.news)
        this.#parts.ears.news(fx, input.news)
        return this.#closeWhenQuiet(fx)
      case 'talk':
        return this.#spoken(fx, input.news)
      case 'command':
        return this.#parts.commands.take(fx, input.reply, input.command)
      case 'timer':
        return this.#timer(fx, input.name)
      case 'begin':
        return this.#parts.speakings.begin(fx, input.speakingId)
      case 'stored':
        return this.#parts.turns.stored(input.mark, input.at, input.sentAt)
      case 'notStored':
        return this.#undo(fx, input.created)
      case 'threadLost':
        return this.#threadLost(fx, input.thread)
      case 'errandDone':
        this.#parts.messages.done(fx, input.errand, input.result)
        this.#tellFlow(fx, input)
        return this.#closeWhenQuiet(fx)
      case 'peer':
        return this.#parts.peers.take(fx, input.news)
      default:
        input satisfies never
    }
  }

  /** After each input: what follows from where things stand now. */
  #settle(fx: Effects): void {
    const action = String(this.#parts.flow()?.currentAction['tm_execute'] ?? '')
    if (action !== this.#toldAction) this.#isChanged = true
    this.#toldAction = action
    const peer = this.#status === 'hangup' ? null : this.#parts.bridge.peer
    this.#parts.outcomes.settled(fx, this.#parts.voice.bridged(peer))
    this.#parts.overhearing.sync(fx, peer, this.#parts.hold.isOn)
    const isTold = !this.#isChanged || this.#status === 'hangup'
    this.#isChanged = false
    if (isTold) return
    this.#parts.record.touch(fx)
    this.#save(fx)
    fx.event('call_updated', this.doc())
  }

  // ---------------------------------------------------------------- birth and signalling

  #born(fx: Effects, birth: Birth): void {
    this.#parts = assemble(fx, birth, this.#settings, {
      isRinging: () => this.#status === 'ringing' && birth.direction === 'incoming' && !this.#isAnswering,
      tellFlow: (now, input) => this.#tellFlow(now, input),
      answer: (now) => this.#answer(now),
      hangUp: (now, reason, elsewhere = false) => {
        this.#isElsewhere ||= elsewhere
        this.#hangUp(now, reason)
      },
      changed: () => {
        this.#isChanged = true
      },
      save: (now) => this.#save(now),
      doc: () => this.doc(),
    })
    fx.out({ kind: 'openLeg' })
    this.#save(fx)
    fx.event('call_created', this.doc())
    fx.event(this.#status === 'ringing' ? 'call_ringing' : 'call_dialing', this.doc())
  }

  #signalled(fx: Effects, news: SipNews): void {
    switch (news.kind) {
      case 'progress':
        this.#step(fx, 'rang')
        if (news.early) this.#tellGroup(fx, { kind: 'callEarly', callId: this.#parts.facts.callId })
        return
      case 'answered':
      case 'confirmed':
        return this.#step(fx, 'answered')
      case 'key':
        if (this.#status === 'progressing') this.#keyPressed(fx, 'info', news.digit, news.durationMs)
        return
      case 'failed':
        this.#parts.record.signalled(news.reason)
        return this.#end(fx, 'failed', reasonOf(this.#status, news))
      case 'cancelled':
        this.#parts.record.signalled(news.reason)
        return this.#end(fx, 'failed', 'cancel')
      case 'ended':
        this.#parts.record.signalled(news.reason)
        return this.#end(fx, 'ended', news.cause === 'timeout' || news.cause === 'transport' ? 'failed' : 'normal')
      case 'held':
        if (this.#parts.hold.answered(fx, news.on, news.ok)) this.#isChanged = true
        return
      default:
        news satisfies never
    }
  }

  #end(fx: Effects, input: 'failed' | 'ended', reason: HangupReason): void {
    if (this.#status === 'hangup') return
    this.#parts.record.because(reason)
    this.#step(fx, input)
  }

  /** @returns true when the call is answered already; else that is told later */
  #answer(fx: Effects): boolean {
    if (this.#status === 'progressing') return true
    if (this.#status === 'ringing' && this.#parts.record.birth.direction === 'incoming' && !this.#isAnswering) {
      this.#isAnswering = true
      fx.out({ kind: 'accept' })
    }
    return false
  }

  #hangUp(fx: Effects, reason: HangupReason): void {
    if (this.#status === 'hangup') return
    const unanswered = this.#status === 'dialing' || this.#status === 'ringing'
    this.#parts.record.because(unanswered && reason === 'normal' ? 'cancel' : reason)
    if (this.#parts.record.birth.direction === 'outgoing' || this.#status !== 'ringing') return this.#step(fx, 'hangUp')
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
    this.#parts.record.move(fx, next.to, endedBy)
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
        fx.out({ kind: 'timer', name: 'maxDuration', at: fx.now + this.#parts.record.birth.maxDurationMs })
        return
      case 'bye':
        return fx.out({ kind: 'bye', reason: this.#parts.record.reason })
      case 'cancel':
        return fx.out({ kind: 'cancelInvite', ...(this.#isElsewhere ? { elsewhere: true } : {}) })
      case 'gone':
        return this.#gone(fx)
      default:
        action satisfies never
    }
  }

  #answered(fx: Effects): void {
    this.#usage.answered(fx.now)
    if (this.#hangsUpOnceConfirmed) return this.#step(fx, 'hangUp')
    const { birth } = this.#parts.record
    if (birth.plan?.disclosure) disclose(fx, this.#parts.facts, this.#parts.mouth, birth.plan.disclosure)
    this.#parts.acts.answered(fx)
    this.#parts.bridge.up(fx)
    if (birth.takesOver !== undefined) fx.tellPeer(birth.takesOver, { kind: 'takenOver', callId: birth.callId })
    this.#tellGroup(fx, { kind: 'callAnswered', callId: this.#parts.facts.callId })
    if (birth.direction === 'outgoing') this.#parts.flow()?.begin(fx)
    else this.#tellFlow(fx, { kind: 'answered' })
  }

  #gone(fx: Effects): void {
    this.#usage.ended(fx.now)
    this.#save(fx)
    fx.event('call_hangup', this.doc())
    fx.out({ kind: 'clearTimer', name: 'maxDuration' })
    fx.out({ kind: 'clearTimer', name: 'flow' })
    fx.out({ kind: 'timer', name: 'wrapUp', at: fx.now + WRAP_UP_MS })
    this.#parts.bridge.gone(fx)
    this.#tellGroup(fx, {
      kind: 'callOver',
      callId: this.#parts.facts.callId,
      reason: this.#parts.record.reason || 'normal',
    })
    this.#parts.acts.gone()
    this.#parts.flow()?.end(fx)
    this.#parts.ears.callGone(fx)
    this.#parts.speakings.callGone(fx)
    fx.out({ kind: 'closeLeg' })
    this.#parts.commands.gone(fx)
    this.#closeWhenQuiet(fx)
  }

  #tellGroup(fx: Effects, input: GroupcallInput & { readonly kind: 'callEarly' | 'callAnswered' | 'callOver' }): void {
    const id = this.#parts.record.birth.groupcallId
    if (id !== NIL_UUID) fx.tell({ kind: 'groupcall', id }, input)
  }

  // ---------------------------------------------------------------- sound

  #sounded(fx: Effects, news: SoundNews): void {
    switch (news.kind) {
      case 'legOpened':
        return this.#legOpened(fx)
      case 'legFailed':
        return this.#legFailed(fx)
      case 'voiceStarted': {
        const say = this.#parts.mouth.voiceStarted(news.sayId, news.at)
        this.#parts.turns.firstVoice(news.sayId, news.at)
        return say ? this.#parts.speakings.sounds(fx, say) : undefined
      }
      case 'played':
        return this.#parts.outcomes.settled(fx, this.#parts.mouth.played(news.say))
      case 'flushed':
        this.#parts.turns.flushed(news.at, news.lastVoicedAt)
        return this.#parts.outcomes.settled(fx, this.#parts.mouth.flushed(news.lane, news.epoch, news.cut))
      case 'dtmf':
        return this.#keyPressed(fx, 'sound', news.digit, news.durationMs)
      case 'legClosed':
        this.#legIsGone = true
        if (news.quality) this.#parts.record.sounded(news.quality)
        this.#parts.outcomes.settled(fx, this.#parts.mouth.closed(news.cut))
        return this.#closeWhenQuiet(fx)
      case 'digitsSent':
        return this.#tellFlow(fx, { kind: 'digitsSent' })
      case 'rtpStarted':
      case 'gate':
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
    if (this.#parts.record.birth.takesOver !== undefined) return void this.#answer(fx)
    fx.out({ kind: 'ring' })
    const flow = this.#parts.flow()
    if (flow) flow.begin(fx)
    else this.#hangUp(fx, 'failed')
  }

  #legFailed(fx: Effects): void {
    this.#legIsGone = true
    this.#parts.record.because('failed')
    if (this.#parts.record.birth.direction === 'incoming' && this.#status === 'ringing') {
      fx.out({ kind: 'reject', code: 503, phrase: 'No media port' })
    } else if (this.#status === 'progressing') fx.out({ kind: 'bye', reason: 'media failed' })
    this.#parts.outcomes.settled(fx, this.#parts.mouth.closed([]))
    return this.#end(fx, 'failed', 'failed')
  }

  #keyPressed(fx: Effects, way: Way, digit: string, durationMs: number): void {
    if (!this.#keys.counts(digit, way, fx.now)) return
    fx.event('dtmf_received', {
      id: this.#parts.facts.random.uuid(),
      customer_id: this.#parts.facts.customerId,
      call_id: this.#parts.facts.callId,
      digit,
      duration: Math.round(durationMs),
      tm_create: fx.time(),
    })
    this.#parts.host.keyPressed(digit)
    this.#tellFlow(fx, { kind: 'key', digit })
  }

  #spoken(fx: Effects, news: SpokenNews): void {
    this.#usage.spoke(news)
    if (news.kind === 'rendered') {
      this.#parts.turns.firstPcm(news.sayId, news.at)
      this.#parts.outcomes.settled(fx, this.#parts.mouth.rendered(news))
    } else if (news.kind === 'utterFailed') {
      this.#parts.outcomes.settled(fx, this.#parts.mouth.failed(news.sayId, news.why))
    }
  }

  #tellFlow(fx: Effects, input: FlowInput): void {
    this.#parts.flow()?.input(fx, input)
  }

  // ---------------------------------------------------------------- time, faults and the end

  #timer(fx: Effects, name: string): void {
    if (name === 'maxDuration') return this.#hangUp(fx, 'timeout')
    if (name === 'flow') return this.#tellFlow(fx, { kind: 'timer' })
    if (name !== 'wrapUp') return
    this.#parts.ears.abandon(fx)
    this.#parts.messages.abandon()
    this.#parts.outcomes.settled(fx, this.#parts.mouth.closed([]))
    this.#legIsGone = true
    this.#closeWhenQuiet(fx)
  }

  /** A new session whose record could not be stored was never given out: it goes as if it had not been. */
  #undo(fx: Effects, created: string | null): void {
    const [kind, id] = created?.split(':') ?? []
    if (kind === 'speaking' && id) this.#parts.speakings.undo(fx, id)
    const transcribe = kind === 'transcribe' && id ? this.#parts.ears.find(id) : undefined
    if (transcribe) this.#parts.ears.stop(fx, transcribe, null, 'stop')
  }

  #threadLost(fx: Effects, thread: 'media' | 'listen' | 'talk'): void {
    if (thread === 'listen') {
      this.#parts.ears.abandon(fx)
      return
    }
    if (thread === 'talk') return this.#parts.outcomes.settled(fx, this.#parts.mouth.engineLost(fx))
    this.#parts.outcomes.settled(fx, this.#parts.mouth.closed([]))
    this.#legIsGone = true
    this.#hangUp(fx, 'failed')
  }

  #closeWhenQuiet(fx: Effects): void {
    if (
      this.#status !== 'hangup' ||
      !this.#legIsGone ||
      !this.#parts.ears.isQuiet ||
      this.#parts.mouth.isBusy ||
      this.#parts.messages.isWaiting ||
      this.#isOver
    )
      return
    this.#isOver = true
    fx.out({ kind: 'clearTimer', name: 'wrapUp' })
    this.#save(fx)
    this.#usage.save(fx, this.#parts.record.birth)
    fx.out({ kind: 'over' })
  }

  doc(): JsonObject {
    return this.#parts.record.doc(this.#shown)
  }

  get #shown(): Shown {
    return {
      action: this.#parts.flow()?.currentAction,
      chained: this.#parts.bridge.chained,
      bridgedWith: this.#parts.bridge.peer,
      isOnHold: this.#parts.hold.isOn,
    }
  }

  #save(fx: Effects): void {
    const hidden = this.#isOver ? { turns: this.#parts.turns.doc(), seq: this.#tally.seq } : {}
    this.#parts.record.save(fx, this.#shown, hidden)
  }
}
