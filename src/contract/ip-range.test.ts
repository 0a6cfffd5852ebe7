import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressBytes, isWithinRange, parseRange } from './ip-range.ts'

const within = (address: string, range: string): boolean => isWithinRange(addressBytes(address)!, parseRange(range)!)

test('addresses are within the networks that hold them, in every way of writing them', () => {
  const table: readonly (readonly [address: string, range: string, is: boolean])[] = [
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.2', '192.0.2.1', false],
    ['192.0.2.255', '192.0.2.0/24', true],
    ['192.0.3.0', '192.0.2.0/24', false],
    ['192.0.2.127', '192.0.2.0/25', true],
    ['192.0.2.128', '192.0.2.0/25', false],
    ['10.255.0.1', '10.0.0.0/8', true],
    ['::ffff:192.0.2.1', '192.0.2.0/24', true],
    ['192.0.2.1', '::ffff:192.0.2.0/120', true],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['[2001:db8::1]', '2001:db8::/64', true],
    ['fe80::1%eth0', 'fe80::/16', true],
    ['::1', '::1', true],
  ]
  for (const [address, range, is] of table) assert.equal(within(address, range), is, `${address} ${range}`)
})

test('what is no address or network is refused, and so is a network of half the world', () => {
  const bad = [
    '',
    'x',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/x',
    '0.0.0.0/0',
    '10.0.0.0/7',
    '::/0',
    '::/16',
    '::ffff:0:0/96',
    '2000::/15',
  ]
  for (const text of [
    ...bad,
    '1::2::3',
    ':1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::1/129',
    '1.2.3.4/24/1',
    'carrier.example',
  ]) {
    assert.equal(parseRange(text), null, text)
  }
})
