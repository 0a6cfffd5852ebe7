/** What every file of routes is given, and the few shapes they share. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Outcome } from '../calls/commands.ts'
import { isAdmin } from '../contract/agent.ts'
import { AppError, isErrorCode } from '../contract/errors.ts'
import { uuidIn } from '../contract/fields.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Authenticate, Identity } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import type { Ledger } from './ledger.ts'
import type { ApiRates } from './rate-limit.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any route that needs a credential runs. */
    identity: Identity
  }
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse<IncomingMessage>,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** What routes work with. */
export interface Desk {
  readonly deps: ApiDeps
  readonly ledger: Ledger
  readonly authenticate: Authenticate
  readonly rates: ApiRates
}

/** `:id` of a path. */
export const idParams = z.object({ id: uuidIn })

/** An answer without a body. */
export const nothing = z.undefined().describe('Deleted')

/** A stored or live document in the type of its schema; the serialiser checks it on the way out. */
export function shown<T>(doc: JsonObject): T {
  return doc as unknown as T
}

/** @throws AppError PERMISSION_DENIED for an agent who is no administrator */
export function requireAdmin(identity: Identity): void {
  if (!isAdmin(identity.agent.permission)) throw new AppError('PERMISSION_DENIED')
}

/** @throws AppError what the calls refused */
export function docOf<T>(outcome: Outcome): T {
  if (outcome.ok) return shown(outcome.doc)
  const { code, details, extra } = outcome
  if (!isErrorCode(code)) throw new AppError('INTERNAL', { cause: `unknown code ${code}` })
  throw new AppError(code, { ...(details ? { details } : {}), ...(extra ? { extra } : {}) })
}
