/**
 * Keeps trunks registered at their carriers (RFC 3261 §10.2): renewed in time, tried again ever more slowly when it fails
 * (RFC 5626 §4.5), given up when a trunk is deleted and at a clean stop.
 */

import { createHmac } from 'node:crypto'
import type { NewEvent, Records } from '../calls/ports.ts'
import { REGISTRATION_OFF, type RegistrationState } from '../contract/trunk.ts'
import type { Clock, Millis } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import { step } from '../kernel/machine.ts'
import type { Flow, SipInput } from '../sip/types.ts'
import type { Store } from '../store/port.ts'
import type { Locate } from './locating-port.ts'
import type { Peers, Registering } from './peers.ts'
import { type Action, type Input, REGISTRATION, type State } from './registration-table.ts'
import { Timers } from './timers.ts'

type Register = Extract<SipInput, { kind: 'register' }>

export interface TrunkRegistrationsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly store: Pick<Store, 'get'>
  readonly records: Records
  readonly peers: Peers
  readonly locate: Locate
  /** Answered by `answered`. */
  readonly register: (request: Omit<Register, 'kind'>) => void
  /** Keeps the way back through a NAT open (RFC 5626 §3.5); asked for UDP only. Absent: it is not. */
  readonly keepAlive?: (flow: Flow) => void
  /** From 0 to 1. */
  readonly random: () => number
  /** Makes the line of our Contacts, which nobody but the carrier is told. */
  readonly lineKey: Uint8Array
}

interface Entry {
  readonly wish: Registering
  readonly line: string
  /** What our calls there go through first (RFC 3608). */
  serviceRoute: readonly string[]
  state: State
  /** Of the request on its way. */
  leg: string
  /** Where the registrar is; the first is asked. */
  flows: readonly Flow[]
  flow: Flow | null
  /** In a row. */
  failures: number
  code: number
  expiresAt: Millis | null
  nextAt: Millis | null
  /** Told last. */
  told: 'registered' | 'failed' | null
}

/** Share of the granted time after which it is renewed: between these. */
const RENEW_FROM = 0.7
const RENEW_TO = 0.85
const LEAST_RENEW_MS = 1_000
/** Mappings of UDP are forgotten after 30 s and more (RFC 4787 §4.3 wants two minutes, many grant less). */
const KEEP_ALIVE_MS = 25_000
const FIRST_RETRY_MS = 30_000
/** A wrong password does not become right by trying, and carriers shut out who insists. */
const FIRST_RETRY_REFUSED_MS = 300_000
const LONGEST_RETRY_MS = 1_800_000
/** How long a clean stop waits for carriers. */
const STOP_MS = 1_500

export class TrunkRegistrations {
  readonly #options: TrunkRegistrationsOptions
  readonly #timers: Timers
  /** By trunk. */
  readonly #entries = new Map<string, Entry>()
  /** By the leg of a request on its way; also of those that are leaving. */
  readonly #byLeg = new Map<string, Entry>()
  #turn: Promise<void> = Promise.resolve()
  #legs = 0
  #isStopped = false
  #whenGone: (() => void) | null = null

  constructor(options: TrunkRegistrationsOptions) {
    this.#options = options
    this.#timers = new Timers(options.clock)
  }

