import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, Link, openDoor, type Station } from '../link.fixture.ts'
import type { Flow } from '../types.ts'

const LARGE = 'a=x\r\n'.repeat(400)

function world(growsToTcp: boolean): { link: Link; alice: Station; bob: Station; flow: Flow } {
  const link = new Link('large')
  const alice = link.add('10.0.0.1')
  const bob = link.add('10.0.0.2')
  bob.onOutput = openDoor(bob)
  return { link, alice, bob, flow: { ...alice.flowTo(bob), ...(growsToTcp ? { growsToTcp } : {}) } }
}

function call({ alice, bob, flow }: ReturnType<typeof world>, body: string): void {
  alice.invite('leg', [bob], { body, targets: [{ flow, requestUri: 'sip:bob@10.0.0.2' }] })
}

const transports = (link: Link): string[] =>
  link.wire
    .filter(({ text, from }) => text.startsWith('INVITE') && from.startsWith('10.0.0.1'))
    .map(({ text }) => (headerOf(text, 'Via') ?? '').split(' ')[0]!)

test('a request over 1300 octets goes by TCP where the target allows, a small one by UDP', () => {
  const large = world(true)
  call(large, LARGE)
  assert.deepEqual(transports(large.link), ['SIP/2.0/TCP'])
  const small = world(true)
  call(small, 'v=0')
  assert.deepEqual(transports(small.link), ['SIP/2.0/UDP'])
  const told = world(false)
  call(told, LARGE)
  assert.deepEqual(transports(told.link), ['SIP/2.0/UDP'])
})

test('refused by TCP it goes by UDP after all, and its answer counts', () => {
  const place = world(true)
  const { link, alice, bob, flow } = place
  link.swallows = (text) => text.includes('SIP/2.0/TCP')
  call(place, LARGE)
  alice.feed({ kind: 'transportFailed', flow: { ...flow, transport: 'tcp' }, why: 'refused' })
  assert.deepEqual(transports(link), ['SIP/2.0/TCP', 'SIP/2.0/UDP'])
  link.run(10)
  const [incoming] = bob.tales('incoming')
  bob.feed({ kind: 'accept', leg: incoming!.leg, body: 'answer' })
  link.run(10)
  assert.deepEqual(
    alice.tales('answered').map(({ body }) => body),
    ['answer'],
  )
  assert.equal(alice.tales('failed').length, 0)
})

test('a CANCEL follows its INVITE to the transport it went by', () => {
  const place = world(true)
  const { link, alice, bob } = place
  call(place, LARGE)
  link.run(10)
  bob.feed({ kind: 'ring', leg: bob.tales('incoming')[0]!.leg, body: null })
  link.run(10)
  alice.feed({ kind: 'cancel', leg: 'leg' })
  const cancel = link.wire.find(({ text }) => text.startsWith('CANCEL'))
  assert.match(headerOf(cancel!.text, 'Via') ?? '', /^SIP\/2\.0\/TCP /)
})
