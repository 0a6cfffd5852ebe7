import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../kernel/clock.ts'
import { NOTHING_HEARD_MS, OneWayWatch } from './one-way.ts'

const OURS = { address: '203.0.113.5', port: 10_000 }
const THEIRS = { address: '10.0.0.7', port: 4_000 }

function world() {
  const clock = new VirtualClock(0)
  const warned: Record<string, unknown>[] = []
  const told: string[] = []
  const quiet = () => {}
  const log = { debug: quiet, info: quiet, error: quiet, warn: (fields: object) => warned.push({ ...fields }) }
  const watch = new OneWayWatch({ clock, log: log as never, onOneWay: (callId) => told.push(callId) })
  const wait = () => clock.advanceTo(clock.now() + NOTHING_HEARD_MS)
  return { clock, warned, told, watch, wait }
}

test('an answered call of which nothing comes is told once, with the address that was advertised', () => {
  const { warned, told, watch, wait } = world()
  watch.started('a', THEIRS, true)
  watch.answered('a', OURS)
  wait()
  wait()
  assert.deepEqual(told, ['a'])
  assert.equal(warned[0]!['advertised_port'], 10_000)
  assert.equal(warned[0]!['remote_address'], '10.0.0.7')
  watch.over('a')
  assert.equal(watch.size, 0)
})

test('nothing is said of a call that is heard, held, not answered, or over', () => {
  const { told, watch, wait } = world()
  watch.started('heard', THEIRS, true)
  watch.answered('heard', OURS)
  watch.heard('heard')
  watch.started('early', THEIRS, true)
  watch.heard('early')
  watch.answered('early', OURS)
  watch.started('held', THEIRS, true)
  watch.answered('held', OURS)
  watch.started('held', THEIRS, false)
  watch.started('rings', THEIRS, true)
  watch.started('over', THEIRS, true)
  watch.answered('over', OURS)
  watch.over('over')
  wait()
  assert.deepEqual(told, [])
})
