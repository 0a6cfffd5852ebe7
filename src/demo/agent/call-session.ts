/**
 * One call as the agent lives it: turns the server's events into inputs of the conversation, and the conversation's
 * outputs into requests, one after the other, so that a `say` never overtakes the `flush` before it.
 */

import type { Log } from '../../kernel/log.ts'
import { type Api, ApiError } from './api.ts'
import { Conversation, type Input, type Output } from './conversation.ts'
import { phrasesFor } from './phrases.ts'

export type EventData = Readonly<Record<string, unknown>>

export class CallSession {
  readonly callId: string
  readonly #api: Api
  readonly #log: Log
  readonly #conversation = new Conversation()
  #transcribeId: string | null = null
  #speakingId: string | null = null
  #work: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null
  #over = false

  constructor(callId: string, api: Api, log: Log) {
    this.callId = callId
    this.#api = api
    this.#log = log
  }

  /** Opens both sessions of the call and greets. Resolves when the greeting is asked for; never rejects. */
  async start(): Promise<void> {
    try {
      const transcribing = this.#api.startTranscribe(this.callId, phrasesFor('menu'))
      const speaking = this.#api.startSpeaking(this.callId)
      ;[this.#transcribeId, this.#speakingId] = await Promise.all([transcribing, speaking])
    } catch (error) {
      this.#tell('the call could not be taken', error)
      return
    }
    this.#give({ kind: 'answered' })
    await this.#work
  }

  /** Whether an event that names only its transcribe belongs here. */
  hasTranscribe(id: unknown): boolean {
    return this.#transcribeId !== null && id === this.#transcribeId
  }

  event(type: string, data: EventData): void {
    const input = inputOf(type, data)
    if (input) this.#give(input)
  }

  /** The call is over: everything about it is forgotten. */
  end(): void {
    this.#over = true
    if (this.#timer) clearTimeout(this.#timer)
  }

  #give(input: Input): void {
    if (this.#over) return
    for (const output of this.#conversation.handle(input, performance.now())) {
      if (output.kind === 'wake') this.#wakeAt(output.at)
      else this.#work = this.#work.then(() => this.#carryOut(output))
    }
  }

  #wakeAt(at: number): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#give({ kind: 'woke' }), Math.ceil(Math.max(0, at - performance.now())) + 1)
  }

  async #carryOut(output: Exclude<Output, { kind: 'wake' }>): Promise<void> {
    if (this.#over) return
    try {
      await this.#request(output)
    } catch (error) {
      this.#tell(`${output.kind} failed`, error)
      this.#failed(output)
    }
  }

  async #request(output: Exclude<Output, { kind: 'wake' }>): Promise<void> {
    const api = this.#api
    switch (output.kind) {
      case 'say':
        await this.#say(output.text)
        break
      case 'flush':
        await api.flush(this.#speakingId!)
        break
      case 'phrases':
        await api.setPhrases(this.#transcribeId!, output.phrases)
        break
      case 'measure':
        this.#give({ kind: 'timings', timings: await api.timings(this.callId) })
        break
      case 'hangup':
        await api.hangup(this.callId)
        break
      default:
        output satisfies never
    }
  }

  /** A stopped session is opened anew, once. */
  async #say(text: string): Promise<void> {
    try {
      await this.#api.say(this.#speakingId!, text)
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'SPEAKING_STATE_INVALID') throw error
      this.#speakingId = await this.#api.startSpeaking(this.callId)
      await this.#api.say(this.#speakingId, text)
    }
  }

  /** The conversation goes on as if nobody had heard. */
  #failed(output: Output): void {
    if (output.kind === 'say') this.#give({ kind: 'settled', text: output.text, heard: '', finished: true })
    if (output.kind === 'measure') this.#give({ kind: 'timings', timings: null })
  }

  #tell(what: string, error: unknown): void {
    if (this.#over) return
    this.#log.warn({ call_id: this.callId, what, why: String(error) }, 'demo agent request')
  }
}

/** @returns null for events the conversation does not care about */
function inputOf(type: string, data: EventData): Input | null {
  switch (type) {
    case 'transcript_created':
      return data['direction'] === 'in' ? { kind: 'heard', text: String(data['message'] ?? '') } : null
    case 'transcribe_speech_started':
      return { kind: 'speechStarted' }
    case 'transcribe_speech_ended':
      return data['recognised'] === false ? { kind: 'unrecognised' } : null
    case 'speaking_say_finished':
      return { kind: 'settled', text: String(data['text']), heard: String(data['text']), finished: true }
    case 'speaking_say_interrupted':
      return { kind: 'settled', text: String(data['text']), heard: String(data['text_heard'] ?? ''), finished: false }
    case 'dtmf_received':
      return { kind: 'key', digit: String(data['digit']) }
    default:
      return null
  }
}
