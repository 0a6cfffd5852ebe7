/**
 * Sound of calls: which leg slot a call has, its rings, and the messages to the media, listen and talk threads. Sound
 * itself never comes by here.
 */

import { randomBytes } from 'node:crypto'
import type { CallInput } from '../calls/part.ts'
import type { Sound } from '../calls/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { createLegRings } from '../kernel/ring.ts'
import type { Lane, LegFormat, LegRef, LegRings, MediaCommand, MediaEvent, RtpAddress } from '../media/protocol.ts'
import type { ListenCommand, ListenEvent, TalkCommand, TalkEvent } from '../speech/protocol.ts'
import type { Channel } from './channel.ts'

/** What signalling needs to know of a call's sound. */
export interface SoundForSignalling {
  /** UDP port of the call's sound, or null while the leg is not open. */
  portOf(callId: string): number | null
  start(callId: string, format: LegFormat, remote: RtpAddress, sending: boolean): void
}

export interface SoundDriverOptions {
  readonly clock: Clock
  readonly log: Log
  readonly media: Channel<MediaCommand, MediaEvent>
  readonly listen: Channel<ListenCommand, ListenEvent>
  readonly talk: Channel<TalkCommand, TalkEvent>
  readonly bindAddress: string
  /** First and last UDP port for RTP. */
  readonly rtpPorts: readonly [first: number, last: number]
  readonly rateHz: number
  readonly maxLegs: number
  /** Where RTP counts start (RFC 3550 §5.1). Absent: the system's random bytes. */
  readonly random?: (size: number) => Uint8Array
  readonly onPace?: (pace: MediaEvent & { kind: 'pace' }) => void
  readonly onLoad?: (thread: 'listen' | 'talk', load: (ListenEvent | TalkEvent) & { kind: 'load' }) => void
}

type Thread = 'media' | 'talk' | 'listen'

/** Who still touches a slot's rings. The slot is used again when nobody does. */
interface LegState {
  readonly callId: string
  readonly leg: LegRef
  localPort: number | null
  ear: number | null
  readonly holders: Set<Thread>
  isClosing: boolean
}

const PORTS_TRIED = 8

export class SoundDriver implements Sound, SoundForSignalling {
  readonly #options: SoundDriverOptions
  readonly #deliver: (callId: string, input: CallInput) => void
  readonly #rings: LegRings[] = []
  readonly #generations: number[] = []
  readonly #free: number[] = []
  readonly #byCall = new Map<string, LegState>()
  readonly #bySlot: (LegState | null)[] = []
  readonly #byEar = new Map<number, LegState>()
  /** Threads that died and are not back: what is posted to them now is lost. */
  readonly #lost = new Set<Thread>()
  #lastEar = 0
  #nextPort: number

  constructor(options: SoundDriverOptions, deliver: (callId: string, input: CallInput) => void) {
    this.#options = options
    this.#deliver = deliver
    this.#nextPort = evenFrom(options.rtpPorts[0])
    options.media.onEvents = (events) => {
      for (const event of events) this.#mediaEvent(event)
    }
    options.listen.onEvents = (events) => {
      for (const event of events) this.#listenEvent(event)
    }
    options.talk.onEvents = (events) => {
      for (const event of events) this.#talkEvent(event)
    }
    options.media.onLost = () => this.#threadLost('media')
    options.listen.onLost = () => this.#threadLost('listen')
    options.talk.onLost = () => this.#threadLost('talk')
  }

