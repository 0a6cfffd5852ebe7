import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressTowards } from './own-address.ts'

const interfaces = () => ({
  lo: [
    {
      address: '127.0.0.1',
      netmask: '255.0.0.0',
      family: 'IPv4' as const,
      mac: '',
      internal: true,
      cidr: '127.0.0.1/8',
    },
  ],
  wan: [
    {
      address: '203.0.113.9',
      netmask: '255.255.255.0',
      family: 'IPv4' as const,
      mac: '',
      internal: false,
      cidr: '203.0.113.9/24',
    },
  ],
  lan: [
    {
      address: '192.168.4.2',
      netmask: '255.255.255.0',
      family: 'IPv4' as const,
      mac: '',
      internal: false,
      cidr: '192.168.4.2/24',
    },
  ],
})

test('a phone is told the address of its own network', () => {
  const options = { bindAddress: '0.0.0.0', publicAddress: null, interfaces }
  assert.equal(addressTowards('192.168.4.77', options), '192.168.4.2')
  assert.equal(addressTowards('198.51.100.3', options), '203.0.113.9')
  assert.equal(addressTowards('127.0.0.1', options), '127.0.0.1')
})

test('the address the operator set wins, but not on loopback', () => {
  const options = { bindAddress: '0.0.0.0', publicAddress: '198.51.100.1', interfaces }
  assert.equal(addressTowards('192.168.4.77', options), '198.51.100.1')
  assert.equal(addressTowards('127.0.0.1', options), '127.0.0.1')
  assert.equal(
    addressTowards('192.168.4.77', { ...options, bindAddress: '192.168.4.2', publicAddress: null }),
    '192.168.4.2',
  )
})

test('each family is told its own address', () => {
  const six = {
    address: '2001:db8::9',
    netmask: 'ffff:ffff:ffff:ffff::',
    family: 'IPv6' as const,
    mac: '',
    internal: false,
    cidr: '2001:db8::9/64',
    scopeid: 0,
  }
  const both = { bindAddress: '::', publicAddress: null, interfaces: () => ({ ...interfaces(), wan6: [six] }) }
  assert.equal(addressTowards('2001:db8:1::77', both), '2001:db8::9')
  assert.equal(addressTowards('198.51.100.3', both), '203.0.113.9')
  assert.equal(addressTowards('::1', both), '::1')
  const behind = { ...both, publicAddress: '198.51.100.1' }
  assert.equal(addressTowards('192.0.2.7', behind), '198.51.100.1')
  assert.equal(addressTowards('2001:db8:1::77', behind), '2001:db8::9')
})
