/** A carrier for simulations: the project's own SIP core with a script, that challenges, takes, refuses or keeps silent. */

import { newProvider, type ProviderChange } from '../../src/contract/provider.ts'
import { newRoute, type RouteChange } from '../../src/contract/route.ts'
import { rowOf } from '../../src/contract/row.ts'
import { newTrunk, type TrunkChange, trunkSecretsAfter } from '../../src/contract/trunk.ts'
import { Timers } from '../../src/drivers/timers.ts'
import { timestamp } from '../../src/kernel/ids.ts'
import type { DatagramSocket, Endpoint } from '../../src/net/port.ts'
import { createSipCore } from '../../src/sip/core.ts'
import type { AuthPolicy, RequestSummary, SipCore, SipInput, SipOutput } from '../../src/sip/types.ts'
import type { World } from './world.ts'

const SERVER: Endpoint = { address: '10.0.0.1', port: 5060 }
const SDP = (address: string): string =>
  [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    'm=audio 4000 RTP/AVP 0',
    'a=rtpmap:0 PCMU/8000',
    '',
  ].join('\r\n')

export interface CarrierOptions {
  readonly address: string
  /** Asked of who registers and who calls. Absent: open. */
  readonly account?: { readonly username: string; readonly password: string }
  /** What becomes of a call: a code refuses; `ring` rings for ever; `early` sends a 183 with sound first, then the code. */
  readonly script?: 'answer' | 'ring' | number | { readonly early: number } | { readonly ring: number }
}

export class Carrier {
  /** What calls here looked like. */
  readonly calls: RequestSummary[] = []
  readonly cancelled: string[] = []
  readonly ended: string[] = []
  /** Outcomes of calls made from here, by leg: a final code, or `answered`. */
  readonly outcomes = new Map<string, number | 'answered'>()
  /** Whole requests as they came, REGISTER included. */
  readonly texts: string[] = []
  script: NonNullable<CarrierOptions['script']>
  /** Nothing that comes is looked at. */
  isDead = false
  /** Registrations are refused with this. */
  refusal: number | null = null
  readonly #world: World
  readonly #options: CarrierOptions
  readonly #core: SipCore
  readonly #timers: Timers
  #socket!: DatagramSocket
  #legs = 0

