/** The event WebSocket of the public API, kept open. */

import { socketUrl } from './account.js'

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

/**
 * Subscribes to everything about this customer's calls, again after each drop.
 *
 * @param {string} token
 * @param {string} customerId
 * @param {(type: string, data: any) => void} onEvent
 */
export function followEvents(token, customerId, onEvent) {
  let pauseMs = FIRST_PAUSE_MS
  const connect = () => {
    const socket = new WebSocket(socketUrl('/v1.0/ws', token))
    socket.onopen = () => {
      pauseMs = FIRST_PAUSE_MS
      const topics = ['call', 'transcript', 'transcribe', 'speaking'].map(
        (name) => `customer_id:${customerId}:${name}:*`,
      )
      socket.send(JSON.stringify({ type: 'subscribe', topics }))
    }
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data)
      if (frame.data) onEvent(frame.type, frame.data)
    }
    socket.onclose = () => {
      setTimeout(connect, pauseMs)
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
    }
  }
  connect()
}
