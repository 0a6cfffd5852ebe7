/** The shape of a flow action: one file each, a small pure machine that asks its host for what it needs. */

import type { Millis } from '../../kernel/clock.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { ActionDoc, Address } from '../commands.ts'
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
  /** Told by `said`, once. @returns the number that comes back as `end.say.sayId` */
  speak(fx: Effects, text: string, wish: VoiceWish): number
  /** Told by `said`, once for each. @returns like `speak` */
  play(fx: Effects, sound: PlaySound): number
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
  /** Whether an engine recognises or speaks it. */
  serves(language: string, kind: 'stt' | 'tts'): boolean
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

/** What an action may ask of the run it is part of. */
export interface FlowDoor {
  readonly activeflowId: string
  /** Of the call, for a run that has one. */
  readonly referenceId: string
  /** The option before variables were filled in. */
  readonly written: JsonObject
  /** '' when there is none of that name. */
  variable(name: string): string
  hasVariable(name: string): boolean
  /** Too long or too many: nothing happens (contract §7.5). */
  setVariable(name: string, value: string): void
  /** What is handed on to calls and runs that this one starts: the variables that are not ours. */
  ownVariables(): Readonly<Record<string, string>>
  /** The action that is next. Unset, or unknown: nothing happens. */
  jump(id: string): void
  /** These run before the rest. */
  insert(actions: readonly ActionDoc[]): void
  /** @returns how often this action of this list has asked, from 1 */
  count(): number
  stop(fx: Effects): void
  /** This action is left out: logged and told. `why` never says what a person said. */
  skip(fx: Effects, why: string): void
}

export type ActionKind = (option: JsonObject, host: FlowHost, flow: FlowDoor) => ActionRun

/** Done with its first step. */
export function atOnce(start: (fx: Effects) => void): ActionRun {
  return {
    start(fx) {
      start(fx)
      return 'done'
    },
    input: () => 'done',
  }
}

/** Answers the call first when need be. */
export function onceAnswered(host: FlowHost, run: ActionRun): ActionRun {
  let isAnswered = false
  const begin = (fx: Effects): Progress => {
    isAnswered = true
    return run.start(fx)
  }
  return {
    start: (fx) => (host.answer(fx) ? begin(fx) : 'wait'),
    input(fx, input) {
      if (isAnswered) return run.input(fx, input)
      return input.kind === 'answered' ? begin(fx) : 'wait'
    },
  }
}

/** Longest wait for an answer from outside that has its own, shorter, limit. */
const ERRAND_MS = 30_000

/** Waits for what becomes of an errand. */
export function awaitErrand(
  host: FlowHost,
  what: Errand,
  done: (result: ErrandResult, fx: Effects) => void = () => {},
): ActionRun {
  let errand = 0
  return {
    start(fx) {
      errand = host.errand(fx, what)
      host.wake(fx, fx.now + ERRAND_MS)
      return 'wait'
    },
    input(fx, input) {
      if (input.kind === 'timer') return 'done'
      if (input.kind !== 'errandDone' || input.errand !== errand) return 'wait'
      done(input.result, fx)
      return 'done'
    },
  }
}

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

/** An address option that was read by the contract; null when absent. */
export function address(option: JsonObject, name: string): Address | null {
  return (option[name] as Address | null | undefined) ?? null
}

/** A list of addresses that was read by the contract. */
export function addresses(option: JsonObject, name: string): readonly Address[] {
  return (option[name] as readonly Address[] | undefined) ?? []
}
