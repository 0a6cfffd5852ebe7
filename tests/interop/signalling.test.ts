/** Registration, ringing, refusing, giving up, keys, hold and hang-up, with real phones. */

import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { callFrom, plain, statusesOf, transcriptsOf } from './calls.ts'
import { voicedMs } from './lines.ts'
import { MAKES } from './phones/phone.ts'
import { never, until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const ANSWERED = '+899300310'
const RINGING = '+899300311'
const SENTENCE = 'what are your opening hours'
const SPEECH = 'One two three four five six seven eight nine ten. One two three four five six seven eight nine ten.'
/** Sound that was under way when a phone asked to be held. */
const IN_FLIGHT_MS = 400

/** The status a phone sends when its user does not take a call: 486 from one, 603 from the other. */
const REFUSAL: Readonly<Record<string, string>> = { baresip: 'busy', linphonec: 'noanswer' }

let world: World

before(async () => {
  world = await openWorld({ rtpPorts: '26300-26398', lines: [SENTENCE] })
  await world.number(ANSWERED, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
  await world.number(RINGING, [{ type: 'sleep', option: { duration: 600_000 } }, { type: 'answer' }])
})

after(() => world.close())

async function extensionDoc(user: string): Promise<Doc> {
  const { result } = (await world.ask('GET', '/extensions')) as { result: readonly Doc[] }
  return result.find((doc) => doc['extension'] === user)!
}

async function ring(name: string): Promise<string> {
  const { calls } = (await world.ask('POST', '/calls', {
    destinations: [{ type: 'extension', target_name: name }],
    actions: [{ type: 'sleep', option: { duration: 600_000 } }],
  })) as { calls: readonly Doc[] }
  return String(calls[0]!['id'])
}

/** Waits for the end of a call. */
async function ending(callId: string): Promise<{ by: unknown; reason: unknown; statuses: string[] }> {
  const { hangup_by: by, hangup_reason: reason } = await world.event('call_hangup', ({ id }) => id === callId)
  return { by, reason, statuses: statusesOf(world, callId) }
}

async function say(callId: string, text: string): Promise<Doc> {
  const speaking = await world.ask('POST', '/speakings', { reference_type: 'call', reference_id: callId })
  await world.ask('POST', `/speakings/${speaking['id']}/say`, { text })
  return speaking
}

test('a call to an extension that nobody registered ends as failed', { timeout: 60_000 }, async () => {
  await world.extension('nobody')
  const { by, reason, statuses } = await ending(await ring('nobody'))
  assert.deepEqual([by, reason, statuses], ['remote', 'failed', ['dialing', 'hangup']])
})

for (const make of MAKES) {
  const options = { skip: make.skip, timeout: 60_000 }

  test(`${make.name} registers, and its extension is free again when it leaves`, options, async () => {
    const user = `registers-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user)
    const { registered, contacts } = await extensionDoc(user)
    assert.equal(registered, true)
    assert.equal((contacts as readonly Doc[]).length, 1)
    await phone.close()
    await until('the extension to be free', async () => (await extensionDoc(user))['registered'] === false)
  })

  test(`${make.name} with a wrong password is refused, and its extension stays free`, options, async () => {
    const user = `wrong-${make.name}`
    await world.extension(user)
    const folder = mkdtempSync(path.join(world.folder, 'phone-'))
    const { sipPort } = world
    const phone = await make.open({ sipPort, user, password: 'guess', folder, silence: world.lines.silence })
    await until('the phone to be refused', () => phone.registration === 'refused')
    assert.equal((await extensionDoc(user))['registered'], false)
    await phone.close()
  })

  test(`a call that ${make.name} gives up before it is answered ends as cancelled`, options, async () => {
    const user = `gives-up-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user)
    phone.call(RINGING)
    const call = await callFrom(world, user, 'call_ringing')
    await until('the phone to hear it ring', () => phone.state === 'calling')
    phone.hangup()
    const { by, reason, statuses } = await ending(String(call['id']))
    assert.deepEqual([by, reason, statuses], ['remote', 'cancel', ['ringing', 'hangup']])
    await until('the phone to be idle', () => phone.state === 'idle')
    await phone.close()
  })

  test(`a call that ${make.name} refuses ends, and the phone is idle`, options, async () => {
    const user = `refuses-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user)
    const callId = await ring(user)
    await until('the phone to ring', () => phone.state === 'ringing')
    phone.hangup()
    const { by, reason, statuses } = await ending(callId)
    assert.deepEqual([by, reason, statuses], ['remote', REFUSAL[make.name], ['dialing', 'ringing', 'hangup']])
    await until('the phone to be idle', () => phone.state === 'idle')
    await phone.close()
  })

  test(`a call that we give up stops ${make.name} from ringing`, options, async () => {
    const user = `given-up-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user)
    const callId = await ring(user)
    await until('the phone to ring', () => phone.state === 'ringing')
    await world.ask('POST', `/calls/${callId}/hangup`)
    await until('the phone to be idle', () => phone.state === 'idle')
    const { by, reason, statuses } = await ending(callId)
    assert.deepEqual([by, reason, statuses], ['local', 'cancel', ['dialing', 'ringing', 'canceling', 'hangup']])
    await phone.close()
  })

  test(`keys of ${make.name} arrive, each once and in order`, options, async () => {
    const user = `keys-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user)
    phone.call(ANSWERED)
    const call = await callFrom(world, user)
    await until('the phone to be up', () => phone.state === 'up')
    const digits = (): string[] =>
      world.events
        .filter(({ type, data }) => type === 'dtmf_received' && data['call_id'] === call['id'])
        .map(({ data }) => String(data['digit']))
    for (const [at, digit] of [...'507#'].entries()) {
      phone.press(digit)
      await until(`key ${digit}`, () => digits().length > at)
    }
    phone.hangup()
    await ending(String(call['id']))
    assert.equal(digits().join(''), '507#')
    await phone.close()
  })

  test(`${make.name} holds and resumes: silence, then sound again`, options, async () => {
    const user = `holds-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user)
    phone.call(ANSWERED)
    const call = await callFrom(world, user)
    const callId = String(call['id'])
    const speaking = await say(callId, SPEECH.repeat(4))
    const heard = (): number => voicedMs(phone.heard())
    await until('the speech', () => heard() > 1_000)
    phone.hold()
    const atHold = heard()
    await never('sound on hold', () => heard() > atHold + IN_FLIGHT_MS, 2_000)
    const whileHeld = heard()
    phone.resume()
    await world.ask('POST', `/speakings/${speaking['id']}/flush`)
    await world.ask('POST', `/speakings/${speaking['id']}/say`, { text: SPEECH })
    const { text_unheard: unheard } = await world.event(
      'speaking_say_finished',
      ({ speaking_id, text }) => speaking_id === speaking['id'] && text === SPEECH,
    )
    assert.equal(unheard, '')
    if (make.hearsAfterHold) assert.ok(heard() > whileHeld + 3_000, `heard ${heard() - whileHeld} ms after the hold`)
    await world.ask('POST', '/transcribes', { reference_type: 'call', reference_id: callId, language: 'en-US' })
    phone.say(world.lines.of(SENTENCE))
    await until('what was said after the hold', () => transcriptsOf(world, callId)('in').length > 0)
    assert.deepEqual(transcriptsOf(world, callId)('in').map(plain), [SENTENCE])
    assert.equal(phone.state, 'up')
    phone.hangup()
    assert.deepEqual((await ending(callId)).reason, 'normal')
    await phone.close()
  })

  test(`our hang-up ends the call of ${make.name}`, options, async () => {
    const user = `hung-up-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user)
    const callId = await ring(user)
    await until('the phone to ring', () => phone.state === 'ringing')
    phone.answer()
    await until('the phone to be up', () => phone.state === 'up')
    await world.event('call_progressing', ({ id }) => id === callId)
    await world.ask('POST', `/calls/${callId}/hangup`)
    await until('the phone to be idle', () => phone.state === 'idle')
    const { by, reason, statuses } = await ending(callId)
    assert.deepEqual([by, reason], ['local', 'normal'])
    assert.deepEqual(statuses, ['dialing', 'ringing', 'progressing', 'terminating', 'hangup'])
    await phone.close()
  })
}
