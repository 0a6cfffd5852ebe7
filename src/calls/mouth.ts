/**
 * Everything a call says, in order: which utterances are asked for, how far each was really played, and what text the
 * caller therefore heard. Knows nothing of sessions or flows: whoever asked gets the outcome back by its `owner`.
 */

import type { Millis } from '../kernel/clock.ts'
import type { Lane, PlayedSay } from '../media/protocol.ts'
import type { WordTime } from '../speech/protocol.ts'
import type { Effects } from './effects.ts'
import type { PlaySound } from './ports.ts'

export type CutBy = 'flush' | 'stop' | 'hangup' | 'engine'

/**
 * Who asked: a speaking session (by id), a flow action, an action from outside the flow, the disclosure, or the call at the
 * other side of a bridge (`id` is its name for the say).
 */
export interface SayOwner {
  readonly kind: 'speaking' | 'flow' | 'act' | 'disclosure' | 'peer'
  readonly id: string
}

export interface SayWish {
  readonly lane: Lane
  readonly owner: SayOwner
  readonly uuid: string
  readonly text: string
  readonly voice: string
}

export interface Say {
  readonly sayId: number
  readonly uuid: string
  readonly lane: Lane
  readonly owner: SayOwner
  readonly text: string
  /** Played instead of spoken; the text is '' then. */
  readonly sound: PlaySound | null
  readonly voice: string
  readonly askedAt: Millis
  readonly words: WordTime[]
  totalSamples: number
  rendered: boolean
  failedWhy: string | null
  firstPcmAt: Millis | null
  startedAt: Millis | null
  cutBy: CutBy | null
  /** Known once the media thread has told how much left. */
  playedSamples: number | null
  finished: boolean
}

/** The end of one utterance, as the caller heard it. */
export interface SaySettled {
  readonly say: Say
  /** Heard to the last word. */
  readonly complete: boolean
  /** UTF-16 length of the heard prefix of `say.text`. */
  readonly heardChars: number
  /** The word that was cut in two, '' when none. */
  readonly cutWord: string
  readonly positionMs: number
}

export function newSay(sayId: number, askedAt: Millis, want: SayWish, sound: PlaySound | null = null): Say {
  return {
    sayId,
    uuid: want.uuid,
    lane: want.lane,
    owner: want.owner,
    text: want.text,
    sound,
    voice: want.voice,
    askedAt,
    words: [],
    totalSamples: 0,
    rendered: false,
    failedWhy: null,
    firstPcmAt: null,
    startedAt: null,
    cutBy: null,
    playedSamples: null,
    finished: false,
  }
}

export class Mouth {
  readonly #rateHz: number
  readonly #says = new Map<number, Say>()
  readonly #epochs: [number, number] = [0, 0]
  #lastSayId = 0
  /** What was asked while something sounds that may not be cut: it waits. Null when nothing like that sounds. */
  #behind: Say[] | null = null

  constructor(rateHz: number) {
    this.#rateHz = rateHz
  }

  get isBusy(): boolean {
    return this.#says.size > 0
  }

  say(fx: Effects, want: SayWish): Say {
    return this.#ask(fx, newSay(++this.#lastSayId, fx.now, want))
  }

  play(fx: Effects, want: Omit<SayWish, 'text' | 'voice'>, sound: PlaySound): Say {
    return this.#ask(fx, newSay(++this.#lastSayId, fx.now, { ...want, text: '', voice: '' }, sound))
  }

  /** Says what cannot be cut but by hang-up: whatever else is asked, flushes too, waits until `goOn`. */
  sayFirst(fx: Effects, want: SayWish): Say {
    const say = this.say(fx, want)
    this.#behind = []
    return say
  }

  /** What could not be cut is over: the rest has its turn, but for what was flushed meanwhile. @returns that, unheard */
  goOn(fx: Effects): SaySettled[] {
    const behind = this.#behind ?? []
    this.#behind = null
    for (const say of behind) {
      if (!this.#says.has(say.sayId)) continue
      if (say.cutBy === null) this.#utter(fx, say)
      else this.#nothingPlayed(say)
    }
    return this.#settle()
  }

  #ask(fx: Effects, say: Say): Say {
    this.#says.set(say.sayId, say)
    if (this.#behind) this.#behind.push(say)
    else this.#utter(fx, say)
    return say
  }

  #utter(fx: Effects, say: Say): void {
    const { lane, sayId, text, voice, sound } = say
    const epoch = this.#epochs[lane]
    if (sound) fx.out({ kind: 'play', lane, epoch, sayId, sound })
    else fx.out({ kind: 'utter', lane, epoch, sayId, text, voice })
  }

