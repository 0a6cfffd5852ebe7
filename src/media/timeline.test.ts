import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Timeline } from './timeline.ts'

test('packets that follow one another leave no gap, also over the wrap of RTP time', () => {
  const timeline = new Timeline(8_000)
  let rtpTime = 0xffff_ff00
  for (let n = 0; n < 10; n++) {
    assert.equal(timeline.place(rtpTime, 160, n * 20), 0)
    rtpTime = (rtpTime + 160) >>> 0
  }
})

test('a pause of the sender is a gap of its length, less what was filled in meanwhile', () => {
  const timeline = new Timeline(8_000)
  timeline.place(0, 160, 0)
  assert.equal(timeline.place(160 + 8_000, 160, 1_020), 8_000)
  timeline.fill(160)
  timeline.fill(160)
  assert.equal(timeline.place(160 + 8_000 + 160 + 800, 160, 1_140), 480)
})

test('packets that were only late are taken back from the next pause', () => {
  const timeline = new Timeline(8_000)
  timeline.place(0, 160, 0)
  timeline.fill(1_600)
  assert.equal(timeline.place(160, 160, 220), 0)
  assert.equal(timeline.place(320, 160, 220), 0)
  assert.equal(timeline.place(480 + 800, 160, 320), 0)
  assert.equal(timeline.place(480 + 960 + 1_600, 160, 520), 800)
})

test('a clock of the sender that jumps back, or further than time can have passed, starts anew', () => {
  const timeline = new Timeline(8_000)
  timeline.place(1_000_000, 160, 0)
  assert.equal(timeline.place(5_000, 160, 20), 0)
  assert.equal(timeline.place(5_160, 160, 40), 0)
  assert.equal(timeline.place(2_000_000_000, 160, 60), 0)
  timeline.restart()
  assert.equal(timeline.place(2_000_000_000 + 4_000, 160, 80), 0)
})
