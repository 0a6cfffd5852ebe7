/** Speakings (contract §11): create, say, flush, stop, delete. */

import type { CallCommand } from '../../calls/commands.ts'
import { AppError } from '../../contract/errors.ts'
import { chooseLanguage, DEFAULT_LANGUAGE } from '../../contract/language.ts'
import { deletedRow } from '../../contract/row.ts'
import { type SpeakingDoc, sayRequest, speakingRequest, speakingSchema } from '../../contract/speaking.ts'
import { type App, type Desk, docOf, idParams, shown } from '../app.ts'
import { about, readingRoutes } from './reading.ts'
import { askOwner, openSession } from './sessions.ts'

export function speakingRoutes(app: App, desk: Desk): void {
  const { deps } = desk
  const item = { params: idParams, response: { 200: speakingSchema } }
  readingRoutes(app, desk, {
    table: 'speakings',
    path: '/speakings',
    doc: speakingSchema,
    notFound: 'SPEAKING_NOT_FOUND',
  })

  app.post(
    '/speakings',
    { schema: { ...about('/speakings', 'Create'), body: speakingRequest, response: { 201: speakingSchema } } },
    async ({ body, identity }, reply) => {
      const tag = body.language ?? DEFAULT_LANGUAGE
      const spoken = chooseLanguage(tag, 'tts', deps.speech.languages(), deps.speech.howToAdd)
      const reference = { type: body.reference_type, id: body.reference_id }
      const doc = await openSession(desk, identity.customerId, reference, {
        kind: 'createSpeaking',
        language: spoken.language,
        provider: body.provider || (spoken.tts[0] ?? ''),
        voiceId: body.voice_id ?? '',
        direction: body.direction ?? '',
      })
      return reply.code(201).send(shown<SpeakingDoc>(doc))
    },
  )
  app.post(
    '/speakings/:id/say',
    { schema: { ...about('/speakings', 'Say a text'), body: sayRequest, ...item } },
    ({ body, identity, params }) =>
      whileItLives(desk, identity.customerId, { kind: 'say', speakingId: params.id, text: body.text }),
  )
  app.post(
    '/speakings/:id/flush',
    { schema: { ...about('/speakings', 'Fall silent, forget what was queued'), ...item } },
    ({ identity, params }) => whileItLives(desk, identity.customerId, { kind: 'flush', speakingId: params.id }),
  )
  app.post(
    '/speakings/:id/stop',
    { schema: { ...about('/speakings', 'End the session'), ...item } },
    async ({ identity, params }): Promise<SpeakingDoc> => {
      const command = { kind: 'stopSpeaking', speakingId: params.id } as const
      const outcome = await askOwner(desk, 'speaking', identity.customerId, params.id, command)
      return outcome ? undeleted(docOf(outcome)) : stored(desk, identity.customerId, params.id)
    },
  )
  app.delete(
    '/speakings/:id',
    { schema: { ...about('/speakings', 'Delete; stops first'), ...item } },
    ({ identity, params }) => remove(desk, identity.customerId, params.id),
  )
}

type SpeakingCommand = CallCommand & { readonly kind: 'say' | 'flush' }

/** @throws AppError SPEAKING_STATE_INVALID for a session that is over, SPEAKING_NOT_FOUND for none */
async function whileItLives(desk: Desk, customerId: string, command: SpeakingCommand): Promise<SpeakingDoc> {
  const outcome = await askOwner(desk, 'speaking', customerId, command.speakingId, command)
  if (outcome?.ok) return docOf(outcome)
  if (outcome && outcome.code !== 'SPEAKING_STATE_INVALID') return docOf(outcome)
  await stored(desk, customerId, command.speakingId)
  throw new AppError('SPEAKING_STATE_INVALID')
}

async function remove(desk: Desk, customerId: string, id: string): Promise<SpeakingDoc> {
  const { ledger } = desk
  const row = await ledger.row('speakings', customerId, id, 'SPEAKING_NOT_FOUND')
  const outcome = await askOwner(desk, 'speaking', customerId, id, { kind: 'deleteSpeaking', speakingId: id })
  if (outcome) return docOf(outcome)
  const deleted = deletedRow('speakings', row, ledger.time())
  await ledger.save({ rows: [deleted], events: [] })
  return shown(deleted.row.doc)
}

async function stored(desk: Desk, customerId: string, id: string): Promise<SpeakingDoc> {
  return shown((await desk.ledger.row('speakings', customerId, id, 'SPEAKING_NOT_FOUND')).doc)
}

/** A live call may still know a session that was deleted; nobody else does. */
function undeleted(doc: SpeakingDoc): SpeakingDoc {
  if (doc.tm_delete !== null) throw new AppError('SPEAKING_NOT_FOUND')
  return doc
}
