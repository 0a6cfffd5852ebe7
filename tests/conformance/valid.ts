/** Every answer and every event that the acceptance tests see is held against the shapes of the contract, key by key. */

import assert from 'node:assert/strict'
import { z } from 'zod'
import { accesskeySchema, newAccesskeySchema } from '../../src/contract/accesskey.ts'
import { actAnswer } from '../../src/contract/act.ts'
import { activeflowSchema } from '../../src/contract/activeflow.ts'
import { agentSchema } from '../../src/contract/agent.ts'
import { callSchema, callsAnswer } from '../../src/contract/call.ts'
import { assertEvent, mismatch } from '../../src/contract/check.ts'
import { customerSchema } from '../../src/contract/customer.ts'
import { isErrorCode } from '../../src/contract/errors.ts'
import { extensionSchema } from '../../src/contract/extension.ts'
import { time, uuid } from '../../src/contract/fields.ts'
import { flowSchema } from '../../src/contract/flow.ts'
import { groupcallSchema } from '../../src/contract/groupcall.ts'
import { numberSchema } from '../../src/contract/number.ts'
import { speakingSchema } from '../../src/contract/speaking.ts'
import { transcribeSchema } from '../../src/contract/transcribe.ts'
import { transcriptSchema } from '../../src/contract/transcript.ts'
import { webhookSchema } from '../../src/contract/webhook.ts'

/** Contract §1.4. `id` besides: an existing session, for a client that reads it of whatever comes back. */
const refusal = z.object({
  error: z.object({
    status: z.string(),
    reason: z.string().regex(/^[A-Z_]+$/),
    message: z.string().min(1),
    request_id: z.string().min(1),
    details: z.array(z.record(z.string(), z.unknown())).optional(),
  }),
  message: z.string().min(1),
  id: uuid.optional(),
})

const RESOURCES: Readonly<Record<string, z.ZodType>> = {
  accesskeys: accesskeySchema,
  activeflows: activeflowSchema,
  agents: agentSchema,
  calls: callSchema,
  customer: customerSchema,
  extensions: extensionSchema,
  flows: flowSchema,
  groupcalls: groupcallSchema,
  me: agentSchema,
  numbers: numberSchema,
  speakings: speakingSchema,
  transcribes: transcribeSchema,
  transcripts: transcriptSchema,
  webhooks: webhookSchema,
}

/** Contract §17: what a flat body holds, name by name. */
const callFields = { direction: z.string(), from: z.string(), to: z.string(), flow_id: uuid }
const FLAT: Readonly<Record<string, z.ZodRawShape>> = {
  'call.initiated': callFields,
  'call.answered': callFields,
  transcript: {
    transcript: z.string().min(1),
    is_final: z.boolean(),
    language: z.string(),
    transcribe_id: uuid,
    transcript_id: uuid,
  },
  'call.ended': { hangup_reason: z.string().min(1), hangup_by: z.string(), duration: z.number().nonnegative() },
  'call.connect_failed': { reason: z.string() },
}

/** @param path below `/v1.0`, with or without a query */
export function assertAnswer(method: string, path: string, status: number, body: unknown): void {
  const what = `${method} ${path} answered ${status}`
  if (status >= 400) return assertRefusal(status, body, what)
  const shape = shapeOf(method, path)
  if (shape) fits(shape, body, what)
}

function assertRefusal(status: number, body: unknown, what: string): void {
  fits(refusal, body, what)
  const { error, message } = body as z.infer<typeof refusal>
  assert.equal(message, error.message, what)
  assert.ok(isErrorCode(error.reason), `${what}: ${error.reason} is in the table`)
  assert.ok(status < 500 || status === 501 || status === 503, `${what}: no mistake of ours`)
}

function shapeOf(method: string, path: string): z.ZodType | null {
  const [resource = '', id, verb] = path.split('?')[0]!.split('/').filter(Boolean)
  if (resource === 'accesskeys' && method === 'POST') return newAccesskeySchema
  const doc = RESOURCES[resource]
  if (!doc) return null
  if (resource === 'calls' && method === 'POST' && !id) return callsAnswer
  if (resource === 'calls' && verb === 'actions') return actAnswer
  if (verb === 'turns' || (resource === 'activeflows' && method === 'DELETE')) return null
  if (method === 'GET' && !id && resource !== 'customer' && resource !== 'me')
    return z.object({ result: z.array(doc), next_page_token: z.string() })
  return doc
}

/** The body of a standard webhook: two fields, nothing else. */
export function assertEnvelope(body: unknown): void {
  fits(z.object({ type: z.string(), data: z.unknown() }), body, 'webhook body')
  const { type, data } = body as { type: string; data: unknown }
  assertEvent(type, data)
}

export function assertFlat(body: unknown): void {
  const { type } = body as { type: string }
  const shape = FLAT[type]
  assert.ok(shape, `${type} is a name of the flat dialect`)
  fits(z.object({ type: z.literal(type), call_id: uuid, timestamp: time, ...shape }), body, `flat ${type}`)
}

/** Contract §18: a superset of what the documents' programs read. What belongs to no call has no number within one. */
export function assertFrame(frame: unknown): void {
  const shape = z.object({
    type: z.string(),
    event_type: z.string(),
    timestamp: time,
    topic: z.string().regex(/^(customer|agent)_id:/),
    data: z.unknown(),
    id: uuid,
    seq: z.number().nullable(),
    offset_ms: z.number().nullable(),
  })
  fits(shape, frame, 'WebSocket frame')
  const { type, event_type, data } = frame as z.infer<typeof shape>
  assert.equal(event_type, type)
  assertEvent(type, data)
}

function fits(shape: z.ZodType, value: unknown, what: string): void {
  const wrong = mismatch(shape, value)
  assert.equal(wrong, null, `${what}: ${wrong}\n${JSON.stringify(value)}`)
}
