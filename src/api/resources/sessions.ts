/** What transcribes and speakings share: they belong to a call, which is asked while it lives. */

import type { CallCommand, Outcome } from '../../calls/commands.ts'
import { AppError } from '../../contract/errors.ts'
import { isUuid } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { type Desk, docOf } from '../app.ts'

/** Asks the live call of a session. @returns null when it has none for this customer: the store knows the rest */
export async function askOwner(
  desk: Desk,
  kind: 'transcribe' | 'speaking',
  customerId: string,
  sessionId: string,
  command: CallCommand,
): Promise<Outcome | null> {
  const { calls } = desk.deps
  const callId = calls.callOf(kind, sessionId)
  if (callId === null) return null
  const outcome = await calls.ask(customerId, callId, command)
  return !outcome.ok && outcome.code === 'CALL_NOT_FOUND' ? null : outcome
}

/**
 * Opens a session on what a request names.
 *
 * @throws AppError INVALID_ARGUMENT, in the same words, for a reference that is no UUID, unknown or another customer's;
 *   CALL_STATE_INVALID for a call that has ended; whatever the call refuses
 */
export async function openSession(
  desk: Desk,
  customerId: string,
  reference: { readonly type: string; readonly id: string },
  command: CallCommand,
): Promise<JsonObject> {
  if (reference.type !== 'call' || !isUuid(reference.id)) throw unknownReference()
  const callId = reference.id.toLowerCase()
  const outcome = await desk.deps.calls.ask(customerId, callId, command)
  if (outcome.ok || outcome.code !== 'CALL_NOT_FOUND') return docOf(outcome)
  if (await desk.ledger.maybe('calls', customerId, callId)) throw new AppError('CALL_STATE_INVALID')
  throw unknownReference()
}

/** The same words for what is no UUID, unknown, or another customer's. */
export function unknownReference(field = 'reference_id'): AppError {
  const message = `${field}: names nothing of yours`
  return new AppError('INVALID_ARGUMENT', { message, details: [{ field, message }] })
}