  #nothingPlayed(say: Say): void {
    say.playedSamples ??= 0
    say.rendered = true
  }

  /** Raises the lane's epoch: nothing asked before can sound after. What was cut is told by `flushed`. */
  flush(fx: Effects, lane: Lane, cutBy: CutBy): void {
    if (this.#behind) {
      for (const say of this.#behind) if (say.lane === lane) say.cutBy ??= cutBy
      return
    }
    this.#epochs[lane]++
    for (const say of this.#says.values()) if (say.lane === lane) say.cutBy ??= cutBy
    fx.out({ kind: 'flush', lane, epoch: this.#epochs[lane] })
  }

  rendered(news: {
    sayId: number
    words: readonly WordTime[]
    totalSamples: number
    final: boolean
    at: Millis
  }): SaySettled[] {
    const say = this.#says.get(news.sayId)
    if (!say) return []
    say.words.push(...news.words)
    say.totalSamples = news.totalSamples
    say.rendered = news.final
    say.firstPcmAt ??= news.at
    return this.#settle()
  }

  failed(sayId: number, why: string): SaySettled[] {
    const say = this.#says.get(sayId)
    if (!say) return []
    say.failedWhy = why
    say.rendered = true
    // With nothing rendered there is nothing to play, and perhaps nobody to tell that it was played.
    if (say.totalSamples === 0) say.playedSamples ??= 0
    return this.#settle()
  }

  /** Nothing more comes of what was asked: what has begun is cut where it is, the rest is over at once. */
  engineLost(fx: Effects): SaySettled[] {
    this.#behind = null
    for (const say of this.#says.values()) {
      say.failedWhy ??= 'engine lost'
      say.rendered = true
      if (say.totalSamples === 0) say.playedSamples ??= 0
    }
    const settled = this.#settle()
    for (const lane of new Set([...this.#says.values()].map((say) => say.lane))) this.flush(fx, lane, 'engine')
    return settled
  }

  /** @returns the say whose first voiced packet left, when it is still known */
  voiceStarted(sayId: number, at: Millis): Say | null {
    const say = this.#says.get(sayId)
    if (!say) return null
    say.startedAt ??= at
    return say
  }

  played(played: PlayedSay): SaySettled[] {
    const say = this.#says.get(played.sayId)
    if (!say) return []
    say.playedSamples = played.samples
    say.finished = true
    return this.#settle()
  }

  /** Everything of `lane` asked before the flush is over: begun ones as told, the others unheard. */
  flushed(lane: Lane, epoch: number, cut: readonly PlayedSay[]): SaySettled[] {
    if (epoch < this.#epochs[lane]) {
      // A later flush is on its way; its answer covers the rest.
      this.#note(cut)
      return this.#settle()
    }
    this.#note(cut)
    for (const say of this.#says.values()) if (say.lane === lane && say.cutBy !== null) say.playedSamples ??= 0
    return this.#settle()
  }

  /** The leg is closed: nothing more will sound. */
  closed(cut: readonly PlayedSay[]): SaySettled[] {
    this.#note(cut)
    for (const say of this.#says.values()) {
      say.cutBy ??= 'hangup'
      say.playedSamples ??= 0
      say.rendered = true
    }
    return this.#settle()
  }

  #note(cut: readonly PlayedSay[]): void {
    for (const part of cut) {
      const say = this.#says.get(part.sayId)
      if (say) say.playedSamples = part.samples
    }
  }

  /** An utterance is settled when we know how much left and the words of that part. */
  #settle(): SaySettled[] {
    const settled: SaySettled[] = []
    for (const say of this.#says.values()) {
      if (say.playedSamples === null) continue
      if (!say.rendered && say.totalSamples < say.playedSamples) continue
      this.#says.delete(say.sayId)
      settled.push(this.#outcome(say, say.playedSamples))
    }
    return settled
  }

  #outcome(say: Say, samples: number): SaySettled {
    const positionMs = Math.round((samples * 1000) / this.#rateHz)
    if (say.finished && say.failedWhy === null) {
      return { say, complete: true, heardChars: say.text.length, cutWord: '', positionMs }
    }
    let heardChars = 0
    let cutWord = ''
    for (const word of say.words) {
      if (word.endSample <= samples) heardChars = Math.max(heardChars, word.charEnd)
      else if (word.startSample < samples) cutWord = say.text.slice(word.charStart, word.charEnd)
    }
    const last = say.words.at(-1)
    const complete = say.rendered && last !== undefined && last.endSample <= samples && say.failedWhy === null
    return {
      say,
      complete,
      heardChars: complete ? say.text.length : heardChars,
      cutWord: complete ? '' : cutWord,
      positionMs,
    }
  }
}
