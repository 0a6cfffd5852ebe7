import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DtmfReceiver, DtmfSender, END_PACKETS, type Press } from './dtmf.ts'

function event(code: number, isEnd: boolean, duration: number): Uint8Array {
  return Uint8Array.of(code, (isEnd ? 0x80 : 0) | 10, duration >> 8, duration & 0xff)
}

function receive(receiver: DtmfReceiver, rtpTime: number, payload: Uint8Array): Press | null {
  return receiver.receive(rtpTime, payload, 0, payload.length)
}

test('a press is told once, at its end, however many end packets come', () => {
  const receiver = new DtmfReceiver()
  assert.equal(receive(receiver, 1_000, event(5, false, 160)), null)
  assert.equal(receive(receiver, 1_000, event(5, false, 320)), null)
  assert.deepEqual(receive(receiver, 1_000, event(5, true, 480)), { digit: '5', durationSamples: 480 })
  assert.equal(receive(receiver, 1_000, event(5, true, 480)), null)
  assert.equal(receive(receiver, 1_000, event(5, true, 480)), null)
})

test('one packet of a press is enough', () => {
  assert.deepEqual(receive(new DtmfReceiver(), 0, event(0, true, 800)), { digit: '0', durationSamples: 800 })
})

test('a press whose end packets were lost is told by the next press, and can be ended', () => {
  const receiver = new DtmfReceiver()
  receive(receiver, 0, event(1, false, 320))
  assert.deepEqual(receive(receiver, 4_000, event(2, false, 160)), { digit: '1', durationSamples: 320 })
  assert.ok(receiver.isOpen)
  assert.deepEqual(receiver.end(), { digit: '2', durationSamples: 160 })
  assert.equal(receiver.end(), null)
})

test('the same key twice is two presses, by their timestamps, also over the wrap', () => {
  const receiver = new DtmfReceiver()
  assert.ok(receive(receiver, 0xffff_ff00, event(11, true, 800)))
  assert.deepEqual(receive(receiver, 0x400, event(11, true, 800)), { digit: '#', durationSamples: 800 })
  assert.equal(receive(receiver, 0xffff_ff00, event(11, true, 800)), null)
})

test('events that are no keys, and packets too short, are ignored', () => {
  const receiver = new DtmfReceiver()
  assert.equal(receive(receiver, 0, event(16, true, 800)), null)
  assert.equal(receive(receiver, 0, Uint8Array.of(1, 0x80)), null)
  assert.equal(receive(receiver, 0, new Uint8Array(0)), null)
})

test('every key sent is received, whichever two of three packets are lost', () => {
  const keys = '1234567890*#ABCD'
  for (let kept = 0; kept < 3; kept++) {
    const sender = new DtmfSender(160)
    const receiver = new DtmfReceiver()
    sender.press(keys, 100, 60, 20)
    let heard = ''
    const payload = new Uint8Array(4)
    for (let frame = 0; sender.isBusy; frame++) {
      const step = sender.next(
        0xffff_f000 + frame * 160 > 0xffff_ffff ? frame * 160 - 0x1000 : 0xffff_f000 + frame * 160,
        payload,
        0,
      )
      if (step.kind === 'event' && frame % 3 === kept) heard += receive(receiver, step.rtpTime, payload)?.digit ?? ''
    }
    heard += receiver.end()?.digit ?? ''
    assert.equal(heard, keys)
  }
})

test('a press grows in duration under one timestamp and ends with its end packet three times', () => {
  const sender = new DtmfSender(160)
  sender.press('7', 80, 40, 20)
  const payload = new Uint8Array(4)
  const sent: { rtpTime: number; isFirst: boolean; isEnd: boolean; duration: number }[] = []
  let gaps = 0
  for (let frame = 0; sender.isBusy; frame++) {
    const step = sender.next(5_000 + frame * 160, payload, 0)
    if (step.kind === 'gap') gaps++
    else
      sent.push({
        rtpTime: step.rtpTime,
        isFirst: step.isFirst,
        isEnd: payload[1]! >= 0x80,
        duration: (payload[2]! << 8) | payload[3]!,
      })
  }
  assert.deepEqual(
    sent.map(({ duration }) => duration),
    [160, 320, 480, 640, 640, 640],
  )
  assert.deepEqual(
    sent.map(({ isEnd }) => isEnd),
    [false, false, false, true, true, true],
  )
  assert.equal(sent.filter(({ isEnd }) => isEnd).length, END_PACKETS)
  assert.ok(sent.every(({ rtpTime }) => rtpTime === 5_000))
  assert.deepEqual(
    sent.map(({ isFirst }) => isFirst),
    [true, false, false, false, false, false],
  )
  assert.equal(gaps, 2)
})
