/**
 * All legs of one media thread. Carries out `media/protocol.ts` but for `ready`; has no loop of its own: whoever owns it
 * calls `tick` every 5 ms while legs are open, and stamps what happens with a clock.
 */

import type { Millis } from '../kernel/clock.ts'
import type { DatagramSocket, Endpoint, Network } from '../net/port.ts'
import { prepareBackgrounds } from './background.ts'
import { CapturingNetwork } from './capture.ts'
import { MixGroup } from './group.ts'
import { Guest } from './guest.ts'
import { Leg, RATE_HZ } from './leg.ts'
import { Pace } from './pace.ts'
import type { CapturedPacket, LegRef, MediaCommand, MediaEvent } from './protocol.ts'

const PACE_EVERY_MS = 1_000

type Opening = MediaCommand & { kind: 'openLeg' }
type LegCommand = Exclude<MediaCommand, { kind: 'openLeg' | 'shutDown' | 'invite' | 'dismiss' }>

export interface MediaThreadOptions {
  readonly network: Network
  /** Called synchronously, also from within `handle` and `tick`. */
  readonly emit: (event: MediaEvent) => void
  /** Monotonic ms at which a datagram arrives. */
  readonly now: () => Millis
  /** CPU time of this thread so far, where it can be read. */
  readonly cpuMs?: () => number
}

export class MediaThread {
  readonly #options: MediaThreadOptions
  readonly #network: CapturingNetwork
  readonly #legs = new Map<number, Leg>()
  /** By number; only those that have members. */
  readonly #groups = new Map<number, MixGroup>()
  /** Legs of other threads, by slot. */
  readonly #guests = new Map<number, Guest>()
  readonly #pace = new Pace()
  #paceAt: Millis = 0
  #cpuMs = 0
  #pushedByClosed = 0

  constructor(options: MediaThreadOptions) {
    this.#options = options
    this.#network = new CapturingNetwork(options.network, options.now)
    prepareBackgrounds(RATE_HZ)
  }

  /** Legs that want ticks, those still looking for a port included. */
  get openLegs(): number {
    return this.#legs.size
  }

  get groups(): number {
    return this.#groups.size
  }

