/** No acceptance check without a test, and no test that claims a check which the table does not know. */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { CHECKS } from './checks.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const CLAIM = /(?:test|step)\(\s*['"`](S\d(?: S\d)*) checks? ([\d, ]+):/g

function claimsOf(file: string): { seeds: string; number: number }[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8')
  return [...text.matchAll(CLAIM)].flatMap((match) =>
    match[2]!.split(/[, ]+/).map((number) => ({ seeds: match[1]!, number: Number(number) })),
  )
}

test('the table holds the checks 1 to 36, each once', () => {
  assert.deepEqual(
    CHECKS.map(({ number }) => number),
    Array.from({ length: 36 }, (_, at) => at + 1),
  )
})

for (const { number, seeds, what, files, later } of CHECKS) {
  test(`${seeds} check ${number} (${what}) has a test${later ? `: ${later}` : ''}`, () => {
    assert.equal(files.length === 0, later !== undefined)
    for (const file of files) {
      const claims = claimsOf(file).filter((claim) => claim.number === number)
      assert.ok(claims.length > 0, `${file} has no test named '${seeds} check ${number}: ...'`)
      const named = new Set(claims.flatMap((claim) => claim.seeds.split(' ')))
      for (const seed of seeds.split(' '))
        assert.ok(named.size === 0 || named.has(seed) || files.length > 1, `${file}: ${seed}`)
    }
  })
}

test('every test that names a check stands in the table', () => {
  for (const file of globSync(['tests/conformance/*.test.ts', 'tests/interop/*.test.ts'], { cwd: ROOT })) {
    for (const { number } of claimsOf(file)) {
      assert.ok(CHECKS[number - 1]?.files.includes(file), `${file} tests check ${number}, which the table does not say`)
    }
  }
})