  static async open(world: World, options: CarrierOptions): Promise<Carrier> {
    const carrier = new Carrier(world, options)
    const local = { address: options.address, port: 5060 }
    carrier.#socket = await world.network.bind(local, (bytes, from) => {
      if (carrier.isDead) return
      carrier.texts.push(new TextDecoder().decode(bytes))
      carrier.#feed({ kind: 'received', flow: { transport: 'udp', local, remote: from, connection: '' }, bytes })
    })
    return carrier
  }

  private constructor(world: World, options: CarrierOptions) {
    this.#world = world
    this.#options = options
    this.script = options.script ?? 'answer'
    this.#timers = new Timers(world.clock)
    this.#core = createSipCore({
      contactFor: () => this.#socket.local,
      userAgent: 'carrier',
      seed: `carrier ${options.address}`,
      nonceKey: new Uint8Array(32).fill(7),
      nonceLifeMs: 60_000,
    })
  }

  /** Where the account is registered now. */
  get contacts(): readonly string[] {
    return this.#core.contactsOf('account').map(({ uri }) => uri)
  }

  /** Calls the server. @param more headers, and credentials */
  call(
    requestUri: string,
    more: {
      readonly from?: string
      readonly to?: string
      readonly headers?: readonly (readonly [string, string])[]
      readonly credentials?: { readonly username: string; readonly password: string }
    } = {},
  ): string {
    const leg = `out-${++this.#legs}`
    const { from = 'sip:+4930777@carrier.test', to = requestUri, headers = [], credentials } = more
    const local = this.#socket.local
    this.#feed({
      kind: 'invite',
      leg,
      targets: [{ flow: { transport: 'udp', local, remote: SERVER, connection: '' }, requestUri }],
      from: { display: 'Ann', uri: from },
      to: { display: '', uri: to },
      body: SDP(local.address),
      headers,
      ...(credentials ? { credentials } : {}),
      timeoutMs: 20_000,
    })
    return leg
  }

  hangUp(leg: string): void {
    this.#feed({ kind: 'bye', leg })
  }

  close(): void {
    this.#timers.clearAll()
    this.#socket.close()
  }

  #feed(input: SipInput): void {
    for (const output of this.#core.handle(input, this.#world.clock.now())) this.#apply(output)
  }

  #apply(output: SipOutput): void {
    switch (output.kind) {
      case 'send':
        return this.#socket.send(output.bytes, output.flow.remote)
      case 'setTimer':
        return this.#timers.set(output.id, output.at, () => this.#feed({ kind: 'timer', id: output.id }))
      case 'cancelTimer':
        return this.#timers.clear(output.id)
      case 'authorise':
        return this.#feed({ kind: 'authorised', query: output.query, policy: this.#policy(output.request) })
      case 'incoming':
        this.calls.push(output.request)
        return this.#play(output.leg)
      case 'answered':
        this.outcomes.set(output.leg, 'answered')
        return
      case 'failed':
        this.outcomes.set(output.leg, output.code)
        return
      case 'cancelled':
        this.cancelled.push(output.leg)
        return
      case 'ended':
        this.ended.push(output.leg)
        return
    }
  }

  #policy(request: RequestSummary): AuthPolicy {
    const { account } = this.#options
    if (request.method === 'REGISTER' && this.refusal !== null)
      return { kind: 'refuse', code: this.refusal, phrase: '' }
    if (!account) return { kind: 'open', identity: 'account' }
    return { kind: 'digest', realm: 'carrier.test', account: { ...account, identity: 'account' } }
  }

  #play(leg: string): void {
    const { script } = this
    const sdp = SDP(this.#socket.local.address)
    if (typeof script === 'number') return this.#feed({ kind: 'reject', leg, code: script, phrase: '' })
    const isEarly = typeof script === 'object' && 'early' in script
    this.#feed({ kind: 'ring', leg, body: isEarly ? sdp : null })
    if (typeof script === 'object') {
      const code = 'early' in script ? script.early : script.ring
      this.#world.clock.schedule(this.#world.clock.now() + 500, () =>
        this.#feed({ kind: 'reject', leg, code, phrase: '' }),
      )
    }
    if (script === 'answer') this.#feed({ kind: 'accept', leg, body: sdp })
  }
}

// ---------------------------------------------------------------- what customers set up

interface Owner {
  readonly customerId?: string
}

export async function addTrunk(
  world: World,
  given: TrunkChange,
  { customerId = world.customerId }: Owner = {},
): Promise<string> {
  const doc = newTrunk(world.random.uuid(), customerId, stamp(world), given)
  const hidden = { ...trunkSecretsAfter({}, given) }
  await world.store.commit({ rows: [rowOf('trunks', doc, hidden, { domain_name: doc.domain_name || null })] })
  await changed(world)
  return doc.id
}

export async function addProvider(
  world: World,
  given: ProviderChange,
  { customerId = world.customerId }: Owner = {},
): Promise<string> {
  const doc = newProvider(world.random.uuid(), customerId, stamp(world), given)
  await world.store.commit({ rows: [rowOf('providers', doc, { password: given.password ?? '' })] })
  await changed(world)
  return doc.id
}

export async function addRoute(
  world: World,
  given: RouteChange,
  { customerId = world.customerId }: Owner = {},
): Promise<string> {
  const doc = newRoute(world.random.uuid(), customerId, stamp(world), given)
  await world.store.commit({ rows: [rowOf('routes', doc)] })
  await changed(world)
  return doc.id
}

export async function removeTrunk(world: World, id: string): Promise<void> {
  await world.store.commit({ removals: [{ table: 'trunks', id }] })
  await changed(world)
}

function stamp(world: World): string {
  return timestamp(world.clock.wallMicros())
}

async function changed(world: World): Promise<void> {
  world.peers.changed()
  void world.registrations.sync()
  // With nothing to wait for, time would leap over what comes of it.
  await world.run(1)
}
