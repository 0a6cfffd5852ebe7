/** Random requests made from the OpenAPI document, and spoilt; and the books of who has what, so that they name things that are there. */

import fc from 'fast-check'
import { NIL_UUID } from '../kernel/ids.ts'
import { formsOf, type Operation, type Shape, sampleOf } from './test-world-requests.ts'

const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e\u0628',
  '👩‍👩‍👧‍👦',
  `$\{voipbin.call.id}`,
  "'; drop table calls; --",
  '../../etc/passwd',
  '%00%ff',
  'x'.repeat(100_000),
  '한국어'.repeat(2_000),
  NIL_UUID,
  NIL_UUID.replace(/0/g, 'F'),
  'constructor',
  '__proto__',
  '9999-12-31T23:59:59.999999Z',
  '-0',
]

const oddValue = fc.oneof(
  fc.constantFrom<unknown>(...ODD_TEXTS, null, true, false, 0, -1, 0.5, 1e308, -1e308, 2 ** 53, [], {}, [[]], [null]),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constant(deep(200)),
  fc.jsonValue({ maxDepth: 3 }),
)

function deep(levels: number): unknown {
  let value: unknown = 'deep'
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { a: value }
  return value
}

/** A value of the schema, with optional fields given or not. */
function fitting(shape: Shape, name = ''): fc.Arbitrary<unknown> {
  const sample = sampleOf(shape, name)
  if (shape.oneOf ?? shape.anyOf) return fc.oneof(...formsOf(shape).map((form) => fitting(form, name)))
  if (shape.enum) return fc.constantFrom(...shape.enum)
  if (name === 'destinations' || name === 'actions' || /_id$/.test(name)) return idOr(sample)
  switch (shape.type) {
    case 'object':
      return fc.record(
        Object.fromEntries(Object.entries(shape.properties ?? {}).map(([key, field]) => [key, fitting(field, key)])),
        { requiredKeys: [...(shape.required ?? [])] },
      )
    case 'array':
      return fc.array(fitting(shape.items ?? {}), { maxLength: 3 })
    case 'integer':
      return fc.integer({ min: shape.minimum ?? 0, max: Math.min(shape.maximum ?? 1_000, 100_000) })
    case 'number':
      return fc.integer({ min: shape.minimum ?? 0, max: Math.min(shape.maximum ?? 10_000, 100_000) })
    case 'boolean':
      return fc.boolean()
    case 'string':
      return shape.pattern || shape.examples ? fc.constant(sample) : fc.oneof(fc.constant(sample), textOf(shape))
    default:
      return fc.constant(sample)
  }
}

function textOf({ maxLength = 20, minLength = 0 }: Shape): fc.Arbitrary<string> {
  return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, Math.max(minLength, 20)) })
}

const anyUuid = fc.uuid({ version: 4 })
const idOr = (sample: unknown) => fc.oneof(fc.constant(sample), fc.constant('<own>'), fc.constant('<other>'), anyUuid)

/** Changes one place of a body: another value, or nothing. */
function spoilt(value: unknown, where: number, odd: unknown): unknown {
  if (typeof value !== 'object' || value === null) return odd
  const keys = Object.keys(value)
  if (keys.length === 0) return odd
  const key = keys[where % keys.length]!
  const below = (value as Record<string, unknown>)[key]
  const next = where % 3 === 0 ? odd : spoilt(below, Math.floor(where / 3), odd)
  return Array.isArray(value) ? value.map((one, at) => (String(at) === key ? next : one)) : { ...value, [key]: next }
}

/** A request, before ids are put in. */
export interface Wish {
  readonly operation: Operation
  readonly id: unknown
  readonly pick: number
  readonly body: unknown
  readonly query: Readonly<Record<string, unknown>>
  readonly credential: 'own' | 'none' | 'bad'
}

/** Those that are there mostly. */
export function anyOperation(operations: readonly Operation[]): fc.Arbitrary<Operation> {
  const [later, there] = [operations.filter((one) => one.isLater), operations.filter((one) => !one.isLater)]
  return fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...there) },
    { weight: 1, arbitrary: fc.constantFrom(...later) },
  )
}

