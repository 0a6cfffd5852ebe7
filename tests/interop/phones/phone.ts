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
  /** UDP when absent. */
  readonly transport?: 'udp' | 'tcp' | 'tls'
  /** PEM file of who vouches for the server's certificate, for TLS. */
  readonly caFile?: string
  /** Only these, in this order; baresip only. Absent: G.711. */
  readonly codecs?: readonly ('PCMU' | 'PCMA' | 'G722' | 'opus')[]
  /** Keys go as INFO, not in the sound. */
  readonly keysByInfo?: boolean
  /** Milliseconds of sound in its packets; baresip only. Absent: 20. */
  readonly ptimeMs?: number
  /** Address of the server. Absent: this machine's loopback. */
  readonly server?: string
  /** Network namespace it lives in, and its own address there; linphonec only. */
  readonly namespace?: { readonly name: string; readonly address: string }
  /** A folder of its own; who made it removes it. */
  readonly folder: string
  /** How linphonec finds its way through NATs, as commands of its own (`firewall ice`, `stun host:port`). */
  readonly linphoneNet?: readonly string[]
  /** A WAV file it sends until it is told to say something. */
  readonly silence: string
  /** Its offers have keys of SRTP, and it takes answers without; or it takes and makes no others. Absent: in the clear. */
  readonly srtp?: 'offered' | 'only'
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
  /** Asks the server to call somebody instead of us (REFER). @param target user part */
  transfer(target: string): void
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
