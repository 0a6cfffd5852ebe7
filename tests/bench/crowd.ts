/**
 * Many callers for little CPU: INVITE, ACK and BYE written by hand, RTP of many calls through one socket. What `Phone` does
 * for one person with timers and checks would cost more here than the server that is measured.
 */

import { createSocket, type Socket } from 'node:dgram'
import { RealClock } from '../../src/drivers/real-clock.ts'
import type { World } from './line.ts'

const HERE = '127.0.0.1'
const CALLS_PER_SOCKET = 50
const TICK_MS = 5
const PHASES = 4
const FRAME = 160
const HEADER = 12
const PACKET = HEADER + FRAME
const RESEND_MS = 500
/** Each time twice as long after the last one, as RFC 3261 wants it. */
const RESENDS = 6
const RETRY_MS = 1_000
const MOST_BEHIND_MS = 60
const RECEIVE_BUFFER_BYTES = 1 << 22

export interface CrowdCall {
  readonly id: string
  readonly index: number
  invitedAt: number
  answeredAt: number
  serverPort: number
  toTag: string
  state: 'calling' | 'up' | 'ending' | 'over' | 'refused'
  code: number
  resends: number
  lastSentAt: number
  sentFrames: number
  received: number
}

export interface CrowdOptions {
  readonly sipPort: number
  readonly number: string
  /** What each call sends, as G.711 at 20 ms; null: nothing. Played round and round, each call from another place. */
  readonly sound: Uint8Array | null
  /** Told each packet that comes. */
  readonly onPacket?: (call: CrowdCall, bytes: Buffer, at: number) => void
}

/** A customer has limits of its own, far below what is measured here. */
export async function openLimits(world: World): Promise<void> {
  await world.ask('PUT', '/limits', {
    calls_at_once: 2_000,
    new_calls_per_second: 1_000,
    minutes_per_day: 10_000_000,
    per_destination_per_minute: 1_000,
  })
}

export class Crowd {
  readonly calls: CrowdCall[] = []
  readonly clock = new RealClock()
  readonly #options: CrowdOptions
  readonly #sip: Socket
  readonly #sockets: Socket[] = []
  readonly #byPort: (CrowdCall | undefined)[] = []
  readonly #byId = new Map<string, CrowdCall>()
  readonly #packet = Buffer.alloc(PACKET)
  readonly #run = Math.random().toString(36).slice(2, 8)
  #timer: NodeJS.Timeout | null = null
  #tick = 0
  #dueAt = 0
  /** Ticks of this side that came over 20 ms late: then its figures say little. */
  lateTicks = 0
  /** BYEs of the server. */
  hungUp = 0
  resent = 0

  static async open(options: CrowdOptions): Promise<Crowd> {
    const sip = await bound()
    return new Crowd(options, sip)
  }

