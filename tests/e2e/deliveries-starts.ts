/**
 * Loaded before anything else into every thread of the server of `deliveries-server.ts`: tells which webhooks the thread
 * starts, in order. Told in batches, so that watching costs little.
 */

import diagnostics from 'node:diagnostics_channel'
import { BroadcastChannel, isMainThread } from 'node:worker_threads'
import type { Start } from './deliveries-server.ts'

const TELL_EVERY_MS = 50

if (!isMainThread) watch()

function watch(): void {
  let starts: Start[] = []
  let channel: BroadcastChannel | null = null
  const tell = (): void => {
    channel ??= new BroadcastChannel('webhook starts')
    channel.unref()
    channel.postMessage(starts)
    starts = []
  }
  diagnostics.subscribe('undici:request:create', (message) => {
    const { request } = message as { request: { origin: string; path: string; headers: readonly string[] } }
    const header = (name: string): string => String(request.headers[request.headers.indexOf(name) + 1])
    const url = `${request.origin}${request.path}`
    if (starts.length === 0) setTimeout(tell, TELL_EVERY_MS)
    starts.push({ url, eventId: header('webhook-id'), attempt: Number(header('x-voipbin-attempt')) })
  })
}