  /** Legs open, and slots that have rings. */
  census(): { readonly legs: number; readonly slots: number } {
    return { legs: this.#byCall.size, slots: this.#rings.length }
  }

  open(callId: string): void {
    const slot = this.#lost.has('media') ? null : this.#takeSlot()
    if (slot === null) {
      const leg = { slot: -1, generation: 0 }
      const why = this.#lost.has('media') ? 'the media thread is gone' : 'no free leg'
      return this.#deliver(callId, { kind: 'sound', news: { kind: 'legFailed', leg, why } })
    }
    const leg = { slot, generation: ++this.#generations[slot]! }
    const state: LegState = {
      callId,
      leg,
      localPort: null,
      ear: null,
      holders: new Set(['media']),
      isClosing: false,
    }
    this.#byCall.set(callId, state)
    this.#bySlot[slot] = state
    const rings = this.#rings[slot]!
    const random = Buffer.from((this.#options.random ?? randomBytes)(10))
    if (!this.#lost.has('talk')) this.#openVoice(state)
    this.#options.media.post({
      kind: 'openLeg',
      leg,
      rings,
      rateHz: this.#options.rateHz,
      localAddress: this.#options.bindAddress,
      localPorts: this.#somePorts(),
      ssrc: random.readUInt32BE(0),
      firstSequence: random.readUInt16BE(4),
      firstRtpTime: random.readUInt32BE(6),
    })
  }

  portOf(callId: string): number | null {
    return this.#byCall.get(callId)?.localPort ?? null
  }

  start(callId: string, format: LegFormat, remote: RtpAddress, sending: boolean): void {
    const state = this.#byCall.get(callId)
    if (state) this.#options.media.post({ kind: 'startLeg', leg: state.leg, format, remote, sending })
  }

  close(callId: string): void {
    const state = this.#byCall.get(callId)
    if (!state || state.isClosing) return
    state.isClosing = true
    if (state.holders.has('media')) this.#options.media.post({ kind: 'closeLeg', leg: state.leg })
    if (state.holders.has('talk')) this.#options.talk.post({ kind: 'closeVoice', leg: state.leg })
  }

  attachEar(callId: string, language: string, phrases: readonly string[] | null): void {
    const state = this.#byCall.get(callId)
    if (!state || state.isClosing || !state.holders.has('media')) return
    const ear = ++this.#lastEar
    if (this.#lost.has('listen')) {
      const why = 'the listen thread is gone'
      return this.#deliver(callId, { kind: 'listen', news: { kind: 'attachFailed', ear, why } })
    }
    state.ear = ear
    state.holders.add('listen')
    this.#byEar.set(ear, state)
    const { hearing } = this.#rings[state.leg.slot]!
    this.#options.listen.post({
      kind: 'attach',
      ear,
      leg: state.leg,
      hearing,
      rateHz: this.#options.rateHz,
      language,
      phrases,
    })
    this.#options.media.post({ kind: 'hear', leg: state.leg, on: true })
  }

  setPhrases(callId: string, phrases: readonly string[] | null): void {
    const state = this.#byCall.get(callId)
    if (state?.ear) this.#options.listen.post({ kind: 'setPhrases', ear: state.ear, phrases })
  }

  detachEar(callId: string, finish: boolean): void {
    const state = this.#byCall.get(callId)
    if (!state?.ear) return
    this.#options.media.post({ kind: 'hear', leg: state.leg, on: false })
    this.#options.listen.post({ kind: 'detach', ear: state.ear, finish })
  }

  utter(callId: string, say: { lane: Lane; epoch: number; sayId: number; text: string; voice: string }): void {
    const state = this.#byCall.get(callId)
    if (!state) return
    const { lane, epoch, sayId, text, voice } = say
    if (!state.holders.has('talk')) {
      const why = 'the talk thread is gone'
      return this.#deliver(callId, { kind: 'talk', news: { kind: 'utterFailed', leg: state.leg, sayId, why } })
    }
    const askedAt = this.#options.clock.now()
    this.#options.talk.post({ kind: 'utter', leg: state.leg, lane, epoch, sayId, text, voice, askedAt })
  }

  flush(callId: string, lane: Lane, epoch: number): void {
    const state = this.#byCall.get(callId)
    if (!state) return
    const askedAt = this.#options.clock.now()
    this.#options.media.post({ kind: 'flush', leg: state.leg, lane, epoch, askedAt })
    this.#options.talk.post({ kind: 'drop', leg: state.leg, lane, epoch })
  }

  // ---------------------------------------------------------------- news

  #mediaEvent(event: MediaEvent): void {
    if (event.kind === 'ready') return this.#threadBack('media')
    if (event.kind === 'pace') return this.#options.onPace?.(event)
    const state = this.#of(event.leg)
    if (!state) return
    if (event.kind === 'legOpened') state.localPort = event.localPort
    if (event.kind !== 'gate') this.#deliver(state.callId, { kind: 'sound', news: event })
    if (event.kind !== 'legClosed' && event.kind !== 'legFailed') return
    if (event.kind === 'legFailed') {
      this.#options.log.error({ call_id: state.callId, why: event.why }, 'media leg failed')
      this.close(state.callId)
    }
    this.#letGo(state, 'media')
  }

