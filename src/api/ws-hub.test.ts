import assert from 'node:assert/strict'
import { on, once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { VirtualClock } from '../kernel/clock.ts'
import { SILENT } from '../kernel/log.ts'
import type { EventRow } from '../store/port.ts'
import { sampleEvent } from '../store/samples.ts'
import type { Identity } from './topics.ts'
import { WsHub } from './ws-hub.ts'

const C = '11111111-1111-4111-8111-111111111111'
const OTHER = '33333333-3333-4333-8333-333333333333'
const AGENT = '22222222-2222-4222-8222-222222222222'
const ME: Identity = { customerId: C, agentId: AGENT }

interface World {
  readonly hub: WsHub
  readonly clock: VirtualClock
  readonly port: number
  /** Connects, and waits until the hub has the client. */
  client(): Promise<WebSocket>
}

function withHub(check: (world: World) => Promise<void>, identity: Identity = ME): () => Promise<void> {
  return async () => {
    const clock = new VirtualClock()
    const hub = new WsHub({ clock, log: SILENT })
    const server = createServer()
    server.on('upgrade', (request, socket, head) => hub.accept(request, socket, head, identity))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const clients: WebSocket[] = []
    const client = async (): Promise<WebSocket> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/v1.0/ws`)
      clients.push(socket)
      openInbox(socket)
      await once(socket, 'open')
      return socket
    }
    try {
      await check({ hub, clock, port, client })
    } finally {
      for (const socket of clients) socket.terminate()
      await hub.close()
      await stop(server)
    }
    assert.equal(clock.pending(), 0, 'a closed hub leaves no timer')
  }
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Asks for the topics held: what the client said before has then been heard. */
async function ask(socket: WebSocket, ...said: readonly object[]): Promise<readonly string[]> {
  for (const message of said) socket.send(JSON.stringify(message))
  socket.send('{"type":"subscriptions"}')
  const answer = await next(socket)
  assert.equal(answer['type'], 'subscriptions')
  return answer['topics'] as string[]
}

/** Messages are kept from the start: several may come in one read. */
const inboxes = new WeakMap<WebSocket, AsyncIterator<[unknown]>>()

function openInbox(socket: WebSocket): void {
  inboxes.set(socket, on(socket, 'message') as unknown as AsyncIterator<[unknown]>)
}

async function next(socket: WebSocket): Promise<Record<string, unknown>> {
  const { value } = await inboxes.get(socket)!.next()
  return JSON.parse(String(value[0])) as Record<string, unknown>
}

async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = await once(socket, 'close')
  return code as number
}

const subscribe = (...topics: readonly string[]) => ({
  type: 'subscribe',
  topics: topics.map((name) => `customer_id:${C}:${name}`),
})

function transcript(change: Partial<EventRow> = {}): EventRow {
  return sampleEvent({
    customer_id: C,
    type: 'transcript_created',
    call_id: 'c',
    seq: 7,
    offset_ms: 1234.5,
    wall_us: Date.UTC(2026, 0, 15, 9, 30) * 1000 + 5,
    data: { id: 'p', transcribe_id: 't', message: '안녕' },
    ...change,
  })
}

describe('the WebSocket', () => {
  test(
    'a frame has all the fields that the clients read, once, however many topics match',
    withHub(async ({ hub, client }) => {
      const socket = await client()
      await ask(socket, subscribe('transcript:', 'transcribe:', 'call:*'))
      const event = transcript()
      hub.publish(event)
      hub.publish(transcript({ id: 'second' }))
      assert.deepEqual(await next(socket), {
        type: 'transcript_created',
        event_type: 'transcript_created',
        timestamp: '2026-01-15T09:30:00.000005Z',
        topic: `customer_id:${C}:transcribe:t`,
        data: event.data,
        id: event.id,
        seq: 7,
        offset_ms: 1234.5,
      })
      assert.equal((await next(socket))['id'], 'second')
    }),
  )

  test(
    'subscribing is not acknowledged, and the topics held are told when asked',
    withHub(async ({ client }) => {
      const socket = await client()
      assert.deepEqual(await ask(socket), [])
      const own = `agent_id:${AGENT}:call:*`
      assert.deepEqual(await ask(socket, subscribe('call:*', 'call:*'), { type: 'subscribe', topics: [own] }), [
        `customer_id:${C}:call:*`,
        own,
      ])
      assert.deepEqual(await ask(socket, { type: 'unsubscribe', topics: [`customer_id:${C}:call:*`] }), [own])
    }),
  )

  test(
    'what was unsubscribed, and what belongs to another customer, does not come',
    withHub(async ({ hub, client }) => {
      const socket = await client()
      await ask(socket, subscribe('call:', 'flow:'), { ...subscribe('call:'), type: 'unsubscribe' })
      hub.publish(transcript())
      hub.publish(transcript({ customer_id: OTHER, type: 'flow_created', data: { id: 'theirs' } }))
      hub.publish(transcript({ type: 'flow_created', data: { id: 'ours' }, call_id: null }))
      assert.deepEqual((await next(socket))['data'], { id: 'ours' })
    }),
  )

  test(
    'what is no JSON, no object, or of another type is ignored',
    withHub(async ({ client }) => {
      const socket = await client()
      for (const text of ['', '{', 'null', '5', '[]', '"subscribe"', '{"type":"x"}', '{"type":"subscribe"}'])
        socket.send(text)
      assert.deepEqual(await ask(socket), [])
    }),
  )

  for (const topic of [
    `customer_id:${OTHER}:call:`,
    'customer_id:',
    `customer_id:${C}x:call`,
    'call:*',
    `agent_id:${OTHER}:`,
    5,
  ]) {
    test(
      `the topic ${topic} closes with 1008`,
      withHub(async ({ client }) => {
        const socket = await client()
        socket.send(JSON.stringify({ type: 'subscribe', topics: [`customer_id:${C}:call:`, topic] }))
        assert.equal(await closeCode(socket), 1008)
      }),
    )
  }

  test(
    'an access key has no agent to subscribe to',
    withHub(
      async ({ client }) => {
        const socket = await client()
        socket.send(JSON.stringify({ type: 'subscribe', topics: [`agent_id:${AGENT}:call:`] }))
        assert.equal(await closeCode(socket), 1008)
      },
      { customerId: C, agentId: null },
    ),
  )

  test(
    'a binary frame closes with 1003',
    withHub(async ({ client }) => {
      const socket = await client()
      socket.send(Buffer.from('{"type":"subscriptions"}'))
      assert.equal(await closeCode(socket), 1003)
    }),
  )

  test(
    'a server that stops says 1001 and takes no more clients',
    withHub(async ({ hub, client, port }) => {
      const socket = await client()
      const code = closeCode(socket)
      await hub.close()
      assert.equal(await code, 1001)
      const late = new WebSocket(`ws://127.0.0.1:${port}/`)
      await assert.rejects(once(late, 'open'))
    }),
  )
})

