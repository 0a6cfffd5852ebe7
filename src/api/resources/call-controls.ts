/** What may be done to a live call from outside its flow (contract §7.4, §17): speak, act, hold, mute, silence, transfer. */

import type { z } from 'zod'
import type { ActAction, CallCommand } from '../../calls/commands.ts'
import {
  type ActRequest,
  actAnswer,
  actRequest,
  languageOfVoice,
  muteRequest,
  type TalkRequest,
  talkRequest,
} from '../../contract/act.ts'
import { type CallDoc, callSchema } from '../../contract/call.ts'
import { AppError } from '../../contract/errors.ts'
import { chooseLanguage } from '../../contract/language.ts'
import { type TransferDoc, transferRequest, transferSchema } from '../../contract/transfer.ts'
import { isUuid, NIL_UUID } from '../../kernel/ids.ts'
import { type App, type Desk, docOf, idParams } from '../app.ts'
import { askLive } from './calls.ts'
import { requireFlow } from './flows.ts'
import { about } from './reading.ts'
import { unknownReference } from './sessions.ts'

export function callControlRoutes(app: App, desk: Desk): void {
  const item = { params: idParams, response: { 200: callSchema } }
  app.post(
    '/calls/:id/talk',
    { schema: { ...about('/calls', 'Say a text to the caller'), body: talkRequest, ...item } },
    ({ body, identity, params }): Promise<CallDoc> => {
      const action = talkAction(desk, body, false)
      return askLive(desk, identity.customerId, params.id, { kind: 'act', action })
    },
  )
  app.post(
    '/calls/:id/actions',
    {
      schema: {
        ...about('/calls', 'Do one action outside the flow'),
        params: idParams,
        body: actRequest,
        response: { 200: actAnswer },
      },
    },
    async ({ body, identity, params }): Promise<z.infer<typeof actAnswer>> => {
      const action = await actionOf(desk, identity.customerId, params.id, body)
      await askLive(desk, identity.customerId, params.id, { kind: 'act', action })
      return { call_id: params.id, action: body.action, status: 'queued' }
    },
  )
  app.post(
    '/calls/:id/mute',
    { schema: { ...about('/calls', 'Mute'), body: muteRequest, ...item } },
    ({ body, identity, params }) =>
      askLive(desk, identity.customerId, params.id, { kind: 'mute', direction: body.direction }),
  )
  app.delete('/calls/:id/mute', { schema: { ...about('/calls', 'Unmute'), ...item } }, ({ identity, params }) =>
    askLive(desk, identity.customerId, params.id, { kind: 'mute', direction: '' }),
  )
  for (const [kind, begin, end] of SWITCHES) {
    const set = (on: boolean, summary: string): void =>
      void app.route({
        method: on ? 'POST' : 'DELETE',
        url: `/calls/:id/${kind}`,
        schema: { ...about('/calls', summary), ...item },
        handler: ({ identity, params }) => askLive(desk, identity.customerId, params.id, { kind, on }),
      })
    set(true, begin)
    set(false, end)
  }
  transferRoute(app, desk)
  laterRoutes(app, desk)
}

const SWITCHES = [
  ['hold', 'Put on hold', 'Take off hold'],
  ['moh', 'Play music on hold', 'Stop music on hold'],
  ['silence', 'Send silence', 'Stop sending silence'],
] as const satisfies readonly (readonly [CallCommand['kind'], string, string])[]

function transferRoute(app: App, desk: Desk): void {
  app.post(
    '/transfers',
    { schema: { ...about('/transfers', 'Transfer'), body: transferRequest, response: { 200: transferSchema } } },
    async ({ body, identity }): Promise<TransferDoc> => {
      const callId = await ownLiveCall(desk, identity.customerId, body.transferer_call_id, 'transferer_call_id')
      const destinations = body.transferee_addresses
      const command = { kind: 'transfer', transferType: body.transfer_type, destinations } as const
      const made = docOf<Partial<TransferDoc>>(await desk.deps.calls.ask(identity.customerId, callId, command))
      const time = desk.ledger.time()
      return {
        id: made.id ?? desk.ledger.newId(),
        customer_id: identity.customerId,
        type: body.transfer_type,
        transferer_call_id: callId,
        transferee_addresses: destinations,
        transferee_call_id: made.transferee_call_id ?? NIL_UUID,
        groupcall_id: made.groupcall_id ?? NIL_UUID,
        confbridge_id: NIL_UUID,
        tm_create: made.tm_create ?? time,
        tm_update: made.tm_update ?? time,
        tm_delete: null,
      }
    },
  )
}

/** The id of a call named in a body. @throws AppError INVALID_ARGUMENT, CALL_STATE_INVALID for one that has ended */
async function ownLiveCall(desk: Desk, customerId: string, named: string, field: string): Promise<string> {
  if (!isUuid(named)) throw unknownReference(field)
  const row = await desk.ledger.maybe('calls', customerId, named.toLowerCase())
  if (!row) throw unknownReference(field)
  if (row.doc['status'] === 'hangup') throw new AppError('CALL_STATE_INVALID')
  return row.id
}

