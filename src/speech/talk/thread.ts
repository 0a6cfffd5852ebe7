/**
 * The talk thread's work, without the thread: texts and sound files in, sound into the play-out rings, earliest deadline
 * first.
 * It owns no clock and no loop; `workers/talk.ts` drives it in the server, the simulation by hand.
 */

import type { Millis } from '../../kernel/clock.ts'
import { type RingBuffer, RingWriter } from '../../kernel/ring.ts'
import type { LegRef } from '../../media/protocol.ts'
import type { TalkCommand, TalkEvent } from '../protocol.ts'
import type { Synthesiser } from './engine.ts'
import { LegVoice } from './leg-voice.ts'
import { type Play, Playback } from './playback.ts'
import type { SayCommand, SoundSink } from './say-writer.ts'
import type { Spoken } from './spoken.ts'
import { type Utter, Utterance } from './utterance.ts'

export interface TalkThreadOptions {
  readonly engine: Synthesiser
  readonly emit: (event: TalkEvent) => void
  /** Opens the writing end of a leg's play-out ring. */
  readonly newRingWriter?: (playout: RingBuffer) => SoundSink
  /** Read after each clause, which may take long. Without it, time stands still inside `work`. */
  readonly clock?: () => Millis
}

const LOAD_EVERY_MS = 1_000

export class TalkThread {
  readonly #engine: Synthesiser
  readonly #emit: (event: TalkEvent) => void
  readonly #newRingWriter: (playout: RingBuffer) => SoundSink
  readonly #clock: (() => Millis) | null
  /** By slot. */
  readonly #voices = new Map<number, LegVoice>()
  #busyMs = 0
  #loadSince: Millis | null = null

  constructor(options: TalkThreadOptions) {
    this.#engine = options.engine
    this.#emit = options.emit
    this.#newRingWriter = options.newRingWriter ?? ((playout) => new RingWriter(playout))
    this.#clock = options.clock ?? null
  }

  /** True while an utterance is not wholly in its ring: `work` and `pump` are wanted again. */
  get isBusy(): boolean {
    return this.#queued() > 0
  }

  handle(command: TalkCommand, now: Millis): void {
    switch (command.kind) {
      case 'openVoice':
        this.#open(command)
        break
      case 'utter':
        this.#utter(command)
        break
      case 'play':
        this.#play(command)
        break
      case 'drop':
        this.#voice(command.leg)?.drop(command.lane, command.epoch, now)
        break
      case 'closeVoice':
        this.#close(command.leg)
        break
      case 'shutDown':
        for (const voice of [...this.#voices.values()]) this.#close(voice.leg)
        break
      default:
        command satisfies never
    }
  }

  /**
   * Renders the most urgent clause, or stretch of a file, of all legs, and writes what fits of it.
   *
   * @returns whether more could be rendered at once
   */
  work(now: Millis): boolean {
    const due = this.#mostUrgent()
    if (!due) return false
    this.#render(due.voice, due.utterance, now)
    due.voice.pump(this.#clock?.() ?? now)
    return this.#mostUrgent() !== null
  }

  /** Moves waiting sound into rings that have room; a ring is emptied at the speed of speech. Tells the load once a second. */
  pump(now: Millis): void {
    for (const voice of this.#voices.values()) voice.pump(now)
    this.#tellLoad(now)
  }

  #voice(leg: LegRef): LegVoice | null {
    const voice = this.#voices.get(leg.slot)
    return voice?.leg.generation === leg.generation ? voice : null
  }

  #open(command: Extract<TalkCommand, { kind: 'openVoice' }>): void {
    const { leg, rateHz } = command
    const before = this.#voices.get(leg.slot)
    if (before && before.leg.generation >= leg.generation) return
    if (before) this.#close(before.leg)
    this.#voices.set(leg.slot, new LegVoice(leg, rateHz, this.#newRingWriter(command.playout)))
  }

  #close(leg: LegRef): void {
    if (this.#voice(leg)) this.#voices.delete(leg.slot)
    this.#emit({ kind: 'voiceClosed', leg })
  }

  #utter(command: Utter): void {
    const voice = this.#voiceFor(command)
    if (!voice) return
    const utterance = new Utterance(command, voice.rateHz, this.#engine)
    if (!utterance.hasMore) this.#fail(command, 'nothing to speak')
    voice.add(utterance)
  }

  #play(command: Play): void {
    const voice = this.#voiceFor(command)
    if (!voice) return
    const opened = Playback.open(command, voice.rateHz)
    if (opened.ok) voice.add(opened.value)
    else this.#fail(command, opened.why)
  }

  /** @returns null when it would never sound */
  #voiceFor(command: SayCommand): LegVoice | null {
    const voice = this.#voice(command.leg)
    if (!voice) this.#fail(command, 'no open voice')
    return voice?.isStale(command.lane, command.epoch) === false ? voice : null
  }

  #mostUrgent(): { voice: LegVoice; utterance: Spoken } | null {
    let best: { voice: LegVoice; utterance: Spoken; deadline: Millis } | null = null
    for (const voice of this.#voices.values()) {
      const utterance = voice.next()
      if (!utterance) continue
      const deadline = voice.deadline(utterance)
      if (!best || deadline < best.deadline) best = { voice, utterance, deadline }
    }
    return best
  }

  #render(voice: LegVoice, utterance: Spoken, now: Millis): void {
    const { leg, sayId } = utterance.command
    const before = utterance.totalSamples
    const startedAt = this.#clock?.() ?? now
    utterance.lead(voice.leadMs(now))
    try {
      const step = utterance.renderNext(this.#engine)
      const at = this.#clock?.() ?? now
      const cpuMs = step.cpuMs ?? at - startedAt
      voice.rendered(utterance.totalSamples - before, at)
      this.#busyMs += cpuMs
      if (step.news) this.#emit({ kind: 'rendered', leg, sayId, ...step.news, at, cpuMs })
    } catch (error) {
      this.#fail(utterance.command, error instanceof Error ? error.message : 'the synthesiser failed')
    }
  }

  #fail({ leg, sayId }: SayCommand, why: string): void {
    this.#emit({ kind: 'utterFailed', leg, sayId, why })
  }

  #queued(): number {
    let queued = 0
    for (const voice of this.#voices.values()) queued += voice.queued
    return queued
  }

  #tellLoad(now: Millis): void {
    this.#loadSince ??= now
    const spanMs = now - this.#loadSince
    if (spanMs < LOAD_EVERY_MS) return
    const queued = this.#queued()
    if (this.#busyMs > 0 || queued > 0) this.#emit({ kind: 'load', busyShare: this.#busyMs / spanMs, queued })
    this.#busyMs = 0
    this.#loadSince = now
  }
}
