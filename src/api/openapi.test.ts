import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { EVENTS } from '../contract/events.ts'
import { World } from './test-world.ts'

let world: World
// biome-ignore lint/suspicious/noExplicitAny: the document has any shape
let spec: any
before(async () => {
  world = new World()
  spec = (await world.ask('GET', '/openapi.json')).body
})
after(() => world.close())

const operations = () =>
  Object.entries<Record<string, Record<string, unknown>>>(spec.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )

test('a linter of OpenAPI documents finds no error, and no warning but those that are listed', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const found = await lintFromString({ source: JSON.stringify(spec), absoluteRef: 'openapi.json', config })
  const lines = found.map((one) => `${one.severity} ${one.ruleId}: ${one.message} ${one.location[0]?.pointer ?? ''}`)
  assert.deepEqual(
    lines.filter((line) => line.startsWith('error')),
    [],
  )
  const warnings = new Map<string, number>()
  for (const { ruleId, severity } of found) {
    if (severity === 'warn') warnings.set(ruleId, (warnings.get(ruleId) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(warnings), {}, lines.slice(0, 10).join('\n'))
})

test('every operation has a name of its own, a chapter that is described, a summary, and promises an answer', () => {
  const chapters = new Set(spec.tags.map((tag: { name: string }) => tag.name))
  const names = new Set<unknown>()
  for (const { method, path, operation } of operations()) {
    const what = `${method} ${path}`
    assert.ok(!names.has(operation['operationId']), what)
    names.add(operation['operationId'])
    assert.ok(operation['summary'], what)
    for (const tag of operation['tags'] as string[]) assert.ok(chapters.has(tag), `${what}: ${tag}`)
    const statuses = Object.keys(operation['responses'] as object)
    assert.ok(
      statuses.some((status) => status.startsWith('2')),
      what,
    )
    assert.ok(statuses.includes('4XX') && statuses.includes('default'), what)
    if (method === 'post' || method === 'put' || path === '/auth/unregister') continue
    assert.equal(operation['requestBody'], undefined, what)
  }
  assert.ok(names.has('getCallsId') && names.has('postCallsIdHangup'))
})

test('every event is described with its envelope', () => {
  assert.deepEqual(Object.keys(spec.webhooks).sort(), Object.keys(EVENTS).sort())
  const schema = spec.webhooks.call_hangup.post.requestBody.content['application/json'].schema
  assert.deepEqual(schema.properties.type, { const: 'call_hangup' })
  assert.deepEqual(schema.properties.data, { $ref: '#/components/schemas/Call' })
  const customer = spec.webhooks.customer_updated.post.requestBody.content['application/json'].schema
  assert.equal(customer.properties.data.properties.webhook_secret, undefined)
})

test('the reference shows every operation', async () => {
  const { body } = await world.ask('GET', '/docs/')
  for (const { method, path } of operations()) {
    assert.ok(body.includes(`${method.toUpperCase()} ${path}</p>`), `${method} ${path}`)
  }
})
