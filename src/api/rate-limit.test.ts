import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../contract/errors.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { ApiRates } from './rate-limit.ts'

const wrong = async (): Promise<null> => null
const right = async (): Promise<string> => 'agent'

/** 'right', 'wrong' or 'too many'. */
async function outcome(asked: Promise<string | null>): Promise<string> {
  try {
    return (await asked) === null ? 'wrong' : 'right'
  } catch (cause) {
    if (cause instanceof AppError && cause.code === 'RATE_LIMIT_EXCEEDED') return 'too many'
    throw cause
  }
}

function passes(take: () => void): boolean {
  try {
    take()
    return true
  } catch {
    return false
  }
}

test('guesses that are asked at the same time do not pass together', async () => {
  const rates = new ApiRates(new VirtualClock())
  const asked = Array.from({ length: 50 }, (_, i) => outcome(rates.signIn(`203.0.113.${i}`, 'alice', wrong)))
  const answers = await Promise.all(asked)
  assert.equal(answers.filter((one) => one === 'wrong').length, 10)
  assert.equal(answers.filter((one) => one === 'too many').length, 40)
})

test('right passwords never use up what wrong ones may', async () => {
  const clock = new VirtualClock()
  const rates = new ApiRates(clock)
  for (let i = 0; i < 25; i++) assert.equal(await outcome(rates.signIn('203.0.113.1', 'alice', right)), 'right')
  for (let i = 0; i < 10; i++)
    assert.equal(await outcome(rates.signIn(`203.0.113.${10 + i}`, 'Alice ', wrong)), 'wrong')
  assert.equal(await outcome(rates.signIn('203.0.113.30', 'alice', right)), 'too many')
  assert.equal(await outcome(rates.signIn('203.0.113.1', 'alice', right)), 'right', 'known from before')
  clock.advanceTo(clock.now() + 60_000)
  assert.equal(await outcome(rates.signIn('203.0.113.30', 'alice', right)), 'right')
})

test('one address signs in thirty times a minute; its neighbours in IPv6 count as it', async () => {
  const rates = new ApiRates(new VirtualClock())
  const login = (address: string, i: number) => outcome(rates.signIn(address, `nobody ${i}`, wrong))
  for (let i = 0; i < 30; i++) assert.equal(await login(`2001:db8::${i}`, i), 'wrong')
  assert.equal(await login('2001:db8:0:0:1:2:3:4', 30), 'too many')
  assert.equal(await login('2001:DB8::1%eth0', 30), 'too many')
  assert.equal(await login('2001:db8:0:1::1', 31), 'wrong')
})

test('one address signs up ten times an hour, and this machine as often as a test may', () => {
  const clock = new VirtualClock()
  const rates = new ApiRates(clock)
  const signUp = (address: string) => passes(() => rates.signUp(address))
  for (let i = 0; i < 10; i++) assert.equal(signUp('203.0.113.5'), true)
  assert.equal(signUp('203.0.113.5'), false)
  assert.equal(signUp('::ffff:203.0.113.5'), false)
  assert.equal(signUp('203.0.113.6'), true)
  for (let i = 0; i < 1_000; i++) assert.equal(signUp('127.0.0.1'), true)
  assert.equal(signUp('127.0.0.1'), false)
  clock.advanceTo(clock.now() + 3_600_000)
  assert.equal(signUp('203.0.113.5'), true)
})

test('what silences or ends a call is never counted', () => {
  const rates = new ApiRates(new VirtualClock(), 1)
  for (const route of ['/v1.0/speakings/:id/say', '/v1.0/speakings/:id/flush', '/v1.0/calls/:id/hangup']) {
    for (let i = 0; i < 10; i++)
      assert.equal(
        passes(() => rates.request('c', route)),
        true,
      )
  }
  assert.equal(
    passes(() => rates.request('c', '/v1.0/calls')),
    true,
  )
  assert.equal(
    passes(() => rates.request('c', '/v1.0/calls')),
    false,
  )
  assert.equal(
    passes(() => rates.request('d', '/v1.0/calls')),
    true,
  )
})
