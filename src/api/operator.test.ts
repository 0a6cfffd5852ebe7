import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATOR_KEY, World } from './test-world.ts'

const AS_OPERATOR = { authorization: `Bearer ${OPERATOR_KEY}` }

test('only the operator’s key opens what belongs to the node', async () => {
  const world = new World()
  const owner = await world.customer('owner')
  for (const [method, url] of [
    ['GET', '/drain'],
    ['POST', '/drain'],
    ['DELETE', '/drain'],
    ['POST', '/doctor'],
  ] as const) {
    assert.equal((await world.ask(method, url)).status, 401, `${method} ${url}`)
    assert.equal((await world.ask(method, url, undefined, { authorization: `Bearer ${owner.token}` })).status, 401)
    assert.equal((await world.ask(method, url, undefined, { authorization: 'Bearer ' })).status, 401)
    assert.ok((await world.ask(method, url, undefined, AS_OPERATOR)).status < 300)
  }
})

test('a drain is begun with a deadline, looked at and taken back', async () => {
  const world = new World()
  const begun = await world.ask('POST', '/drain', { deadline_seconds: 30 }, AS_OPERATOR)
  assert.deepEqual([begun.status, begun.body.draining, world.drainMs], [202, true, 30_000])
  assert.equal((await world.ask('POST', '/drain', { deadline_seconds: -1 }, AS_OPERATOR)).status, 400)
  assert.equal((await world.ask('GET', '/drain', undefined, AS_OPERATOR)).body.draining, true)
  assert.equal((await world.ask('DELETE', '/drain', undefined, AS_OPERATOR)).body.draining, false)
})
