/** The README says what is so. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { readConfig, VARIABLES } from '../../src/config.ts'

const root = path.resolve(import.meta.dirname, '../..')
const readme = readFileSync(path.join(root, 'README.md'), 'utf8')

test('every setting is in the table with its default and meaning, and no other', () => {
  const rows = [...readme.matchAll(/^\| `(QUIETLINE_\w+)` \| (?:`(.*?)`)? ?\| (.*) \|$/gm)].map((match) => [
    match[1],
    match[2] ?? '',
    match[3],
  ])
  assert.deepEqual(
    rows,
    VARIABLES.map((variable) => [...variable]),
  )
})

test('the agent in the README is the example that is run by a test', () => {
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1]
  const example = readFileSync(path.join(root, 'examples/agent.ts'), 'utf8').split('\n').slice(2).join('\n')
  assert.equal(code, example)
  assert.ok(example.trimEnd().split('\n').length <= 30, 'thirty lines are thirty lines')
})

test('every npm command it names exists, and every file it links to', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const [, name = ''] of readme.matchAll(/npm (?:run )?(start|test|demo|interop|bench|proof)\b/g))
    assert.ok(scripts[name], name)
  for (const [, file = ''] of readme.matchAll(/\]\(([\w./-]+)\)/g)) assert.ok(existsSync(path.join(root, file)), file)
})

test('settings are read, and bad ones refused with a sentence that names them', () => {
  const config = readConfig({})
  assert.equal(config.bind, '127.0.0.1')
  assert.equal(config.signup, 'open')
  assert.equal(readConfig({ QUIETLINE_BIND: '0.0.0.0' }).signup, 'closed')
  const bad: Record<string, string> = {
    QUIETLINE_HTTP_PORT: '70000',
    QUIETLINE_SIP_PORT: 'sip',
    QUIETLINE_RTP_PORTS: '20000-10000',
    QUIETLINE_BIND: 'localhost',
    QUIETLINE_SIGNUP: 'perhaps',
    QUIETLINE_DATA_KEY: 'short',
    QUIETLINE_UNKNOWN: '1',
  }
  for (const [name, value] of Object.entries(bad)) {
    assert.throws(() => readConfig({ [name]: value }), { message: new RegExp(name) }, name)
  }
})
