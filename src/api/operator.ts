/**
 * What belongs to the node and not to a customer: draining it, looking whether it is well. Opened by the operator's key only; a customer's token, even an
 * admin's, is as unknown here as none.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError } from '../contract/errors.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { App } from './app.ts'

export interface OperatorDesk {
  /** Compared in constant time. */
  readonly key: string
  drainState(): { readonly draining: boolean; readonly calls: number; readonly seconds_left: number | null }
  /** Returns at once; calls go on until the deadline. */
  drain(deadlineMs: number): void
  takeAgain(): void
  /** What the server says of itself, and an account of its own for `quietline doctor` to try it with. */
  doctor(): Promise<JsonObject>
}

const MOST_SECONDS = 86_400
const body = z.object({ deadline_seconds: z.number().int().min(0).max(MOST_SECONDS).default(3_600) }).nullish()

/** `POST /drain`, `GET /drain`, `DELETE /drain`, `POST /doctor`; not under `/v1.0`, as `/readyz` and `/metrics` are not. */
export function operatorRoutes(app: App, desk: OperatorDesk): void {
  const schema = { hide: true }
  app.get('/drain', { schema }, async (request) => {
    requireKey(request, desk.key)
    return desk.drainState()
  })
  app.post('/drain', { schema: { ...schema, body } }, async (request, reply) => {
    requireKey(request, desk.key)
    desk.drain(1000 * (request.body?.deadline_seconds ?? 3_600))
    return reply.code(202).send(desk.drainState())
  })
  app.post('/doctor', { schema }, async (request) => {
    requireKey(request, desk.key)
    return desk.doctor()
  })
  app.delete('/drain', { schema }, async (request) => {
    requireKey(request, desk.key)
    desk.takeAgain()
    return desk.drainState()
  })
}

function requireKey(request: FastifyRequest, key: string): void {
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
  if (!timingSafeEqual(digest(given), digest(key))) throw new AppError('AUTHENTICATION_REQUIRED')
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
