/** The far end of the web phone's WebSocket: dials, carries frames both ways, and tells how the call goes. */

import { socketUrl } from './account.js'

/**
 * @typedef {object} PhoneEvents
 * @property {(message: any) => void} onMessage `ringing`, `answered`, `ended`, `spoken`, `error`
 * @property {(pcm8k: Int16Array) => void} onFrame
 * @property {() => void} onGone the connection is closed; nothing more will come
 */

export class Phone {
  /**
   * @param {string} token
   * @param {PhoneEvents} events
   * @returns {Promise<Phone>} connected; rejects when the server takes no more phones
   */
  static open(token, events) {
    const socket = new WebSocket(socketUrl('/phone', token))
    socket.binaryType = 'arraybuffer'
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(new Phone(socket))
      socket.onclose = () => {
        reject(new Error('The web phone could not connect.'))
        events.onGone()
      }
      socket.onmessage = ({ data }) => {
        if (typeof data === 'string') events.onMessage(JSON.parse(data))
        else events.onFrame(new Int16Array(data))
      }
    })
  }

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.socket = socket
  }

  /** @param {Int16Array} pcm8k */
  sendFrame(pcm8k) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(pcm8k)
  }

  /** @param {{ type: 'dial' | 'hangup' | 'dtmf' | 'speak', to?: string, digit?: string, text?: string }} wish */
  ask(wish) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(wish))
  }

  close() {
    this.socket.close()
  }
}
