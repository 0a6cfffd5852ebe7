/** Real phones over TCP and TLS: registering, calling and being called; SIPp with a password. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { makeCertificate } from '../../src/net/certificate.fixture.ts'
import { callFrom, plain, transcriptsOf } from './calls.ts'
import { voicedMs } from './lines.ts'
import { MAKES, type PhoneOptions } from './phones/phone.ts'
import { HERE } from './tools.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const ANSWERED = '+899300330'
const SENTENCE = 'what are your opening hours'
const SPEECH = 'One two three four five six seven eight nine ten.'

const folder = mkdtempSync(path.join(tmpdir(), 'quietline-streams-'))
let certFile: string
let world: World

before(async () => {
  // Linphone's library looks for an address among the names only.
  const made = makeCertificate(folder, 'server', [`IP:${HERE}`, `DNS:${HERE}`])
  certFile = made.certFile
  world = await openWorld({
    rtpPorts: '26600-26698',
    lines: [SENTENCE],
    settings: {
      QUIETLINE_TLS_CERT: made.certFile,
      QUIETLINE_TLS_KEY: made.keyFile,
      QUIETLINE_SIP_TLS_PORT: '0',
    },
  })
  await world.number(ANSWERED, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
})

after(async () => {
  await world?.close()
  rmSync(folder, { recursive: true, force: true })
})

function wayOf(transport: 'tcp' | 'tls'): Partial<PhoneOptions> {
  return transport === 'tcp' ? { transport } : { transport, sipPort: world.sipTlsPort, caFile: certFile }
}

async function contactsOf(user: string): Promise<readonly Doc[]> {
  const { result } = (await world.ask('GET', '/extensions')) as { result: readonly Doc[] }
  return (result.find((doc) => doc['extension'] === user)?.['contacts'] ?? []) as readonly Doc[]
}

for (const transport of ['tcp', 'tls'] as const) {
  for (const make of MAKES) {
    test(`${make.name} over ${transport}: it registers, calls, hears and is heard, and is called`, {
      skip: make.skip,
      timeout: 90_000,
    }, async () => {
      const user = `${make.name}-${transport}`
      await world.extension(user)
      const phone = await world.phone(make, user, wayOf(transport))
      assert.deepEqual(
        (await contactsOf(user)).map((contact) => contact['transport']),
        [transport],
      )
      phone.call(ANSWERED)
      const call = await callFrom(world, user)
      const callId = String(call['id'])
      await until('the phone to be up', () => phone.state === 'up')
      await world.ask('POST', '/transcribes', { reference_type: 'call', reference_id: callId, language: 'en-US' })
      const speaking = await world.ask('POST', '/speakings', { reference_type: 'call', reference_id: callId })
      await world.ask('POST', `/speakings/${speaking['id']}/say`, { text: SPEECH })
      await until('the speech', () => voicedMs(phone.heard()) > 1_000)
      phone.say(world.lines.of(SENTENCE))
      await until('what was said', () => transcriptsOf(world, callId)('in').length > 0)
      assert.deepEqual(transcriptsOf(world, callId)('in').map(plain), [SENTENCE])
      phone.hangup()
      const end = await world.event('call_hangup', ({ id }) => id === callId)
      assert.deepEqual([end['hangup_by'], end['hangup_reason']], ['remote', 'normal'])

      const { calls } = (await world.ask('POST', '/calls', {
        destinations: [{ type: 'extension', target_name: user }],
        actions: [{ type: 'sleep', option: { duration: 600_000 } }],
      })) as { calls: readonly Doc[] }
      const back = String(calls[0]!['id'])
      await until('the phone to ring', () => phone.state === 'ringing')
      phone.answer()
      await world.event('call_progressing', ({ id }) => id === back)
      await world.ask('POST', `/calls/${back}/hangup`)
      await until('the phone to be idle', () => phone.state === 'idle')
      await world.event('call_hangup', ({ id }) => id === back)
      await phone.close()
      await until('the extension to be free', async () => (await contactsOf(user)).length === 0)
    })
  }
}
