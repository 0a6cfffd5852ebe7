import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { MemoryNetwork } from '../net/memory.ts'
import { SipTransports } from './sip-transports.ts'

const SERVER = { address: '192.0.2.1', port: 5_060 }
const PHONE = { address: '198.51.100.7', port: 40_000 }
const QUESTION = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex')

test('a phone that asks on the port of SIP learns its address, and SIP hears nothing of it', async () => {
  const clock = new VirtualClock(0)
  const network = new MemoryNetwork(clock, new SeededRandom('stun door'))
  const received: string[] = []
  const transports = new SipTransports({
    network,
    clock,
    bindAddress: SERVER.address,
    port: SERVER.port,
    onReceived: (_flow, bytes) => received.push(Buffer.from(bytes).toString()),
    onFailed: () => {},
  })
  await transports.open()
  const answers: Uint8Array[] = []
  const phone = await network.bind(PHONE, (bytes) => answers.push(bytes.slice()))
  phone.send(QUESTION, SERVER)
  phone.send(Buffer.from('\r\n\r\n'), SERVER)
  clock.advanceTo(100)
  assert.deepEqual(received, ['\r\n\r\n'])
  assert.equal(answers.length, 1)
  const [answer] = answers
  assert.equal(answer!.length, 32)
  assert.deepEqual([answer![0], answer![1]], [1, 1])
  assert.equal(((answer![26]! << 8) | answer![27]!) ^ 0x2112, PHONE.port)
  transports.close()
})
