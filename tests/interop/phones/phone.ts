/** What the tests ask of a phone, whoever made it. */

import { lacking } from '../tools.ts'
import { Baresip } from './baresip.ts'
import { Linphone } from './linphone.ts'

export interface PhoneOptions {
  readonly sipPort: number
  readonly user: string
  readonly password: string
  /** Host of the address of record. Absent: the server's address and port. */
  readonly domain?: string
  /** A folder of its own; who made it removes it. */
  readonly folder: string
  /** A WAV file it sends until it is told to say something. */
  readonly silence: string
}

export type Registration = 'unknown' | 'registered' | 'refused'

/** `calling`: an own call is not answered yet. `ringing`: somebody calls. */
export type PhoneState = 'idle' | 'calling' | 'ringing' | 'up'

export interface RealPhone {
  readonly registration: Registration
  readonly state: PhoneState
  /** What the program has said so far, for failures. */
  readonly words: string
  /** The samples it has decoded in its calls so far, 8 kHz mono. */
  heard(): Int16Array
  call(target: string): void
  answer(): void
  /** Also refuses a call that rings and gives up one that is not answered. */
  hangup(): void
  /** Sends the sound of a WAV file from now on. */
  say(wavFile: string): void
  press(digit: string): void
  hold(): void
  resume(): void
  /** Leaves the server's registrar, then ends. May be called twice. */
  close(): Promise<void>
}

export interface Make {
  readonly name: string
  /** False, or why it cannot be used here. */
  readonly skip: string | false
  /** Whether `heard` goes on after the phone has held a call. */
  readonly hearsAfterHold: boolean
  open(options: PhoneOptions): Promise<RealPhone>
}

export const MAKES: readonly Make[] = [
  {
    name: 'baresip',
    skip: lacking('baresip'),
    // It plays on after a hold, but leaves its dump filter out.
    hearsAfterHold: false,
    open: (options) => Baresip.open(options),
  },
  {
    name: 'linphonec',
    skip: lacking('linphonec'),
    hearsAfterHold: true,
    open: (options) => Linphone.open(options),
  },
]
