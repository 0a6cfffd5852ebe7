/** What a flow, and an action from outside the flow, may ask of a call. */

import type { Millis } from '../kernel/clock.ts'
import { LANE_FLOW } from '../media/protocol.ts'
import type { Effects } from './effects.ts'
import type { Errand } from './errands.ts'
import type { VoiceWish } from './facts.ts'
import type { ConnectWish, FlowHost } from './flow/action.ts'
import type { HangupReason } from './hangup.ts'
import type { Inside } from './inside.ts'
import type { SayOwner } from './mouth.ts'
import type { Dial, RunWish } from './part.ts'
import type { PlaySound } from './ports.ts'
import type { Transcribe, TranscribeWish } from './transcribe.ts'

export class CallHost implements FlowHost {
  readonly hasMedia = true
  readonly #inside: Inside
  readonly #transcribes: Transcribe[] = []
  #latestKey = ''
  #errands = 0

  constructor(inside: Inside) {
    this.#inside = inside
  }

  answer(fx: Effects): boolean {
    return this.#inside.answer(fx)
  }

  speak(fx: Effects, text: string, wish: VoiceWish, owner: SayOwner['kind'] = 'flow'): number {
    const { mouth, facts } = this.#inside
    return mouth.say(fx, { ...this.#sayOf(owner), text, voice: facts.voiceFor(wish) }).sayId
  }

  play(fx: Effects, sound: PlaySound, owner: SayOwner['kind'] = 'flow'): number {
    return this.#inside.mouth.play(fx, this.#sayOf(owner), sound).sayId
  }

  flush(fx: Effects): void {
    this.#inside.mouth.flush(fx, LANE_FLOW, 'flush')
  }

  startTranscribe(fx: Effects, wish: TranscribeWish, phrases: readonly string[] | null = null): void {
    const { ears } = this.#inside
    if (!ears.running(wish.language)) this.#transcribes.push(ears.start(fx, wish, phrases, null))
  }

  stopTranscribe(fx: Effects): void {
    for (const transcribe of this.#transcribes.splice(0)) {
      if (!transcribe.isDone) this.#inside.ears.stop(fx, transcribe, null, 'stop')
    }
  }

  wake(fx: Effects, at: Millis): void {
    fx.out({ kind: 'timer', name: 'flow', at })
  }

  hangUp(fx: Effects, reason: HangupReason = 'normal'): void {
    this.#inside.hangUp(fx, reason)
  }

  connect(fx: Effects, wish: ConnectWish): void {
    const { bridge, facts } = this.#inside
    if (bridge.connect(fx, wish, 'flow')) return
    // Connected by somebody else, from outside: the flow is told that its own try came to nothing.
    fx.tellPeer(facts.callId, { kind: 'connectRefused' })
  }

  dial(fx: Effects, dial: Omit<Dial, 'groupcallId' | 'isChild'>): void {
    const groupcallId = this.#inside.facts.random.uuid()
    fx.out({ kind: 'dial', dial: { ...dial, groupcallId, isChild: false } })
  }

  sendDigits(fx: Effects, digits: string, durationMs: number, gapMs: number): void {
    fx.out({ kind: 'sendDigits', digits, durationMs, gapMs })
  }

  keyPressed(digit: string): void {
    this.#latestKey = digit
  }

  takeKey(): string {
    const key = this.#latestKey
    this.#latestKey = ''
    return key
  }

  echo(fx: Effects, on: boolean): void {
    fx.out({ kind: 'echo', on })
  }

  mute(fx: Effects, direction: '' | 'in' | 'out' | 'both'): void {
    const { record, changed } = this.#inside
    fx.out({ kind: 'mute', direction })
    if (record.mute(direction)) changed()
  }

  hold(fx: Effects, on: boolean): void {
    const { hold, changed } = this.#inside
    if (hold.set(fx, on)) changed()
  }

  errand(fx: Effects, what: Errand): number {
    fx.out({ kind: 'errand', errand: ++this.#errands, what })
    this.#inside.messages.asked(this.#errands, what)
    return this.#errands
  }

  startRun(fx: Effects, run: RunWish): void {
    fx.out({ kind: 'startRun', run })
  }

  serves(language: string, kind: 'stt' | 'tts'): boolean {
    return this.#inside.facts.serves(language, kind)
  }

  callStatus(): string {
    return this.#inside.record.status
  }

  #sayOf(kind: SayOwner['kind']): { lane: typeof LANE_FLOW; owner: SayOwner; uuid: string } {
    const { facts } = this.#inside
    return { lane: LANE_FLOW, owner: { kind, id: facts.activeflowId }, uuid: facts.random.uuid() }
  }
}
