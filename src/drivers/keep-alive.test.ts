import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../kernel/clock.ts'
import type { Contact } from '../sip/types.ts'
import { KeepAlive, MOST_AT_ONCE } from './keep-alive.ts'

function contact(uri: string, more: Partial<Contact> = {}, address = '203.0.113.7', port = 40_001): Contact {
  const local = { address: '192.0.2.1', port: 5060 }
  const flow = { transport: 'udp', local, remote: { address, port }, connection: '' } as const
  return { uri, flow, expiresAt: 1e9, sipCallId: 'x', cseq: 1, userAgent: '', ...more }
}

function world() {
  const clock = new VirtualClock(0)
  const pinged: string[] = []
  const keepAlive = new KeepAlive(clock, ({ uri }) => pinged.push(`${Math.round(clock.now() / 1_000)} ${uri}`))
  return { clock, pinged, keepAlive }
}

test('a contact behind NAT is pinged every 30 s, others never', () => {
  const { clock, pinged, keepAlive } = world()
  const nat = contact('sip:nat@192.168.1.5')
  keepAlive.set('ext', [
    nat,
    contact('sip:open@203.0.113.7:40001'),
    contact('sip:proxied@192.168.1.5', { path: ['<sip:p;lr>'] }),
    contact('sip:tcp@192.168.1.5', { flow: { ...nat.flow, transport: 'tcp', connection: 'c1' } }),
  ])
  clock.advanceTo(95_000)
  assert.deepEqual(pinged, ['30 sip:nat@192.168.1.5', '60 sip:nat@192.168.1.5', '90 sip:nat@192.168.1.5'])
})

test('a refresh does not put it off, and without contacts there is no timer', () => {
  const { clock, pinged, keepAlive } = world()
  for (let n = 0; n < 5; n++) {
    keepAlive.set('ext', [contact('sip:nat@192.168.1.5', { expiresAt: n })])
    clock.advanceTo(clock.now() + 10_000)
  }
  assert.equal(pinged.length, 1)
  keepAlive.set('ext', [])
  clock.advanceTo(clock.now() + 2_000)
  assert.deepEqual([clock.pending(), keepAlive.count], [0, 0])
})

test('many that are due at once are spread, and each still comes', () => {
  const { clock, pinged, keepAlive } = world()
  const many = 5 * MOST_AT_ONCE
  for (let n = 0; n < many; n++) keepAlive.set(`ext${n}`, [contact(`sip:${n}@192.168.1.5`)])
  clock.advanceTo(31_500)
  assert.ok(pinged.length <= 2 * MOST_AT_ONCE, `${pinged.length}`)
  clock.advanceTo(59_000)
  assert.equal(new Set(pinged.map((one) => one.split(' ')[1])).size, many)
  keepAlive.close()
  assert.equal(clock.pending(), 0)
})
