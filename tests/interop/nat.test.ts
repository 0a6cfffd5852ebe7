/**
 * A real phone behind a router that gives it another address and other ports: it registers, calls and is called, and sound
 * goes both ways; as it comes, with STUN and with ICE (whose server is our SIP port).
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { callFrom, plain, transcriptsOf } from './calls.ts'
import { voicedMs } from './lines.ts'
import { type Nat, noNat, openNat, PHONE_ADDRESS, PUBLIC_ADDRESS } from './nat.ts'
import { MAKES, type RealPhone } from './phones/phone.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const NUMBER = '+899300330'
const SENTENCE = 'what are your opening hours'
const SPEECH = 'One two three four five six seven eight nine ten.'
const TALK = [
  { type: 'transcribe_start', option: { language: 'en-US' } },
  { type: 'talk', option: { text: SPEECH, language: 'en-US' } },
  { type: 'sleep', option: { duration: 600_000 } },
]

const linphone = MAKES.find(({ name }) => name === 'linphonec')!
const skip = linphone.skip || noNat()
let world: World
let nat: Nat

before(async () => {
  if (skip) return
  nat = openNat()
  const settings = { QUIETLINE_BIND: '0.0.0.0', QUIETLINE_PUBLIC_ADDRESS: PUBLIC_ADDRESS }
  world = await openWorld({ rtpPorts: '26500-26598', lines: [SENTENCE], settings })
  await world.number(NUMBER, [{ type: 'answer' }, ...TALK])
})

after(async () => {
  await world?.close()
  nat?.close()
})

async function talk(phone: RealPhone, callId: string): Promise<void> {
  await until('the phone to hear us', () => voicedMs(phone.heard()) > 1_000)
  phone.say(world.lines.of(SENTENCE))
  await until('what was said', () => transcriptsOf(world, callId)('in').length > 0)
  assert.deepEqual(transcriptsOf(world, callId)('in').map(plain), [SENTENCE])
  phone.hangup()
  await world.event('call_hangup', ({ id }) => id === callId)
}

const WAYS: readonly (readonly [name: string, commands: readonly string[]])[] = [
  ['as it comes', []],
  ['with STUN', ['stun SERVER', 'firewall stun']],
  ['with ICE', ['stun SERVER', 'firewall ice']],
]

for (const [name, commands] of WAYS) {
  test(`behind NAT, ${name}: it calls and is called, and sound goes both ways`, {
    skip,
    timeout: 150_000,
  }, async () => {
    const user = `home-${name.replaceAll(' ', '-').toLowerCase()}`
    await world.extension(user)
    const linphoneNet = commands.map((command) => command.replace('SERVER', `${PUBLIC_ADDRESS}:${world.sipPort}`))
    const phone = await world.phone(linphone, user, {
      linphoneNet,
      server: PUBLIC_ADDRESS,
      namespace: { name: nat.home, address: PHONE_ADDRESS },
    })
    phone.call(NUMBER)
    const incoming = await callFrom(world, user)
    await talk(phone, String(incoming['id']))
    await phone.close()

    const again = await world.phone(linphone, user, {
      linphoneNet,
      server: PUBLIC_ADDRESS,
      namespace: { name: nat.home, address: PHONE_ADDRESS },
    })
    const destinations = [{ type: 'extension', target_name: user }]
    const { calls } = (await world.ask('POST', '/calls', { destinations, actions: TALK })) as { calls: readonly Doc[] }
    await until('the phone to ring', () => again.state === 'ringing')
    again.answer()
    await talk(again, String(calls[0]!['id']))
    await again.close()
  })
}
