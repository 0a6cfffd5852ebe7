/**
 * A million transcripts are read as fast as a thousand: pages, single rows, searches. A short version by default; the whole
 * one with QUIETLINE_PROOF=1 (`npm run proof`). Figures are printed.
 */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SeededRandom } from '../kernel/random.ts'
import type { Row } from './port.ts'
import type { SqliteCore } from './sqlite/core.ts'
import { openSqlite } from './sqlite/sqlite-store.ts'

const IS_PROOF = process.env['QUIETLINE_PROOF'] === '1'
const SMALL = 1_000
/** What is compared: in the short version the median, which other work on the machine does not move. */
const SHARE = IS_PROOF ? 0.95 : 0.5
const WHAT = IS_PROOF ? 'p95' : 'median'
const LARGE = IS_PROOF ? 1_000_000 : 50_000
const ROUNDS = IS_PROOF ? 1_000 : 100
/** A server is up for more than a moment: its caches are warm. */
const WARM_ROUNDS = IS_PROOF ? 1_000 : 30
/** What a shared machine adds to a single reading. */
const NOISE_MS = 0.1
const SEED = process.env['QUIETLINE_SEED'] ?? String(Date.now())
const CUSTOMER = 'c0000000-0000-4000-8000-000000000000'
const PER_TRANSCRIBE = 20
const BATCH = 1_000
/** A word of rank n is n times rarer than the first. */
const VOCABULARY = 3_000
const WORDS = 8
/** Transcripts that hold the rare word. */
const RARE = 10

const folder = mkdtempSync(join(tmpdir(), 'quietline-million-'))

interface Library {
  readonly core: SqliteCore
  readonly count: number
  readonly random: SeededRandom
}
let small: Library
let large: Library

function uuid(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
}

function transcribeOf(number: number): string {
  return `10000000-0000-4000-8000-${Math.floor(number / PER_TRANSCRIBE)
    .toString(16)
    .padStart(12, '0')}`
}

function word(random: SeededRandom): string {
  return `word${Math.floor(VOCABULARY ** (random.below(1_000_000) / 1_000_000))}`
}

function transcript(number: number, random: SeededRandom): Row {
  const id = uuid(number)
  // Even and odd ones share no word: the unlucky search asks for both.
  const parity = number % 2 === 0 ? 'even' : 'odd'
  // As rare in both stores: a search reads as many rows.
  const last = number < RARE ? 'golden' : word(random)
  const message = [...Array.from({ length: WORDS - 2 }, () => word(random)), last, parity].join(' ')
  const transcribe_id = transcribeOf(number)
  const doc = { id, customer_id: CUSTOMER, transcribe_id, direction: 'in', message, tm_create: String(number) }
  const keys = { transcribe_id, direction: 'in', reference_id: transcribe_id }
  return { id, customer_id: CUSTOMER, tm_create_us: number * 1_000, tm_delete_us: null, keys, doc, hidden: {} }
}

function fill(name: string, count: number): Library {
  const core = openSqlite({ path: join(folder, name) })
  const random = new SeededRandom(`${SEED} ${name}`)
  for (let number = 0; number < count; number += BATCH) {
    const rows = Array.from({ length: BATCH }, (_, i) => transcript(number + i, random))
    const done = core.commit({ rows: rows.map((row) => ({ table: 'transcripts' as const, row })) })
    assert.equal(done.ok, true)
  }
  core.close()
  // As the reading thread of a server does.
  return { core: openSqlite({ path: join(folder, name), readOnly: true }), count, random }
}

type Reading = (library: Library) => number

const table = 'transcripts'
const customer_id = CUSTOMER
const anyNumber = ({ random, count }: Library): number => random.below(count)
const search = ({ core }: Library, words: string, more: object = {}): number =>
  core.searchTranscripts({ customer_id, words, limit: 100, ...more }).rows.length

/** Each answers how many rows it read. */
const READINGS: Readonly<Record<string, Reading>> = {
  'one transcript': (library) => (library.core.get(table, CUSTOMER, uuid(anyNumber(library))) ? 1 : 0),
  'first page': ({ core }) => core.list({ table, customer_id, limit: 100 }).length,
  'page somewhere': (library) => {
    const number = 100 + library.random.below(library.count - 100)
    const before = { us: number * 1_000, id: uuid(number) }
    return library.core.list({ table, customer_id, limit: 100, before }).length
  },
  'of one transcribe': (library) => {
    const where = { transcribe_id: transcribeOf(anyNumber(library)) }
    return library.core.list({ table, customer_id, limit: 100, where }).length
  },
  'search: a common word': (library) => search(library, 'word1'),
  'search: a common word, deep': (library) => {
    const number = Math.floor(library.count / 2) + library.random.below(Math.floor(library.count / 2))
    return search(library, 'word1', { before: { us: number * 1_000, id: uuid(number) } })
  },
  'search: two common words': (library) => search(library, 'word1 even'),
  'search: a rare word and a common one': (library) => search(library, 'even golden'),
  'search: in one transcribe': (library) =>
    search(library, 'even', { where: { transcribe_id: transcribeOf(anyNumber(library)) } }),
  'search: no such word': (library) => search(library, `nothing${anyNumber(library)}`),
}

function spread(samples: readonly number[], share = SHARE): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length * share)]!
}

function timed(reading: Reading, library: Library): number {
  const began = performance.now()
  reading(library)
  return performance.now() - began
}

/** In turns, so that whatever else the machine does meets both. */
function compare(reading: Reading): { readonly small: number; readonly large: number } {
  const samples: { small: number[]; large: number[] } = { small: [], large: [] }
  for (let i = 0; i < WARM_ROUNDS; i++) [small, large].map((library) => reading(library))
  for (let i = 0; i < ROUNDS; i++) {
    samples.small.push(timed(reading, small))
    samples.large.push(timed(reading, large))
  }
  return { small: spread(samples.small), large: spread(samples.large) }
}

describe(`${LARGE} transcripts against ${SMALL} (seed ${SEED})`, () => {
  before(() => {
    small = fill('small.db', SMALL)
    large = fill('large.db', LARGE)
  })
  after(() => {
    small?.core.close()
    large?.core.close()
    rmSync(folder, { recursive: true })
  })

  for (const [name, reading] of Object.entries(READINGS)) {
    test(`${WHAT} of ${name} is within twice that of the small store`, (t) => {
      const ms = compare(reading)
      t.diagnostic(`${name}: ${WHAT} ${ms.small.toFixed(3)} ms, ${ms.large.toFixed(3)} ms (${reading(large)} rows)`)
      assert.equal(ms.large <= 2 * ms.small + NOISE_MS, true, `${ms.large} ms against ${ms.small} ms`)
    })
  }

  test('the unluckiest search, for words that are common and never together, has a bound', (t) => {
    const samples = Array.from({ length: 50 }, () => timed((library) => search(library, 'even odd'), large))
    t.diagnostic(
      `unlucky search: p95 ${spread(samples, 0.95).toFixed(3)} ms; file ${statSync(join(folder, 'large.db')).size / 1e6} MB`,
    )
    if (IS_PROOF) assert.equal(spread(samples, 0.95) < 100, true)
  })
})
