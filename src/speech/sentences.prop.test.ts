import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ClauseSplitter, splitClauses } from './sentences.ts'

const seed = 20261121
const WORDS = [
  'Hello',
  'and',
  'table',
  '12',
  '$5.20',
  'Dr.',
  'p.m.',
  'end.',
  'why?',
  'so,',
  '안녕',
  '😀',
  '👩‍👩‍👧',
  '。',
  '3.',
  'million',
  '—',
  '"no."',
  'a@b.co',
]
const BLANKS = [' ', ' ', ' ', '\n', '\n\n', '  ', '\t']
const speech = fc
  .array(fc.tuple(fc.constantFrom(...WORDS), fc.constantFrom(...BLANKS)), { maxLength: 60 })
  .map((pairs) => pairs.flat().join(''))
const anyText = fc.oneof(
  speech,
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
)

test(`joined clauses are the text, and their places are right (seed ${seed})`, () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const clauses = splitClauses(text)
      assert.equal(clauses.map((clause) => clause.text).join(''), text)
      for (const { charStart, charEnd, text: clause } of clauses) assert.equal(text.slice(charStart, charEnd), clause)
    }),
    { seed, numRuns: 400 },
  )
})

test(`no clause is empty or begins or ends inside a code point (seed ${seed})`, () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const clause of splitClauses(text)) {
        assert.notEqual(clause.text, '')
        assert.ok(clause.text.isWellFormed() || !text.isWellFormed())
      }
    }),
    { seed, numRuns: 400 },
  )
})

test(`text that arrives in pieces gives the same clauses (seed ${seed})`, () => {
  fc.assert(
    fc.property(speech, fc.array(fc.nat(), { maxLength: 30 }), (text, cuts) => {
      const splitter = new ClauseSplitter()
      const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b)
      const pieces = [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length))
      const clauses = pieces.flatMap((piece) => splitter.push(piece))
      assert.deepEqual([...clauses, ...splitter.end()], splitClauses(text))
    }),
    { seed, numRuns: 400 },
  )
})

test(`clauses of spoken text are short (seed ${seed})`, () => {
  fc.assert(
    fc.property(speech, (text) => {
      splitClauses(text).forEach((clause, i) => {
        const words = clause.text.match(/\S+/g)?.length ?? 0
        assert.ok(words <= (i === 0 ? 7 : 15), clause.text)
      })
    }),
    { seed, numRuns: 500 },
  )
})
