/** Encrypted sound with real phones: keys in SDP (SDES), asked for by them and by us, kept over hold, bridged to a phone without. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { callFrom, plain, transcriptsOf } from './calls.ts'
import { voicedMs } from './lines.ts'
import { MAKES } from './phones/phone.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const LISTENING = '+899300710'
const BRIDGING = '+899300711'
const SENTENCE = 'what are your opening hours'
const SPEECH = 'One two three four five six seven eight nine ten. One two three four five six seven eight nine ten.'

let world: World
let strict: World

before(async () => {
  world = await openWorld({ rtpPorts: '26700-26748', lines: [SENTENCE] })
  await world.number(LISTENING, [
    { type: 'answer' },
    { type: 'transcribe_start', option: { language: 'en-US' } },
    { type: 'talk', option: { text: SPEECH, language: 'en-US' } },
    { type: 'sleep', option: { duration: 600_000 } },
  ])
  await world.extension('plain-phone')
  const destinations = [{ type: 'extension', target_name: 'plain-phone' }]
  await world.number(BRIDGING, [
    { type: 'connect', option: { source: { type: 'tel', target: BRIDGING }, destinations } },
  ])
  strict = await openWorld({ rtpPorts: '26750-26798', settings: { QUIETLINE_SRTP: 'required' } })
})

after(async () => {
  await world?.close()
  await strict?.close()
})

for (const make of MAKES) {
  for (const srtp of ['offered', 'only'] as const) {
    const options = { skip: make.skip, timeout: 90_000 }

    test(`${make.name} with SRTP ${srtp} hears us and is understood, also after a hold`, options, async () => {
      const user = `srtp-${srtp}-${make.name}`
      await world.extension(user)
      const phone = await world.phone(make, user, { srtp })
      phone.call(LISTENING)
      const call = await callFrom(world, user)
      const transcripts = transcriptsOf(world, String(call['id']))
      await until('our speech to be heard', () => voicedMs(phone.heard()) > 4_000)
      // The other make does not say.
      if (make.name === 'baresip') assert.match(phone.words, /SRTP is Enabled \(cryptosuite=AES_CM_128_HMAC_SHA1_80\)/)
      phone.hold()
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      phone.resume()
      await until('the phone to be up', () => phone.state === 'up')
      phone.say(world.lines.of(SENTENCE))
      await until('what was said as a transcript', () => transcripts('in').length > 0)
      assert.equal(plain(transcripts('in').at(-1)!), SENTENCE)
      phone.hangup()
      await world.event('call_hangup', ({ id }) => id === call['id'])
      await phone.close()
    })
  }

  test(`${make.name} answers our offer of nothing but SRTP`, { skip: make.skip, timeout: 90_000 }, async () => {
    const user = `called-${make.name}`
    await strict.extension(user)
    const phone = await strict.phone(make, user, { srtp: 'only' })
    const { calls } = (await strict.ask('POST', '/calls', {
      destinations: [{ type: 'extension', target_name: user }],
      actions: [
        { type: 'answer' },
        { type: 'talk', option: { text: SPEECH, language: 'en-US' } },
        { type: 'sleep', option: { duration: 60_000 } },
      ],
    })) as { calls: readonly Doc[] }
    await until('the phone to ring', () => phone.state === 'ringing')
    phone.answer()
    await until('our speech to be heard', () => voicedMs(phone.heard()) > 4_000)
    phone.hangup()
    await strict.event('call_hangup', ({ id }) => id === calls[0]!['id'])
    await phone.close()
  })

  test(`${make.name} with SRTP and another phone without talk to each other`, {
    skip: make.skip,
    timeout: 90_000,
  }, async () => {
    const user = `bridged-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user, { srtp: 'only' })
    const other = await world.phone(make, 'plain-phone')
    phone.call(BRIDGING)
    await until('the other phone to ring', () => other.state === 'ringing')
    other.answer()
    await until('the phone to be up', () => phone.state === 'up')
    const before = [voicedMs(phone.heard()), voicedMs(other.heard())]
    phone.say(world.lines.of(SENTENCE))
    await until('the phone without to hear', () => voicedMs(other.heard()) - before[1]! > 800)
    other.say(world.lines.of(SENTENCE))
    await until('the phone with to hear', () => voicedMs(phone.heard()) - before[0]! > 800)
    phone.hangup()
    await until('the other phone to be idle', () => other.state === 'idle')
    await phone.close()
    await other.close()
  })
}

test('that keys went over unencrypted signalling is told once; the keys themselves never are', () => {
  const told = world.log.filter(({ message }) => message === 'srtp keys went over unencrypted signalling')
  assert.equal(told.length, 1)
  assert.ok(!JSON.stringify(world.log).includes('inline:'))
})
