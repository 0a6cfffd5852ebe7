import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutMarkup } from './markup.ts'

test('plain text is left alone, also with an angle bracket or an ampersand', () => {
  for (const text of ['if a < b and c > d', 'Tom &amp; Jerry', '<3 you']) assert.equal(withoutMarkup(text), text)
})

test('SSML keeps its length and its words keep their places', () => {
  const text = '<speak>Hi <break time="1s"/> Tom &amp; <prosody rate="slow">you</prosody></speak>'
  const plain = withoutMarkup(text)
  assert.equal(plain.length, text.length)
  for (const word of ['Hi', 'Tom', 'you']) assert.equal(plain.indexOf(word), text.indexOf(word))
  assert.equal(plain.replace(/\s+/g, ' ').trim(), 'Hi , Tom & you')
})
