import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { VirtualClock } from '../kernel/clock.ts'
import { isUuid } from '../kernel/ids.ts'
import { SILENT } from '../kernel/log.ts'
import { HttpClient } from '../net/http-client.ts'
import type { Row, Store } from '../store/port.ts'
import { HttpErrands } from './errands.ts'

const OWNER = '22222222-2222-4222-8222-222222222222'
const FLOW = '33333333-3333-4333-8333-333333333333'

interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface World {
  readonly base: string
  readonly seen: Seen[]
  readonly errands: HttpErrands
  readonly clock: VirtualClock
  /** Resolves with the first request. */
  arrived(): Promise<void>
}

const store: Pick<Store, 'get'> = {
  get: async (_table, customerId, id) =>
    customerId === OWNER && id === FLOW ? ({ doc: { id, actions: [] } } as unknown as Row) : null,
}

async function withServer(
  answer: (path: string, response: ServerResponse) => void,
  check: (world: World) => Promise<void>,
  options: { readonly blockPrivate?: boolean } = {},
): Promise<void> {
  const seen: Seen[] = []
  const arrival = Promise.withResolvers<void>()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    seen.push({ method: request.method!, path: request.url!, headers: request.headers, body })
    arrival.resolve()
    answer(request.url!, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const clock = new VirtualClock()
  const sign = async (customerId: string, body: string) => ({
    'x-voipbin-signature': `of ${customerId} ${body.length}`,
  })
  const http = new HttpClient(options)
  const errands = new HttpErrands({ store, clock, log: SILENT, http, randomBytes, sign })
  try {
    await check({
      base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      seen,
      errands,
      clock,
      arrived: () => arrival.promise,
    })
  } finally {
    await errands.close()
    server.closeAllConnections()
    server.close()
  }
}

const json =
  (body: unknown, status = 200) =>
  (_: string, response: ServerResponse): void =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const fetchFrom = (url: string) =>
  ({ kind: 'fetchActions', url, method: 'POST', body: { activeflow_id: 'a' } }) as const

test('a send carries body, type and signature as they are, and its reply is not read', () =>
  withServer(json('x'.repeat(3_000_000)), async ({ base, seen, errands }) => {
    const result = await errands.run(OWNER, {
      kind: 'send',
      uri: `${base}/hook`,
      method: 'PUT',
      contentType: 'text/plain',
      body: 'hello',
    })
    assert.deepEqual(result, { ok: true, status: 200 })
    const [request] = seen
    assert.deepEqual([request?.method, request?.path, request?.body], ['PUT', '/hook', 'hello'])
    assert.equal(request?.headers['content-type'], 'text/plain')
    assert.equal(request?.headers['x-voipbin-signature'], `of ${OWNER} 5`)
  }))

test('a status that is no success is told, without more', () =>
  withServer(json('secret', 503), async ({ base, errands }) => {
    const result = await errands.run(OWNER, { kind: 'send', uri: base, method: 'POST', contentType: 't', body: '' })
    assert.deepEqual(result, { ok: false, why: 'status 503' })
  }))

test('fetched actions are checked like those of a request and get ids', () =>
  withServer(json([{ type: 'talk', option: { text: 'Hi' } }, { type: 'hangup' }]), async ({ base, seen, errands }) => {
    const result = await errands.run(OWNER, fetchFrom(base))
    assert.ok(result.ok)
    assert.deepEqual(
      result.actions?.map((action) => action.type),
      ['talk', 'hangup'],
    )
    assert.ok(result.actions?.every((action) => isUuid(action.id)))
    assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), { activeflow_id: 'a' })
  }))

test('an answer that is no list of actions is refused, whatever it is', async () => {
  for (const body of [{ actions: [] }, [{ type: 'nonsense' }], [{ type: 'talk' }], 'text', null, [null]]) {
    await withServer(json(body), async ({ base, errands }) => {
      const result = await errands.run(OWNER, fetchFrom(base))
      assert.equal(result.ok, false, JSON.stringify(body))
    })
  }
  await withServer(
    (_, response) => void response.end('<html>'),
    async ({ base, errands }) => {
      assert.deepEqual(await errands.run(OWNER, fetchFrom(base)), { ok: false, why: 'SyntaxError' })
    },
  )
})

