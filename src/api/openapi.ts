/** The API's own description, OpenAPI 3.1, made from the schemas of the contract. */

import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { ERRORS } from '../contract/errors.ts'
import type { App } from './app.ts'
import type { ApiSettings } from './deps.ts'

const errorComponent = {
  type: 'object',
  required: ['error', 'message'],
  properties: {
    error: {
      type: 'object',
      required: ['status', 'reason', 'message', 'request_id'],
      properties: {
        status: { type: 'string', enum: [...new Set(Object.values(ERRORS).map((line) => line.status))] },
        reason: { type: 'string', examples: Object.keys(ERRORS).slice(0, 3) },
        message: { type: 'string' },
        request_id: { type: 'string' },
        details: { type: 'array', items: { type: 'object' } },
      },
    },
    message: { type: 'string', description: 'Copy of error.message' },
  },
}

const credentials = {
  token: { type: 'apiKey', in: 'query', name: 'token' },
  accesskey: { type: 'apiKey', in: 'query', name: 'accesskey' },
  bearer: { type: 'http', scheme: 'bearer' },
} as const

type Spec = Record<string, unknown> & {
  readonly paths?: Record<string, Record<string, { responses?: Record<string, unknown> }>>
  readonly components?: { readonly schemas?: Record<string, unknown> }
}

export function describeApi(app: App, settings: ApiSettings): void {
  const withSchemas = createJsonSchemaTransformObject({})
  const options: FastifyDynamicSwaggerOptions = {
    openapi: {
      openapi: '3.1.0',
      info: { title: settings.name, version: settings.version, description: 'Calls, as text.' },
      security: Object.keys(credentials).map((name) => ({ [name]: [] })),
      components: { securitySchemes: credentials },
    },
    transform: createJsonSchemaTransform({}),
    transformObject: (document) => tidy(withSchemas(document) as unknown as Spec) as never,
  }
  app.register(swagger, options)
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

/** Says on every operation what an error looks like. Requests name no shape, so the input twins of shapes are left out. */
function tidy(spec: Spec): Spec {
  const answer = {
    description: 'Refused',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  }
  for (const operations of Object.values(spec.paths ?? {})) {
    for (const operation of Object.values(operations)) operation.responses = { ...operation.responses, default: answer }
  }
  return {
    ...spec,
    components: { ...spec.components, schemas: { ...spec.components?.schemas, Error: errorComponent } },
  }
}
