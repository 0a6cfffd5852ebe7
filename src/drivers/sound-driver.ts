/**
 * Sound of calls: which leg slot a call has, its rings, and the messages to the media, listen and talk threads. Sound
 * itself never comes by here.
 */

import { randomBytes } from 'node:crypto'
import { FADE_MS, fadeIn, fadeOut } from '../audio/fade.ts'
import { sine } from '../audio/tone.ts'
import { printWav } from '../audio/wav.ts'
import type { CallInput } from '../calls/part.ts'
import type { PlaySound, Sound } from '../calls/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { bad, type Result } from '../kernel/result.ts'
import type {
  Background,
  CapturedPacket,
  Lane,
  LegFormat,
  LegRef,
  MediaCommand,
  MediaEvent,
  RtpAddress,
} from '../media/protocol.ts'
import type { ListenCommand, ListenEvent, TalkCommand, TalkEvent } from '../speech/protocol.ts'
import type { Channel } from './channel.ts'
import { LegSlots, RtpPorts } from './leg-slots.ts'
import { MediaThreads } from './media-threads.ts'
import { Mixing, newPlace, type Place } from './mixing.ts'
import { OneWayWatch } from './one-way.ts'
import { SayQueue } from './say-queue.ts'
import type { SoundFileSource } from './sound-files.ts'

/** What signalling needs to know of a call's sound. */
export interface SoundForSignalling {
  /** UDP port of the call's sound, or null while the leg is not open. */
  portOf(callId: string): number | null
  start(callId: string, format: LegFormat, remote: RtpAddress, sending: boolean): void
  /** The call is up. @param advertised where we told the far end to send its sound */
  answered?(callId: string, advertised: RtpAddress): void
}

export interface SoundDriverOptions {
  readonly clock: Clock
  readonly log: Log
  /** One for each media thread, at least one. */
  readonly media: readonly Channel<MediaCommand, MediaEvent>[]
  readonly listen: Channel<ListenCommand, ListenEvent>
  readonly talk: Channel<TalkCommand, TalkEvent>
  readonly bindAddress: string
  /** First and last UDP port for RTP. */
  readonly rtpPorts: readonly [first: number, last: number]
  readonly rateHz: number
  readonly maxLegs: number
  /** Where played files come from. Absent: none can be played. */
  readonly files?: SoundFileSource
  /** Where RTP counts start (RFC 3550 §5.1). Absent: the system's random bytes. */
  readonly random?: (size: number) => Uint8Array
  /** A call that is up, and of which nothing comes. */
  readonly onOneWay?: (callId: string) => void
  readonly onPace?: (pace: MediaEvent & { kind: 'pace' }) => void
  readonly onCaptured?: (callId: string, packets: readonly CapturedPacket[]) => void
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
  /** By lane. */
  readonly queues: readonly [SayQueue, SayQueue]
  readonly place: Place
  isClosing: boolean
}

/** What `utter` and `play` have in common. */
interface Say {
  readonly lane: Lane
  readonly epoch: number
  readonly sayId: number
}

/** Longest tone: its samples are made at once. */
const MAX_TONE_MS = 60_000

export class SoundDriver implements Sound, SoundForSignalling {
  readonly #options: SoundDriverOptions
  readonly #deliver: (callId: string, input: CallInput) => void
  readonly #slots: LegSlots
  readonly #ports: RtpPorts
  readonly #media: MediaThreads
  readonly #mixing: Mixing
  readonly #oneWay: OneWayWatch
  readonly #byCall = new Map<string, LegState>()
  readonly #bySlot: (LegState | null)[] = []
  readonly #byEar = new Map<number, LegState>()
  /** Threads that died and are not back: what is posted to them now is lost. */
  readonly #lost = new Set<'listen' | 'talk'>()
  #lastEar = 0

