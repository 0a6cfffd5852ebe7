/**
 * A customer's backend in few lines: listens to published events and asks by commands, as it would by REST. Greets, answers
 * what it hears, falls silent when it is interrupted, and says goodbye.
 */

import type { Outcome } from '../../src/calls/commands.ts'
import type { Scheduled } from '../../src/kernel/clock.ts'
import { NIL_UUID } from '../../src/kernel/ids.ts'
import type { EventRow } from '../../src/store/port.ts'
import type { World } from './world.ts'

export const GREETING = 'Hello, this is the simulated agent. What can I do for you today?'
const BYE = 'Goodbye, and thank you.'

/** What the agent knows of one call. */
export interface Conversation {
  readonly callId: string
  speakingId: string
  transcribeId: string
  /** Texts whose `say` was answered with yes. */
  readonly said: string[]
  readonly heard: string[]
  digits: string
  flushes: number
  open: number
  isLeaving: boolean
  patience: Scheduled | null
}

export interface AgentOptions {
  /** Hangs up when nothing was said for this long. */
  readonly patienceMs?: number
  /** Share of calls in which it stops listening and speaking while the call goes on. */
  readonly stopsEarly?: number
}

export class ScriptedAgent {
  readonly conversations = new Map<string, Conversation>()
  /** Refusals, by code: a call that is over refuses what is still asked of it. */
  readonly refusals = new Map<string, number>()
  readonly #world: World
  readonly #options: AgentOptions

  constructor(world: World, options: AgentOptions = {}) {
    this.#world = world
    this.#options = options
    world.onEvent = (event) => this.#hear(event)
  }

  #hear(event: EventRow): void {
    const { type, data, call_id: callId } = event
    if (!callId) return
    if (type === 'call_progressing') return void this.#begin(callId)
    const talk = this.conversations.get(callId)
    if (!talk) return
    switch (type) {
      case 'call_hangup':
        return talk.patience?.cancel()
      case 'transcribe_speech_started':
        this.#bePatient(talk)
        if (talk.open > 0) void this.#flush(talk)
        return
      case 'transcript_created':
        if (data['direction'] === 'in') void this.#answer(talk, String(data['message']))
        return
      case 'dtmf_received':
        talk.digits += String(data['digit'])
        return void this.#say(talk, `You pressed ${data['digit']}.`)
      case 'speaking_say_finished':
      case 'speaking_say_interrupted':
        talk.open--
        if (talk.isLeaving && talk.open === 0) void this.#ask(callId, { kind: 'hangup' })
        return
    }
  }

  async #begin(callId: string): Promise<void> {
    const talk: Conversation = {
      callId,
      speakingId: '',
      transcribeId: '',
      said: [],
      heard: [],
      digits: '',
      flushes: 0,
      open: 0,
      isLeaving: false,
      patience: null,
    }
    this.conversations.set(callId, talk)
    this.#bePatient(talk)
    const [transcribe, speaking] = await Promise.all([
      this.#ask(callId, {
        kind: 'startTranscribe',
        language: 'en-US',
        direction: 'both',
        provider: '',
        onEndFlowId: NIL_UUID,
        phrases: null,
      }),
      this.#ask(callId, { kind: 'createSpeaking', language: 'en-US', provider: '', voiceId: '', direction: 'both' }),
    ])
    if (transcribe.ok) talk.transcribeId = String(transcribe.doc['id'])
    if (!speaking.ok) return
    talk.speakingId = String(speaking.doc['id'])
    await this.#say(talk, GREETING)
    if (this.#world.random.unit() >= (this.#options.stopsEarly ?? 0)) return
    await this.#world.after(this.#world.random.below(4_000))
    await this.#ask(callId, { kind: 'stopSpeaking', speakingId: talk.speakingId })
    if (transcribe.ok) await this.#ask(callId, { kind: 'stopTranscribe', transcribeId: talk.transcribeId })
  }

  async #answer(talk: Conversation, text: string): Promise<void> {
    talk.heard.push(text)
    if (text === 'stop') return
    talk.isLeaving ||= text === 'goodbye'
    const answered = await this.#say(talk, text === 'goodbye' ? BYE : `You said: ${text}. I will see what I can do.`)
    if (!answered && talk.isLeaving) await this.#ask(talk.callId, { kind: 'hangup' })
  }

  async #say(talk: Conversation, text: string): Promise<boolean> {
    const { speakingId, callId } = talk
    talk.open++
    const outcome = await this.#ask(callId, { kind: 'say', speakingId, text })
    if (outcome.ok) talk.said.push(text)
    else talk.open--
    return outcome.ok
  }

  async #flush(talk: Conversation): Promise<void> {
    const outcome = await this.#ask(talk.callId, { kind: 'flush', speakingId: talk.speakingId })
    if (outcome.ok) talk.flushes++
  }

  #bePatient(talk: Conversation): void {
    const { clock } = this.#world
    talk.patience?.cancel()
    talk.patience = clock.schedule(clock.now() + (this.#options.patienceMs ?? 12_000), () => {
      void this.#ask(talk.callId, { kind: 'hangup' })
    })
  }

  /** There and back over a network of its own. */
  async #ask(callId: string, command: Parameters<World['exchange']['ask']>[2]): Promise<Outcome> {
    const world = this.#world
    await world.after(1 + world.random.below(15))
    const outcome = await world.exchange.ask(world.customerId, callId, command)
    await world.after(1 + world.random.below(15))
    if (!outcome.ok) this.refusals.set(outcome.code, (this.refusals.get(outcome.code) ?? 0) + 1)
    return outcome
  }
}
