/** 000's agent over real HTTP, SIP and RTP: the same URL in `/webhooks` and in the flow, and it hears of everything once. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { speakIntoMemory } from '../../src/demo/caller/voice.ts'
import { openHouse } from './house.ts'
import { until } from './until.ts'

const NUMBER = '+899300304'

type Body = Readonly<Record<string, unknown>>

async function receiver(t: TestContext): Promise<{ readonly url: string; readonly bodies: Body[] }> {
  const bodies: Body[] = []
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => void pieces.push(piece))
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(pieces).toString()))
      response.writeHead(200).end('{"status":"ok"}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`, bodies }
}

test("000's receiver: one call.initiated, one transcript of the caller, one call.ended after it", {
  timeout: 60_000,
}, async (t) => {
  const [phrase] = await speakIntoMemory(['book a table'])
  const { api, phone } = await openHouse(t, '27700-27898')
  const { url, bodies } = await receiver(t)
  await api.must('POST', '/webhooks', { url, events: ['call.initiated', 'transcript', 'call.ended'] })
  const flow = await api.must('POST', '/flows', {
    name: 'AI Transcription Agent',
    webhook_url: url,
    transcription: { enabled: true, language: 'en-US', interim_results: false },
  })
  await api.must('POST', '/numbers', { number: NUMBER, call_flow_id: flow.id })

  await phone.call(NUMBER)
  await until('it is transcribed', () => api.of('streaming_started').length > 0)
  await phone.speak(phrase!)
  await until('it is understood', () => api.of('transcript_created').length > 0)
  phone.hangup()
  await until('the end is told', () => bodies.some(({ type }) => type === 'call.ended'))
  await until('nothing is on its way', async () => {
    const { body } = await api.ask('GET', '/webhook_deliveries?state=pending')
    return body.result.length === 0
  })

  assert.deepEqual(
    bodies.map(({ type }) => type),
    ['call.initiated', 'transcript', 'call.ended'],
  )
  const [initiated, transcript, ended] = bodies
  const call = api.of('call_hangup')[0]
  const [said] = api.of('transcript_created')
  assert.deepEqual(Object.keys(initiated!), ['type', 'call_id', 'direction', 'from', 'to', 'flow_id', 'timestamp'])
  assert.deepEqual([initiated!['call_id'], initiated!['to'], initiated!['flow_id']], [call.id, NUMBER, flow.id])
  assert.deepEqual(
    [transcript!['call_id'], transcript!['transcript'], transcript!['is_final'], transcript!['language']],
    [call.id, said.message, true, 'en-US'],
  )
  assert.deepEqual([ended!['call_id'], ended!['hangup_reason'], ended!['hangup_by']], [call.id, 'normal', 'remote'])
  assert.ok(Number(ended!['duration']) > 0)

  const { body } = await api.ask('GET', '/webhook_deliveries?event_type=transcript')
  const [delivery] = body.result
  assert.deepEqual(delivery.destination, { method: 'POST', url, dialect: 'flat' })
  const one = await api.must('GET', `/webhook_deliveries/${delivery.id}`)
  assert.deepEqual(JSON.parse(one.body), transcript)
  const again = await api.must('POST', `/webhook_deliveries/${delivery.id}/replay`)
  assert.equal(again.state, 'pending')
  await until('it is told again', () => bodies.length === 4)
  assert.deepEqual(bodies[3], transcript)
})
