/**
 * What happened on the wires of a call, for whoever looks for a fault: its signalling always, its sound when it was asked for.
 * In memory only, bounded, gone with the process.
 */

import type { Clock, Micros, Scheduled } from '../../kernel/clock.ts'
import type { CapturedPacket } from '../../media/protocol.ts'
import type { Endpoint } from '../../net/port.ts'
import { ladderOf, type MediaPacket } from './ladder.ts'
import { pcapOf } from './pcap.ts'
import { SipTrace } from './sip-trace.ts'

export interface CaptureState {
  readonly status: 'capturing' | 'done' | 'none'
  readonly sip_messages: number
  readonly media_packets: number
  /** For which there was no room any more. */
  readonly left_out: number
  readonly ladder: readonly string[]
}

export interface CapturesOptions {
  readonly clock: Clock
  /** Switches the telling of a leg's packets on and off. */
  readonly watch: (callId: string, on: boolean) => void
  /** Where the sound of a call comes in, or null. */
  readonly localOf: (callId: string) => Endpoint | null
}

interface Sound {
  readonly local: Endpoint
  readonly packets: MediaPacket[]
  bytes: number
  leftOut: number
  /** Ends it; null when it has ended. */
  end: Scheduled | null
}

/** A minute of both directions is about 1.3 MB. */
const MOST_BYTES = 8 * 1024 * 1024
const MOST_CALLS = 8

export class Captures {
  readonly trace: SipTrace
  readonly #options: CapturesOptions
  /** By call, oldest first. */
  readonly #sounds = new Map<string, Sound>()

  constructor(options: CapturesOptions) {
    this.#options = options
    this.trace = new SipTrace(options.clock)
  }

  /** Captures the sound from now on; what was captured of this call before is dropped. @returns false when it has no sound */
  start(callId: string, ms: number): boolean {
    const { clock, localOf, watch } = this.#options
    const local = localOf(callId)
    if (local === null) return false
    this.stop(callId)
    this.#sounds.delete(callId)
    const end = clock.schedule(clock.now() + ms, () => this.stop(callId))
    this.#sounds.set(callId, { local, packets: [], bytes: 0, leftOut: 0, end })
    for (const oldest of this.#sounds.keys()) {
      if (this.#sounds.size <= MOST_CALLS) break
      this.stop(oldest)
      this.#sounds.delete(oldest)
    }
    watch(callId, true)
    return true
  }

  stop(callId: string): void {
    const sound = this.#sounds.get(callId)
    if (!sound?.end) return
    sound.end.cancel()
    sound.end = null
    this.#options.watch(callId, false)
  }

  captured(callId: string, packets: readonly CapturedPacket[]): void {
    const sound = this.#sounds.get(callId)
    if (!sound) return
    const { clock } = this.#options
    const offset = clock.wallMicros() - 1000 * clock.now()
    for (const one of packets) keep(sound, one, Math.round(offset + 1000 * one.at))
  }

  state(callId: string): CaptureState {
    const { messages, left } = this.trace.of(callId)
    const sound = this.#sounds.get(callId)
    return {
      status: sound ? (sound.end ? 'capturing' : 'done') : 'none',
      sip_messages: messages.length,
      media_packets: sound?.packets.length ?? 0,
      left_out: left + (sound?.leftOut ?? 0),
      ladder: ladderOf(messages, sound?.packets ?? []),
    }
  }

  pcap(callId: string): Uint8Array {
    const packets = [...this.trace.of(callId).messages, ...(this.#sounds.get(callId)?.packets ?? [])]
    return pcapOf(packets.sort((a, b) => a.wallUs - b.wallUs))
  }

  close(): void {
    for (const callId of this.#sounds.keys()) this.stop(callId)
  }
}

function keep(sound: Sound, { isOut, remote, bytes }: CapturedPacket, wallUs: Micros): void {
  if (sound.bytes + bytes.length > MOST_BYTES) {
    sound.leftOut++
    return
  }
  sound.bytes += bytes.length
  const [from, to] = isOut ? [sound.local, remote] : [remote, sound.local]
  sound.packets.push({ isOut, from, to, bytes, wallUs })
}
