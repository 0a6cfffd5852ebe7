/**
 * linphonec with ICE and with STUN, whose STUN server is our SIP port: sound both ways in calls of its own and in ours. The
 * tutorial's advice for one-way audio is to switch these on.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { callFrom, plain, transcriptsOf } from './calls.ts'
import { voicedMs } from './lines.ts'
import { MAKES, type RealPhone } from './phones/phone.ts'
import { HERE } from './tools.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const NUMBER = '+899300320'
const SENTENCE = 'what are your opening hours'
const SPEECH = 'One two three four five six seven eight nine ten.'

/** A sentence and what the recogniser takes for it, on a busy machine. */
const SAY_AGAIN_MS = 8_000

const linphone = MAKES.find(({ name }) => name === 'linphonec')!
let world: World

before(async () => {
  world = await openWorld({
    rtpPorts: '26400-26498',
    lines: [SENTENCE],
    settings: { QUIETLINE_ICE: 'offer' },
  })
  const actions = [
    { type: 'answer' },
    { type: 'transcribe_start', option: { language: 'en-US' } },
    { type: 'talk', option: { text: SPEECH, language: 'en-US' } },
    { type: 'sleep', option: { duration: 600_000 } },
  ]
  await world.number(NUMBER, actions)
})

after(() => world.close())

/** Sound both ways, then the end. @returns `metadata.media` of the call */
async function talk(phone: RealPhone, callId: string): Promise<Doc> {
  await until('the phone to hear us', () => voicedMs(phone.heard()) > 1_000)
  // ICE ends with a re-INVITE, at which linphonec begins its sound anew, with silence.
  let saidAt = Number.NEGATIVE_INFINITY
  await until('what was said', () => {
    if (performance.now() - saidAt > SAY_AGAIN_MS) {
      saidAt = performance.now()
      phone.say(world.lines.of(SENTENCE))
    }
    return transcriptsOf(world, callId)('in').length > 0
  })
  assert.equal(plain(transcriptsOf(world, callId)('in').at(-1)!), SENTENCE)
  phone.hangup()
  await world.event('call_hangup', ({ id }) => id === callId)
  let media: Doc | undefined
  await until('its record to be whole', async () => {
    media = ((await world.ask('GET', `/calls/${callId}`))['metadata'] as Doc)['media'] as Doc | undefined
    return media !== undefined
  })
  return media!
}

for (const [name, commands] of [
  ['ICE', ['stun SERVER', 'firewall ice']],
  ['STUN', ['stun SERVER', 'firewall stun']],
] as const) {
  test(`linphonec with ${name} calls: sound both ways, and its reports`, {
    skip: linphone.skip,
    timeout: 90_000,
  }, async () => {
    const user = `calls-${name.toLowerCase()}`
    await world.extension(user)
    const linphoneNet = commands.map((command) => command.replace('SERVER', `${HERE}:${world.sipPort}`))
    const phone = await world.phone(linphone, user, { linphoneNet })
    phone.call(NUMBER)
    const media = await talk(phone, String((await callFrom(world, user))['id']))
    assert.equal(media['packets_lost'], 0)
    assert.notEqual(media['far'], null)
    assert.equal(Number((media['ice'] as Doc | undefined)?.['checks'] ?? 0) > 0, name === 'ICE')
    await phone.close()
  })

  test(`linphonec with ${name} is called: sound both ways`, { skip: linphone.skip, timeout: 90_000 }, async () => {
    const user = `called-${name.toLowerCase()}`
    await world.extension(user)
    const linphoneNet = commands.map((command) => command.replace('SERVER', `${HERE}:${world.sipPort}`))
    const phone = await world.phone(linphone, user, { linphoneNet })
    const { calls } = (await world.ask('POST', '/calls', {
      destinations: [{ type: 'extension', target_name: user }],
      actions: [
        { type: 'transcribe_start', option: { language: 'en-US' } },
        { type: 'talk', option: { text: SPEECH, language: 'en-US' } },
        { type: 'sleep', option: { duration: 600_000 } },
      ],
    })) as { calls: readonly Doc[] }
    await until('the phone to ring', () => phone.state === 'ringing')
    phone.answer()
    const media = await talk(phone, String(calls[0]!['id']))
    assert.equal(Number((media['ice'] as Doc | undefined)?.['checks'] ?? 0) > 0, name === 'ICE')
    await phone.close()
  })
}
