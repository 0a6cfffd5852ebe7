/** For tests: cores at addresses on a network in memory, which loses, repeats and reorders as told, on a virtual clock. */

import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { createSipCore } from './core.ts'
import type { Flow, SipAddress, SipCore, SipInput, SipOutput } from './types.ts'

export interface Weather {
  /** Shares of datagrams, 0 to 1. */
  readonly loss: number
  readonly duplicates: number
  /** Each datagram takes 1 ms plus up to so much: more than the gap between two, and they change places. */
  readonly jitterMs: number
}

export const FAIR: Weather = { loss: 0, duplicates: 0, jitterMs: 0 }

export class Link {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  /** Every datagram sent, also the lost ones. */
  readonly wire: { readonly at: number; readonly from: string; readonly to: string; readonly text: string }[] = []
  keepsWire = true
  weather: Weather
  /** Loses what it returns true for, in any weather. */
  swallows: (text: string, from: string) => boolean = () => false
  readonly #stations = new Map<string, Station>()

  constructor(seed: string, weather: Weather = FAIR) {
    this.random = new SeededRandom(seed)
    this.weather = weather
  }

  add(address: string, port = 5060): Station {
    const station = new Station(this, { address, port }, `${address}/${this.random.token(8)}`)
    this.#stations.set(name(station.at), station)
    return station
  }

  send(from: SipAddress, to: SipAddress, bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString()
    if (this.keepsWire) this.wire.push({ at: this.clock.now(), from: name(from), to: name(to), text })
    if (this.random.unit() < this.weather.loss || this.swallows(text, name(from))) return
    this.#deliver(from, to, bytes)
    if (this.random.unit() < this.weather.duplicates) this.#deliver(from, to, bytes)
  }

  #deliver(from: SipAddress, to: SipAddress, bytes: Uint8Array): void {
    const at = this.clock.now() + 1 + this.random.unit() * this.weather.jitterMs
    this.clock.schedule(at, () => this.#stations.get(name(to))?.receive(bytes, from))
  }

  /** Runs for so long. */
  run(ms: number): void {
    this.clock.advanceTo(this.clock.now() + ms)
  }

  /** Start lines on the wire since `from`, as `a>b INVITE` and `b>a 200 INVITE` (last number of the addresses). */
  story(from = 0): string[] {
    return this.wire.slice(from).map((each) => {
      const [first = '', second = ''] = each.text.split(' ')
      const method = /^CSeq: \d+ (\w+)/m.exec(each.text)?.[1]
      const what = first.startsWith('SIP/') ? `${second} ${method}` : first
      return `${short(each.from)}>${short(each.to)} ${what}`
    })
  }
}

export class Station {
  readonly at: SipAddress
  readonly core: SipCore
  /** Everything told, without datagrams and timers. */
  readonly told: SipOutput[] = []
  /** Carries on with what the core tells; open to all unless replaced. */
  onOutput: (output: SipOutput) => void = () => {}
  readonly #link: Link
  readonly #timers = new Map<string, { cancel(): void }>()

  constructor(link: Link, at: SipAddress, seed: string) {
    this.#link = link
    this.at = at
    this.core = createSipCore({
      contactFor: () => at,
      userAgent: 'test',
      seed,
      nonceKey: Buffer.from('0123456789abcdef'),
      nonceLifeMs: 60_000,
    })
  }

  flowTo(to: Station | SipAddress): Flow {
    return { transport: 'udp', local: this.at, remote: 'at' in to ? to.at : to, connection: '' }
  }

  receive(bytes: Uint8Array, from: SipAddress): void {
    this.feed({ kind: 'received', flow: this.flowTo(from), bytes })
  }

  /** Puts a text on the wire's end, as if it came from there. */
  hear(text: string, from: SipAddress): void {
    this.receive(Buffer.from(text), from)
  }

  feed(input: SipInput): void {
    for (const output of this.core.handle(input, this.#link.clock.now())) this.#carryOut(output)
  }

  /** Calls another station. */
  invite(leg: string, targets: readonly Station[], more: Partial<SipInput & { kind: 'invite' }> = {}): void {
    this.feed({
      kind: 'invite',
      leg,
      targets: targets.map((to) => ({ flow: this.flowTo(to), requestUri: `sip:bob@${to.at.address}:${to.at.port}` })),
      from: { display: 'Alice', uri: `sip:alice@${this.at.address}` },
      to: { display: '', uri: 'sip:bob@example.com' },
      body: 'offer',
      timeoutMs: 60_000,
      ...more,
    })
  }

  /** What was told of this kind. */
  tales<K extends SipOutput['kind']>(kind: K): Extract<SipOutput, { kind: K }>[] {
    return this.told.filter((each): each is Extract<SipOutput, { kind: K }> => each.kind === kind)
  }

  get timers(): number {
    return this.#timers.size
  }

  #carryOut(output: SipOutput): void {
    if (output.kind === 'send') this.#link.send(this.at, output.flow.remote, output.bytes)
    else if (output.kind === 'setTimer') this.#setTimer(output.id, output.at)
    else if (output.kind === 'cancelTimer') this.#clear(output.id)
    else {
      this.told.push(output)
      this.onOutput(output)
    }
  }

  #setTimer(id: string, at: number): void {
    this.#clear(id)
    const task = () => {
      this.#timers.delete(id)
      this.feed({ kind: 'timer', id })
    }
    this.#timers.set(id, this.#link.clock.schedule(at, task))
  }

  #clear(id: string): void {
    this.#timers.get(id)?.cancel()
    this.#timers.delete(id)
  }
}

/** Lets everybody in. */
export function openDoor(station: Station, identity = 'anyone'): (output: SipOutput) => void {
  return (output) => {
    if (output.kind === 'authorise') {
      station.feed({ kind: 'authorised', query: output.query, policy: { kind: 'open', identity } })
    }
  }
}

function name({ address, port }: SipAddress): string {
  return `${address}:${port}`
}

function short(full: string): string {
  return full.split(':')[0]!.split('.').at(-1)!
}

/** A request as some phone writes it. @param lines further headers, and after an empty line the body */
export function rawRequest(
  method: string,
  names: { readonly branch: string; readonly cseq: number; readonly toTag?: string; readonly uri?: string },
  lines: readonly string[] = [],
): string {
  const { branch, cseq, toTag, uri = 'sip:bob@10.0.0.2' } = names
  const rest = lines.includes('') ? lines : [...lines, '', '']
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK${branch}`,
    'Max-Forwards: 70',
    'From: <sip:phone@10.0.0.9>;tag=theirs',
    `To: <sip:bob@10.0.0.2>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    'Call-ID: their-call',
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:phone@10.0.0.9:5099>',
    ...rest,
  ].join('\r\n')
}

/** The answer of some phone to a request on the wire. @param tag of To, when it has none yet */
export function rawAnswer(request: string, status: string, tag: string, lines: readonly string[] = []): string {
  const copied = request.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq): /.test(line))
  const tagged = copied.map((line) => (line.startsWith('To:') && !line.includes(';tag=') ? `${line};tag=${tag}` : line))
  const rest = lines.includes('') ? lines : [...lines, '', '']
  return [`SIP/2.0 ${status}`, ...tagged, ...rest].join('\r\n')
}

/** The value of a header in a message on the wire. */
export function headerOf(text: string, name: string): string | null {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]?.trim() ?? null
}
