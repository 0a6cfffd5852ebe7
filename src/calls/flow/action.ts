/** The shape of a flow action: one file each, a small pure machine that asks its host for what it needs. */

import type { Millis } from '../../kernel/clock.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Effects } from '../effects.ts'
import type { VoiceWish } from '../facts.ts'
import type { SaySettled } from '../mouth.ts'
import type { TranscribeWish } from '../transcribe.ts'

/** What a running action may ask of its call. */
export interface FlowHost {
  /** Answers an incoming call; true when that is already so. Later told by `answered`. */
  answer(fx: Effects): boolean
  speak(fx: Effects, text: string, wish: VoiceWish): void
  startTranscribe(fx: Effects, wish: TranscribeWish): void
  /** At most one timer an action; told by `timer`. */
  wake(fx: Effects, at: Millis): void
  hangUp(fx: Effects): void
}

export type FlowInput =
  | { readonly kind: 'answered' }
  | { readonly kind: 'timer' }
  | { readonly kind: 'said'; readonly end: SaySettled }

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