/** A client that says nothing by itself and reads only when told to. */
async function silentClient({ port, hub }: World): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  const key = Buffer.alloc(16).toString('base64')
  socket.write(
    `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  )
  await until(() => hub.size() === 1)
  return socket
}

async function until(holds: () => boolean): Promise<void> {
  const limit = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > limit) throw new Error('the condition did not come true')
    await setImmediate()
  }
}

/** A masked text frame, mask 0. */
function textFrame(text: string): Buffer {
  const body = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x81, 0x80 | 126, body.length >> 8, body.length & 255, 0, 0, 0, 0]), body])
}

describe('keep-alive', () => {
  test(
    'a client is pinged every 10 s, and its pongs keep it',
    withHub(async ({ hub, clock, client }) => {
      const socket = await client()
      for (let i = 0; i < 12; i++) {
        const ping = once(socket, 'ping')
        clock.advanceTo(clock.now() + 10_000)
        await ping
        await ask(socket)
      }
      assert.equal(hub.size(), 1)
    }),
  )

  test(
    'a client that says nothing for 60 s is dropped, not before',
    withHub(async (world) => {
      const { hub, clock } = world
      const start = clock.now()
      const socket = await silentClient(world)
      clock.advanceTo(start + 59_999)
      await setImmediate()
      assert.equal(hub.size(), 1)
      clock.advanceTo(start + 60_000)
      await until(() => hub.size() === 0)
      socket.destroy()
    }),
  )
})

/** The ids of the frames among the bytes, in order. */
function idsIn(bytes: Buffer): string[] {
  return [...bytes.toString('latin1').matchAll(/"id":"(\w+)","seq"/g)].map((match) => match[1]!)
}

describe('a slow reader', () => {
  /** More than the sockets of both sides hold. */
  const ENOUGH = 700
  const message = 'x'.repeat(20_000)
  const event = (id: string, type = 'transcript_created') =>
    transcript({ id, type, data: { transcribe_id: 't', message } })

  /** A subscribed client that has stopped reading. */
  async function stalled(world: World): Promise<Socket> {
    const socket = await silentClient(world)
    for (const said of [subscribe('transcribe:'), { type: 'subscriptions' }])
      socket.write(textFrame(JSON.stringify(said)))
    for await (const data of socket.iterator({ destroyOnReturn: false }))
      if (String(data).includes('subscriptions')) break
    socket.pause()
    return socket
  }

  async function publish(hub: WsHub, events: readonly EventRow[]): Promise<void> {
    for (const [i, each] of events.entries()) {
      hub.publish(each)
      if (i % 20 === 0) await setImmediate()
    }
  }

  async function readUntil(socket: Socket, end: Buffer | string): Promise<Buffer> {
    const read: Buffer[] = []
    socket.on('data', (data: Buffer) => read.push(data))
    socket.resume()
    await until(() => Buffer.concat(read.slice(-2)).includes(end))
    socket.destroy()
    return Buffer.concat(read)
  }

  test(
    'loses partial texts, and nothing else',
    withHub(async (world) => {
      const socket = await stalled(world)
      const full = Array.from({ length: ENOUGH }, (_, i) => event(`full${i}`))
      await publish(world.hub, full)
      await publish(
        world.hub,
        Array.from({ length: 3_000 }, (_, i) => event(`part${i}`, 'transcribe_speech_interim')),
      )
      world.hub.publish(event('last'))
      const seen = idsIn(await readUntil(socket, '"id":"last"'))
      assert.deepEqual(
        seen.filter((id) => !id.startsWith('part')),
        [...full.map((each) => each.id), 'last'],
      )
      const parts = seen.filter((id) => id.startsWith('part'))
      assert.ok(parts.length <= 1_000, `${parts.length} partial texts came`)
      assert.equal(parts.at(-1), 'part2999', 'the oldest went first')
    }),
  )

  test(
    'is closed with 1013 when a thousand full events wait',
    withHub(async (world) => {
      const socket = await stalled(world)
      const full = Array.from({ length: ENOUGH + 1_500 }, (_, i) => event(`full${i}`))
      await publish(world.hub, full)
      const seen = idsIn(await readUntil(socket, Buffer.from([0x88, 10, 0x03, 0xf5])))
      assert.deepEqual(
        seen,
        full.slice(0, seen.length).map((each) => each.id),
      )
      assert.ok(seen.length < full.length)
    }),
  )
})
