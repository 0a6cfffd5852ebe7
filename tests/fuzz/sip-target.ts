/** Damaged SIP into the parsers, and into two cores in the middle of their calls. */

import type { SeededRandom } from '../../src/kernel/random.ts'
import { Link, type Station } from '../../src/sip/link.fixture.ts'
import { readEnvelope } from '../../src/sip/message/envelope.ts'
import { Framer, type FramingEvents } from '../../src/sip/message/framing.ts'
import { parseMessage } from '../../src/sip/message/parse.ts'
import { printMessage } from '../../src/sip/message/print.ts'
import type { SipOutput } from '../../src/sip/types.ts'
import { mutated } from './mutate.ts'
import { SDP, sipSeeds } from './seeds.ts'

/** One conversation is so many packets long; then all timers run out, and nothing may be left. */
const PACKETS_EACH = 500
/** Longer than any registration lasts. */
const DRAIN_MS = 90_000_000
/** Of the cores' own datagrams so many are damaged on their way. */
const DAMAGED = 0.3
const seeds = sipSeeds()
const NOTHING: FramingEvents = { message: () => {}, ping: () => {} }

/** @returns how many of them could be read */
export function fuzzSipParser(count: number, random: SeededRandom): number {
  let read = 0
  let framer = new Framer(NOTHING)
  for (let i = 0; i < count; i++) {
    const bytes = mutated(seeds[random.below(seeds.length)]!, seeds, true, random)
    for (const isStreamed of [false, true]) {
      const parsed = parseMessage(bytes, isStreamed)
      if (!parsed.ok) continue
      read++
      const { message } = parsed.value
      readEnvelope(message)
      printMessage(message)
    }
    if (framer.push(bytes) !== null) framer = new Framer(NOTHING)
  }
  return read
}

/** @returns what was told, by kind */
export function fuzzSipCore(count: number, random: SeededRandom): Map<string, number> {
  const told = new Map<string, number>()
  for (let done = 0; done < count; done += PACKETS_EACH) converse(Math.min(PACKETS_EACH, count - done), random, told)
  return told
}

function converse(count: number, random: SeededRandom, told: Map<string, number>): void {
  const link = new Link(random.token(8))
  link.keepsWire = false
  const [alice, bob] = [link.add('10.0.0.1'), link.add('10.0.0.2')]
  const send = link.send.bind(link)
  link.send = (from, to, bytes) => send(from, to, random.unit() < DAMAGED ? mutated(bytes, seeds, true, random) : bytes)
  for (const each of [alice, bob]) each.onOutput = (output) => answer(link, each, output, random, told)
  for (let i = 0; i < count; i++) {
    if (i % 50 === 0) alice.invite(`leg-${i}`, [bob], { body: SDP, timeoutMs: 20_000 })
    const [to, from] = random.below(2) === 0 ? [bob, alice] : [alice, bob]
    to.receive(mutated(seeds[random.below(seeds.length)]!, seeds, true, random), from.at)
    link.run(random.below(40))
  }
  link.run(DRAIN_MS)
  for (const each of [alice, bob]) {
    const left = each.core.census()
    if (left.transactions + left.dialogs + left.legs + left.contacts + each.timers > 0)
      throw new Error(`left over: ${JSON.stringify({ ...left, timers: each.timers })}`)
  }
}

/** A user who takes everything and hangs up soon. */
function answer(link: Link, at: Station, output: SipOutput, random: SeededRandom, told: Map<string, number>): void {
  told.set(output.kind, (told.get(output.kind) ?? 0) + 1)
  const later = (task: () => void): void => void link.clock.schedule(link.clock.now() + random.below(300), task)
  switch (output.kind) {
    case 'authorise': {
      const account = { username: 'alice', password: 'secret', identity: 'x' }
      const open = { kind: 'open', identity: 'x' } as const
      const policy = random.below(3) === 0 ? ({ kind: 'digest', realm: 'example.com', account } as const) : open
      return later(() => at.feed({ kind: 'authorised', query: output.query, policy }))
    }
    case 'incoming': {
      const { leg } = output
      if (random.below(2) === 0) later(() => at.feed({ kind: 'ring', leg, body: random.below(2) === 0 ? SDP : null }))
      later(() => at.feed({ kind: 'accept', leg, body: SDP }))
      return void link.clock.schedule(link.clock.now() + 2_000, () => at.feed({ kind: 'bye', leg, reason: '' }))
    }
    case 'answered':
      return void link.clock.schedule(link.clock.now() + 1_500, () =>
        at.feed({ kind: 'bye', leg: output.leg, reason: '' }),
      )
    case 'offered':
      return later(() => at.feed({ kind: 'answerOffer', leg: output.leg, body: random.below(3) === 0 ? null : SDP }))
    default:
  }
}