  private constructor(options: CrowdOptions, sip: Socket) {
    this.#options = options
    this.#sip = sip
    sip.on('message', (bytes) => this.#answer(bytes.toString('latin1'), this.clock.now()))
    this.#dueAt = this.clock.now()
    this.#turn()
  }

  get up(): CrowdCall[] {
    return this.calls.filter(({ state }) => state === 'up')
  }

  /**
   * Calls until `count` more are up. One that is refused is tried again later, as people do: the server lets calls in
   * slowly while it does not know yet what they cost.
   * @throws when so many are not taken within a minute more than they need
   */
  async call(count: number, perSecond: number): Promise<void> {
    const wanted = this.up.length + count
    const limit = this.clock.now() + (count * 1000) / perSecond + 60_000
    for (;;) {
      const began = this.clock.now()
      const missing = wanted - this.up.length
      for (let n = 0; n < missing; n++) {
        const waitMs = began + (n * 1000) / perSecond - this.clock.now()
        if (waitMs > 1) await wait(waitMs)
        await this.dial()
      }
      while (this.calls.some(({ state }) => state === 'calling') && this.clock.now() < began + 60_000) await wait(10)
      if (this.up.length >= wanted) return
      const codes = new Set(this.calls.filter(({ state }) => state === 'refused').map(({ code }) => code))
      if (this.clock.now() > limit) throw new Error(`${this.up.length} of ${wanted} calls taken, others: ${[...codes]}`)
      await wait(RETRY_MS)
    }
  }

  get refused(): number {
    return this.calls.filter(({ state }) => state === 'refused').length
  }

  /** Sends one INVITE. */
  async dial(): Promise<CrowdCall> {
    const index = this.calls.length
    if (this.#sockets.length <= Math.floor(index / CALLS_PER_SOCKET)) await this.#anotherSocket()
    const now = this.clock.now()
    const call: CrowdCall = {
      id: `${this.#run}${index}`,
      index,
      invitedAt: now,
      answeredAt: 0,
      serverPort: 0,
      toTag: '',
      state: 'calling',
      code: 0,
      resends: 0,
      lastSentAt: now,
      sentFrames: 0,
      received: 0,
    }
    this.calls.push(call)
    this.#byId.set(call.id, call)
    this.#send(this.#request(call, 'INVITE', 1, this.#offer(call)))
    return call
  }

  hangUp(call: CrowdCall): void {
    if (call.state !== 'up') return
    call.state = 'ending'
    call.resends = 0
    call.lastSentAt = this.clock.now()
    this.#send(this.#request(call, 'BYE', 2, ''))
  }

  /** Hangs up whatever is up, so many a second. @returns how many got no answer to that */
  async hangUpAll(perSecond = 200): Promise<number> {
    const began = this.clock.now()
    for (const [n, call] of this.up.entries()) {
      const waitMs = began + (n * 1000) / perSecond - this.clock.now()
      if (waitMs > 1) await wait(waitMs)
      this.hangUp(call)
    }
    const limit = this.clock.now() + 5_000
    while (this.calls.some(({ state }) => state === 'ending') && this.clock.now() < limit) await wait(20)
    return this.calls.filter(({ state }) => state === 'ending').length
  }

  /** Forgets calls that are over, so that a long run does not grow. */
  forget(): void {
    for (const call of this.calls) {
      if (call.state !== 'over' && call.state !== 'refused') continue
      this.#byId.delete(call.id)
      if (this.#byPort[call.serverPort] === call) this.#byPort[call.serverPort] = undefined
    }
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#sip.close()
    for (const socket of this.#sockets) socket.close()
  }

  // ---------------------------------------------------------------- sound

  #turn(): void {
    const now = this.clock.now()
    const late = now - this.#dueAt
    if (late > 20) this.lateTicks++
    // Never more to catch up with than can be done: what is older is not sent.
    if (late > MOST_BEHIND_MS) this.#dueAt += Math.floor((late - MOST_BEHIND_MS) / TICK_MS) * TICK_MS
    for (let n = MOST_BEHIND_MS / TICK_MS; n > 0 && this.#dueAt <= now; n--) {
      this.#speak(this.#tick++ % PHASES)
      this.#dueAt += TICK_MS
    }
    if (this.#tick % 20 === 0) this.#resend(now)
    this.#timer = setTimeout(() => this.#turn(), Math.max(1, this.#dueAt - this.clock.now()))
  }

  #speak(phase: number): void {
    const { sound } = this.#options
    if (!sound) return
    const packet = this.#packet
    const frames = Math.floor(sound.length / FRAME)
    for (let at = phase; at < this.calls.length; at += PHASES) {
      const call = this.calls[at]!
      if (call.state !== 'up') continue
      const n = call.sentFrames++
      packet[0] = 0x80
      packet[1] = n === 0 ? 0x80 : 0
      packet.writeUInt16BE(n & 0xffff, 2)
      packet.writeUInt32BE((n * FRAME) >>> 0, 4)
      packet.writeUInt32BE(call.index + 1, 8)
      const from = ((n + call.index * 37) % frames) * FRAME
      packet.set(sound.subarray(from, from + FRAME), HEADER)
      // A copy: the system may keep it while its own buffer is full.
      this.#sockets[Math.floor(call.index / CALLS_PER_SOCKET)]!.send(Buffer.from(packet), call.serverPort, HERE)
    }
  }

  async #anotherSocket(): Promise<void> {
    const socket = await bound()
    socket.on('message', (bytes, { port }) => {
      const call = this.#byPort[port]
      if (!call) return
      call.received++
      this.#options.onPacket?.(call, bytes, this.clock.now())
    })
    this.#sockets.push(socket)
  }

  // ---------------------------------------------------------------- signalling

  #offer(call: CrowdCall): string {
    const { port } = this.#sockets[Math.floor(call.index / CALLS_PER_SOCKET)]!.address()
    return [
      'v=0',
      `o=- ${call.index} 1 IN IP4 ${HERE}`,
      's=-',
      `c=IN IP4 ${HERE}`,
      't=0 0',
      `m=audio ${port} RTP/AVP 0 101`,
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ].join('\r\n')
  }

  #request(call: CrowdCall, method: string, cseq: number, body: string): string {
    const { port } = this.#sip.address()
    const { sipPort, number } = this.#options
    const to = `<sip:${number}@${HERE}:${sipPort}>${call.toTag === '' ? '' : `;tag=${call.toTag}`}`
    return [
      `${method} sip:${number}@${HERE}:${sipPort} SIP/2.0`,
      `Via: SIP/2.0/UDP ${HERE}:${port};branch=z9hG4bK${call.id}${method === 'INVITE' ? '' : method};rport`,
      'Max-Forwards: 70',
      `From: <sip:bench@${HERE}:${port}>;tag=${call.id}`,
      `To: ${to}`,
      `Call-ID: ${call.id}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:bench@${HERE}:${port}>`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n')
  }

  #answer(text: string, now: number): void {
    const call = this.#byId.get(/^call-id:\s*(\S+)/im.exec(text)?.[1] ?? '')
    if (!text.startsWith('SIP/2.0 ')) return this.#asked(text, call)
    if (!call) return
    const code = Number(text.slice(8, 11))
    const method = /^cseq:\s*\d+\s+(\S+)/im.exec(text)?.[1]
    if (method === 'BYE' && code >= 200 && call.state === 'ending') call.state = 'over'
    if (method !== 'INVITE') return
    if (code < 200) {
      call.resends = RESENDS
      return
    }
    call.toTag = /^to:.*;tag=([^\s;]+)/im.exec(text)?.[1] ?? ''
    this.#send(this.#request(call, 'ACK', 1, ''))
    if (call.state !== 'calling') return
    call.code = code
    call.answeredAt = now
    call.serverPort = Number(/^m=audio (\d+)/m.exec(text)?.[1] ?? 0)
    call.state = code < 300 ? 'up' : 'refused'
    if (code < 300) this.#byPort[call.serverPort] = call
  }

