/**
 * The turn record: when each stage of every turn happened, on the one monotonic base of all threads, kept from day one.
 * A turn begins with something the caller said and ends with the first voiced packet of the answer.
 */

import type { Millis } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { HearingMarks } from '../speech/protocol.ts'

interface Turn {
  readonly utterance: number
  readonly onsetAt: Millis
  readonly speechStartedAt: Millis | null
  readonly marks: HearingMarks
  readonly text: string
  readonly rejected: boolean
  committedAt: Millis | null
  sentAt: Millis | null
  sayId: number | null
  sayAt: Millis | null
  firstPcmAt: Millis | null
  firstVoiceAt: Millis | null
}

interface Flush {
  readonly askedAt: Millis
  readonly at: Millis
  readonly silentAt: Millis | null
}

const KEPT_TURNS = 500

export class Turns {
  readonly #bornAt: Millis
  readonly #turns: Turn[] = []
  readonly #flushes: Flush[] = []
  #started: { utterance: number; at: Millis } | null = null
  #flushAskedAt: Millis | null = null

  constructor(bornAt: Millis) {
    this.#bornAt = bornAt
  }

  speechStarted(utterance: number, _onsetAt: Millis, at: Millis): void {
    this.#started = { utterance, at }
  }

  /** @returns the mark under which storing and sending of this turn's events are reported */
  heard(news: { utterance: number; onsetAt: Millis; marks: HearingMarks; text: string; rejected: boolean }): number {
    if (this.#turns.length >= KEPT_TURNS) this.#turns.shift()
    this.#turns.push({
      utterance: news.utterance,
      onsetAt: news.onsetAt,
      speechStartedAt: this.#started?.utterance === news.utterance ? this.#started.at : null,
      marks: news.marks,
      text: news.text,
      rejected: news.rejected,
      committedAt: null,
      sentAt: null,
      sayId: null,
      sayAt: null,
      firstPcmAt: null,
      firstVoiceAt: null,
    })
    return news.utterance
  }

  stored(mark: number, at: Millis, sentAt: Millis): void {
    const turn = this.#turns.find((one) => one.utterance === mark)
    if (!turn) return
    turn.committedAt ??= at
    turn.sentAt ??= sentAt
  }

  /** The first say after a heard utterance answers it. */
  said(say: { readonly sayId: number; readonly askedAt: Millis }): void {
    const turn = this.#turns.at(-1)
    if (!turn || turn.sayId !== null) return
    turn.sayId = say.sayId
    turn.sayAt = say.askedAt
  }

  firstPcm(sayId: number, at: Millis): void {
    const turn = this.#turns.find((one) => one.sayId === sayId)
    if (turn) turn.firstPcmAt ??= at
  }

  firstVoice(sayId: number, at: Millis): void {
    const turn = this.#turns.find((one) => one.sayId === sayId)
    if (turn) turn.firstVoiceAt ??= at
  }

  flushAsked(at: Millis): void {
    this.#flushAskedAt ??= at
  }

  flushed(at: Millis, silentAt: Millis | null): void {
    if (this.#flushAskedAt === null) return
    this.#flushes.push({ askedAt: this.#flushAskedAt, at, silentAt })
    this.#flushAskedAt = null
  }

  /** Ms on the call's own clock, from its birth. What people said is in `text`. */
  doc(): JsonObject {
    const ms = (at: Millis | null): number | null => (at === null ? null : Math.round((at - this.#bornAt) * 10) / 10)
    return {
      result: this.#turns.map((turn) => ({
        utterance: turn.utterance,
        text: turn.text,
        rejected: turn.rejected,
        end_of_turn: turn.marks.endOfTurn,
        onset_ms: ms(turn.onsetAt),
        speech_started_ms: ms(turn.speechStartedAt),
        last_voiced_ms: ms(turn.marks.lastVoicedAt),
        detector_ms: ms(turn.marks.detectorAt),
        end_of_turn_ms: ms(turn.marks.endOfTurnAt),
        final_ms: ms(turn.marks.finalAt),
        committed_ms: ms(turn.committedAt),
        sent_ms: ms(turn.sentAt),
        say_ms: ms(turn.sayAt),
        first_pcm_ms: ms(turn.firstPcmAt),
        first_voice_ms: ms(turn.firstVoiceAt),
      })),
      flushes: this.#flushes.map((flush) => ({
        asked_ms: ms(flush.askedAt),
        done_ms: ms(flush.at),
        silent_ms: ms(flush.silentAt),
      })),
    }
  }
}
