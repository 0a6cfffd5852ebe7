/**
 * The call's one ear and the transcriptions that share it. The first transcription of direction `in` attaches it, the
 * last one to stop lets go of it; what is pending is recognised before that.
 */

import { step, type Table } from '../kernel/machine.ts'
import type { Effects } from './effects.ts'
import type { CallFacts } from './facts.ts'
import type { Variables } from './flow/variables.ts'
import type { HeardNews } from './part.ts'
import { Transcribe, type TranscribeWish } from './transcribe.ts'
import type { Turns } from './turns.ts'

type State = 'off' | 'attaching' | 'on' | 'detaching'
type Input = 'want' | 'attached' | 'failed' | 'leave' | 'detached'
type Action = 'attach' | 'detach' | 'tellAttached' | 'tellFailed' | 'tellFinished' | 'attachIfWanted'

const EAR: Table<State, Input, Action> = {
  off: {
    want: { to: 'attaching', run: ['attach'] },
    attached: 'ignore',
    failed: 'ignore',
    leave: 'ignore',
    detached: 'ignore',
  },
  attaching: {
    want: 'ignore',
    attached: { to: 'on', run: ['tellAttached'] },
    failed: { to: 'off', run: ['tellFailed'] },
    leave: { to: 'detaching', run: ['detach'] },
    detached: 'ignore',
  },
  on: {
    want: { to: 'on', run: ['tellAttached'] },
    attached: 'ignore',
    failed: { to: 'off', run: ['tellFailed'] },
    leave: { to: 'detaching', run: ['detach'] },
    detached: 'ignore',
  },
  detaching: {
    want: 'ignore',
    attached: 'ignore',
    failed: { to: 'off', run: ['tellFinished', 'attachIfWanted'] },
    leave: 'ignore',
    detached: { to: 'off', run: ['tellFinished', 'attachIfWanted'] },
  },
}

/** Another call that wants to know what is said here, for its own transcriptions of direction `out`. */
export interface Listener {
  readonly callId: string
  readonly language: string
  readonly phrases: readonly string[] | null
}

export class Ears {
  readonly #facts: CallFacts
  readonly #turns: Turns
  readonly #variables: () => Variables
  #state: State = 'off'
  #transcribes: Transcribe[] = []
  #phrases: readonly string[] | null = null
  #listener: Listener | null = null

  /** @param variables of the call and its flow, as they are when a transcription ends */
  constructor(facts: CallFacts, turns: Turns, variables: () => Variables = () => ({})) {
    this.#facts = facts
    this.#turns = turns
    this.#variables = variables
  }

  get isQuiet(): boolean {
    return this.#state === 'off' && this.#transcribes.every((one) => one.isDone)
  }

  find(id: string): Transcribe | undefined {
    return this.#transcribes.find((one) => one.id === id)
  }

  running(language: string): Transcribe | undefined {
    return this.#transcribes.find((one) => !one.isDone && one.wish.language === language)
  }

