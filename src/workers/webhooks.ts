/**
 * The thread of the webhooks: connections to receivers, signatures, what they answer. `WebhookCommand` in,
 * `WebhookThreadEvent[]` out.
 */

import { parentPort, workerData } from 'node:worker_threads'
import { WebhookPoster } from '../api/webhook-poster.ts'
import type { WebhookCommand, WebhookThreadEvent } from '../api/webhook-thread-protocol.ts'
import { HttpTransport } from '../api/webhook-transport.ts'

const port = parentPort
if (!port) throw new Error('workers/webhooks.ts runs only as a thread')

const { blockPrivate } = workerData as { readonly blockPrivate: boolean }
const tell = (events: readonly WebhookThreadEvent[]): void => port.postMessage(events)
const poster = new WebhookPoster(new HttpTransport({ blockPrivate }), tell)

port.on('message', (command: WebhookCommand) => {
  if (command.kind === 'shutDown') void poster.close().then(() => port.close())
  else poster.obey(command)
})
tell([{ kind: 'ready' }])