  constructor(options: SoundDriverOptions, deliver: (callId: string, input: CallInput) => void) {
    this.#options = options
    this.#deliver = deliver
    this.#slots = new LegSlots(options.rateHz, options.maxLegs)
    this.#ports = new RtpPorts(options.rtpPorts)
    this.#oneWay = new OneWayWatch(options)
    this.#media = new MediaThreads(options.media)
    this.#mixing = new Mixing((thread, command) => this.#media.post(thread, command))
    this.#media.listen(
      (event, thread) => this.#mediaEvent(event, thread),
      (thread) => this.#mediaLost(thread),
    )
    options.listen.onEvents = (events) => {
      for (const event of events) this.#listenEvent(event)
    }
    options.talk.onEvents = (events) => {
      for (const event of events) this.#talkEvent(event)
    }
    options.listen.onLost = () => this.#threadLost('listen')
    options.talk.onLost = () => this.#threadLost('talk')
  }

  /** Copies of all packets of a call are told to `onCaptured`. */
  capture(callId: string, on: boolean): void {
    const state = this.#byCall.get(callId)
    if (state?.holders.has('media')) this.#tellLeg(state, { kind: 'capture', leg: state.leg, on })
  }

  /** Calls that are listened to. */
  get ears(): number {
    return this.#byEar.size
  }

  /** Legs open, and slots that have rings. */
  census(): { readonly legs: number; readonly slots: number } {
    return { legs: this.#byCall.size, slots: this.#slots.count }
  }

  /** @param besideCallId a call it will be bridged to, so that both are in one media thread */
  open(callId: string, besideCallId?: string): void {
    const leg = this.#media.isThere ? this.#slots.take() : null
    const beside = besideCallId === undefined ? null : (this.#byCall.get(besideCallId)?.place.thread ?? null)
    const thread = leg && this.#media.place(beside)
    if (leg === null || thread === null) {
      const none = { slot: -1, generation: 0 }
      const why = this.#media.isThere ? 'no free leg' : 'the media thread is gone'
      return this.#deliver(callId, { kind: 'sound', news: { kind: 'legFailed', leg: none, why } })
    }
    const state: LegState = {
      callId,
      leg,
      localPort: null,
      ear: null,
      holders: new Set(['media']),
      queues: [new SayQueue(), new SayQueue()],
      place: newPlace(leg, thread),
      isClosing: false,
    }
    this.#byCall.set(callId, state)
    this.#bySlot[leg.slot] = state
    const rings = this.#slots.rings(leg)
    const random = Buffer.from((this.#options.random ?? randomBytes)(10))
    if (!this.#lost.has('talk')) this.#openVoice(state)
    this.#media.post(thread, {
      kind: 'openLeg',
      leg,
      rings,
      rateHz: this.#options.rateHz,
      localAddress: this.#options.bindAddress,
      localPorts: this.#ports.some(),
      ssrc: random.readUInt32BE(0),
      // In the lower half: a far end that misses the first packets still knows how often SRTP's count has wrapped (RFC 3711 §3.3.1).
      firstSequence: random.readUInt16BE(4) & 0x7fff,
      firstRtpTime: random.readUInt32BE(6),
    })
  }

  portOf(callId: string): number | null {
    return this.#byCall.get(callId)?.localPort ?? null
  }

  start(callId: string, format: LegFormat, remote: RtpAddress, sending: boolean): void {
    const state = this.#byCall.get(callId)
    if (!state) return
    this.#oneWay.started(callId, remote, sending)
    this.#tellLeg(state, { kind: 'startLeg', leg: state.leg, format, remote, sending })
  }

  answered(callId: string, advertised: RtpAddress): void {
    if (this.#byCall.has(callId)) this.#oneWay.answered(callId, advertised)
  }

  close(callId: string): void {
    const state = this.#byCall.get(callId)
    if (!state || state.isClosing) return
    this.#mixing.part(state.place)
    this.#oneWay.over(callId)
    state.isClosing = true
    for (const queue of state.queues) queue.drop()
    if (state.holders.has('media')) this.#tellLeg(state, { kind: 'closeLeg', leg: state.leg })
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
    const { hearing } = this.#slots.rings(state.leg)
    this.#options.listen.post({
      kind: 'attach',
      ear,
      leg: state.leg,
      hearing,
      rateHz: this.#options.rateHz,
      language,
      phrases,
    })
    this.#tellLeg(state, { kind: 'hear', leg: state.leg, on: true })
  }

  setPhrases(callId: string, phrases: readonly string[] | null): void {
    const state = this.#byCall.get(callId)
    if (state?.ear) this.#options.listen.post({ kind: 'setPhrases', ear: state.ear, phrases })
  }

  detachEar(callId: string, finish: boolean): void {
    const state = this.#byCall.get(callId)
    if (!state?.ear) return
    this.#tellLeg(state, { kind: 'hear', leg: state.leg, on: false })
    this.#options.listen.post({ kind: 'detach', ear: state.ear, finish })
  }

  utter(callId: string, say: { lane: Lane; epoch: number; sayId: number; text: string; voice: string }): void {
    const state = this.#byCall.get(callId)
    if (!state) return
    const { lane, epoch, sayId, text, voice } = say
    const askedAt = this.#options.clock.now()
    const command = { kind: 'utter', leg: state.leg, lane, epoch, sayId, text, voice, askedAt } as const
    state.queues[lane].add(() => this.#postTalk(state, command))
  }

  play(callId: string, play: Say & { readonly customerId: string; readonly sound: PlaySound }): void {
    const state = this.#byCall.get(callId)
    if (!state) return
    const { customerId, lane, epoch, sayId, sound } = play
    const askedAt = this.#options.clock.now()
    const post = (wav: Uint8Array): void =>
      this.#postTalk(state, { kind: 'play', leg: state.leg, lane, epoch, sayId, wav, askedAt })
    if (sound.kind === 'tone') return state.queues[lane].add(() => post(toneWav(sound, this.#options.rateHz)))
    const fill = state.queues[lane].reserve()
    void this.#load(sound.url, customerId).then((file) =>
      fill(() => (file.ok ? post(file.value) : this.#tellFailed(state, sayId, file.why))),
    )
  }

  flush(callId: string, lane: Lane, epoch: number): void {
    const state = this.#byCall.get(callId)
    if (!state) return
    state.queues[lane].drop()
    const askedAt = this.#options.clock.now()
    this.#tellLeg(state, { kind: 'flush', leg: state.leg, lane, epoch, askedAt })
    this.#options.talk.post({ kind: 'drop', leg: state.leg, lane, epoch })
  }

  // ---------------------------------------------------------------- legs with each other

  /** Each leaves whom it was bridged to before. A call that has no leg, or none any more, is left alone. */
  bridge(callId: string, peerCallId: string, oneWay = false): void {
    const state = this.#byCall.get(callId)
    const peer = this.#byCall.get(peerCallId)
    if (!state || !peer || state === peer || state.isClosing || peer.isClosing) return
    this.#mixing.bridge(state.place, peer.place, oneWay)
  }

  unbridge(callId: string): void {
    const place = this.#byCall.get(callId)?.place
    if (place) this.#mixing.part(place)
  }

  hold(callId: string, on: boolean): void {
    const place = this.#byCall.get(callId)?.place
    if (place) this.#mixing.hold(place, on)
  }

  background(callId: string, sound: Background): void {
    const place = this.#byCall.get(callId)?.place
    if (place) this.#mixing.background(place, sound)
  }

  mute(callId: string, direction: '' | 'in' | 'out' | 'both'): void {
    const state = this.#byCall.get(callId)
    if (!state) return
    this.#tellLeg(state, { kind: 'mute', leg: state.leg, on: direction === 'out' || direction === 'both' })
    this.#mixing.deafen(state.place, direction === 'in' || direction === 'both')
  }

  echo(callId: string, on: boolean): void {
    const state = this.#byCall.get(callId)
    if (state) this.#tellLeg(state, { kind: 'echo', leg: state.leg, on })
  }

  sendDigits(callId: string, digits: string, durationMs: number, gapMs: number): void {
    const state = this.#byCall.get(callId)
    if (state) this.#tellLeg(state, { kind: 'sendDigits', leg: state.leg, digits, durationMs, gapMs })
  }

  // ---------------------------------------------------------------- talk

  #postTalk(state: LegState, command: TalkCommand & { readonly kind: 'utter' | 'play' }): void {
    if (state.holders.has('talk')) return this.#options.talk.post(command)
    this.#tellFailed(state, command.sayId, 'the talk thread is gone')
  }

  #tellFailed(state: LegState, sayId: number, why: string): void {
    this.#deliver(state.callId, { kind: 'talk', news: { kind: 'utterFailed', leg: state.leg, sayId, why } })
  }

  async #load(url: string, customerId: string): Promise<Result<Uint8Array>> {
    return (await this.#options.files?.load(url, customerId)) ?? bad('no files can be played here')
  }

  // ---------------------------------------------------------------- news

  #tellLeg(state: LegState, command: MediaCommand): void {
    this.#media.post(state.place.thread, command)
  }

  #mediaEvent(event: MediaEvent, thread: number): void {
    if (event.kind === 'ready') return this.#media.back(thread)
    if (event.kind === 'pace') return this.#options.onPace?.(this.#media.pace(thread, event))
    const state = this.#of(event.leg)
    if (!state) return
    if (event.kind === 'captured') return this.#options.onCaptured?.(state.callId, event.packets)
    if (event.kind === 'legOpened') state.localPort = event.localPort
    if (event.kind === 'rtpStarted') this.#oneWay.heard(state.callId)
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

  /** Only the calls that had their sound there end; another thread takes the next ones, and this one when it is back. */
  #mediaLost(thread: number): void {
    this.#options.log.error({ thread: 'media', number: thread }, 'thread lost')
    this.#media.lost(thread)
    for (const state of [...this.#byCall.values()]) {
      if (state.place.thread !== thread || !state.holders.delete('media')) continue
      this.#media.closed(thread)
      this.#deliver(state.callId, { kind: 'threadLost', thread: 'media' })
      this.close(state.callId)
      this.#letGo(state, 'media')
    }
  }

  #threadLost(thread: 'listen' | 'talk'): void {
    this.#options.log.error({ thread }, 'thread lost')
    this.#lost.add(thread)
    const concerned = [...this.#byCall.values()].filter((state) => state.holders.delete(thread))
    for (const state of concerned) {
      if (thread === 'listen' && state.ear !== null) {
        this.#byEar.delete(state.ear)
        state.ear = null
      }
      if (thread === 'talk') for (const queue of state.queues) queue.drop()
      this.#deliver(state.callId, { kind: 'threadLost', thread })
      this.#letGo(state, thread)
    }
  }

  /** A new one in its place knows nothing. Legs and ears ended with the old one; live calls get their voice back. */
  #threadBack(thread: 'listen' | 'talk'): void {
    if (!this.#lost.delete(thread) || thread !== 'talk') return
    for (const state of this.#byCall.values()) if (!state.isClosing) this.#openVoice(state)
  }

  #openVoice(state: LegState): void {
    const { playout } = this.#slots.rings(state.leg)
    state.holders.add('talk')
    this.#options.talk.post({ kind: 'openVoice', leg: state.leg, playout, rateHz: this.#options.rateHz })
  }

  // ---------------------------------------------------------------- slots

  #of(leg: LegRef): LegState | null {
    const state = this.#bySlot[leg.slot]
    return state && state.leg.generation === leg.generation ? state : null
  }

  #letGo(state: LegState, holder: Thread): void {
    if (state.holders.delete(holder) && holder === 'media') this.#media.closed(state.place.thread)
    if (state.holders.size > 0 || !state.isClosing) return
    this.#byCall.delete(state.callId)
    this.#bySlot[state.leg.slot] = null
    this.#slots.giveBack(state.leg)
  }
}

function toneWav({ hz, ms }: { readonly hz: number; readonly ms: number }, rateHz: number): Uint8Array {
  const pcm = sine(hz, rateHz, Math.round((Math.min(ms, MAX_TONE_MS) * rateHz) / 1000))
  const ramp = Math.min((FADE_MS * rateHz) / 1000, Math.floor(pcm.length / 2))
  fadeIn(pcm, 0, ramp, 0, ramp)
  fadeOut(pcm, pcm.length - ramp, ramp)
  return printWav({ rateHz, channels: [pcm] })
}
