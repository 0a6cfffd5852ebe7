import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import fastify from 'fastify'
import { pagePlugin } from './plugin.ts'

const guide = { speaking: ['stop'], entries: [{ ending: '', phrases: ['help'] }] }

async function served() {
  const server = fastify()
  await server.register(pagePlugin, { settings: () => ({ demoNumber: '+899100000001', guide }) })
  return server
}

test('the page and all its files come from here, with their types and a policy that allows nothing else', async () => {
  const server = await served()
  const files = readdirSync(new URL('.', import.meta.url)).filter((name) => /\.(js|css|svg)$/.test(name))
  for (const path of ['/', ...files.map((name) => `/page/${name}`)]) {
    const answer = await server.inject(path)
    assert.equal(answer.statusCode, 200, path)
    assert.match(String(answer.headers['content-type']), /^(text\/(html|css|javascript)|image\/svg)/)
    assert.match(String(answer.headers['content-security-policy']), /^default-src 'self'; connect-src 'self' ws: wss:/)
    assert.doesNotMatch(answer.body, /(src|href)="https?:|style="|on(click|load)="/, path)
    const again = await server.inject({ url: path, headers: { 'if-none-match': String(answer.headers['etag']) } })
    assert.equal(again.statusCode, 304)
  }
  assert.equal((await server.inject('/page/plugin.ts')).statusCode, 404)
  assert.equal((await server.inject('/page/..%2Fplugin.ts')).statusCode, 404)
})

test('the settings are those of the moment', async () => {
  const answer = await (await served()).inject('/page/settings.json')
  assert.deepEqual(answer.json(), { demo_number: '+899100000001', guide })
  assert.equal(answer.headers['cache-control'], 'no-store')
})