/** Not in this release: recordings, and sound over a socket. */
function laterRoutes(app: App, desk: Desk): void {
  for (const [method, name, summary] of LATER) {
    app.route({
      method,
      url: `/calls/:id/${name}`,
      schema: { ...about('/calls', summary), params: idParams, response: { 200: callSchema } },
      handler: async ({ identity, params }): Promise<CallDoc> => {
        await desk.ledger.row('calls', identity.customerId, params.id, 'CALL_NOT_FOUND')
        throw new AppError('NOT_IMPLEMENTED')
      },
    })
  }
}

const LATER = [
  ['POST', 'recording_start', 'Start a recording (not in this release)'],
  ['POST', 'recording_stop', 'Stop a recording (not in this release)'],
  ['GET', 'media_stream', 'Raw audio over a WebSocket (not in this release)'],
] as const

/** A language that was named must be served; one that only a voice's name holds gives way to the default voice (§17). */
function talkAction(desk: Desk, talk: TalkRequest, interrupt: boolean): ActAction {
  const { speech } = desk.deps
  const voice = talk.voice ?? ''
  const voiceId = talk.voice_id ?? ''
  const hinted = languageOfVoice(voice) || languageOfVoice(voiceId)
  const language = talk.language
    ? chooseLanguage(talk.language, 'tts', speech.languages(), speech.howToAdd).language
    : (speech.languages().find((one) => one.language === hinted && one.tts.length > 0)?.language ?? '')
  return { kind: 'talk', text: talk.text, interrupt, wish: { voiceId, language, gender: talk.gender ?? '', voice } }
}

async function actionOf(desk: Desk, customerId: string, callId: string, body: ActRequest): Promise<ActAction> {
  switch (body.action) {
    case 'talk':
      return talkAction(desk, body, body.interrupt)
    case 'play':
      return { kind: 'play', urls: urlsOf(body) }
    case 'flush':
      return { kind: 'flush' }
    case 'hangup':
      return { kind: 'hangup', reason: body.reason ?? '' }
    case 'digits_send':
      return { kind: 'digitsSend', digits: body.digits.toUpperCase(), durationMs: body.duration, gapMs: body.interval }
    case 'connect':
      return { kind: 'connect', ...partiesOf(body), anonymous: body.anonymous }
    case 'message_send':
      return { kind: 'errand', errand: { kind: 'message', ...partiesOf(body), text: body.text } }
    case 'webhook_send':
      return { kind: 'errand', errand: webhookOf(body) }
    case 'transcribe_start':
      return transcribeOf(desk, customerId, body)
    case 'transcribe_stop':
      return { kind: 'transcribeStop' }
    case 'hold':
    case 'unhold':
      return { kind: 'hold', on: body.action === 'hold' }
    case 'mute':
      return { kind: 'mute', direction: body.direction }
    case 'unmute':
      return { kind: 'mute', direction: '' }
    case 'recording_start':
    case 'recording_stop':
      await desk.ledger.row('calls', customerId, callId, 'CALL_NOT_FOUND')
      throw new AppError('NOT_IMPLEMENTED')
    default:
      return body satisfies never
  }
}

type Act<N extends ActRequest['action']> = Extract<ActRequest, { action: N }>

function partiesOf({ source, destinations }: Pick<Act<'connect'>, 'source' | 'destinations'>) {
  return { source: source ?? null, destinations }
}

function urlsOf(body: Act<'play'>): readonly string[] {
  const urls = [...(body.url ? [body.url] : []), ...(body.stream_urls ?? [])]
  if (urls.length > 0) return urls
  const message = 'url: is needed, or stream_urls'
  throw new AppError('INVALID_ARGUMENT', { message, details: [{ field: 'url', message: 'is needed' }] })
}

function webhookOf(body: Act<'webhook_send'>): Extract<ActAction, { kind: 'errand' }>['errand'] {
  const text = typeof body.data === 'string' ? body.data : JSON.stringify(body.data ?? {})
  return {
    kind: 'send',
    uri: body.uri,
    method: body.method,
    contentType: body.data_type ?? 'application/json',
    body: text,
  }
}

async function transcribeOf(desk: Desk, customerId: string, body: Act<'transcribe_start'>): Promise<ActAction> {
  const { speech } = desk.deps
  const { language } = chooseLanguage(body.language, 'stt', speech.languages(), speech.howToAdd)
  await requireFlow(desk, customerId, body.on_end_flow_id)
  return {
    kind: 'transcribeStart',
    language,
    direction: body.direction,
    provider: body.provider ?? '',
    onEndFlowId: body.on_end_flow_id,
    phrases: body.phrases ?? speech.defaultPhrases,
  }
}
