/** Errors on their way out (contract §1.4): whatever was thrown becomes one line of the error table. */

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from 'fastify-type-provider-zod'
import { AppError, ERRORS, type ErrorCode, errorBody, type Refusal } from '../contract/errors.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'

/** By HTTP status: what is not there for the moment is worth another try. */
const RETRY_AFTER_S: Readonly<Record<number, number>> = { 503: 2 }

export function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const retryAfterS = refusal.details?.[0]?.['retry_after_seconds'] ?? RETRY_AFTER_S[ERRORS[refusal.code].http]
  if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS))
  return reply.code(ERRORS[refusal.code].http).send(errorBody(refusal, request.id))
}

/** What a client is told about an error. Causes stay in our log. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof AppError) {
    return { code: error.code, message: error.message, details: error.details, extra: error.extra }
  }
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(error)
  const known = error as Partial<FastifyError>
  if (isResponseSerializationError(error)) return { code: 'INTERNAL' }
  if (known.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return { code: 'INVALID_ARGUMENT', message: 'The body is longer than 1 MiB.' }
  }
  const status = known.statusCode ?? 500
  if (status === 404) return { code: 'ROUTE_NOT_FOUND' }
  return status >= 400 && status < 500 ? { code: 'INVALID_ARGUMENT' } : { code: 'INTERNAL' }
}

const BY_PLACE: Readonly<Record<string, ErrorCode>> = {
  params: 'INVALID_ID',
  querystring: 'INVALID_REQUEST_PARAMETER',
}

function invalid(error: FastifyError): Refusal {
  const place = error.validationContext ?? 'body'
  const code = BY_PLACE[place] ?? 'INVALID_ARGUMENT'
  const details: JsonObject[] = (error.validation ?? []).map((issue) => ({
    field: issue.instancePath.split('/').filter(Boolean).join('.'),
    message: issue.message ?? 'is wrong',
  }))
  if (code === 'INVALID_ID') return { code, details }
  const [worst] = details
  const field = worst?.['field'] === '' ? 'body' : worst?.['field']
  return { code, ...(worst ? { message: `${field}: ${worst['message']}` } : {}), details }
}

/** Whoever logs an error does not rethrow it: this is the one place of the API. Only our own faults are logged. */
export function noteFault(log: Log, request: FastifyRequest, refusal: Refusal, error: unknown): void {
  const fields = { request_id: request.id, method: request.method, route: request.routeOptions.url ?? '' }
  if (refusal.code === 'INTERNAL') log.error({ ...fields, ...describe(error) }, 'request failed')
  else if (refusal.code === 'SERVICE_UNAVAILABLE') {
    const cause = error instanceof Error ? error.cause : undefined
    log.warn({ ...fields, ...describe(cause) }, 'store not available')
  }
}

/** A message may quote what a person said or a credential, so it goes where such things go; the stack's lines may not. */
function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { 'pii.error': String(error) }
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  const issues = isResponseSerializationError(error)
    ? error.cause.issues.map((issue) => issue.path.join('.'))
    : undefined
  return { error: error.name, frames, 'pii.error': error.message, ...(issues ? { fields: issues } : {}) }
}
