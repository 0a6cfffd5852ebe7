/** What every route promises to answer, and whether an answer is that: for tests. */

import type { RouteOptions } from 'fastify'
import { z } from 'zod'
import { mismatch } from '../contract/check.ts'
import { ERRORS, errorSchema } from '../contract/errors.ts'

interface Promised {
  readonly method: string
  /** As registered: `/v1.0/calls/:id`. */
  readonly url: string
  readonly path: RegExp
  readonly answers: Readonly<Record<string, unknown>>
  /** Left out of the reference. */
  readonly isHidden: boolean
}

export class AnswerBook {
  readonly routes: Promised[] = []

  /** To be told of every route (`buildServer`). */
  note({ method, url, schema }: RouteOptions): void {
    const { hide = false, response = {} } = (schema ?? {}) as { hide?: boolean; response?: Record<string, unknown> }
    const path = new RegExp(`^${url.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}/?$`)
    for (const one of [method].flat()) {
      if (one !== 'HEAD') this.routes.push({ method: one, url, path, answers: response, isHidden: hide })
    }
  }

  /**
   * @param url with or without its query; a route as registered will do
   * @throws Error when the answer is not what the route promises: an error body for 4xx and 5xx, its schema for the rest
   */
  assert(method: string, url: string, status: number, body: unknown): void {
    const path = pathOf(url)
    const isOurs = /^\/(v1\.0|auth)(\/|$)/.test(path)
    const wrong = status < 400 ? this.#fault(method, path, status, body) : isOurs ? errorFault(status, body) : null
    if (wrong !== null) throw new Error(`${method} ${path} answered ${status}: ${wrong}`)
  }

  #fault(method: string, path: string, status: number, body: unknown): string | null {
    const fits = this.routes.filter((one) => one.method === method && one.path.test(path))
    // A path without parameters is the route, also where `:id` would match it.
    const route = fits.find((one) => one.url === path) ?? fits.find((one) => !one.url.endsWith('/:id')) ?? fits[0]
    if (!route) return 'there is no such route'
    const schema = route.answers[status]
    if (schema instanceof z.ZodType) return mismatch(schema, body === '' ? undefined : body)
    return route.isHidden ? null : 'the route does not promise this status'
  }
}

function pathOf(url: string): string {
  return url.split('?')[0] ?? ''
}

/** Contract §1.4: the body, the status word, and that they belong together. */
function errorFault(status: number, body: unknown): string | null {
  const wrong = mismatch(errorSchema, body)
  if (wrong !== null) return wrong
  const { error, message } = body as z.infer<typeof errorSchema>
  if (error.message !== message) return 'message: is not the copy of error.message'
  const lines = Object.entries(ERRORS).map(([code, line]) => ({ reason: code, ...line }))
  const isKnown = lines.some(
    (line) => line.reason === error.reason && line.http === status && line.status === error.status,
  )
  return isKnown ? null : `${error.status} ${error.reason} is not a line of the table for ${status}`
}
