/** The agent of document 000 in this language: the same three events, the same answers, from inside the same handler. */

import type { Client } from './client.ts'
import type { Delivery, Receiver } from './receiver.ts'

export const GREETING = 'Hello! How can I help you today?'
const URGENT = ['cancel', 'lawsuit', 'refund', 'urgent', 'immediately', 'supervisor']

export class FlatAgent {
  readonly receiver: Receiver
  /** Texts it has asked to be spoken, and the transfers, in order. */
  readonly asked: { readonly callId: string; readonly what: string }[] = []
  readonly #client: Client
  readonly #person: object | null

  /** @param person where callers go who say something urgent; none: they are answered like all others */
  constructor(client: Client, receiver: Receiver, person: object | null = null) {
    this.#client = client
    this.receiver = receiver
    this.#person = person
    receiver.behave = (delivery) => this.#handle(delivery)
  }

  async #handle({ type, body }: Delivery): Promise<number> {
    if (type === 'call.initiated') await this.#act(body.call_id, { action: 'talk', text: GREETING })
    if (type !== 'transcript' || body.transcript.trim() === '') return 200
    const isUrgent = URGENT.some((word) => body.transcript.toLowerCase().includes(word))
    if (this.#person && isUrgent) await this.#act(body.call_id, { action: 'connect', destinations: [this.#person] })
    else await this.#act(body.call_id, { action: 'talk', text: replyTo(body.transcript) })
    return 200
  }

  /** Before the webhook is answered, as 000 does. */
  async #act(callId: string, action: { readonly action: string; readonly text?: string; destinations?: object[] }) {
    this.asked.push({ callId, what: action.text ?? action.action })
    const voice = action.action === 'talk' ? { voice: 'en-US-Neural2-F' } : {}
    await this.#client.must('POST', `/calls/${callId}/actions`, { ...action, ...voice })
  }

  /** How often it was told so. */
  count(type: string, callId: string): number {
    return this.receiver.of(type, ({ body }) => body.call_id === callId).length
  }
}

export function replyTo(text: string): string {
  return `You said ${text}. What else can I do for you?`
}
