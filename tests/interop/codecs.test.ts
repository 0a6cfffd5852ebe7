/**
 * baresip with each of its codecs and packet lengths: what it says comes back from the flow's echo as it was said, what we
 * say is understood by it and what it says by us, and two of different codecs talk with each other.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { likeness } from '../../src/audio/correlate.ts'
import { parseWav } from '../../src/audio/wav.ts'
import { callFrom, plain, transcriptsOf } from './calls.ts'
import { voicedMs } from './lines.ts'
import { MAKES, type PhoneOptions, type RealPhone } from './phones/phone.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const ECHO = '+899300340'
const LISTEN = '+899300341'
const SENTENCE = 'what are your opening hours'
/** Of the line's sound, after the quiet before it. */
const SAID_MS = 1_200
const PARTS = 4
const TRIES = 3
/** A second. */
const HEARD_SAMPLES = 8_000
const REDIAL_MS = 3_000
const make = MAKES.find(({ name }) => name === 'baresip')!
const options = { skip: make.skip, timeout: 60_000 }
type CodecName = NonNullable<PhoneOptions['codecs']>[number]

let world: World

before(async () => {
  if (make.skip !== false) return
  world = await openWorld({ rtpPorts: '26700-26798', lines: [SENTENCE] })
  await world.number(ECHO, [{ type: 'answer' }, { type: 'echo', option: { duration: 600_000 } }])
  await world.number(LISTEN, [
    { type: 'answer' },
    { type: 'transcribe_start', option: { language: 'en-US', direction: 'in' } },
    { type: 'sleep', option: { duration: 600_000 } },
  ])
})

after(() => world?.close())

/** A server that has no room for the moment, because the machine is busy, says 503: then once more. */
async function dialled(phone: RealPhone, user: string, number: string): Promise<Doc> {
  let dialledAt = Number.NEGATIVE_INFINITY
  await until('the phone to be up', () => {
    const now = performance.now()
    if (phone.state === 'idle' && now - dialledAt > REDIAL_MS) {
      phone.call(number)
      dialledAt = now
    }
    return phone.state === 'up'
  })
  return callFrom(world, user)
}

/** The beginning of the line's speech. */
function said(): Int16Array {
  const wav = parseWav(readFileSync(world.lines.of(SENTENCE)))
  if (!wav.ok) throw new Error(wav.why)
  const pcm = wav.value.channels[0]!
  const from = pcm.findIndex((sample) => Math.abs(sample) > 500)
  return pcm.slice(from, from + 8 * SAID_MS)
}

/**
 * Aligned part by part: both ends have buffers that skip and repeat when the machine is busy, and what is told here is how
 * each codec keeps the wave.
 */
function correlation(heard: Int16Array): number {
  const all = said()
  const parts = Array.from({ length: PARTS }, (_, n) =>
    all.subarray((n * all.length) / PARTS, ((n + 1) * all.length) / PARTS),
  )
  return parts.reduce((sum, part) => sum + likeness(part, heard).correlation, 0) / PARTS
}

/** The least correlation of what came back through both of us twice: Opus and G.722 do not keep the wave as it is. */
const CASES: readonly (readonly [CodecName, number, number])[] = [
  ['PCMU', 20, 0.9],
  ['PCMA', 20, 0.9],
  ['G722', 20, 0.8],
  ['opus', 20, 0.75],
  ['PCMU', 10, 0.9],
  ['PCMA', 30, 0.9],
  ['PCMU', 40, 0.9],
  ['opus', 40, 0.75],
]

for (const [codec, ptimeMs, least] of CASES) {
  test(`baresip with ${codec} in packets of ${ptimeMs} ms: its echo is what it said (${least})`, options, async () => {
    const user = `echo-${codec.toLowerCase()}-${ptimeMs}`
    await world.extension(user)
    const phone = await world.phone(make, user, { codecs: [codec], ptimeMs })
    const call = await dialled(phone, user, ECHO)
    let found = 0
    for (let tries = 1; tries <= TRIES && found < least; tries++) {
      phone.say(world.lines.of(SENTENCE))
      await until('the echo', () => voicedMs(phone.heard()) > tries * SAID_MS)
      found = Math.max(found, correlation(phone.heard()))
    }
    assert.ok(found >= least, `${found.toFixed(3)}`)
    phone.hangup()
    await world.event('call_hangup', ({ id }) => id === call['id'])
    await phone.close()
  })
}

for (const codec of ['G722', 'opus'] as const) {
  test(`what baresip says with ${codec} is understood`, options, async () => {
    const user = `heard-${codec.toLowerCase()}`
    await world.extension(user)
    const phone = await world.phone(make, user, { codecs: [codec] })
    const call = await dialled(phone, user, LISTEN)
    // Told to speak before its sound has started, baresip swallows the first words.
    await until('its sound to be on its way', () => phone.heard().length >= HEARD_SAMPLES)
    phone.say(world.lines.of(SENTENCE))
    const transcripts = transcriptsOf(world, String(call['id']))
    await until('a transcript', () => transcripts('in').length > 0)
    assert.deepEqual(transcripts('in').map(plain), [SENTENCE])
    phone.press('5')
    const pressed = await world.event('dtmf_received', ({ call_id: id }) => id === call['id'])
    assert.equal(pressed['digit'], '5')
    phone.hangup()
    await phone.close()
  })
}

test('baresip with opus and one with PCMA talk with each other', options, async () => {
  await world.extension('wide')
  await world.extension('narrow')
  const wide = await world.phone(make, 'wide', { codecs: ['opus'] })
  const narrow = await world.phone(make, 'narrow', { codecs: ['PCMA'] })
  wide.call('narrow')
  await until('the other one to ring', () => narrow.state === 'ringing')
  narrow.answer()
  await until('both to be up', () => wide.state === 'up' && narrow.state === 'up')
  wide.say(world.lines.of(SENTENCE))
  await until('it is heard', () => voicedMs(narrow.heard()) > SAID_MS)
  const there = correlation(narrow.heard())
  wide.say(world.lines.silence)
  narrow.say(world.lines.of(SENTENCE))
  await until('the answer is heard', () => voicedMs(wide.heard()) > SAID_MS)
  const back = correlation(wide.heard())
  assert.ok(there > 0.75 && back > 0.75, `${there.toFixed(3)} there, ${back.toFixed(3)} back`)
  narrow.hangup()
  await until('both to be idle', () => wide.state === 'idle' && narrow.state === 'idle')
  await Promise.all([wide.close(), narrow.close()])
})
