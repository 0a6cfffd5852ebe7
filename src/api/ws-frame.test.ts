import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as ws from 'ws'
import { textFrame } from './ws-frame.ts'

test('a frame is what the library would send, at every length of its head', () => {
  const make = (ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } }).Sender.frame
  for (const text of [
    '',
    'a',
    'x'.repeat(125),
    'x'.repeat(126),
    '안녕 😀',
    'é'.repeat(32_767),
    'é'.repeat(32_768),
    'y'.repeat(70_000),
  ]) {
    const options = { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false }
    assert.deepEqual(textFrame(text), Buffer.concat(make(Buffer.from(text), options)))
  }
})
