import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counted, inWords } from './numbers.ts'

test('numbers are said as a person says them', () => {
  const cases: [number, string][] = [
    [0, 'zero'],
    [13, 'thirteen'],
    [20, 'twenty'],
    [42.4, 'forty two'],
    [99.6, 'one hundred'],
    [420, 'four hundred and twenty'],
    [1_000, 'one thousand'],
    [1_005, 'one thousand and five'],
    [12_345, 'twelve thousand three hundred and forty five'],
    [-3, 'zero'],
    [5_000_000, 'nine hundred and ninety nine thousand nine hundred and ninety nine'],
  ]
  for (const [value, words] of cases) assert.equal(inWords(value), words)
  assert.equal(counted(1, 'turn', 'turns'), 'one turn')
  assert.equal(counted(2, 'turn', 'turns'), 'two turns')
})