  #listenEvent(event: ListenEvent): void {
    if (event.kind === 'ready') return this.#threadBack('listen')
    if (event.kind === 'load') return this.#options.onLoad?.('listen', event)
    const state = this.#byEar.get(event.ear)
    if (!state) return
    if (event.kind === 'detached' || event.kind === 'attachFailed') {
      this.#byEar.delete(event.ear)
      if (state.ear === event.ear) state.ear = null
    }
    this.#deliver(state.callId, { kind: 'listen', news: event })
    if ((event.kind === 'detached' || event.kind === 'attachFailed') && state.ear === null) this.#letGo(state, 'listen')
  }

  #talkEvent(event: TalkEvent): void {
    if (event.kind === 'ready') return this.#threadBack('talk')
    if (event.kind === 'load') return this.#options.onLoad?.('talk', event)
    const state = this.#of(event.leg)
    if (!state) return
    if (event.kind === 'voiceClosed') return this.#letGo(state, 'talk')
    this.#deliver(state.callId, { kind: 'talk', news: event })
  }

  #threadLost(thread: Thread): void {
    this.#options.log.error({ thread }, 'thread lost')
    this.#lost.add(thread)
    const concerned = [...this.#byCall.values()].filter((state) => state.holders.delete(thread))
    for (const state of concerned) {
      if (thread === 'listen' && state.ear !== null) {
        this.#byEar.delete(state.ear)
        state.ear = null
      }
      this.#deliver(state.callId, { kind: 'threadLost', thread })
      if (thread === 'media') this.close(state.callId)
      this.#letGo(state, thread)
    }
  }

  /** A new one in its place knows nothing. Legs and ears ended with the old one; live calls get their voice back. */
  #threadBack(thread: Thread): void {
    if (!this.#lost.delete(thread) || thread !== 'talk') return
    for (const state of this.#byCall.values()) if (!state.isClosing) this.#openVoice(state)
  }

  #openVoice(state: LegState): void {
    const { playout } = this.#rings[state.leg.slot]!
    state.holders.add('talk')
    this.#options.talk.post({ kind: 'openVoice', leg: state.leg, playout, rateHz: this.#options.rateHz })
  }

  // ---------------------------------------------------------------- slots and ports

  #of(leg: LegRef): LegState | null {
    const state = this.#bySlot[leg.slot]
    return state && state.leg.generation === leg.generation ? state : null
  }

  #takeSlot(): number | null {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#rings.length >= this.#options.maxLegs) return null
    this.#rings.push(createLegRings(this.#options.rateHz))
    this.#generations.push(0)
    return this.#rings.length - 1
  }

  #letGo(state: LegState, holder: Thread): void {
    state.holders.delete(holder)
    if (state.holders.size > 0 || !state.isClosing) return
    this.#byCall.delete(state.callId)
    this.#bySlot[state.leg.slot] = null
    this.#free.push(state.leg.slot)
  }

  #somePorts(): number[] {
    const [first, last] = this.#options.rtpPorts
    const ports: number[] = []
    for (let i = 0; i < PORTS_TRIED; i++) {
      ports.push(this.#nextPort)
      this.#nextPort += 2
      if (this.#nextPort > last) this.#nextPort = evenFrom(first)
    }
    return ports
  }
}

function evenFrom(port: number): number {
  return port + (port % 2)
}