  /** Records written for the ears so far: when it has grown, they have something to read. */
  get pushed(): number {
    let pushed = this.#pushedByClosed
    for (const leg of this.#legs.values()) pushed += leg.pushed
    return pushed
  }

  /** A command for a leg that is not open, or of an older generation, is ignored. */
  handle(command: MediaCommand, now: Millis): void {
    if (command.kind === 'openLeg') return this.#open(command, now)
    if (command.kind === 'shutDown') {
      for (const leg of [...this.#legs.values()]) this.#close(leg, now)
      return
    }
    if (command.kind === 'invite' || command.kind === 'dismiss') return this.#host(command)
    const leg = this.#legs.get(command.leg.slot)
    if (!leg || leg.ref.generation !== command.leg.generation) return this.#tellGuest(command)
    try {
      this.#command(leg, command, now)
    } catch (cause) {
      this.#failed(leg, cause)
    }
  }

  tick(now: Millis): void {
    if (this.#legs.size === 0) return
    this.#pace.ticked()
    for (const guest of this.#guests.values()) guest.drain()
    for (const leg of this.#legs.values()) this.#tickLeg(leg, now)
    if (now - this.#paceAt >= PACE_EVERY_MS) this.#tellPace(now)
  }

  #tickLeg(leg: Leg, now: Millis): void {
    try {
      const late = leg.tick(now)
      if (late >= 0) this.#pace.note(late)
    } catch (cause) {
      this.#failed(leg, cause)
    }
  }

  #receive(leg: Leg, bytes: Uint8Array, from: Endpoint): void {
    if (!this.#isOpen(leg.ref)) return
    try {
      leg.receive(bytes, from, this.#options.now())
    } catch (cause) {
      this.#failed(leg, cause)
    }
  }

  #command(leg: Leg, command: LegCommand, now: Millis): void {
    switch (command.kind) {
      case 'startLeg':
        return leg.start(command.format, command.remote, command.sending, now)
      case 'hear':
        return leg.hear(command.on, now)
      case 'flush':
        return leg.flush(command.lane, command.epoch, now)
      case 'mute':
        return leg.mute(command.on)
      case 'deafen':
        return leg.deafen(command.on)
      case 'join':
        return this.#join(leg, command)
      case 'leave':
        return this.#leave(leg)
      case 'lend':
        return leg.lend(command.ring)
      case 'background':
        return leg.background(command.sound)
      case 'echo':
        return leg.echo(command.on)
      case 'sendDigits':
        return leg.sendDigits(command.digits, command.durationMs, command.gapMs, now)
      case 'capture':
        return this.#capture(leg, command.on)
      case 'closeLeg':
        return this.#close(leg, now)
      default:
        command satisfies never
    }
  }

  /** Of RTP, and of RTCP beside it. */
  #capture(leg: Leg, on: boolean): void {
    const port = leg.localPort
    if (port === null) return
    const tell = (packets: readonly CapturedPacket[]): void =>
      this.#options.emit({ kind: 'captured', leg: leg.ref, packets })
    for (const one of [port, port + 1]) this.#network.watch(one, on ? tell : null)
  }

  // ---------------------------------------------------------------- groups

  #join(leg: Leg | Guest, { group: number, talks, hears }: MediaCommand & { kind: 'join' }): void {
    const group = this.#groups.get(number) ?? new MixGroup(RATE_HZ)
    if (leg.group !== group) this.#leave(leg)
    this.#groups.set(number, group)
    leg.join(group, talks, hears)
  }

  #leave(leg: Leg | Guest): void {
    const { group } = leg
    leg.leave()
    if (group?.size !== 0) return
    for (const [number, one] of this.#groups) if (one === group) this.#groups.delete(number)
  }

  #host(command: MediaCommand & { kind: 'invite' | 'dismiss' }): void {
    const { slot, generation } = command.leg
    const before = this.#guests.get(slot)
    if (before && before.ref.generation > generation) return
    if (before) this.#leave(before)
    this.#guests.delete(slot)
    if (command.kind === 'invite') this.#guests.set(slot, new Guest(command.leg, command.ring, RATE_HZ))
  }

  #tellGuest(command: LegCommand): void {
    const guest = this.#guests.get(command.leg.slot)
    if (!guest || guest.ref.generation !== command.leg.generation) return
    if (command.kind === 'join') this.#join(guest, command)
    if (command.kind === 'leave') this.#leave(guest)
    if (command.kind === 'deafen') guest.deafen(command.on)
  }

  // ---------------------------------------------------------------- opening and closing

  #open(command: Opening, now: Millis): void {
    const { slot, generation } = command.leg
    const before = this.#legs.get(slot)
    if (before && before.ref.generation >= generation) return
    if (before) this.#close(before, now)
    if (command.rateHz !== RATE_HZ) {
      return this.#options.emit({ kind: 'legFailed', leg: command.leg, why: `no codec for ${command.rateHz} Hz` })
    }
    if (this.#legs.size === 0) this.#startPace(now)
    const { network, emit, now: clock } = this.#options
    const leg = new Leg(command, emit, (port, onDatagram) =>
      network.bind({ address: command.localAddress, port }, (bytes, from) => onDatagram(bytes, from, clock())),
    )
    this.#legs.set(slot, leg)
    this.#bind(leg, command).then(
      (socket) => this.#bound(leg, socket),
      (cause: unknown) => this.#failed(leg, cause),
    )
  }

  /** The first of the ports that can be had. */
  async #bind(leg: Leg, command: Opening): Promise<DatagramSocket> {
    let refusal: unknown = new Error('no port to try')
    for (const port of command.localPorts) {
      try {
        const local = { address: command.localAddress, port }
        return await this.#network.bind(local, (bytes, from) => this.#receive(leg, bytes, from))
      } catch (cause) {
        refusal = cause
      }
    }
    throw refusal
  }

  #bound(leg: Leg, socket: DatagramSocket): void {
    // Closed while its port was being looked for: that has been told already.
    if (!this.#isOpen(leg.ref)) return socket.close()
    leg.bound(socket)
    this.#options.emit({ kind: 'legOpened', leg: leg.ref, localPort: socket.local.port, at: this.#options.now() })
  }

  #isOpen(ref: LegRef): boolean {
    return this.#legs.get(ref.slot)?.ref.generation === ref.generation
  }

  #close(leg: Leg, now: Millis): void {
    this.#forget(leg)
    leg.close(now)
  }

  /** One leg's failure never touches another. */
  #failed(leg: Leg, cause: unknown): void {
    if (!this.#isOpen(leg.ref)) return
    this.#forget(leg)
    leg.release()
    this.#options.emit({ kind: 'legFailed', leg: leg.ref, why: cause instanceof Error ? cause.message : String(cause) })
  }

  #forget(leg: Leg): void {
    this.#leave(leg)
    this.#legs.delete(leg.ref.slot)
    this.#pushedByClosed += leg.pushed
  }

  // ---------------------------------------------------------------- pace

  #startPace(now: Millis): void {
    this.#paceAt = now
    this.#cpuMs = this.#options.cpuMs?.() ?? 0
    this.#pace.take()
  }

  #tellPace(now: Millis): void {
    this.#paceAt = now
    const cpuMs = this.#options.cpuMs?.() ?? 0
    this.#options.emit({ kind: 'pace', legs: this.#legs.size, ...this.#pace.take(), cpuMs: cpuMs - this.#cpuMs })
    this.#cpuMs = cpuMs
  }
}
