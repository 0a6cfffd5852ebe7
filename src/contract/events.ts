/** Events (contract §15): every name, and the resource its `data` is. */

import { z } from 'zod'
import { accesskeySchema } from './accesskey.ts'
import { activeflowSchema } from './activeflow.ts'
import { agentSchema } from './agent.ts'
import { callSchema } from './call.ts'
import { customerSchema } from './customer.ts'
import { extensionSchema } from './extension.ts'
import { jsonObject, time, uuid } from './fields.ts'
import { flowSchema } from './flow.ts'
import { groupcallSchema } from './groupcall.ts'
import { limitReachedSchema } from './limits.ts'
import { numberSchema } from './number.ts'
import { providerSchema } from './provider.ts'
import { routeSchema } from './route.ts'
import { speakingSchema } from './speaking.ts'
import { transcribeSchema } from './transcribe.ts'
import { transcriptSchema } from './transcript.ts'
import { trunkSchema } from './trunk.ts'

/** Voice activity (§10.3). `message` only in interims; `recognised` (ours) only in ended. */
export const speechEventSchema = z.object({
  id: uuid,
  customer_id: uuid,
  streaming_id: uuid,
  transcribe_id: uuid,
  direction: z.enum(['in', 'out']),
  message: z.string().optional(),
  recognised: z.boolean().optional(),
  tm_event: time,
  tm_create: time,
})

export type SpeechEventDoc = z.infer<typeof speechEventSchema>

/** A recogniser attached to or detached from one direction. */
export const streamingSchema = z.object({
  id: uuid,
  customer_id: uuid,
  transcribe_id: uuid,
  reference_type: z.string(),
  reference_id: uuid,
  language: z.string(),
  direction: z.enum(['in', 'out']),
  tm_create: time,
})

export type StreamingDoc = z.infer<typeof streamingSchema>

/** What became of one say (ours): `text_heard` is the part of `text` that reached the listener. */
export const sayEventSchema = z.object({
  id: uuid,
  customer_id: uuid,
  speaking_id: uuid,
  reference_type: z.string(),
  reference_id: uuid,
  text: z.string(),
  text_heard: z.string(),
  text_unheard: z.string(),
  cut_word: z.string(),
  position_ms: z.number(),
  cut_by: z.string(),
  tm_create: time,
})

/** A say begins to sound (ours). */
export const sayStartedSchema = sayEventSchema.pick({
  id: true,
  customer_id: true,
  speaking_id: true,
  reference_type: true,
  reference_id: true,
  text: true,
  tm_create: true,
})

export type SayEventDoc = z.infer<typeof sayEventSchema>

/** One key of a telephone. `duration` in ms. */
export const dtmfSchema = z.object({
  id: uuid,
  customer_id: uuid,
  call_id: uuid,
  digit: z.string(),
  duration: z.number(),
  tm_create: time,
})

export type DtmfDoc = z.infer<typeof dtmfSchema>

/** A `connect` found nobody (ours). `call_id` is the call that it was made for. */
export const connectFailedSchema = z.object({
  id: uuid,
  customer_id: uuid,
  call_id: uuid,
  reason: z.string(),
  tm_create: time,
})

export type ConnectFailedDoc = z.infer<typeof connectFailedSchema>

/** Whether the first line that the law wants said was heard to its last word (ours). */
export const disclosedSchema = z.object({
  id: uuid,
  customer_id: uuid,
  call_id: uuid,
  text: z.string(),
  text_heard: z.string(),
  heard: z.boolean(),
  position_ms: z.number(),
  tm_create: time,
})

export type DisclosedDoc = z.infer<typeof disclosedSchema>

/** A message could not be sent (ours). `call_id` is absent for a run of a flow without a call. */
export const messageSkippedSchema = z.object({
  id: uuid,
  customer_id: uuid,
  call_id: uuid.optional(),
  activeflow_id: uuid,
  reason: z.string(),
  tm_create: time,
})

/** An action of a flow was left out (ours). `action_id` is the nil UUID for a flow's own `transcription`. */
export const actionSkippedSchema = z.object({
  id: uuid,
  customer_id: uuid,
  activeflow_id: uuid,
  action_id: uuid,
  type: z.string(),
  reason: z.string(),
  tm_create: time,
})

/** Resources as events carry them: without secrets. */
export const customerInEvent = customerSchema.omit({ webhook_secret: true })
export const extensionInEvent = extensionSchema.omit({ password: true })

export const EVENTS = {
  call_created: callSchema,
  call_dialing: callSchema,
  call_ringing: callSchema,
  call_progressing: callSchema,
  call_updated: callSchema,
  call_terminating: callSchema,
  call_canceling: callSchema,
  call_hangup: callSchema,
  call_deleted: callSchema,
  call_connect_failed: connectFailedSchema,
  call_disclosed: disclosedSchema,
  groupcall_created: groupcallSchema,
  groupcall_progressing: groupcallSchema,
  groupcall_hangup: groupcallSchema,
  groupcall_deleted: groupcallSchema,
  activeflow_created: activeflowSchema,
  activeflow_updated: activeflowSchema,
  activeflow_deleted: activeflowSchema,
  activeflow_action_skipped: actionSkippedSchema,
  message_skipped: messageSkippedSchema,
  transcribe_created: transcribeSchema,
  transcribe_progressing: transcribeSchema,
  transcribe_done: transcribeSchema,
  transcribe_deleted: transcribeSchema,
  transcript_created: transcriptSchema,
  transcript_deleted: transcriptSchema,
  transcribe_speech_started: speechEventSchema,
  transcribe_speech_interim: speechEventSchema,
  transcribe_speech_ended: speechEventSchema,
  streaming_started: streamingSchema,
  streaming_stopped: streamingSchema,
  speaking_started: speakingSchema,
  speaking_stopped: speakingSchema,
  speaking_say_started: sayStartedSchema,
  speaking_say_finished: sayEventSchema,
  speaking_say_interrupted: sayEventSchema,
  dtmf_received: dtmfSchema,
  limit_reached: limitReachedSchema,
  customer_updated: customerInEvent,
  number_created: numberSchema,
  number_updated: numberSchema,
  number_deleted: numberSchema,
  extension_created: extensionInEvent,
  extension_updated: extensionInEvent,
  extension_deleted: extensionInEvent,
  trunk_created: trunkSchema,
  trunk_updated: trunkSchema,
  trunk_deleted: trunkSchema,
  provider_created: providerSchema,
  provider_updated: providerSchema,
  provider_deleted: providerSchema,
  route_created: routeSchema,
  route_updated: routeSchema,
  route_deleted: routeSchema,
  flow_created: flowSchema,
  flow_updated: flowSchema,
  flow_deleted: flowSchema,
  accesskey_created: accesskeySchema,
  accesskey_updated: accesskeySchema,
  accesskey_deleted: accesskeySchema,
  agent_created: agentSchema,
  agent_updated: agentSchema,
  agent_deleted: agentSchema,
} as const satisfies Record<string, z.ZodType>

export type EventName = keyof typeof EVENTS

/** The envelope of webhooks, and what a WebSocket frame holds at least. */
export const eventEnvelope = z.object({ type: z.string(), data: jsonObject })
