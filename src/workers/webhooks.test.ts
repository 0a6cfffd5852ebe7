import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ThreadTransport } from '../api/webhook-thread.ts'
import type { WebhookCommand, WebhookThreadEvent } from '../api/webhook-thread-protocol.ts'
import { WorkerChannel } from '../drivers/worker-channel.ts'
import { SILENT } from '../kernel/log.ts'

const url = new URL('./webhooks.ts', import.meta.url)
const NEVER = new AbortController().signal

async function withThread(
  blockPrivate: boolean,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  check: (world: {
    post: (attempt: number) => Promise<{ readonly status: number }>
    channel: WorkerChannel<WebhookCommand, WebhookThreadEvent>
  }) => Promise<void>,
): Promise<void> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const channel = new WorkerChannel<WebhookCommand, WebhookThreadEvent>({
    name: 'webhooks',
    url,
    workerData: { blockPrivate },
    log: SILENT,
  })
  const transport = new ThreadTransport(channel)
  const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  const post = (attempt: number) =>
    transport.post({
      method: 'POST',
      url: to,
      eventId: 'e',
      attempt,
      body: '{"a":"é"}',
      secret: 's',
      now: 1e15,
      signal: NEVER,
    })
  try {
    await check({ post, channel })
  } finally {
    await transport.close()
    server.closeAllConnections()
    server.close()
  }
}

test('a webhook leaves from its thread, signed; a thread that dies fails what it was sending and comes back', async () => {
  const seen: string[] = []
  const hanging = Promise.withResolvers<void>()
  await withThread(
    false,
    (request, response) => {
      seen.push(`${request.headers['x-voipbin-attempt']} ${String(request.headers['x-voipbin-signature']).length}`)
      if (seen.length === 2) hanging.resolve()
      else response.writeHead(202).end()
    },
    async ({ post, channel }) => {
      assert.deepEqual(await post(1), { status: 202 })
      const lost = post(2)
      await hanging.promise
      await Promise.all([assert.rejects(lost, { code: 'THREAD_LOST' }), channel.kill()])
      assert.deepEqual(await post(3), { status: 202 })
    },
  )
  assert.deepEqual(seen, ['1 71', '2 71', '3 71'])
})

test('addresses are looked at in the thread: a private one is refused where the operator says so', async () => {
  await withThread(
    true,
    () => assert.fail('nothing may arrive'),
    async ({ post }) => {
      await assert.rejects(post(1), { code: 'AddressRefused' })
    },
  )
})
