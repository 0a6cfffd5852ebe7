/** The caller's view of the public API: the events of one customer, and the turn record of one call. */

import { NO_TURNS, readTurns, type TurnsDoc } from './turns.ts'

export interface ApiAccess {
  /** `http://127.0.0.1:7700/v1.0` */
  readonly base: string
  readonly token: string
  readonly customerId: string
}

const TOPICS = ['call', 'transcript', 'transcribe', 'speaking']

export class EventStream {
  readonly #socket: WebSocket

  /** Resolves when subscribed. Rejects with an Error when the server refuses or cannot be reached. */
  static open(access: ApiAccess, onFrame: (frame: unknown) => void): Promise<EventStream> {
    const url = new URL(`${access.base}/ws`)
    url.protocol = url.protocol.replace('http', 'ws')
    url.searchParams.set('token', access.token)
    const socket = new WebSocket(url)
    socket.addEventListener('message', ({ data }) => onFrame(parsed(data)))
    return new Promise((resolve, reject) => {
      socket.addEventListener('error', () => reject(new Error('the event stream of the server cannot be opened')))
      // The server answers a question after the subscription it follows, so the answer says that it took hold.
      socket.addEventListener('message', () => resolve(new EventStream(socket)), { once: true })
      socket.addEventListener('open', () => {
        const topics = TOPICS.map((topic) => `customer_id:${access.customerId}:${topic}:*`)
        socket.send(JSON.stringify({ type: 'subscribe', topics }))
        socket.send(JSON.stringify({ type: 'subscriptions' }))
      })
    })
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** May be called twice. */
  close(): void {
    this.#socket.close()
  }
}

/** @returns an empty record when the server has none to give */
export async function fetchTurns(access: ApiAccess, callId: string): Promise<TurnsDoc> {
  const response = await fetch(`${access.base}/calls/${callId}/turns`, {
    headers: { authorization: `Bearer ${access.token}` },
  })
  if (!response.ok) {
    await response.body?.cancel()
    return NO_TURNS
  }
  return readTurns(await response.json())
}

function parsed(data: unknown): unknown {
  try {
    return typeof data === 'string' ? JSON.parse(data) : null
  } catch {
    return null
  }
}
