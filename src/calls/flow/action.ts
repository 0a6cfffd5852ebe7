/** The shape of a flow action: one file each, a small pure machine that asks its host for what it needs. */

import type { Millis } from '../../kernel/clock.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Address } from '../commands.ts'
import type { Effects } from '../effects.ts'
import type { Errand, ErrandResult } from '../errands.ts'
import type { VoiceWish } from '../facts.ts'
import type { HangupReason } from '../hangup.ts'
import type { SaySettled } from '../mouth.ts'
import type { Dial, RunWish } from '../part.ts'
import type { PlaySound } from '../ports.ts'
import type { TranscribeWish } from '../transcribe.ts'

/**
 * What a running action may ask of its host: a call, or a run without one (`hasMedia` false: sound is out of its reach,
 * and actions that need it are skipped with a log line).
 */
export interface FlowHost {
  readonly hasMedia: boolean
  /** Answers an incoming call; true when that is already so. Later told by `answered`. */
  answer(fx: Effects): boolean
  speak(fx: Effects, text: string, wish: VoiceWish): void
  /** Told by `said`, once for each. */
  play(fx: Effects, sound: PlaySound): void
  /** Stops what the flow speaks and plays. */
  flush(fx: Effects): void
  startTranscribe(fx: Effects, wish: TranscribeWish): void
  /** Ends the one the flow started. */
  stopTranscribe(fx: Effects): void
  /** At most one timer an action; told by `timer`. */
  wake(fx: Effects, at: Millis): void
  hangUp(fx: Effects, reason?: HangupReason): void
  /** Dials; first answer is bridged. Told by `connectOver` when the peer has left or nobody came. */
  connect(fx: Effects, wish: ConnectWish): void
  /** An independent call. */
  dial(fx: Effects, dial: Omit<Dial, 'groupcallId' | 'isChild'>): void
  /** Told by `digitsSent`. */
  sendDigits(fx: Effects, digits: string, durationMs: number, gapMs: number): void
  /** The latest key pressed before this action began, once; '' when none. */
  takeKey(): string
  echo(fx: Effects, on: boolean): void
  mute(fx: Effects, direction: '' | 'in' | 'out' | 'both'): void
  /** @returns the number under which `errandDone` comes */
  errand(fx: Effects, what: Errand): number
  startRun(fx: Effects, run: RunWish): void
  callStatus(): string
}

export interface ConnectWish {
  readonly source: Address | null
  readonly destinations: readonly Address[]
  readonly earlyMedia: boolean
  /** When nobody is reached, the call is hung up with the reason of the last try. */
  readonly relayReason: boolean
  readonly anonymous: boolean
}

export type FlowInput =
  | { readonly kind: 'answered' }
  | { readonly kind: 'timer' }
  | { readonly kind: 'said'; readonly end: SaySettled }
  /** A key, while the action runs. */
  | { readonly kind: 'key'; readonly digit: string }
  | { readonly kind: 'digitsSent' }
  /** `wasConnected` false: nobody answered; `reason` is a word of `hangup_reason`. */
  | { readonly kind: 'connectOver'; readonly wasConnected: boolean; readonly reason: string }
  | { readonly kind: 'errandDone'; readonly errand: number; readonly result: ErrandResult }
  /** From outside, for `block`. */
  | { readonly kind: 'continue' }

/** `done`: the next action's turn. `wait`: more input needed. */
export type Progress = 'done' | 'wait'

export interface ActionRun {
  start(fx: Effects): Progress
  input(fx: Effects, input: FlowInput): Progress
}

export type ActionKind = (option: JsonObject, host: FlowHost) => ActionRun

/** A string option; '' when absent or of another type. */
export function text(option: JsonObject, name: string): string {
  const value = option[name]
  return typeof value === 'string' ? value : ''
}

/** A number option; `otherwise` when absent or of another type. */
export function number(option: JsonObject, name: string, otherwise: number): number {
  const value = option[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise
}
