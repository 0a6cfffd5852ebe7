/** What the API is given. Nothing here listens: `buildServer` only answers. */

import type { CallsDoor } from '../calls/commands.ts'
import type { Records } from '../calls/ports.ts'
import type { CaptureDoc } from '../contract/capture.ts'
import type { LanguageDoc } from '../contract/language.ts'
import type { RegistrationState } from '../contract/trunk.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { DeliveryRow, EventRow, Store } from '../store/port.ts'
import type { OperatorDesk } from './operator.ts'

export interface ApiDeps {
  readonly store: Store
  /** Changes go through here, so that their events are published. */
  readonly records: Records
  readonly calls: CallsDoor
  readonly log: Log
  readonly clock: Clock
  readonly settings: ApiSettings
  /** Random bytes fit for secrets. */
  readonly randomBytes: (size: number) => Uint8Array
  readonly registrations: Registrations
  /** Absent: nothing registers anywhere, and nobody is told of changes. */
  readonly trunks?: TrunkDoor
  readonly webhooks: WebhookDoor
  readonly speech: SpeechOffer
  /** A prom-client registry has this shape. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
  readonly isReady: () => { readonly ready: boolean; readonly why: string }
  /** Absent: nothing is captured. */
  readonly captures?: CaptureDoor
  /** Absent: the node cannot be drained over HTTP. */
  readonly operator?: OperatorDesk
}

/** What passed on the wires of calls (`drivers/capture`). */
export interface CaptureDoor {
  /** @returns false when the call has no sound (any more) */
  start(callId: string, ms: number): boolean
  stop(callId: string): void
  state(callId: string): Omit<CaptureDoc, 'call_id' | 'ladder'> & { readonly ladder: readonly string[] }
  pcap(callId: string): Uint8Array
}

export interface ApiSettings {
  readonly name: string
  readonly version: string
  /** Softphones register at `<customer id>.registrar.<base domain>`. */
  readonly baseDomain: string
  /** first: open until there is an account. */
  readonly signup: 'open' | 'closed' | 'first'
  /** Requests a second of one customer; absent or 0: as many as they like. */
  readonly requestsPerSecond?: number
  /** Calls at once on this server: no customer may have more. */
  readonly maxCalls?: number
  /** ISO code of where national numbers are read; absent or '': they are not. */
  readonly defaultCountry?: string
  /** Of customers that have not chosen (`PUT /retention`); null keeps for good. */
  readonly retentionDays?: number | null
  /** Signs the tokens of sign-in: 32 bytes or more. */
  readonly jwtKey: Uint8Array
}

export interface Registrations {
  contactsOf(extensionId: string): readonly Contact[]
  /** Forgets all contacts of an extension. */
  drop(extensionId: string): void
}

/** What the API asks of signalling about trunks (`drivers/trunk-registrations.ts`). */
export interface TrunkDoor {
  stateOf(trunkId: string): RegistrationState
  /** A trunk, a provider or a route was made, changed or deleted. */
  changed(): void
}

/** What the API asks of the deliveries to webhooks (`WebhookOutbox`). */
export interface WebhookDoor {
  /** @returns the delivery as it is now; null when it could not be stored */
  replay(event: EventRow, delivery: DeliveryRow): Promise<DeliveryRow | null>
  /** As it is sent. */
  bodyOf(event: EventRow, delivery: DeliveryRow): Promise<string>
}

export interface Contact {
  readonly uri: string
  readonly transport: string
  /** Seconds until it ends. */
  readonly expires: number
}

export interface SpeechOffer {
  languages(): readonly LanguageDoc[]
  /** What a recogniser of phrases listens for when a client names none; null = its own choice. */
  readonly defaultPhrases: readonly string[] | null
  /** One sentence: the command that adds a language. */
  readonly howToAdd: string
}
