/** The two routes that every resource has: a list of its own records, and one of them. */

import type { z } from 'zod'
import type { ErrorCode } from '../../contract/errors.ts'
import { listOf, listQuery } from '../../contract/list.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Row, TableName } from '../../store/port.ts'
import { type App, type Desk, idParams } from '../app.ts'
import type { Identity } from '../auth.ts'

export interface Reading {
  readonly table: TableName
  /** `/calls` */
  readonly path: string
  readonly doc: z.ZodType
  readonly notFound: ErrorCode
  /** Adds what is known only now. */
  readonly show?: (doc: JsonObject, identity: Identity) => JsonObject
}

/** `GET /{path}` and `GET /{path}/{id}`. */
export function readingRoutes(app: App, desk: Desk, reading: Reading): void {
  listRoute(app, desk, reading)
  itemRoute(app, desk, reading)
}

export function listRoute(app: App, desk: Desk, { table, path, doc, show }: Reading): void {
  const schema = { ...about(path, 'List'), querystring: listQuery, response: { 200: listOf(doc) } }
  app.get(path, { schema }, async (request) => {
    const page = await desk.ledger.page(table, request.identity.customerId, request.query)
    return show ? { ...page, result: page.result.map((doc_) => show(doc_, request.identity)) } : page
  })
}

export function itemRoute(app: App, desk: Desk, { table, path, doc, notFound, show }: Reading): void {
  const schema = { ...about(path, 'Get'), params: idParams, response: { 200: doc } }
  app.get(`${path}/:id`, { schema }, async (request) => {
    const row: Row = await desk.ledger.row(table, request.identity.customerId, request.params.id, notFound)
    return show ? show(row.doc, request.identity) : row.doc
  })
}

/** Where a route stands in the reference. */
export function about(path: string, summary: string): { tags: string[]; summary: string } {
  return { tags: [path.split('/')[1] ?? ''], summary }
}
