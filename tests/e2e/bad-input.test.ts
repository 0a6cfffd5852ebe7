/** Rubbish from the network and wrong requests, while a call goes on that must not notice. */

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { speakIntoMemory } from '../../src/demo/caller/voice.ts'
import { type Random, SeededRandom } from '../../src/kernel/random.ts'
import { type House, openHouse, phoneIn } from './house.ts'
import { until } from './until.ts'

const SEED = process.env['QUIETLINE_SEED'] ?? '20261121'
const DATAGRAMS = 2_000
const LARGEST = 1_400
/** Datagrams sent before the next turn of the event loop. */
const AT_ONCE = 20
const LONGEST_GAP_MS = 60
const UNKNOWN = '00000000-0000-4000-8000-000000000001'

const INVITE = [
  'INVITE sip:+899300300@127.0.0.1 SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKrubbish;rport',
  'From: <sip:someone@127.0.0.1>;tag=1',
  'To: <sip:+899300300@127.0.0.1>',
  'Call-ID: rubbish@127.0.0.1',
  'CSeq: 1 INVITE',
  'Contact: <sip:someone@127.0.0.1:9>',
  'Max-Forwards: 70',
  'Content-Type: application/sdp',
  'Content-Length: 400',
  '',
  'v=0',
].join('\r\n')

/** Pure noise, noise with the first bits of RTP, and SIP that was cut off or damaged. */
function rubbish(random: Random): Uint8Array {
  const kind = random.below(3)
  if (kind < 2) {
    const bytes = Uint8Array.from({ length: random.below(LARGEST) }, () => random.below(256))
    if (kind === 1 && bytes.length > 0) bytes[0] = 0x80
    return bytes
  }
  const bytes = Buffer.from(INVITE.slice(0, random.below(INVITE.length)))
  for (let damage = random.below(4); damage > 0 && bytes.length > 0; damage--) {
    bytes[random.below(bytes.length)] = random.below(256)
  }
  return bytes
}

async function pour(ports: readonly number[], random: Random): Promise<void> {
  const socket = createSocket('udp4')
  for (let sent = 0; sent < DATAGRAMS; sent += AT_ONCE) {
    for (let i = 0; i < AT_ONCE; i++) {
      const bytes = rubbish(random)
      for (const port of ports) socket.send(bytes, port, '127.0.0.1')
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await new Promise<void>((resolve) => socket.close(() => resolve()))
}

async function wrongRequests({ api }: House, callId: string, speakingId: string): Promise<void> {
  const refused = async (method: string, path: string, body: unknown, status: number, reason: string) => {
    const answer = await api.ask(method, path, body)
    const told = `${method} ${path}: ${JSON.stringify(answer.body)}`
    assert.equal(answer.status, status, told)
    assert.equal(answer.body.error?.details?.[0]?.reason ?? answer.body.error?.reason, reason, told)
    assert.ok(String(answer.body.error.message).length > 10, told)
  }
  await refused('POST', '/flows', '{"name": "half', 400, 'INVALID_JSON_BODY')
  await refused('POST', `/speakings/${speakingId}/say`, '[]]', 400, 'INVALID_JSON_BODY')
  await refused('POST', `/speakings/${speakingId}/say`, { text: 7 }, 400, 'INVALID_ARGUMENT')
  await refused('POST', `/speakings/${speakingId}/say`, { text: '   ' }, 400, 'INVALID_ARGUMENT')
  await refused('GET', '/calls/not-an-id', undefined, 400, 'INVALID_ID')
  await refused('GET', `/calls/${UNKNOWN}`, undefined, 404, 'CALL_NOT_FOUND')
  await refused('POST', `/calls/${UNKNOWN}/hangup`, {}, 404, 'CALL_NOT_FOUND')
  await refused('POST', `/speakings/${UNKNOWN}/say`, { text: 'Hello.' }, 404, 'SPEAKING_NOT_FOUND')
  await refused('POST', `/transcribes/${UNKNOWN}/stop`, {}, 404, 'TRANSCRIBE_NOT_FOUND')
  await refused('GET', '/nothing-here', undefined, 404, 'ROUTE_NOT_FOUND')
  // The length of a text is counted in code points: 5,000 fit, whatever a letter takes in UTF-16 or UTF-8.
  for (const letter of ['a', '안', '🙂', '👩‍🚀']) {
    const points = [...letter].length
    const fits = letter.repeat(5_000 / points).padEnd(5_000 - (5_000 % points), '.')
    const text = fits + '.'.repeat(5_000 - [...fits].length)
    assert.equal([...text].length, 5_000)
    assert.equal((await api.ask('POST', `/speakings/${speakingId}/say`, { text })).status, 200, letter)
    await api.must('POST', `/speakings/${speakingId}/flush`)
    await refused('POST', `/speakings/${speakingId}/say`, { text: `${text}.` }, 400, 'INVALID_ARGUMENT')
  }
  const again = { reference_type: 'call', reference_id: callId, language: 'en-US' }
  await refused('POST', '/speakings', again, 409, 'SPEAKING_ALREADY_ACTIVE')
  await refused('POST', '/speakings', { ...again, reference_id: UNKNOWN }, 400, 'INVALID_ARGUMENT')
}

async function callNobody({ api }: House): Promise<void> {
  for (const target of ['1001', 'nobody']) {
    const before = api.of('call_hangup').length
    const { calls } = await api.must('POST', '/calls', { destinations: [{ type: 'extension', target }] })
    assert.equal(calls[0].status, 'dialing')
    await until('it is told as failed', () => api.of('call_hangup').length > before)
    const call = api.of('call_hangup').at(-1)
    assert.deepEqual([call.id, call.status, call.hangup_reason], [calls[0].id, 'hangup', 'failed'])
  }
}

test('rubbish on every port and wrong requests do not disturb a call', { timeout: 90_000 }, async (t) => {
  const [phrase] = await speakIntoMemory(['book a table'])
  const house = await openHouse(t, '23000-23198')
  const { node, api, phone } = house
  const callId = await phoneIn(house)
  const speaking = await api.speakOn(callId)
  await api.listenOn(callId)
  await until('it listens', () => api.of('transcribe_progressing').length === 1)
  await until('sound flows', () => phone.frames.length > 10)

  const rtpPort = node.parts.sound.portOf(callId)!
  await Promise.all([
    pour([node.sipPort, rtpPort], new SeededRandom(SEED)),
    wrongRequests(house, callId, speaking.id),
    callNobody(house),
    phone.speak(phrase!),
  ])
  await until('the caller is heard', () => api.of('transcript_created').length >= 1)
  assert.equal(api.of('transcript_created')[0].message, 'book a table')
  await api.say(speaking.id, 'Of course.')
  await until('the agent is heard', () => api.of('speaking_say_finished').some(({ text }) => text === 'Of course.'))
  assert.ok(phone.isUp)
  const { longestGapMs, frames } = phone.pace()
  t.diagnostic(
    `seed ${SEED}: ${DATAGRAMS} datagrams to each port, longest gap of ${frames} packets ${longestGapMs.toFixed(0)} ms`,
  )
  assert.ok(longestGapMs <= LONGEST_GAP_MS, `a gap of ${longestGapMs} ms`)

  phone.hangup()
  await until('nothing is left of the call', () => node.parts.runner.census().mailboxes === 0)
  await until('nor of the rubbish', () => node.parts.sip.census().books === 0 && node.parts.sip.census().dialogs === 0)
})
