/**
 * Receivers of webhooks and clients of the WebSocket in a thread of their own, so that they do not load the thread that is
 * measured. They keep what they heard and hand it over when they are asked.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { WebSocket } from 'ws'
import { monotonicMs } from '../../src/workers/monotonic.ts'
import type { Arrival, ListenerAnswers, ListenerQuestion, Manner } from './listeners.ts'

const port = parentPort
if (!port) throw new Error('this file is a worker')

interface Receiver {
  manner: Manner
  readonly server: Server
  readonly arrivals: Arrival[]
  readonly hanging: Set<ServerResponse>
}

const receivers: Receiver[] = []
const sockets: { readonly socket: WebSocket; readonly arrivals: Arrival[] }[] = []

/** Events of the test carry a number and when they were given to the server: cheap to find without reading the whole. */
function arrivalOf(text: string, attempt: number): Arrival | null {
  const found = /"n":(\d+),"given_at":([\d.]+)/.exec(text)
  return found && { n: Number(found[1]), attempt, afterMs: monotonicMs() - Number(found[2]) }
}

function take(receiver: Receiver, request: IncomingMessage, response: ServerResponse): void {
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => void pieces.push(piece))
  request.on('end', () => {
    const arrival = arrivalOf(String(Buffer.concat(pieces)), Number(request.headers['x-voipbin-attempt']))
    if (arrival && receiver.manner === 'answers') receiver.arrivals.push(arrival)
    if (receiver.manner === 'hangs') receiver.hanging.add(response)
    else response.writeHead(receiver.manner === 'fails' ? 500 : 200).end()
  })
}

const questions: { readonly [q in ListenerQuestion]: (want: never) => Promise<ListenerAnswers[q]> } = {
  async receiver(manner: Manner) {
    const receiver: Receiver = {
      manner,
      server: createServer((request, response) => take(receiver, request, response)),
      arrivals: [],
      hanging: new Set(),
    }
    receiver.server.keepAliveTimeout = 60_000
    receiver.server.listen(0, '127.0.0.1')
    await once(receiver.server, 'listening')
    const { port: number } = receiver.server.address() as AddressInfo
    if (manner === 'dead') await new Promise((resolve) => receiver.server.close(resolve))
    receivers.push(receiver)
    return `http://127.0.0.1:${number}/events`
  },
  async socket({ url, topic }: { url: string; topic: string }) {
    const socket = new WebSocket(url)
    const arrivals: Arrival[] = []
    socket.on('message', (data) => {
      const arrival = arrivalOf(String(data), 1)
      if (arrival) arrivals.push(arrival)
    })
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'subscribe', topics: [topic] }))
    socket.send(JSON.stringify({ type: 'subscriptions' }))
    await once(socket, 'message')
    sockets.push({ socket, arrivals })
    return sockets.length - 1
  },
  async heal() {
    for (const receiver of receivers) {
      if (receiver.manner !== 'hangs') continue
      receiver.manner = 'answers'
      for (const response of receiver.hanging) response.destroy()
    }
    return null
  },
  async heard() {
    return {
      receivers: receivers.map(({ arrivals }) => arrivals.splice(0)),
      sockets: sockets.map(({ arrivals }) => arrivals.splice(0)),
    }
  },
  async close() {
    for (const { socket } of sockets) socket.terminate()
    for (const { server } of receivers) {
      server.closeAllConnections()
      server.close()
    }
    return null
  },
}

port.on('message', async ({ id, question, want }: { id: number; question: ListenerQuestion; want: never }) => {
  port.postMessage({ id, value: await questions[question](want) })
  if (question === 'close') port.close()
})
