/** From the commit of an event to its receiver: by webhook and by WebSocket, one event at a time and in bursts. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type BenchResult, spread } from './figures.ts'
import type { World } from './line.ts'

const EVENTS = 300
const BURSTS = 20
const BURST = 20
const LIMIT_MS = 10_000

/** When each flow's event was there, by the flow's id. */
type Times = Map<string, number>

export async function events(world: World): Promise<BenchResult> {
  const hooks: Times = new Map()
  const frames: Times = new Map()
  const server = createServer((request, response) => {
    const at = world.clock.now()
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const { type, data } = JSON.parse(Buffer.concat(pieces).toString()) as { type: string; data: { id: string } }
      if (type === 'flow_created') hooks.set(data.id, at)
      response.writeHead(200).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const off = world.onEvent(({ type, data, at }) => {
    if (type === 'flow_created') frames.set(String(data['id']), at)
  })
  await world.ask('PUT', '/customer', { webhook_uri: `http://127.0.0.1:${port}/`, webhook_method: 'POST' })
  const make = async (): Promise<string> => String((await world.ask('POST', '/flows', { name: 'a flow' })).body['id'])
  for (let i = 0; i < world.times(100, 50); i++) await make()

  const alone: string[] = []
  for (let i = 0; i < world.times(EVENTS, 50); i++) alone.push(await make())
  const together: string[] = []
  for (let i = 0; i < world.times(BURSTS, 5); i++)
    together.push(...(await Promise.all(Array.from({ length: BURST }, make))))
  await world.until(
    'all are told',
    LIMIT_MS,
    () => [...alone, ...together].every((id) => hooks.has(id) && frames.has(id)) || null,
  )
  const commits = new Map((await world.askServer('commits')).map(({ id, at }) => [id, at]))
  off()
  await world.ask('PUT', '/customer', { webhook_uri: '' })
  server.closeAllConnections()
  server.close()

  const after = (times: Times, ids: readonly string[]): number[] => ids.map((id) => times.get(id)! - commits.get(id)!)
  const wanted = { p50: null, p95: null, p99: null }
  return {
    bench: 'events',
    figures: [
      ...spread('commit to webhook', after(hooks, alone), wanted),
      ...spread('commit to WebSocket', after(frames, alone), wanted),
      ...spread(`commit to webhook, ${BURST} at once`, after(hooks, together), wanted),
      ...spread(`commit to WebSocket, ${BURST} at once`, after(frames, together), wanted),
    ],
    notes: [
      'The commit is the moment in which the main thread learns of it. The receiver is the process of the callers.',
    ],
  }
}