  /** Registers what is to be registered now, and gives up what is no more. Also after a change. */
  sync(): Promise<void> {
    this.#turn = this.#turn
      .then(() => this.#sync())
      .catch((cause: unknown) => {
        this.#options.log.error({ err: cause }, 'trunks could not be read')
      })
    return this.#turn
  }

  /** Takes itself out at all carriers, and waits a little for them. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const entry of this.#entries.values()) this.#leave(entry)
    if (this.#byLeg.size > 0) await this.#allGone()
    this.#timers.clearAll()
  }

  /** The final answer to a `register`. @param grantedS seconds, 0 for a refusal */
  answered(leg: string, code: number, grantedS: number, serviceRoute: readonly string[] = []): void {
    const entry = this.#byLeg.get(leg)
    if (!entry) return
    this.#byLeg.delete(leg)
    entry.code = code
    // A 200 that grants nothing (the Contact is not in it) is no registration.
    if (code < 300 && (grantedS > 0 || entry.state === 'leaving')) {
      entry.expiresAt = this.#options.clock.now() + grantedS * 1000
      entry.serviceRoute = serviceRoute
      this.#input(entry, 'granted')
    } else {
      const isSilent = code === 408 || code === 503
      entry.flows = entry.flows.slice(1)
      this.#input(entry, isSilent && entry.flows.length > 0 ? 'next' : 'refused')
    }
    if (this.#byLeg.size === 0) this.#whenGone?.()
  }

  /** A connection is gone. */
  lost(flow: Flow): void {
    if (flow.transport === 'udp') return
    const { address, port } = flow.remote
    for (const entry of this.#entries.values()) {
      const remote = entry.flow?.remote
      if (entry.state === 'registered' && remote?.address === address && remote.port === port)
        this.#input(entry, 'lost')
    }
  }

  stateOf(trunkId: string): RegistrationState {
    const entry = this.#entries.get(trunkId)
    if (!entry) return REGISTRATION_OFF
    const status = entry.state === 'renewing' ? 'registered' : entry.state
    return {
      status: status === 'leaving' || status === 'gone' ? 'off' : status,
      code: entry.code,
      why: whyOf(entry),
      tm_expire: this.#timeOf(status === 'registered' ? entry.expiresAt : null),
      tm_next: this.#timeOf(entry.nextAt),
    }
  }

  /** Trunks registered at this address now. */
  byAddress(address: string): readonly string[] {
    return this.#held()
      .filter((entry) => entry.flow?.remote.address === address)
      .map(({ wish }) => wish.trunkId)
  }

  /** Route values for calls of ours to a trunk that is registered. */
  serviceRouteOf(trunkId: string): readonly string[] {
    return this.#held().find(({ wish }) => wish.trunkId === trunkId)?.serviceRoute ?? []
  }

  byLine(line: string): string | null {
    return (line !== '' && this.#held().find((entry) => entry.line === line)?.wish.trunkId) || null
  }

  /** For metrics: how many trunks are in each state. */
  counts(): Readonly<Record<RegistrationState['status'], number>> {
    const counts = { off: 0, registering: 0, registered: 0, failed: 0 }
    for (const id of this.#entries.keys()) counts[this.stateOf(id).status]++
    return counts
  }

  census(): { readonly timers: number; readonly waiting: number } {
    return { timers: this.#timers.size, waiting: this.#byLeg.size }
  }

  /** What the carrier still holds, though it may not have answered lately. */
  #held(): readonly Entry[] {
    const now = this.#options.clock.now()
    return [...this.#entries.values()].filter(({ expiresAt }) => expiresAt !== null && expiresAt > now)
  }

  async #sync(): Promise<void> {
    const book = await this.#options.peers.book()
    const wanted = new Map(book.registering.map((wish) => [wish.trunkId, wish]))
    for (const [id, entry] of this.#entries) {
      const wish = wanted.get(id)
      if (wish && JSON.stringify(wish) === JSON.stringify(entry.wish)) wanted.delete(id)
      // The new registration takes the place of the old one; a farewell that comes late would end both.
      else if (wish && isSameLine(wish, entry.wish)) this.#drop(entry)
      else this.#leave(entry)
    }
    if (this.#isStopped) return
    for (const wish of wanted.values()) this.#enter(wish)
  }

  #enter(wish: Registering): void {
    const line = createHmac('sha256', this.#options.lineKey).update(wish.trunkId).digest('hex').slice(0, 24)
    const blank = { leg: '', flows: [], flow: null, failures: 0, code: 0, expiresAt: null, nextAt: null, told: null }
    const entry: Entry = { wish, line, serviceRoute: [], state: 'registering', ...blank }
    this.#entries.set(wish.trunkId, entry)
    this.#send(entry)
  }

  #drop(entry: Entry): void {
    this.#letGo(entry)
    entry.state = 'gone'
  }

  #letGo({ leg, wish: { trunkId } }: Entry): void {
    this.#timers.clear(trunkId)
    this.#timers.clear(`${trunkId}/alive`)
    this.#entries.delete(trunkId)
    this.#byLeg.delete(leg)
  }

  #leave(entry: Entry): void {
    const isKnown = entry.expiresAt !== null && entry.expiresAt > this.#options.clock.now()
    this.#letGo(entry)
    this.#input(entry, isKnown || entry.state === 'registering' ? 'leave' : 'leaveUnknown')
  }

  #input(entry: Entry, input: Input): void {
    const { to, run } = step('registration', REGISTRATION, entry.state, input)
    entry.state = to
    for (const action of run) this.#act(entry, action)
  }

  #act(entry: Entry, action: Action): void {
    switch (action) {
      case 'send':
        return this.#send(entry)
      case 'hold':
        return this.#hold(entry)
      case 'retryLater':
        return this.#retryLater(entry)
      case 'tell':
        return this.#tell(entry)
      case 'sendLeave':
        // Without a way there nothing was ever registered.
        return entry.flow ? this.#register(entry, entry.flow, 0) : this.#input(entry, 'refused')
      case 'forget':
        return this.#timers.clear(entry.wish.trunkId)
      default:
        action satisfies never
    }
  }