  start(fx: Effects, wish: TranscribeWish, phrases: readonly string[] | null, reply: number | null): Transcribe {
    const transcribe = new Transcribe(this.#facts, wish, fx, this.#variables)
    this.#transcribes.push(transcribe)
    transcribe.open(fx, reply)
    if (phrases) this.#phrases = phrases
    if (!transcribe.hears('in')) transcribe.attached(fx)
    else {
      if (this.#state === 'on' && phrases) fx.out({ kind: 'setPhrases', phrases })
      this.#step(fx, 'want')
    }
    return transcribe
  }

  /** What this call's transcriptions of direction `out` want to know of the other side of a bridge, or null. */
  get wanted(): { readonly language: string; readonly phrases: readonly string[] | null } | null {
    const one = this.#transcribes.find((transcribe) => transcribe.hears('out') && !transcribe.isFinishing)
    return one ? { language: one.wish.language, phrases: this.#phrases } : null
  }

  /** Hears for another call too, or (null) no longer. */
  lend(fx: Effects, listener: Listener | null): void {
    const was = this.#listener
    this.#listener = listener
    if (listener) this.#step(fx, 'want')
    else if (was && !this.#isNeeded) this.#step(fx, 'leave')
  }

  get #isNeeded(): boolean {
    return this.#listener !== null || this.#transcribes.some((one) => one.hears('in') && !one.isFinishing)
  }

  setPhrases(fx: Effects, phrases: readonly string[] | null): void {
    this.#phrases = phrases
    if (this.#state !== 'off') fx.out({ kind: 'setPhrases', phrases })
  }

  stop(fx: Effects, transcribe: Transcribe, reply: number | null, because: 'stop' | 'callGone'): void {
    if (!transcribe.stop(fx, reply, because)) return
    if (!transcribe.hears('in') || this.#state === 'off') return transcribe.finished(fx)
    if (this.#isNeeded) transcribe.finished(fx)
    else this.#step(fx, 'leave')
  }

  callGone(fx: Effects): void {
    if (this.#listener) this.lend(fx, null)
    for (const transcribe of this.#transcribes) this.stop(fx, transcribe, null, 'callGone')
  }

  /** Gives up waiting for the ear; what was pending is lost. */
  abandon(fx: Effects): void {
    if (this.#state !== 'off') this.#step(fx, 'failed')
    for (const transcribe of this.#transcribes) transcribe.finished(fx)
  }

  drop(transcribe: Transcribe): void {
    this.#transcribes = this.#transcribes.filter((one) => one !== transcribe)
  }

  news(fx: Effects, news: HeardNews): void {
    switch (news.kind) {
      case 'attached':
        return this.#step(fx, 'attached')
      case 'attachFailed':
        return this.#step(fx, 'failed')
      case 'detached':
        return this.#step(fx, 'detached')
      case 'speechStarted':
        this.#turns.speechStarted(news.utterance, news.onsetAt, news.at)
        for (const one of this.#transcribes) one.speechEvent(fx, 'transcribe_speech_started', {})
        return
      case 'interim':
        for (const one of this.#transcribes)
          one.speechEvent(fx, 'transcribe_speech_interim', { message: news.text }, true)
        return
      case 'heard':
        for (const one of this.#transcribes) {
          one.speechEvent(fx, 'transcribe_speech_ended', { recognised: news.text !== '' })
          one.transcript(fx, 'in', news.text, news.onsetAt)
        }
        if (this.#listener && news.text !== '') this.#report(fx, this.#listener.callId, news.text, news.onsetAt)
        fx.out({ kind: 'mark', mark: this.#turns.heard(news) })
        return
      case 'dropped':
      case 'phrasesSet':
      case 'speechEnded':
      case 'ready':
      case 'load':
        return
      default:
        news satisfies never
    }
  }

  spoken(fx: Effects, message: string, at: number): void {
    for (const one of this.#transcribes) one.transcript(fx, 'out', message, at)
  }

  #report(fx: Effects, callId: string, text: string, at: number): void {
    fx.tellPeer(callId, { kind: 'heard', text, at, language: this.#listener?.language ?? '' })
  }

  #step(fx: Effects, input: Input): void {
    const next = step('ear', EAR, this.#state, input)
    this.#state = next.to
    for (const action of next.run) this.#run(fx, action)
  }

  #run(fx: Effects, action: Action): void {
    const hearing = this.#transcribes.filter((one) => one.hears('in'))
    switch (action) {
      case 'attach':
        fx.out({
          kind: 'attachEar',
          language: hearing[0]?.wish.language ?? this.#listener?.language ?? 'en-US',
          phrases: this.#phrases ?? (hearing.length === 0 ? (this.#listener?.phrases ?? null) : null),
        })
        return
      case 'detach':
        fx.out({ kind: 'detachEar', finish: true })
        return
      case 'tellAttached':
        for (const one of hearing) one.attached(fx)
        return
      case 'tellFailed':
        for (const one of hearing) one.engineFailed(fx)
        return
      case 'tellFinished':
        for (const one of hearing) one.finished(fx)
        return
      case 'attachIfWanted':
        if (this.#isNeeded) this.#step(fx, 'want')
        return
      default:
        action satisfies never
    }
  }
}
