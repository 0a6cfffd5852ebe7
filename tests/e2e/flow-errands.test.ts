// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of flows look like this
/** Flows that ask servers, over real HTTP: run without a call, fetch actions, send signed requests, chain. */

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { openHouse } from './house.ts'
import { until } from './until.ts'

interface Seen {
  readonly path: string
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

/** A customer's server, which answers every path with what it is given. */
async function server(t: TestContext, answers: Record<string, unknown>): Promise<{ base: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const http = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    seen.push({ path: request.url!, body, headers: request.headers })
    response.end(JSON.stringify(answers[request.url!] ?? {}))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  return { base: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, seen }
}

test('a run without a call fetches its actions, sends what they say, signed, and is followed by the next flow', async (t) => {
  const { api } = await openHouse(t, '27400-27498')
  const secret = String((await api.must('GET', '/customer')).webhook_secret)
  const steps = [{ type: 'variable_set', option: { key: 'who', value: '${name} & co' } }]
  const { base, seen } = await server(t, { '/steps': steps })
  const last = await api.must('POST', '/flows', {
    name: 'last',
    actions: [{ type: 'webhook_send', option: { uri: `${base}/last`, data: '${who}' } }],
  })
  const flow = await api.must('POST', '/flows', {
    name: 'first',
    on_complete_flow_id: last.id,
    actions: [
      { type: 'fetch', option: { event_url: `${base}/steps` } },
      { type: 'talk', option: { text: 'Nobody hears this.' } },
      { type: 'webhook_send', option: { uri: `${base}/first`, data: '{"who":"${who}"}', sync: true } },
    ],
  })
  const run = await api.must('POST', '/activeflows', { flow_id: flow.id, variables: { name: 'Ann' } })
  assert.deepEqual([run.status, run.flow_id, run.on_complete_flow_id], ['running', flow.id, last.id])
  await until('both flows have sent', () => seen.some((one) => one.path === '/last'))
  assert.deepEqual(
    seen.map(({ path, body }) => [path, body]),
    [
      ['/steps', JSON.stringify({ activeflow_id: run.id, reference_id: '00000000-0000-0000-0000-000000000000' })],
      ['/first', '{"who":"Ann & co"}'],
      ['/last', 'Ann & co'],
    ],
  )
  for (const { body, headers } of seen) {
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
    assert.equal(headers['x-voipbin-signature'], signature)
  }
  // The last request of the last flow is out: what is left is a commit.
  let runs: { id: string; status: string; reference_activeflow_id: string }[] = []
  await until('both are over', async () => {
    runs = (await api.must('GET', '/activeflows')).result
    return runs.length === 2 && runs.every(({ status }) => status === 'ended')
  })
  assert.deepEqual(
    runs.map(({ reference_activeflow_id: from }) => from),
    [run.id, '00000000-0000-0000-0000-000000000000'],
  )
})
