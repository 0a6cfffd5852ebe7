import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Effects } from './effects.ts'
import { Hold } from './hold.ts'

/** Gives a hold its inputs (`+`/`-` hold and unhold, `ok`/`no` the answers in order) and tells what it asked for. */
function play(...inputs: ('+' | '-' | 'ok' | 'no')[]): { isOn: boolean; asked: string[] } {
  const hold = new Hold()
  const fx = new Effects(0, 0, { seq: 0, bornAt: 0 })
  const waiting: boolean[] = []
  for (const input of inputs) {
    if (input === '+' || input === '-') {
      if (hold.set(fx, input === '+')) waiting.push(input === '+')
    } else hold.answered(fx, waiting.shift()!, input === 'ok')
  }
  const asked = fx.outputs.map((one) =>
    one.kind === 'hold' || one.kind === 'holdSound' ? `${one.kind} ${one.on}` : '',
  )
  return { isOn: hold.isOn, asked }
}

const ON = ['holdSound true', 'hold true']
const OFF = ['holdSound false', 'hold false']

test('music at once, and one re-INVITE however often it is asked', () => {
  assert.deepEqual(play('+', '+', 'ok', '+'), { isOn: true, asked: ON })
  assert.deepEqual(play('-'), { isOn: false, asked: [] })
  assert.deepEqual(play('+', 'ok', '-', 'ok'), { isOn: false, asked: [...ON, ...OFF] })
})

test('refused, all is as the phone last agreed to', () => {
  assert.deepEqual(play('+', 'no'), { isOn: false, asked: [...ON, 'holdSound false'] })
  assert.deepEqual(play('+', 'ok', '-', 'no'), { isOn: true, asked: [...ON, ...OFF, 'holdSound true'] })
})

test('of two on their way the later answer decides', () => {
  assert.deepEqual(play('+', '-', 'no', 'ok'), { isOn: false, asked: [...ON, ...OFF] })
  assert.deepEqual(play('+', '-', 'no', 'no'), { isOn: false, asked: [...ON, ...OFF] })
  assert.deepEqual(play('+', '-', 'ok', 'no'), { isOn: true, asked: [...ON, ...OFF, 'holdSound true'] })
  assert.deepEqual(play('+', '-', '+', 'ok', 'ok', 'no'), {
    isOn: false,
    asked: [...ON, ...OFF, ...ON, 'holdSound false'],
  })
})
