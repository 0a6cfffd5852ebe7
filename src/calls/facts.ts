/** What every part of one call may know of it, and never changes. */

import type { Micros, Millis } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'

export interface VoiceWish {
  readonly voiceId: string
  readonly language: string
  readonly gender: string
  readonly voice: string
}

/** Whether an engine recognises (`stt`) or speaks (`tts`) a language, in its usual form. */
export type Serves = (language: string, kind: 'stt' | 'tts') => boolean

export interface CallFacts {
  readonly callId: string
  readonly customerId: string
  readonly activeflowId: string
  readonly nodeId: string
  readonly bootId: string
  readonly random: Random
  readonly bornAt: Millis
  readonly bornWall: Micros
  /** Samples a second of the call's leg. */
  readonly rateHz: number
  /** Name of the installed voice that comes nearest to a wish. */
  readonly voiceFor: (wish: VoiceWish) => string
  readonly serves: Serves
}
