/** What the parts of one call share: each is its own machine, the call passes inputs on. */

import type { JsonObject } from '../kernel/json.ts'
import type { Bridge } from './bridge.ts'
import type { CallRecord } from './call-record.ts'
import type { Ears } from './ears.ts'
import type { Effects } from './effects.ts'
import type { CallFacts } from './facts.ts'
import type { FlowInput } from './flow/action.ts'
import type { FlowRun } from './flow/run.ts'
import type { HangupReason } from './hangup.ts'
import type { Hold } from './hold.ts'
import type { Messages } from './messages.ts'
import type { Mouth } from './mouth.ts'
import type { Speakings } from './speakings.ts'
import type { Turns } from './turns.ts'

export interface Inside {
  readonly facts: CallFacts
  readonly record: CallRecord
  readonly turns: Turns
  readonly ears: Ears
  readonly mouth: Mouth
  readonly speakings: Speakings
  readonly bridge: Bridge
  readonly hold: Hold
  readonly messages: Messages
  /** Null without a plan. */
  flow(): FlowRun | null
  tellFlow(fx: Effects, input: FlowInput): void
  /** Answers an incoming call; true when that is already so. */
  answer(fx: Effects): boolean
  /** @param elsewhere another call has answered what this one rings for */
  hangUp(fx: Effects, reason: HangupReason, elsewhere?: boolean): void
  /** Something but the status is different now: stored and told (`call_updated`) at the end of the input. */
  changed(): void
  save(fx: Effects): void
  doc(): JsonObject
}