export function wishOf(operation: Operation): fc.Arbitrary<Wish> {
  const fit = operation.body ? fitting(operation.body) : fc.constant(undefined)
  const broken = fc.tuple(fit, fc.nat(), oddValue).map(([body, where, odd]) => spoilt(body, where, odd))
  return fc.record({
    operation: fc.constant(operation),
    id: fc.oneof(
      { weight: 6, arbitrary: fc.constant('<own>') },
      { weight: 2, arbitrary: fc.constant('<other>') },
      { weight: 1, arbitrary: fc.oneof(anyUuid, fc.constantFrom(...ODD_TEXTS), fc.string()) },
    ),
    pick: fc.nat(),
    body: fc.oneof({ weight: 4, arbitrary: fit }, { weight: 5, arbitrary: broken }, { weight: 1, arbitrary: oddValue }),
    query: fc.dictionary(
      fc.constantFrom('page_size', 'page_token', ...operation.query.map((one) => one.name), 'q', 'unknown'),
      fc.oneof(fc.constant('<own>'), fc.constant('<other>'), fc.constantFrom(...ODD_TEXTS.slice(0, 10)), fc.nat(200)),
      { maxKeys: 3 },
    ),
    credential: fc.oneof({ weight: 18, arbitrary: fc.constant('own') }, fc.constantFrom('none', 'bad')) as fc.Arbitrary<
      Wish['credential']
    >,
  })
}

/** A request as it is sent. */
export interface Filled {
  readonly method: Operation['method']
  /** With its query. */
  readonly url: string
  readonly body: string | undefined
  /** That the path names; '' without one. */
  readonly id: string
}

/** What the one that asks has made and not deleted, by resource, and one thing of each that is somebody else's. */
export class Belongings {
  made = new Map<string, Set<string>>()
  readonly others = new Map<string, string>()

  add(resource: string, id: string): void {
    this.made.set(resource, (this.made.get(resource) ?? new Set()).add(id))
  }

  /** Puts in ids that are there for `<own>` and `<other>`. */
  fill({ body, credential, id: wanted, operation, pick, query }: Wish, token: string): Filled {
    const id = encodeURIComponent(this.#filled(String(wanted).toWellFormed(), operation.resource, pick)) || 'none'
    const path = operation.path.replace(/\{\w+\}/, id.slice(0, 2_000))
    const search = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value).slice(0, 300)]))
    for (const key of search.keys()) search.set(key, this.#filled(search.get(key)!, '', pick))
    if (credential !== 'none') search.set('token', credential === 'own' ? token : `vb_${'0'.repeat(32)}`)
    const raw = body === undefined || operation.method === 'GET' ? undefined : JSON.stringify(body)
    const { method } = operation
    return {
      method,
      url: `${path}?${search}`,
      body: raw && this.#filled(raw, 'flows', pick),
      id: decodeURIComponent(id),
    }
  }

  /** Keeps the books. @param body of the answer */
  // biome-ignore lint/suspicious/noExplicitAny: any shape of body
  note({ method, path, resource }: Operation, { body, status }: { status: number; body: any }, id: string): void {
    if (status >= 300) return
    const name = path.replace('/v1.0/', '')
    if (method === 'POST' && resource === '' && typeof body.id === 'string') this.add(name, body.id)
    if (name === 'calls' && method === 'POST') for (const call of body.calls) this.add('calls', call.id)
    if (name === 'calls' && method === 'POST') this.add('groupcalls', body.groupcalls[0].id)
    if (method === 'DELETE' && path === `/v1.0/${resource}/{id}`) this.made.get(resource)?.delete(id.toLowerCase())
  }

  #filled(text: string, resource: string, pick: number): string {
    const own = [...(this.made.get(resource) ?? [...this.made.values()].flatMap((ids) => [...ids]))]
    const other = this.others.get(resource) ?? this.others.get('flows') ?? NIL_UUID
    return text.replaceAll('<own>', own[pick % own.length] ?? NIL_UUID).replaceAll('<other>', other)
  }
}
