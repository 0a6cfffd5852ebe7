/** The phone over real sockets and a real clock: two of them talk to each other on loopback. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RealClock } from '../../src/drivers/real-clock.ts'
import { UdpNetwork } from '../../src/net/udp.ts'
import { Phone } from '../../src/phone/user-agent.ts'

const HERE = '127.0.0.1'

test('two phones on loopback: call, speech on the grid, keys, hang-up', { timeout: 20_000 }, async () => {
  const clock = new RealClock()
  const network = new UdpNetwork()
  const common = { network, clock, localAddress: HERE }
  const nowhere = { address: HERE, port: 9 }
  const b = await Phone.open({ ...common, server: nowhere, user: 'b', seed: 'b', autoAnswer: true })
  const a = await Phone.open({ ...common, server: b.local, user: 'a', seed: 'a' })
  const arrivals: number[] = []
  const digits: string[] = []
  const sums = { sent: 0, heard: 0 }
  b.onIncoming = (call) => {
    call.onDigit = (digit) => digits.push(digit)
    call.onFrame = (pcm8k, { at }) => {
      arrivals.push(at)
      for (const sample of pcm8k) sums.heard += Math.abs(sample)
    }
  }
  const call = await a.call('b')
  await call.answered
  const tone = Int16Array.from({ length: 8_000 }, (_, i) => Math.round(6_000 * Math.sin(i / 3)))
  for (const sample of tone) sums.sent += Math.abs(sample)
  const { firstAt, lastAt } = await call.speak(tone)
  assert.ok(Math.abs(lastAt - firstAt - 980) < 60, `speech took ${lastAt - firstAt} ms`)
  call.press('5')
  call.press('#')
  await call.speak(new Int16Array(160))
  call.hangup()
  assert.deepEqual(await call.ended, { cause: 'local', code: 200 })
  await Promise.all([a.close(), b.close()])
  await b.close()

  assert.equal(digits.join(''), '5#')
  assert.ok(Math.abs(sums.heard / sums.sent - 1) < 0.01, 'the tone arrived whole')
  const last = arrivals.at(-1)!
  const drift = last - arrivals[0]!
  assert.ok(arrivals.length > 50 && drift > 900, `${arrivals.length} frames in ${drift} ms`)
})
