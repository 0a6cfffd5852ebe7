/**
 * The listening thread without the thread: ears on the calls' sound, voice detection for all of them first, then
 * recognition as far as time allows. Carries out `speech/protocol.ts`; has no timer and starts nothing by itself.
 */

import type { Millis } from '../../kernel/clock.ts'
import type { RingBuffer } from '../../kernel/ring.ts'
import { PhraseList } from '../phrases.ts'
import type { ListenCommand, ListenEvent } from '../protocol.ts'
import { Ear } from './ear.ts'
import { HearingQueue } from './hearing-queue.ts'
import { LoadMeter } from './load-meter.ts'
import type { Detector, Hearing, RecogniserPool } from './port.ts'

const RATE_HZ = 8000
/** Recognition gives way to the voice detectors after this long. */
const WORK_MS = 8
const TELL_DROPPED_MS = 1000

export interface ListenThreadOptions {
  readonly detector: () => Detector
  readonly pool: RecogniserPool
  readonly openHearing: (hearing: RingBuffer) => Hearing
  readonly emit: (event: ListenEvent) => void
  readonly defaultPhrases: readonly string[]
  /** Real time while work is done. Without it time stands still within a `poll`, as in a simulation. */
  readonly clock?: () => Millis
}

interface Attachment {
  readonly ear: Ear
  isFinishing: boolean
  dropped: number
  droppedToldAt: Millis
}

type Attach = Extract<ListenCommand, { kind: 'attach' }>

export class ListenThread {
  readonly #options: ListenThreadOptions
  readonly #defaults: PhraseList
  readonly #attachments = new Map<number, Attachment>()
  readonly #queue: HearingQueue
  readonly #load: LoadMeter
  #now: Millis = 0
  #isShutDown = false

  constructor(options: ListenThreadOptions) {
    this.#options = options
    this.#defaults = new PhraseList(options.defaultPhrases)
    this.#queue = new HearingQueue({ pool: options.pool, emit: options.emit, clock: () => this.#clock() })
    this.#load = new LoadMeter(options.pool, options.emit)
  }

  /** False after `shutDown`: nothing is read any more. */
  get isOpen(): boolean {
    return !this.#isShutDown
  }

  /** No ear is attached. */
  get isIdle(): boolean {
    return this.#attachments.size === 0
  }

  /** A command for an ear that is unknown, or no more, is ignored. */
  handle(command: ListenCommand, now: Millis): void {
    this.#now = now
    switch (command.kind) {
      case 'attach':
        return this.#attach(command, now)
      case 'setPhrases':
        return this.#setPhrases(command.ear, command.phrases)
      case 'detach':
        return this.#detach(command.ear, command.finish, now)
      case 'shutDown':
        return this.#shutDown(now)
      default:
        return command satisfies never
    }
  }

  /** Reads all ears, then recognises for a while. @returns how much was done; 0 when everything waits for sound */
  poll(now: Millis): number {
    this.#now = now
    let done = 0
    for (const { ear, isFinishing } of this.#attachments.values()) {
      const read = isFinishing ? 0 : ear.listen(now)
      if (read > 0) this.#load.waited(ear.waitedMs)
      done += read
    }
    done += this.#queue.work(now + WORK_MS)
    for (const attachment of this.#attachments.values()) this.#attend(attachment, now)
    this.#load.polled(now, this.#clock(), this.#attachments.size > 0)
    return done
  }

  #clock(): Millis {
    return this.#options.clock?.() ?? this.#now
  }

  #attach(command: Attach, now: Millis): void {
    const { ear, leg, language, rateHz } = command
    const { emit, pool } = this.#options
    const why = this.#refusal(ear, language, rateHz)
    if (why !== null) return emit({ kind: 'attachFailed', ear, why })
    const phrases = this.#phraseList(command.phrases)
    const made = new Ear({
      ear,
      leg,
      phrases,
      emit,
      hearing: this.#options.openHearing(command.hearing),
      detector: this.#options.detector(),
      onUtterance: (utterance) => this.#queue.add(utterance),
    })
    this.#attachments.set(ear, { ear: made, isFinishing: false, dropped: 0, droppedToldAt: now - TELL_DROPPED_MS })
    emit({ kind: 'attached', ear, at: now })
    const unknownWords = pool.unknownWords(phrases)
    if (unknownWords.length > 0) this.#tellPhrases(ear, phrases, unknownWords)
  }

  #refusal(ear: number, language: string, rateHz: number): string | null {
    if (this.#isShutDown) return 'the listening thread is shut down'
    if (this.#attachments.has(ear)) return `ear ${ear} is attached already`
    if (rateHz !== RATE_HZ) return `sound of ${rateHz} Hz is not supported`
    if (!this.#options.pool.speaks(language)) return `no recogniser for ${language}`
    return null
  }

  /** Takes effect with the next utterance: one that has begun ends under the phrases it began with. */
  #setPhrases(id: number, phrases: readonly string[] | null): void {
    const attachment = this.#attachments.get(id)
    if (!attachment) return
    const list = this.#phraseList(phrases)
    attachment.ear.phrases = list
    this.#tellPhrases(id, list, this.#options.pool.unknownWords(list))
  }

  #tellPhrases(ear: number, phrases: PhraseList, unknownWords: readonly string[]): void {
    this.#options.emit({ kind: 'phrasesSet', ear, count: phrases.spoken().length, unknownWords })
  }

  #phraseList(phrases: readonly string[] | null): PhraseList {
    return phrases === null ? this.#defaults : new PhraseList(phrases)
  }

  #detach(id: number, isFinish: boolean, now: Millis): void {
    const attachment = this.#attachments.get(id)
    if (!attachment) return
    if (isFinish) attachment.ear.listen(now)
    attachment.ear.finish(now)
    attachment.isFinishing = true
    if (isFinish) return
    this.#queue.abandon(id)
    this.#letGo(id, now)
  }

  #letGo(id: number, now: Millis): void {
    this.#attachments.delete(id)
    const heardMs = (this.#queue.takeHeard(id) * 1000) / RATE_HZ
    this.#options.emit({ kind: 'detached', ear: id, at: now, heardMs, engine: this.#options.pool.name ?? '' })
  }

  #attend(attachment: Attachment, now: Millis): void {
    const { ear } = attachment
    if (attachment.isFinishing && !this.#queue.has(ear.id)) return this.#letGo(ear.id, now)
    attachment.dropped += ear.takeDropped()
    if (attachment.dropped === 0 || now - attachment.droppedToldAt < TELL_DROPPED_MS) return
    this.#options.emit({ kind: 'dropped', ear: ear.id, frames: attachment.dropped })
    attachment.dropped = 0
    attachment.droppedToldAt = now
  }

  #shutDown(now: Millis): void {
    for (const id of [...this.#attachments.keys()]) this.#detach(id, false, now)
    this.#isShutDown = true
  }
}
