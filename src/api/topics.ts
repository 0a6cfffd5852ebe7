/** The topics of an event, and what a client may subscribe to (contract §18). Pure. */

import { isUnset } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { EventRow } from '../store/port.ts'

export interface Identity {
  readonly customerId: string
  /** The agent who signed in, or null for an access key. */
  readonly agentId: string | null
}

/**
 * The topics an event carries, in the order of §18's table, each once: under its customer, then under its owner if an agent
 * owns the resource.
 */
export function topicsOf(event: EventRow): readonly string[] {
  const names: string[] = []
  for (const name of [...familyTopics(event), ...ownTopics(event), ...parentTopics(event)])
    if (!names.includes(name)) names.push(name)
  const topics = names.map((name) => `customer_id:${event.customer_id}:${name}`)
  const owner = event.data['owner_type'] === 'agent' ? id(event.data, 'owner_id') : null
  return owner ? [...topics, ...names.map((name) => `agent_id:${owner}:${name}`)] : topics
}

/** Prefix comparison, after one trailing `*` of the subscribed topic is dropped. */
export function prefixOf(topic: string): string {
  return topic.endsWith('*') ? topic.slice(0, -1) : topic
}

/** @returns the first topic of the event that one of the prefixes matches, or null */
export function firstMatch(topics: readonly string[], prefixes: readonly string[]): string | null {
  return topics.find((topic) => prefixes.some((prefix) => topic.startsWith(prefix))) ?? null
}

/** True for `customer_id:<own>` and `agent_id:<own>`, alone or followed by `:` and anything. */
export function maySubscribe(topic: unknown, identity: Identity): topic is string {
  if (typeof topic !== 'string') return false
  const prefix = prefixOf(topic)
  const own = [`customer_id:${identity.customerId}`]
  if (identity.agentId !== null) own.push(`agent_id:${identity.agentId}`)
  return own.some((scope) => prefix === scope || prefix.startsWith(`${scope}:`))
}

/** The rows of the table that are listed before the general ones: sessions and texts of a transcribe. */
function familyTopics({ type, data }: EventRow): readonly string[] {
  if (!/^(?:transcript|transcribe_speech|streaming)_/.test(type)) return []
  const transcribe = id(data, 'transcribe_id')
  return transcribe ? [`transcribe:${transcribe}`] : []
}

function ownTopics({ type, data }: EventRow): readonly string[] {
  const resource = type.split('_', 1)[0]
  const own = id(data, 'id')
  return own ? [`${resource}:${own}`, `${resource}:${type}:${own}`] : []
}

/** What the resource belongs to: a transcription, an AI call, a run of a flow (ours), a call. */
function parentTopics(event: EventRow): readonly string[] {
  const { type, data } = event
  const topics: string[] = []
  const transcription =
    type.startsWith('transcribe_') && !type.startsWith('transcribe_speech_') ? 'id' : 'transcribe_id'
  const transcribe = /^(?:transcript|transcribe|streaming)_/.test(type) ? id(data, transcription) : null
  if (transcribe) topics.push(`transcription:${transcribe}`)
  const aicall = type.startsWith('aimessage_') ? id(data, 'aicall_id') : null
  if (aicall) topics.push(`aicall:${aicall}`)
  const run = type.endsWith('_skipped') ? id(data, 'activeflow_id') : null
  if (run) topics.push(`activeflow:${run}`)
  const call = callOf(event)
  if (call) topics.push(`call:${call}`)
  return topics
}

function callOf(event: EventRow): string | null {
  const referenced = event.data['reference_type'] === 'call' ? id(event.data, 'reference_id') : null
  return referenced ?? id(event.data, 'call_id') ?? event.call_id
}

function id(data: JsonObject, name: string): string | null {
  const value = data[name]
  return typeof value === 'string' && !isUnset(value) ? value : null
}