  #send(entry: Entry): void {
    this.#timers.clear(entry.wish.trunkId)
    entry.nextAt = null
    const [flow] = entry.flows
    if (flow) return this.#register(entry, flow, entry.wish.registration.expires)
    void this.#options
      .locate(uriOf(entry.wish), { transport: entry.wish.transport, verify: entry.wish.verify })
      .then((flows) => {
        if (entry.state !== 'registering' && entry.state !== 'renewing') return
        entry.flows = flows
        const [first] = flows
        if (first) return this.#register(entry, first, entry.wish.registration.expires)
        entry.code = 503
        this.#input(entry, 'refused')
      })
  }

  #register(entry: Entry, flow: Flow, expiresS: number): void {
    const { registration, credentials, trunkId } = entry.wish
    const host = registration.registrar.replace(/^sips?:/i, '').replace(/;.*$/, '')
    entry.leg = `trunk/${trunkId}/${++this.#legs}`
    entry.flow = flow
    this.#byLeg.set(entry.leg, entry)
    const { leg, line } = entry
    const aor = `sip:${encodeURIComponent(registration.username)}@${host}`
    this.#options.register({ leg, flow, registrar: `sip:${host}`, aor, credentials, expiresS, line })
  }

  #hold(entry: Entry): void {
    const { clock, random } = this.#options
    const leftMs = (entry.expiresAt ?? 0) - clock.now()
    const share = RENEW_FROM + (RENEW_TO - RENEW_FROM) * random()
    entry.failures = 0
    this.#keepAlive(entry)
    this.#dueIn(entry, Math.max(LEAST_RENEW_MS, leftMs * share))
  }

  #keepAlive(entry: Entry): void {
    const { clock, keepAlive } = this.#options
    const { flow } = entry
    if (!keepAlive || flow?.transport !== 'udp') return
    this.#timers.set(`${entry.wish.trunkId}/alive`, clock.now() + KEEP_ALIVE_MS, () => {
      keepAlive(flow)
      this.#keepAlive(entry)
    })
  }

  #retryLater(entry: Entry): void {
    this.#timers.clear(`${entry.wish.trunkId}/alive`)
    entry.failures++
    entry.flows = []
    const isRefused = entry.code >= 400 && entry.code < 500 && entry.code !== 408
    const base = isRefused ? FIRST_RETRY_REFUSED_MS : FIRST_RETRY_MS
    const most = Math.min(LONGEST_RETRY_MS, base * 2 ** Math.min(entry.failures, 10))
    this.#dueIn(entry, most * (0.5 + 0.5 * this.#options.random()))
  }

  #dueIn(entry: Entry, ms: Millis): void {
    entry.nextAt = this.#options.clock.now() + ms
    this.#timers.set(entry.wish.trunkId, entry.nextAt, () => this.#input(entry, 'due'))
  }

  /** Told when it comes and when it goes, not at each renewal and each try. */
  #tell(entry: Entry): void {
    const state = entry.state === 'registered' ? 'registered' : 'failed'
    const { trunkId, customerId } = entry.wish
    this.#options.log.info({ trunk_id: trunkId, customer_id: customerId, to: state, code: entry.code }, 'trunk')
    if (entry.told === state) return
    entry.told = state
    const shown = { ...this.stateOf(trunkId) }
    void this.#options.store.get('trunks', customerId, trunkId).then(
      (row) => row && this.#options.records.save({ events: [updated(customerId, row.doc, shown)] }),
      (cause: unknown) => this.#options.log.error({ err: cause, trunk_id: trunkId }, 'trunk could not be read'),
    )
  }

  #allGone(): Promise<void> {
    const { clock } = this.#options
    return new Promise((resolve) => {
      const limit = clock.schedule(clock.now() + STOP_MS, resolve)
      this.#whenGone = () => {
        limit.cancel()
        resolve()
      }
    })
  }

  #timeOf(at: Millis | null): string | null {
    const { clock } = this.#options
    return at === null ? null : timestamp(clock.wallMicros() + Math.round((at - clock.now()) * 1000))
  }
}

/** The same Contact at the same registrar. */
function isSameLine({ registration: one }: Registering, { registration: other }: Registering): boolean {
  return one.registrar === other.registrar && one.username === other.username
}

function uriOf({ registration }: Registering): string {
  return /^sips?:/i.test(registration.registrar) ? registration.registrar : `sip:${registration.registrar}`
}

function updated(customerId: string, doc: JsonObject, registration_state: JsonObject): NewEvent {
  const data = { ...doc, registration_state }
  return { type: 'trunk_updated', customerId, callId: null, seq: null, offsetMs: null, data }
}

function whyOf({ state, code }: Entry): string {
  if (state !== 'failed') return ''
  if (code === 401 || code === 403 || code === 407) return 'the registrar refuses these credentials'
  if (code === 404) return 'the registrar does not know this user'
  if (code === 408) return 'the registrar does not answer'
  if (code === 503) return 'the registrar cannot be reached, or is not available'
  return `the registrar answered ${code}`
}
