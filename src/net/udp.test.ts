import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DatagramSocket, Endpoint } from './port.ts'
import { UdpNetwork } from './udp.ts'

const HERE = { address: '127.0.0.1', port: 0 }

/** A socket that keeps what it gets. */
async function open(
  network: UdpNetwork,
): Promise<{ socket: DatagramSocket; next: () => Promise<{ bytes: Uint8Array; from: Endpoint }> }> {
  const waiting: ((got: { bytes: Uint8Array; from: Endpoint }) => void)[] = []
  const kept: { bytes: Uint8Array; from: Endpoint }[] = []
  const socket = await network.bind(HERE, (bytes, from) => {
    const got = { bytes: bytes.slice(), from: { address: from.address, port: from.port } }
    const first = waiting.shift()
    if (first) first(got)
    else kept.push(got)
  })
  const next = (): Promise<{ bytes: Uint8Array; from: Endpoint }> => {
    const got = kept.shift()
    return got ? Promise.resolve(got) : new Promise((resolve) => waiting.push(resolve))
  }
  return { socket, next }
}

test('a datagram arrives with its source, though its buffer was used again at once', async () => {
  const network = new UdpNetwork()
  const a = await open(network)
  const b = await open(network)
  const bytes = Uint8Array.of(1, 2, 3)
  for (let n = 0; n < 20; n++) {
    bytes[0] = n
    a.socket.send(bytes, b.socket.local)
  }
  bytes.fill(99)
  for (let n = 0; n < 20; n++) {
    const got = await b.next()
    assert.deepEqual([...got.bytes], [n, 2, 3])
    assert.deepEqual(got.from, a.socket.local)
  }
  a.socket.close()
  b.socket.close()
  assert.equal(network.errors, 0)
})

test('a taken port is refused with its code', async () => {
  const network = new UdpNetwork()
  const { socket } = await open(network)
  await assert.rejects(
    network.bind(socket.local, () => {}),
    { code: 'EADDRINUSE' },
  )
  socket.close()
})

test('what cannot be sent is counted, and nothing is thrown, not by a closed socket either', async () => {
  const network = new UdpNetwork()
  const { socket } = await open(network)
  const silent = await open(network)
  silent.socket.close()
  socket.send(Uint8Array.of(1), silent.socket.local)
  socket.send(Uint8Array.of(1), { address: '127.0.0.1', port: 0 })
  socket.send(Uint8Array.of(1), { address: 'no address', port: 9 })
  socket.send(new Uint8Array(70_000), silent.socket.local)
  const other = await open(network)
  socket.send(Uint8Array.of(7), other.socket.local)
  assert.deepEqual([...(await other.next()).bytes], [7])
  assert.equal(network.errors, 3)
  socket.close()
  socket.close()
  socket.send(Uint8Array.of(1), other.socket.local)
  other.socket.close()
})
