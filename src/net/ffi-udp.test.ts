import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { openFfiNetwork, type PolledNetwork } from './ffi-udp.ts'
import type { Endpoint } from './port.ts'
import { readAddress, writeAddress } from './socket-address.ts'

const network: PolledNetwork | null = await openFfiNetwork()
const skip = network ? false : 'the C library cannot be called by this Node'

test('addresses go to the kernel and come back as they were', () => {
  for (const address of [
    '127.0.0.1',
    '203.0.113.255',
    '::1',
    '::',
    '2001:db8::1',
    '2001:db8:0:1::',
    'fe80::1:2:3:4',
    '::ffff:192.0.2.1',
    '1:2:3:4:5:6:7:8',
    '1:0:3:4:5:6:7:8',
  ]) {
    const bytes = Buffer.from(writeAddress({ address, port: 40_001 }))
    assert.deepEqual(readAddress(bytes), { address, port: 40_001 }, address)
  }
})

test('it speaks with an ordinary socket, both families', { skip }, async () => {
  for (const address of ['127.0.0.1', '::1']) {
    const got: { text: string; from: Endpoint }[] = []
    const ours = await network!.bind({ address, port: 0 }, (bytes, from) =>
      got.push({ text: String(Buffer.from(bytes)), from }),
    )
    const theirs = createSocket(address === '::1' ? 'udp6' : 'udp4')
    theirs.bind(0, address)
    await once(theirs, 'listening')
    theirs.send('to you', ours.local.port, address)
    while (got.length === 0) {
      await new Promise((resolve) => setImmediate(resolve))
      network!.poll()
    }
    assert.deepEqual(got, [{ text: 'to you', from: { address, port: theirs.address().port } }])
    ours.send(Buffer.from('and to you'), got[0]!.from)
    const [bytes, from] = await once(theirs, 'message')
    assert.deepEqual([String(bytes), from.address, from.port], ['and to you', address, ours.local.port])
    ours.close()
    ours.close()
    ours.send(Buffer.from('too late'), got[0]!.from)
    theirs.close()
  }
})

test('a socket for both families shows IPv4 as it is', { skip }, async () => {
  const got: Endpoint[] = []
  const both = await network!.bind({ address: '::', port: 0 }, (_bytes, from) => got.push(from))
  const four = await network!.bind({ address: '127.0.0.1', port: 0 }, () => got.push({ address: 'back', port: 0 }))
  four.send(new Uint8Array(3), { address: '127.0.0.1', port: both.local.port })
  network!.poll()
  assert.deepEqual(got, [{ address: '127.0.0.1', port: four.local.port }])
  both.send(new Uint8Array(3), got[0]!)
  network!.poll()
  assert.equal(got.at(-1)?.address, 'back')
  for (const one of [both, four]) one.close()
})

test('a taken port and an address that is not ours are refused by name; many datagrams all come', {
  skip,
}, async () => {
  let bytes = 0
  const one = await network!.bind({ address: '127.0.0.1', port: 0 }, (got) => {
    bytes += got.length
  })
  await assert.rejects(
    network!.bind(one.local, () => {}),
    { code: 'EADDRINUSE' },
  )
  await assert.rejects(
    network!.bind({ address: '203.0.113.77', port: 0 }, () => {}),
    { code: 'EADDRNOTAVAIL' },
  )
  for (let i = 0; i < 10; i++) one.send(new Uint8Array(100 + i), one.local)
  network!.poll()
  assert.equal(bytes, 1_045)
  one.close()
})
