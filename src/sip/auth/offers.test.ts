import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALGORITHMS } from './guard.ts'
import { MOST_UNANSWERED, Offers } from './offers.ts'

const MD5 = ['MD5']

test('everybody is offered everything, again and again while they answer', () => {
  const offers = new Offers(ALGORITHMS)
  for (let n = 0; n < 3; n++) {
    assert.deepEqual(offers.next('a|bob', 'Phone 1', false), ALGORITHMS)
    assert.deepEqual(offers.next('a|bob', 'Phone 1', true), ALGORITHMS)
  }
})

test('who comes again without an answer is offered MD5 alone; others are not', () => {
  const offers = new Offers(ALGORITHMS)
  assert.deepEqual(offers.next('a|bob', 'Phone 1', false), ALGORITHMS)
  assert.deepEqual(offers.next('a|bob', 'Phone 1', false), MD5)
  assert.deepEqual(offers.next('a|bob', 'Phone 1', false), MD5)
  assert.deepEqual(offers.next('b|bob', 'Phone 1', false), ALGORITHMS)
})

test('a phone known to stumble is offered MD5 at once', () => {
  const offers = new Offers(ALGORITHMS)
  assert.deepEqual(offers.next('a|bob', 'baresip v1.0.0 (x86_64/linux)', false), MD5)
  assert.deepEqual(offers.next('a|tool', '', false), MD5)
  assert.deepEqual(offers.next('a|eve', 'baresip v4.2.0 (x86_64/linux)', false), ALGORITHMS)
})

test('where MD5 is switched off nobody is offered it', () => {
  const offers = new Offers(['SHA-256'])
  for (let n = 0; n < 3; n++) assert.deepEqual(offers.next('a|bob', 'baresip v1.0.0', false), ['SHA-256'])
})

test('it remembers so many', () => {
  const offers = new Offers(ALGORITHMS)
  for (let n = 0; n <= MOST_UNANSWERED; n++) offers.next(`${n}`, 'Phone 1', false)
  assert.deepEqual(offers.next('0', 'Phone 1', false), ALGORITHMS)
  assert.deepEqual(offers.next(`${MOST_UNANSWERED}`, 'Phone 1', false), MD5)
})
