import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { sampleEvent } from '../store/samples.ts'
import { webhookBody } from './envelope.ts'
import { refusedAddresses } from './webhook-addresses.ts'
import { HttpTransport } from './webhook-transport.ts'

interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface World {
  readonly base: string
  readonly received: Received[]
  readonly transport: HttpTransport
}

type Answer = (path: string, response: ServerResponse) => void

function withReceiver(
  answer: Answer,
  check: (world: World) => Promise<void>,
  options: { readonly blockPrivate?: boolean } = {},
) {
  return async (): Promise<void> => {
    const received: Received[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const piece of request) body += piece
      received.push({ method: request.method!, path: request.url!, headers: request.headers, body })
      answer(request.url!, response)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const transport = new HttpTransport(options)
    try {
      await check({ base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, transport })
    } finally {
      await transport.close()
      server.close()
      await once(server, 'close')
    }
  }
}

const status =
  (code: number): Answer =>
  (_, response) =>
    void response.writeHead(code).end('thanks')
const NEVER = new AbortController().signal

function signedRequest(url: string, secret: string, method = 'POST') {
  const event = sampleEvent({ type: 'transcript_created', data: { message: '안녕 😀 "quoted"' } })
  const body = webhookBody(event)
  const signed = { eventId: event.id, attempt: 2, body, secret, now: Date.now() * 1000 }
  return { event, request: { ...signed, method, url, signal: NEVER } }
}

