/** Real phones behind Kamailio: registrations with Path, calls with Record-Route, both ways, by UDP and by TCP. */

import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { callFrom, plain, transcriptsOf } from './calls.ts'
import { type Kamailio, openKamailio } from './kamailio.ts'
import { voicedMs } from './lines.ts'
import { MAKES, type PhoneOptions } from './phones/phone.ts'
import { HERE, lacking } from './tools.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const ANSWERED = '+899300340'
const SENTENCE = 'what are your opening hours'
const SPEECH = 'One two three four five six seven eight nine ten.'

const skip = lacking('kamailio')
let world: World
let proxies: Readonly<Record<'udp' | 'tcp', Kamailio>>

before(async () => {
  if (skip) return
  world = await openWorld({
    rtpPorts: '26700-26798',
    lines: [SENTENCE],
    settings: { QUIETLINE_TRUST_LOOPBACK: '0' },
  })
  await world.number(ANSWERED, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
  const open = (transport: 'udp' | 'tcp') =>
    openKamailio(mkdtempSync(path.join(world.folder, 'kamailio-')), { port: world.sipPort, transport })
  const [udp, tcp] = await Promise.all([open('udp'), open('tcp')])
  proxies = { udp, tcp }
})

after(async () => {
  await Promise.all([proxies?.udp.close(), proxies?.tcp.close()])
  await world?.close()
})

function behind(transport: 'udp' | 'tcp'): Partial<PhoneOptions> {
  return { sipPort: proxies[transport].port }
}

async function contactsOf(user: string): Promise<readonly Doc[]> {
  const { result } = (await world.ask('GET', '/extensions')) as { result: readonly Doc[] }
  return (result.find((doc) => doc['extension'] === user)?.['contacts'] ?? []) as readonly Doc[]
}

for (const transport of ['udp', 'tcp'] as const) {
  for (const make of MAKES) {
    test(`${make.name} behind Kamailio, which reaches us by ${transport}: calls both ways, held, ended by either side`, {
      skip: skip || make.skip,
      timeout: 120_000,
    }, async () => {
      const user = `${make.name}-behind-${transport}`
      await world.extension(user)
      const phone = await world.phone(make, user, behind(transport))
      assert.deepEqual(
        (await contactsOf(user)).map((contact) => contact['transport']),
        [transport],
      )
      phone.call(ANSWERED)
      const callId = String((await callFrom(world, user))['id'])
      await until('the phone to be up', () => phone.state === 'up')
      await world.ask('POST', '/transcribes', { reference_type: 'call', reference_id: callId, language: 'en-US' })
      const speaking = await world.ask('POST', '/speakings', { reference_type: 'call', reference_id: callId })
      await world.ask('POST', `/speakings/${speaking['id']}/say`, { text: SPEECH })
      await until('the speech', () => voicedMs(phone.heard()) > 1_000)
      phone.hold()
      phone.resume()
      phone.say(world.lines.of(SENTENCE))
      await until('what was said after the hold', () => transcriptsOf(world, callId)('in').length > 0)
      assert.deepEqual(transcriptsOf(world, callId)('in').map(plain), [SENTENCE])
      await world.ask('POST', `/calls/${callId}/hangup`)
      await until('our BYE to reach the phone', () => phone.state === 'idle')

      const { calls } = (await world.ask('POST', '/calls', {
        destinations: [{ type: 'extension', target_name: user }],
        actions: [{ type: 'sleep', option: { duration: 600_000 } }],
      })) as { calls: readonly Doc[] }
      const back = String(calls[0]!['id'])
      await until('the phone to ring', () => phone.state === 'ringing')
      phone.answer()
      await world.event('call_progressing', ({ id }) => id === back)
      await until('the phone to be up', () => phone.state === 'up')
      phone.hangup()
      const end = await world.event('call_hangup', ({ id }) => id === back)
      assert.deepEqual([end['hangup_by'], end['hangup_reason']], ['remote', 'normal'])
      await phone.close()
      await until('the extension to be free', async () => (await contactsOf(user)).length === 0)
    })
  }
}

test('a stranger behind the proxy is no loopback caller', { skip, timeout: 30_000 }, async () => {
  const { createSocket } = await import('node:dgram')
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, HERE, resolve))
  const heard: string[] = []
  socket.on('message', (bytes) => heard.push(String(bytes)))
  const lines = [
    `INVITE sip:${ANSWERED}@${HERE}:${proxies.udp.port} SIP/2.0`,
    `Via: SIP/2.0/UDP ${HERE}:${socket.address().port};branch=z9hG4bKstranger;rport`,
    'Max-Forwards: 70',
    'From: <sip:stranger@example.com>;tag=1',
    `To: <sip:${ANSWERED}@${HERE}>`,
    'Call-ID: stranger',
    'CSeq: 1 INVITE',
    `Contact: <sip:stranger@${HERE}:${socket.address().port}>`,
    'Content-Length: 0',
    '',
    '',
  ]
  try {
    socket.send(lines.join('\r\n'), proxies.udp.port, HERE)
    await until('a final answer', () => heard.some((text) => /^SIP\/2\.0 [4-6]/.test(text)))
    assert.match(heard.find((text) => /^SIP\/2\.0 [4-6]/.test(text))!, /^SIP\/2\.0 407 /)
  } finally {
    socket.close()
  }
})