  /** Whatever the server asks within a dialog is granted. */
  #asked(text: string, call: CrowdCall | undefined): void {
    if (text.startsWith('ACK')) return
    if (text.startsWith('BYE')) this.hungUp++
    if (call && text.startsWith('BYE')) call.state = 'over'
    const kept = text.split('\r\n').filter((line) => /^(via|from|to|call-id|cseq):/i.test(line))
    this.#send(['SIP/2.0 200 OK', ...kept, 'Content-Length: 0', '', ''].join('\r\n'))
  }

  #resend(now: number): void {
    for (const call of this.calls) {
      const isWaiting = call.state === 'calling' || call.state === 'ending'
      if (!isWaiting || call.resends >= RESENDS || now - call.lastSentAt < RESEND_MS * 2 ** call.resends) continue
      call.lastSentAt = now
      call.resends++
      this.resent++
      if (call.state === 'calling') this.#send(this.#request(call, 'INVITE', 1, this.#offer(call)))
      else this.#send(this.#request(call, 'BYE', 2, ''))
    }
  }

  #send(text: string): void {
    this.#sip.send(Buffer.from(text, 'latin1'), this.#options.sipPort, HERE)
  }
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** @returns y = intercept + slope * x by least squares, and how far the worst point is off that line, as a share of its value */
export function lineThrough(points: readonly { readonly x: number; readonly y: number }[]): {
  readonly slope: number
  readonly intercept: number
  readonly worstShare: number
} {
  const n = points.length
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / n
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / n
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread
  const intercept = meanY - slope * meanX
  const worstShare = Math.max(...points.map(({ x, y }) => Math.abs(y - (intercept + slope * x)) / Math.max(1e-9, y)))
  return { slope, intercept, worstShare }
}

async function bound(): Promise<Socket> {
  const socket = createSocket({
    type: 'udp4',
    recvBufferSize: RECEIVE_BUFFER_BYTES,
    lookup: (address, _options, answer) => answer(null, address, 4),
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, HERE, resolve)
  })
  return socket
}