describe('a webhook over HTTP', () => {
  for (const method of ['POST', 'PUT', 'GET', 'DELETE']) {
    test(
      `${method}: the receiver can check both signatures against the raw body`,
      withReceiver(status(200), async ({ base, received, transport }) => {
        const { event, request } = signedRequest(`${base}/hook?a=1`, 'a plain secret', method)
        assert.deepEqual(await transport.post(request), { status: 200 })
        const [seen] = received
        assert.deepEqual(
          [seen!.method, seen!.path, seen!.headers['content-type']],
          [method, '/hook?a=1', 'application/json'],
        )
        assert.deepEqual(JSON.parse(seen!.body), { type: event.type, data: event.data })
        const wanted = createHmac('sha256', 'a plain secret').update(seen!.body).digest('hex')
        assert.equal(seen!.headers['x-voipbin-signature'], `sha256=${wanted}`)
        assert.deepEqual([seen!.headers['x-voipbin-event-id'], seen!.headers['x-voipbin-attempt']], [event.id, '2'])
        const verifier = new Webhook('a plain secret', { format: 'raw' })
        assert.deepEqual(verifier.verify(seen!.body, seen!.headers as Record<string, string>), {
          type: event.type,
          data: event.data,
        })
      }),
    )
  }

  test(
    'a secret in the form of the specification is read as base64',
    withReceiver(status(200), async ({ base, received, transport }) => {
      const secret = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`
      await transport.post(signedRequest(base, secret).request)
      new Webhook(secret).verify(received[0]!.body, received[0]!.headers as Record<string, string>)
    }),
  )

  test(
    'without a secret nothing is signed',
    withReceiver(status(200), async ({ base, received, transport }) => {
      await transport.post(signedRequest(base, '').request)
      assert.equal(
        Object.keys(received[0]!.headers).some((name) => name.includes('signature')),
        false,
      )
    }),
  )

  const redirect: Answer = (path, response) => {
    const left = Number(path.slice(1))
    if (left === 0) response.writeHead(200).end()
    else response.writeHead(left % 2 ? 302 : 307, { location: `/${left - 1}` }).end()
  }

  test(
    'three redirects are followed with the same method and body',
    withReceiver(redirect, async ({ base, received, transport }) => {
      const { request } = signedRequest(`${base}/3`, 's')
      assert.deepEqual(await transport.post(request), { status: 200 })
      assert.deepEqual(
        received.map(({ method, path, body }) => [method, path, body]),
        ['/3', '/2', '/1', '/0'].map((path) => ['POST', path, request.body]),
      )
    }),
  )

  test(
    'a fourth is not',
    withReceiver(redirect, async ({ base, received, transport }) => {
      assert.equal((await transport.post(signedRequest(`${base}/4`, 's').request)).status, 302)
      assert.equal(received.length, 4)
    }),
  )

  test(
    'a redirect to an address that is refused goes nowhere',
    withReceiver(
      (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
      async ({ base, transport }) => {
        await assert.rejects(transport.post(signedRequest(base, 's').request), { name: 'AddressRefused' })
      },
    ),
  )

  test(
    'the status line is enough: an answer that never ends does not hold up the attempt',
    withReceiver(
      (_, response) => void response.writeHead(200).write('x'),
      async ({ base, transport }) => {
        assert.deepEqual(await transport.post(signedRequest(base, 's').request), { status: 200 })
      },
    ),
  )

  test(
    'an abort ends an attempt that is not answered',
    withReceiver(
      () => {},
      async ({ base, received, transport }) => {
        const abort = new AbortController()
        const { request } = signedRequest(base, 's')
        const answer = transport.post({ ...request, signal: abort.signal })
        const limit = performance.now() + 10_000
        while (received.length === 0 && performance.now() < limit) await new Promise(setImmediate)
        abort.abort()
        await assert.rejects(answer, { name: 'AbortError' })
      },
    ),
  )

  test(
    'an installation may refuse private addresses, by name too',
    withReceiver(
      status(200),
      async ({ base, received, transport }) => {
        for (const url of [base, base.replace('127.0.0.1', 'localhost'), base.replace('127.0.0.1', '2130706433')]) {
          await assert.rejects(transport.post(signedRequest(url, 's').request), { name: 'AddressRefused' }, url)
        }
        assert.equal(received.length, 0)
      },
      { blockPrivate: true },
    ),
  )

  test(
    'names are looked up, and local ones allowed by default',
    withReceiver(status(200), async ({ base, transport }) => {
      assert.equal(
        (await transport.post(signedRequest(base.replace('127.0.0.1', 'localhost'), 's').request)).status,
        200,
      )
    }),
  )

  test(
    'the address is looked at when the connection is made: a name that changes its mind gains nothing',
    withReceiver(status(200), async ({ base, received }) => {
      const answers = ['127.0.0.1', '169.254.169.254', '10.0.0.1']
      const transport = new HttpTransport({
        lookUp: (_name, _options, done) => done(null, [{ address: answers.shift()!, family: 4 }]),
      })
      const strict = new HttpTransport({
        blockPrivate: true,
        lookUp: (_name, _options, done) => done(null, [{ address: answers.shift()!, family: 4 }]),
      })
      const url = base.replace('127.0.0.1', 'agent.example')
      assert.deepEqual(await transport.post(signedRequest(url, 's').request), { status: 200 })
      const other = url.replace('agent.example', 'agent2.example')
      await assert.rejects(transport.post(signedRequest(other, 's').request), { name: 'AddressRefused' })
      await assert.rejects(strict.post(signedRequest(url, 's').request), { name: 'AddressRefused' })
      assert.equal(received.length, 1)
      await Promise.all([transport.close(), strict.close()])
    }),
  )

  test(
    'a connection that is kept is not used for an address that was not looked at',
    withReceiver(
      (_, response) => void response.writeHead(200, { connection: 'close' }).end(),
      async ({ base, received }) => {
        const answers = ['127.0.0.1', '169.254.169.254']
        const transport = new HttpTransport({
          lookUp: (_name, _options, done) => done(null, [{ address: answers.shift()!, family: 4 }]),
        })
        const url = base.replace('127.0.0.1', 'agent.example')
        await transport.post(signedRequest(url, 's').request)
        await assert.rejects(transport.post(signedRequest(url, 's').request), { name: 'AddressRefused' })
        assert.equal(received.length, 1)
        await transport.close()
      },
    ),
  )

  test('where nobody listens nobody knocks twice in a moment, and what is sent fails all the same', async () => {
    const server = createServer((_, response) => void response.writeHead(200).end())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    let knocks = 0
    const knocked = (): void => void knocks++
    diagnostics.subscribe('undici:client:beforeConnect', knocked)
    const transport = new HttpTransport()
    const { request } = signedRequest(`http://127.0.0.1:${port}/`, 's')
    for (let i = 0; i < 5; i++) await assert.rejects(transport.post(request), { code: 'ECONNREFUSED' })
    diagnostics.unsubscribe('undici:client:beforeConnect', knocked)
    assert.ok(knocks < 5, `${knocks} knocks`)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const limit = performance.now() + 10_000
    const isThere = (): Promise<boolean> =>
      transport.post(request).then(
        () => true,
        () => false,
      )
    while (!(await isThere()) && performance.now() < limit);
    assert.equal(await isThere(), true)
    await transport.close()
    server.close()
  })

  test('what is no HTTP is refused', async () => {
    const transport = new HttpTransport()
    for (const url of ['file:///etc/passwd', 'nonsense', ''])
      await assert.rejects(transport.post(signedRequest(url, 's').request))
    await transport.close()
  })

  for (const host of [
    '169.254.169.254',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[::ffff:169.254.169.254]',
    '0xa9fea9fe',
    '2852039166',
    '[64:ff9b::a9fe:a9fe]',
    '100.100.100.200',
  ]) {
    test(`${host} is never connected to`, async () => {
      const transport = new HttpTransport()
      await assert.rejects(transport.post(signedRequest(`http://${host}/`, 's').request), { name: 'AddressRefused' })
      await transport.close()
    })
  }
})

describe('refused addresses', () => {
  test('private networks only where asked for, public ones never', () => {
    const usual = refusedAddresses(false)
    const strict = refusedAddresses(true)
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '172.31.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '::1',
      '0.0.0.0',
      'fd12::1',
      '::ffff:10.0.0.1',
    ]) {
      assert.deepEqual([usual(address), strict(address)], [false, true], address)
    }
    for (const address of ['93.184.216.34', '172.32.0.1', '2606:2800:220:1::1']) {
      assert.deepEqual([usual(address), strict(address)], [false, false], address)
    }
  })
})
