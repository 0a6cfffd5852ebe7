/**
 * The search for words in transcripts. It walks the transcripts of the rarest word, newest first, and keeps those that have
 * the other words too. A page looks at a bounded number of them, however unlucky the words.
 */

import type { Row, TranscriptHits, TranscriptQuery } from '../port.ts'
import type { Codec } from '../rows.ts'
import type { Statements } from '../statements.ts'
import { messageOf } from '../texts.ts'
import { holds, wantedOf, wordsOf } from '../words.ts'
import type { Prepared } from './prepared.ts'

/** Transcripts of the rarest word looked at in one step, and in one page. */
const STEP = 1_000
const MOST_STEPS = 10
/** Transcripts of one call or transcribe looked at in one step. */
const LIST_STEP = 200
/** How far a word is counted to find the rarest. */
const COUNTED = 2_000
/** Later than anything. */
const NOW = { us: Number.MAX_SAFE_INTEGER, id: '' }

type Place = NonNullable<TranscriptHits['next']>

export interface SearchWorld {
  readonly prepared: Prepared
  readonly statements: Statements
  readonly codec: Codec
  readonly get: (id: string) => Row | null
  readonly list: (before: Place, limit: number) => readonly Row[]
}

/** What a step looked at: candidates, and where the next step begins (null: there is no more). */
interface Step {
  readonly candidates: Iterable<Row | null>
  readonly next: Place | null
}

export function searchTranscripts(world: SearchWorld, query: TranscriptQuery): TranscriptHits {
  const wanted = wantedOf(query.words)
  const tokens = world.codec.tokensOf(query.customer_id, wordsOf(query.words))
  if (tokens.length === 0) return { rows: [], next: null }
  const { transcribe_id: transcribe, reference_id: reference } = query.where ?? {}
  const byWords = (transcribe ?? reference) == null
  // Hashes of whole words do not lie; pairs of characters may stand apart.
  const isSure = byWords && wanted.parts.length === 0
  const stepFrom = byWords ? ofWords(world, query, tokens) : ofList(world)
  return pageOf(query, stepFrom, (row) => isMeant(row, query) && (isSure || holds(messageOf(row), wanted)))
}

function pageOf(
  query: TranscriptQuery,
  stepFrom: (place: Place) => Step,
  wants: (row: Row) => boolean,
): TranscriptHits {
  const rows: Row[] = []
  let place: Place | null = earlier(query.before ?? NOW, query.to_us === undefined ? NOW : { us: query.to_us, id: '' })
  for (let steps = 0; steps < MOST_STEPS && place; steps++) {
    const step: Step = stepFrom(place)
    for (const row of step.candidates) {
      if (!row || !wants(row)) continue
      if (rows.length === query.limit) return { rows, next: placeOf(rows.at(-1)!) }
      rows.push(row)
    }
    place = step.next && step.next.us < (query.from_us ?? 0) ? null : step.next
  }
  return { rows, next: place }
}

function ofWords(world: SearchWorld, query: TranscriptQuery, tokens: readonly string[]): (place: Place) => Step {
  const { prepared, statements } = world
  const [rarest, ...others] = rarestFirst(world, tokens) as [string, ...string[]]
  const from = query.from_us ?? 0
  return ({ us, id }) => {
    const name = `holders ${others.length}`
    const values = [rarest, us, id, from, STEP, ...others]
    const found = prepared.all(name, () => statements.holders(others.length), values)
    const last = prepared.one('last holder', () => statements.lastHolder(), [rarest, us, id, from, 1, STEP - 1])
    return {
      candidates: lazily(found, (columns) => world.get(String(columns['transcript_id']))),
      next: last ? { us: Number(last['tm_create_us']), id: String(last['transcript_id']) } : null,
    }
  }
}

/** All transcripts of one call or transcribe: they are few, so that their texts are looked at. */
function ofList(world: SearchWorld): (place: Place) => Step {
  return (place) => {
    const rows = world.list(place, LIST_STEP)
    return { candidates: rows, next: rows.length === LIST_STEP ? placeOf(rows.at(-1)!) : null }
  }
}

function rarestFirst({ prepared, statements }: SearchWorld, tokens: readonly string[]): readonly string[] {
  if (tokens.length === 1) return tokens
  const count = (token: string) => prepared.one('count word', () => statements.countWord(), [token, COUNTED])?.['found']
  const counted = tokens.map((token) => ({ token, found: Number(count(token)) }))
  return counted.sort((a, b) => a.found - b.found).map(({ token }) => token)
}

function isMeant(row: Row, query: TranscriptQuery): boolean {
  return (
    row.customer_id === query.customer_id &&
    row.tm_create_us >= (query.from_us ?? 0) &&
    Object.entries(query.where ?? {}).every(([key, value]) => (row.keys[key] ?? null) === value)
  )
}

function* lazily<A, B>(all: Iterable<A>, make: (one: A) => B): Generator<B> {
  for (const one of all) yield make(one)
}

function placeOf(row: Row): Place {
  return { us: row.tm_create_us, id: row.id }
}

function earlier(a: Place, b: Place): Place {
  return a.us < b.us || (a.us === b.us && a.id < b.id) ? a : b
}