test('an answer longer than 1 MiB is cut off', () =>
  withServer(json('x'.repeat(1_100_000)), async ({ base, errands }) => {
    assert.deepEqual(await errands.run(OWNER, fetchFrom(base)), { ok: false, why: 'the answer is too long' })
  }))

test('three redirects are followed with method and body, a fourth is not', () =>
  withServer(
    (path, response) => {
      const left = Number(path.slice(1))
      if (left > 0) response.writeHead(302, { location: `/${left - 1}` }).end()
      else json([])(path, response)
    },
    async ({ base, seen, errands }) => {
      assert.equal((await errands.run(OWNER, fetchFrom(`${base}/3`))).ok, true)
      assert.deepEqual(
        seen.map(({ method, body }) => [method, body.length > 0]),
        Array.from({ length: 4 }, () => ['POST', true]),
      )
      assert.deepEqual(await errands.run(OWNER, fetchFrom(`${base}/4`)), { ok: false, why: 'status 302' })
    },
  ))

test('a server that never answers is given up after five seconds', () =>
  withServer(
    () => {},
    async ({ base, errands, clock, arrived }) => {
      const result = errands.run(OWNER, fetchFrom(base))
      await arrived()
      clock.advanceTo(clock.now() + 5_000)
      assert.deepEqual(await result, { ok: false, why: 'timeout' })
    },
  ))

test('addresses where clouds keep credentials are refused, also behind a redirect', () =>
  withServer(
    (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
    async ({ base, errands }) => {
      for (const url of ['http://169.254.169.254/latest', base, 'ftp://h/x', 'http://[fe80::1]/']) {
        assert.equal((await errands.run(OWNER, fetchFrom(url))).ok, false, url)
      }
    },
  ))

test('private addresses are refused when the installation says so', () =>
  withServer(
    json([]),
    async ({ base, seen, errands }) => {
      assert.equal((await errands.run(OWNER, fetchFrom(base))).ok, false)
      assert.equal(seen.length, 0)
    },
    { blockPrivate: true },
  ))

test('a flow is read from its owner only', () =>
  withServer(json([]), async ({ errands }) => {
    assert.deepEqual(await errands.run(OWNER, { kind: 'readFlow', flowId: FLOW.toUpperCase() }), {
      ok: true,
      flow: { id: FLOW, actions: [] },
    })
    for (const [customer, flowId] of [
      ['44444444-4444-4444-8444-444444444444', FLOW],
      [OWNER, 'nonsense'],
    ] as const) {
      assert.deepEqual(await errands.run(customer, { kind: 'readFlow', flowId }), { ok: false, why: 'no such flow' })
    }
  }))

test('a message is refused while there is no gateway', () =>
  withServer(json([]), async ({ errands }) => {
    const message = { kind: 'message', source: null, destinations: [], text: 'hi' } as const
    assert.deepEqual(await errands.run(OWNER, message), { ok: false, why: 'no SMS gateway is configured' })
  }))

test('one customer has at most 64 under way, others are not held up', () =>
  withServer(
    () => {},
    async ({ base, errands, clock }) => {
      const running = Array.from({ length: 64 }, () => errands.run(OWNER, fetchFrom(base)))
      assert.deepEqual(await errands.run(OWNER, fetchFrom(base)), { ok: false, why: 'too many at once' })
      const other = await errands.run('44444444-4444-4444-8444-444444444444', { kind: 'readFlow', flowId: FLOW })
      assert.deepEqual(other, { ok: false, why: 'no such flow' })
      await Promise.resolve()
      clock.advanceTo(clock.now() + 5_000)
      assert.ok((await Promise.all(running)).every((result) => !result.ok))
      assert.equal((await errands.run(OWNER, { kind: 'readFlow', flowId: FLOW })).ok, true)
    },
  ))
