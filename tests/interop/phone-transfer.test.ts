/** Transfers that a phone asks for by REFER, and keys that it sends by INFO, with real phones. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { callFrom } from './calls.ts'
import { voicedMs } from './lines.ts'
import { MAKES } from './phones/phone.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const SENTENCE = 'what are your opening hours'
const ANSWERED = '+899300340'

let world: World

before(async () => {
  world = await openWorld({ rtpPorts: '26500-26598', lines: [SENTENCE] })
  await world.number(ANSWERED, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
})

after(() => world.close())

const callTo = (user: string, type: string): Promise<Doc> =>
  world.event(type, ({ destination, direction }) => direction === 'outgoing' && (destination as Doc)['target'] === user)

for (const make of MAKES) {
  const options = { skip: make.skip, timeout: 90_000 }
  const other = MAKES.find(({ name, skip }) => name === 'baresip' && skip === false) ?? make

  test(
    `${make.name} transfers its caller to another phone, and is hung up when that one answers`,
    options,
    async () => {
      const [caller, middle, target] = ['caller', 'middle', 'target'].map((role) => `${role}-${make.name}`) as [
        string,
        string,
        string,
      ]
      for (const user of [caller, middle, target]) await world.extension(user)
      const x = await world.phone(other, caller)
      const a = await world.phone(make, middle)
      const b = await world.phone(other, target)
      x.call(middle)
      await until('the phone in the middle to ring', () => a.state === 'ringing')
      a.answer()
      const { id: middleCall } = await callTo(middle, 'call_progressing')
      const isBridged = ({ id, metadata }: Doc): boolean => id === middleCall && 'bridged_call_id' in (metadata as Doc)
      await world.event('call_updated', isBridged)
      a.transfer(target)
      await until('the target to ring', () => b.state === 'ringing').catch((cause: Error) => {
        throw new Error(`${cause.message}\n${a.words.slice(-4_000)}`)
      })
      b.answer()
      await callTo(target, 'call_progressing')
      const { hangup_reason: reason } = await world.event('call_hangup', ({ id }) => id === middleCall)
      assert.equal(reason, 'normal')
      await until('the phone in the middle to be free', () => a.state === 'idle')
      const before = voicedMs(b.heard())
      x.say(world.lines.of(SENTENCE))
      await until('the target to hear the caller', () => voicedMs(b.heard()) > before + 500)
      assert.equal(x.state, 'up')
      x.hangup()
      await until('the target to be hung up', () => b.state === 'idle')
      await callFrom(world, caller, 'call_hangup')
    },
  )

  test(`a key that ${make.name} sends by INFO is a key of its call`, options, async () => {
    const user = `info-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user, { keysByInfo: true })
    phone.call(ANSWERED)
    const { id } = await callFrom(world, user).catch((cause: Error) => {
      throw new Error(`${cause.message}\n${phone.words.slice(-2_000)}`)
    })
    await until('the phone to be connected', () => phone.state === 'up')
    phone.press('5')
    const { digit } = await world.event('dtmf_received', ({ call_id }) => call_id === id)
    assert.equal(digit, '5')
    phone.hangup()
    await world.event('call_hangup', (doc) => doc['id'] === id)
    assert.equal(world.events.filter(({ type, data }) => type === 'dtmf_received' && data['call_id'] === id).length, 1)
  })
}
