/** The API's own description, OpenAPI 3.1, made from the schemas of the contract. */

import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { errorSchema } from '../contract/errors.ts'
import { EVENTS } from '../contract/events.ts'
import type { App } from './app.ts'
import type { ApiSettings } from './deps.ts'
import { TAGS } from './tags.ts'

const credentials = {
  token: { type: 'apiKey', in: 'query', name: 'token', description: 'An access key, or the token of a sign-in' },
  accesskey: { type: 'apiKey', in: 'query', name: 'accesskey', description: 'The same' },
  bearer: { type: 'http', scheme: 'bearer', description: 'The same, in the header `Authorization`' },
} as const

interface Operation {
  operationId?: string
  readonly tags?: readonly string[]
  security?: readonly unknown[]
  responses?: Record<string, unknown>
  requestBody?: { required: boolean; readonly content?: Record<string, { readonly schema?: { required?: unknown } }> }
}

type Spec = Record<string, unknown> & {
  readonly paths?: Record<string, Record<string, Operation>>
  readonly components?: { readonly schemas?: Record<string, unknown> }
}

export function describeApi(app: App, settings: ApiSettings): void {
  const withSchemas = createJsonSchemaTransformObject({})
  const options: FastifyDynamicSwaggerOptions = {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: settings.name,
        version: settings.version,
        description: 'Calls, as text. A client never touches audio: it reads what was said and writes what to say.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } as never,
      },
      servers: [{ url: '/', description: 'This server' }],
      security: Object.keys(credentials).map((name) => ({ [name]: [] })),
      components: { securitySchemes: credentials },
    },
    transform: createJsonSchemaTransform({}),
    transformObject: (document) => tidy(withSchemas(document) as unknown as Spec) as never,
  }
  app.register(swagger, options)
  let document: unknown = null
  app.get('/openapi.json', { schema: { hide: true } }, async () => {
    document ??= app.swagger()
    return document
  })
}

/** Adds what holds for every operation, and the events; leaves out shapes that nothing names. */
function tidy(spec: Spec): Spec {
  const schemas: Record<string, unknown> = { ...spec.components?.schemas, Error: plain(errorSchema) }
  for (const [path, operations] of Object.entries(spec.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations)) complete(method, path, operation)
  }
  const webhooks = eventWebhooks(schemas)
  const named = namedIn([spec.paths, webhooks], schemas)
  return { ...spec, tags: TAGS, webhooks, components: { ...spec.components, schemas: named } }
}

/** Needs no credential (contract §2.2). */
const OPEN = ['signup', 'login', 'boot', 'password-forgot', 'password-reset', 'email-verify'].map(
  (one) => `/auth/${one}`,
)

const refused = {
  description: 'Refused',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
}

function complete(method: string, path: string, operation: Operation): void {
  operation.operationId = operationId(method, path)
  if (OPEN.includes(path)) operation.security = []
  for (const [status, answer] of Object.entries(operation.responses ?? {})) {
    Object.assign(answer as object, { description: status === '204' ? 'Done' : 'Answered' })
  }
  const body = operation.requestBody
  if (body) body.required = needsBody(body.content?.['application/json']?.schema)
  operation.responses = { ...operation.responses, '4XX': refused, default: refused }
}

/** A body may be left out where none of its fields is needed. */
function needsBody(schema: { readonly required?: unknown; readonly oneOf?: unknown } = {}): boolean {
  return schema.required !== undefined || schema.oneOf !== undefined
}

/** `GET /v1.0/calls/{id}` is `getCallsId`: the names that generated clients of this API have. */
function operationId(method: string, path: string): string {
  const words = path.replace(/^\/v1\.0/, '').split(/[^A-Za-z0-9]+/)
  return method + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')
}

/** Every event as it is sent to webhooks and WebSockets (contract §15). Adds the shapes it needs. */
function eventWebhooks(schemas: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(EVENTS).map(([name, data]) => [
      name,
      {
        post: {
          operationId: `on${name.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
          summary: name.replaceAll('_', ' '),
          tags: ['events'],
          security: [],
          requestBody: {
            required: true,
            content: { 'application/json': { schema: envelope(name, reference(data, schemas)) } },
          },
          responses: { '2XX': { description: 'Taken' }, '4XX': { description: 'Tried again' } },
        },
      },
    ]),
  )
}

function envelope(name: string, data: unknown): unknown {
  return { type: 'object', required: ['type', 'data'], properties: { type: { const: name }, data } }
}

function reference(schema: z.ZodType, schemas: Record<string, unknown>): unknown {
  const { id } = z.globalRegistry.get(schema) ?? {}
  if (id === undefined) return plain(schema)
  schemas[id] ??= plain(schema)
  return { $ref: `#/components/schemas/${id}` }
}

/** One schema as JSON Schema; shapes with a name of their own stay references. */
function plain(schema: z.ZodType): unknown {
  const { $defs = {}, $schema: _, ...whole } = z.toJSONSchema(schema, { io: 'output' })
  const { id: __, ...json } = $defs[whole.$ref?.split('/').at(-1) ?? ''] ?? whole
  return JSON.parse(JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/'))
}

/** The shapes that are named, by operations and events or by other shapes. */
function namedIn(operations: unknown, schemas: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const named: Record<string, unknown> = {}
  const look = (text: string): void => {
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (Object.hasOwn(named, name) || !Object.hasOwn(schemas, name)) continue
      named[name] = schemas[name]
      look(JSON.stringify(schemas[name]))
    }
  }
  look(JSON.stringify(operations))
  return named
}
