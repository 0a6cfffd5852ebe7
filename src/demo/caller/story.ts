/**
 * What the server told about one call, taken from the events of `/v1.0/ws`. Finds its own call by the SIP Call-ID, and
 * leaves everything else aside. Knows nothing of sockets: events are handed in with the time they arrived.
 */

import type { Millis } from '../../kernel/clock.ts'

/** How one utterance of the agent may end. */
const SAY_ENDS: ReadonlySet<string> = new Set(['speaking_say_finished', 'speaking_say_interrupted'])

export interface Understood {
  readonly at: Millis
  readonly text: string
}

/** One utterance of the agent, as the caller heard it. `unheard` is '' unless it was cut. */
export interface Said {
  readonly at: Millis
  readonly heard: string
  readonly unheard: string
  readonly cutBy: string
}

/** The fields of an event that a caller cares for. */
interface Data {
  readonly [name: string]: unknown
}

export class Story {
  readonly #sipCallId: string
  readonly #transcribes = new Set<string>()
  #callId: string | null = null
  readonly understood: Understood[] = []
  /** Times at which speech was told to be outside the phrases. */
  readonly unrecognised: Millis[] = []
  readonly said: Said[] = []

  /** Called with each thing worth showing, as it is learnt. */
  onUnderstood: ((news: Understood) => void) | null = null
  onUnrecognised: (() => void) | null = null
  onSaid: ((news: Said) => void) | null = null

  constructor(sipCallId: string) {
    this.#sipCallId = sipCallId
  }

  /** Null until the first event of the call. */
  get callId(): string | null {
    return this.#callId
  }

  /** @param frame one parsed message of the socket, of any shape */
  note(frame: unknown, at: Millis): void {
    const { type, data } = fields(frame)
    if (typeof type !== 'string') return
    const body = fields(data)
    if (type.startsWith('call_')) {
      this.#noteCall(body)
      return
    }
    if (this.#callId === null) return
    if (type === 'transcribe_created' && body['reference_id'] === this.#callId)
      this.#transcribes.add(String(body['id']))
    if (SAY_ENDS.has(type) && body['reference_id'] === this.#callId) {
      this.#noteSay(body, at)
      return
    }
    if (!this.#transcribes.has(String(body['transcribe_id'])) || body['direction'] !== 'in') return
    if (type === 'transcript_created') this.#noteTranscript(body, at)
    if (type === 'transcribe_speech_ended' && body['recognised'] === false) {
      this.unrecognised.push(at)
      this.onUnrecognised?.()
    }
  }

  #noteCall(body: Data): void {
    if (fields(body['metadata'])['sip_call_id'] === this.#sipCallId) this.#callId ??= String(body['id'])
  }

  #noteTranscript(body: Data, at: Millis): void {
    const news = { at, text: text(body['message']) }
    this.understood.push(news)
    this.onUnderstood?.(news)
  }

  #noteSay(body: Data, at: Millis): void {
    const news = {
      at,
      heard: text(body['text_heard']),
      unheard: text(body['text_unheard']),
      cutBy: text(body['cut_by']),
    }
    this.said.push(news)
    this.onSaid?.(news)
  }
}

function fields(value: unknown): Data {
  return typeof value === 'object' && value !== null ? (value as Data) : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
