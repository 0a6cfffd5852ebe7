/** Softphones on loopback that remember what they heard, frame by frame. */

import { isVoiced } from '../../src/audio/level.ts'
import { RealClock } from '../../src/drivers/real-clock.ts'
import type { Network } from '../../src/net/port.ts'
import { UdpNetwork } from '../../src/net/udp.ts'
import type { PhoneCall, PhoneCallEnd } from '../../src/phone/call.ts'
import { Phone } from '../../src/phone/user-agent.ts'
import { monotonicMs as now } from '../../src/workers/monotonic.ts'
import { until } from '../e2e/until.ts'

const HERE = '127.0.0.1'
const FRAME_MS = 20
/** Frames that a sentence may be held up by, in the middle, and still be one sentence. */
const MAY_BE_LATE = 15

export interface PhoneWants {
  readonly sipPort: number
  readonly user: string
  /** With a password it registers. */
  readonly password?: string
  readonly domain?: string
  readonly autoAnswer?: boolean
  /** Absent: UDP as it is. */
  readonly network?: Network
}

/** One call as its phone hears it. */
export class Line {
  readonly call: PhoneCall
  readonly #voicedAt: number[] = []
  end: PhoneCallEnd | null = null

  constructor(call: PhoneCall) {
    this.call = call
    call.onFrame = (pcm8k, { at }) => {
      if (isVoiced(pcm8k)) this.#voicedAt.push(at)
    }
    void call.ended.then((end) => {
      this.end = end
    })
  }

  /** Says it, to its end. Fails when this machine was too busy to speak: a recogniser would rightly not understand it. */
  async speak(pcm8k: Int16Array): Promise<void> {
    const { skippedFrames } = this.call.stats
    await this.call.speak(pcm8k)
    const late = this.call.stats.skippedFrames - skippedFrames
    if (late > MAY_BE_LATE) throw new Error(`this machine was too busy: speech was held up by ${late} frames`)
  }

  /** How much was loud enough to be speech. @param since monotonic ms */
  voicedMs(since = 0): number {
    return FRAME_MS * this.#voicedAt.filter((at) => at >= since).length
  }

  /** Ms since something was heard. */
  silentMs(): number {
    return now() - (this.#voicedAt.at(-1) ?? 0)
  }

  get isUp(): boolean {
    return this.call.state === 'answered' && this.end === null
  }

  /** Waits until so much speech was heard. */
  async hears(ms: number, since = 0, limitMs?: number): Promise<void> {
    await until(`${ms} ms of speech are heard`, () => this.voicedMs(since) >= ms, limitMs)
  }

  /** Waits until nothing was heard for a while. */
  async quiet(ms = 600, limitMs?: number): Promise<void> {
    await until(`${ms} ms of silence`, () => this.silentMs() >= ms, limitMs)
  }

  async hangup(): Promise<void> {
    this.call.hangup()
    await this.call.ended
  }
}

export class TestPhone {
  readonly phone: Phone
  /** Calls that came in. */
  readonly rung: Line[] = []

  static async open({ sipPort, user, password, domain, network, autoAnswer = false }: PhoneWants): Promise<TestPhone> {
    const phone = await Phone.open({
      network: network ?? new UdpNetwork(),
      clock: new RealClock(),
      localAddress: HERE,
      server: { address: HERE, port: sipPort },
      user,
      seed: `${user} ${process.pid} ${now()}`,
      autoAnswer,
      ...(domain === undefined ? {} : { domain }),
      ...(password === undefined ? {} : { credentials: { username: user, password } }),
    })
    const mine = new TestPhone(phone)
    const code = password === undefined ? 200 : await phone.register()
    if (code !== 200) throw new Error(`${user} was not registered: ${code}`)
    return mine
  }

  private constructor(phone: Phone) {
    this.phone = phone
    phone.onIncoming = (call) => void this.rung.push(new Line(call))
  }

  /** Dials and waits for the answer; rejects when it is refused. */
  async call(target: string): Promise<Line> {
    const line = await this.dial(target)
    await line.call.answered
    return line
  }

  async dial(target: string): Promise<Line> {
    return new Line(await this.phone.call(target))
  }

  /** Waits until it rings for the `nth` time. */
  async rings(nth = 1): Promise<Line> {
    await until(`the phone rings for the ${nth}. time`, () => this.rung.length >= nth)
    return this.rung[nth - 1]!
  }

  close(): Promise<void> {
    return this.phone.close()
  }
}
