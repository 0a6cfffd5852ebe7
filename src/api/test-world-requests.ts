/** Requests made from the OpenAPI document, for tests that walk all of it. */

export interface Shape {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly pattern?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly items?: Shape
  readonly oneOf?: readonly Shape[]
  readonly anyOf?: readonly Shape[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Shape
}

export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `/v1.0/calls/{id}` */
  readonly path: string
  readonly isOpen: boolean
  /** Answered for the sake of other clients only (contract §19). */
  readonly isLater: boolean
  readonly query: readonly { readonly name: string; readonly required: boolean; readonly schema: Shape }[]
  readonly body: Shape | null
  /** The resource that `{id}` names, by the part of the path before it: `calls`. '' without one. */
  readonly resource: string
}

interface Described {
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema?: Shape }[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Shape }>> }
  readonly security?: readonly unknown[]
  readonly tags?: readonly string[]
}

export function operationsOf(document: { paths: Record<string, Record<string, Described>> }): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, described]): Operation => ({
        method: method.toUpperCase() as Operation['method'],
        path,
        isOpen: described.security?.length === 0,
        isLater: described.tags?.includes('later') ?? false,
        query: (described.parameters ?? [])
          .filter((one) => one.in === 'query')
          .map(({ name, required = false, schema = {} }) => ({ name, required, schema })),
        body: described.requestBody?.content?.['application/json']?.schema ?? null,
        resource: /([^/]+)\/\{\w+\}/.exec(path)?.[1] ?? '',
      }),
    ),
  )
}

/** Fields whose form the schema does not tell. */
const USUAL: Readonly<Record<string, unknown>> = {
  url: 'https://example.com/events',
  uri: 'https://example.com/events',
  number: '+15551234567',
  language: 'en-US',
  destinations: [{ type: 'tel', target: '+15559876543' }],
  transferee_addresses: [{ type: 'tel', target: '+15559876543' }],
}

/** @returns a value of the schema: its example, else the smallest that has every needed field */
export function sampleOf(shape: Shape, name = ''): unknown {
  if (shape.examples?.[0] !== undefined) return shape.examples[0]
  if (shape.const !== undefined) return shape.const
  if (shape.enum) return shape.enum.at(-1)
  if (Object.hasOwn(USUAL, name)) return USUAL[name]
  if (shape.default !== undefined) return shape.default
  const first = shape.oneOf?.[0] ?? shape.anyOf?.[0]
  if (first) return sampleOf(first)
  switch (shape.type) {
    case 'object':
      return Object.fromEntries(
        (shape.required ?? []).map((field) => [field, sampleOf(shape.properties?.[field] ?? {}, field)]),
      )
    case 'array':
      return Array.from({ length: shape.minItems ?? 0 }, () => sampleOf(shape.items ?? {}))
    case 'string':
      return shape.format === 'uuid' ? '00000000-0000-0000-0000-000000000000' : 'x'.repeat(shape.minLength ?? 1)
    case 'number':
    case 'integer':
      return shape.minimum ?? 1
    case 'boolean':
      return true
    default:
      return {}
  }
}

/** The forms a body may have: itself, or each of its alternatives. */
export function formsOf(body: Shape): readonly Shape[] {
  return body.oneOf ?? body.anyOf ?? [body]
}
