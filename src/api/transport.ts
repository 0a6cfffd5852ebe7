/** What holds for every request and answer (contract §1): bodies are JSON whatever their type says; any origin may ask. */

import { AppError } from '../contract/errors.ts'
import type { App } from './app.ts'

/** Clients send JSON as `application/json`, as curl's form type, or with no type at all; some send no body to a POST. */
export function acceptBodies(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) return done(null, {})
    parseJson(request, body as string, (error, value) =>
      error ? done(new AppError('INVALID_JSON_BODY', { cause: error })) : done(null, value),
    )
  })
  app.addHook('preValidation', (request, _reply, done) => {
    request.body ??= {}
    done()
  })
}

const METHODS = 'GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS'
const HEADERS = 'Origin, X-Requested-With, Content-Type, Accept, Authorization'
const PREFLIGHT_CACHE_SECONDS = 12 * 60 * 60

export function shareAcrossOrigins(app: App): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('access-control-allow-origin', '*').header('x-request-id', request.id)
    if (request.method !== 'OPTIONS') return done()
    reply
      .code(204)
      .header('access-control-allow-methods', METHODS)
      .header('access-control-allow-headers', HEADERS)
      .header('access-control-max-age', PREFLIGHT_CACHE_SECONDS)
      .send()
  })
}
