import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutNumber } from './privacy.ts'

const doc = {
  id: '00000000-0000-4000-8000-000000000100',
  tm_create: '2026-01-15T09:30:00.100000Z',
  source: { type: 'tel', target: '100', target_name: 'Kim', name: 'k', detail: '' },
  destinations: [{ type: 'tel', target: '1001', target_name: 'Lee', name: '', detail: '' }],
  metadata: { uri: 'sip:100@example.com', note: 'room 1000' },
}

test('a number goes from addresses and texts, with the name beside it; ids, times and longer numbers stay', () => {
  assert.deepEqual(withoutNumber(doc, '100'), {
    ...doc,
    source: { type: 'tel', target: '', target_name: '', name: '', detail: '' },
    metadata: { uri: '', note: 'room 1000' },
  })
})

test('without a number every address is blanked and nothing else', () => {
  const blank = { type: 'tel', target: '', target_name: '', name: '', detail: '' }
  assert.deepEqual(withoutNumber(doc, null), { ...doc, source: blank, destinations: [blank] })
})
