import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../kernel/random.ts'
import { Link, openDoor, type Station } from './link.fixture.ts'
import type { SipOutput } from './types.ts'

const CALLS = Number(process.env['SIP_CALLS'] ?? 2_000)
const SEED = process.env['SIP_SEED'] ?? 'lossy-calls'

const ENDS: ReadonlySet<string> = new Set(['failed', 'cancelled', 'ended'])
const NOTHING = { transactions: 0, dialogs: 0, legs: 0, contacts: 0 }

/** A user who does anything at any time, and hangs up in the end. */
function wilful(link: Link, station: Station, random: SeededRandom, ends: string[]): (output: SipOutput) => void {
  const later = (maxMs: number, task: () => void) => {
    link.clock.schedule(link.clock.now() + random.unit() * maxMs, task)
  }
  const live = (leg: string) => {
    if (random.unit() < 0.3) later(9_000, () => station.feed({ kind: 'reinvite', leg, body: 'again' }))
    const headers = [['Refer-To', '<sip:carol@example.com>']] as const
    if (random.unit() < 0.3) later(9_000, () => station.feed({ kind: 'request', leg, method: 'REFER', headers }))
    later(20_000, () => station.feed({ kind: 'bye', leg, reason: '' }))
  }
  return (output) => {
    if (output.kind === 'authorise') {
      later(50, () =>
        station.feed({ kind: 'authorised', query: output.query, policy: { kind: 'open', identity: 'x' } }),
      )
    } else if (output.kind === 'incoming') {
      const { leg } = output
      if (random.unit() < 0.7)
        later(2_000, () => station.feed({ kind: 'ring', leg, body: random.unit() < 0.3 ? 'early' : null }))
      if (random.unit() < 0.8) later(9_000, () => station.feed({ kind: 'accept', leg, body: 'answer' }))
      else later(9_000, () => station.feed({ kind: 'reject', leg, code: 486, phrase: '' }))
      live(leg)
    } else if (output.kind === 'answered') live(output.leg)
    else if (output.kind === 'progress' && output.body !== null) {
      const { leg } = output
      if (random.unit() < 0.5) later(3_000, () => station.feed({ kind: 'reinvite', leg, body: 'early again' }))
    } else if (output.kind === 'refer') {
      const { leg, refer } = output
      later(500, () => station.feed({ kind: 'answerRefer', leg, refer, code: random.unit() < 0.7 ? 202 : 603 }))
      later(5_000, () => station.feed({ kind: 'notifyRefer', leg, refer, code: random.unit() < 0.5 ? 200 : 180 }))
    } else if (output.kind === 'offered') {
      const { leg } = output
      later(3_000, () => station.feed({ kind: 'answerOffer', leg, body: random.unit() < 0.8 ? 'yes' : null }))
    } else if (ENDS.has(output.kind) && 'leg' in output) ends.push(output.leg)
  }
}

test(`of ${CALLS} random calls over a bad network every leg ends once, and nothing is left (seed ${SEED})`, () => {
  const seeds = new SeededRandom(SEED)
  const tally = new Map<string, number>()
  for (let call = 0; call < CALLS; call++) {
    const seed = `${SEED}/${call}`
    const random = new SeededRandom(seed)
    const weather = {
      loss: 0.05 + 0.15 * random.unit(),
      duplicates: 0.2 * random.unit(),
      jitterMs: 300 * random.unit(),
    }
    const link = new Link(seed, weather)
    link.keepsWire = false
    const caller = link.add('10.0.0.1')
    const callees = [link.add('10.0.0.2'), link.add('10.0.0.3')].slice(0, 1 + random.below(2))
    const ends: string[] = []
    for (const each of [caller, ...callees]) each.onOutput = wilful(link, each, new SeededRandom(seeds.token(8)), ends)
    caller.invite('call', callees, { timeoutMs: 2_000 + random.below(30_000) })
    if (random.unit() < 0.3)
      link.clock.schedule(link.clock.now() + random.unit() * 9_000, () => caller.feed({ kind: 'cancel', leg: 'call' }))
    link.run(400_000)

    const begun = ['call', ...callees.flatMap((each) => each.tales('incoming').map(({ leg }) => leg))]
    assert.deepEqual(ends.toSorted(), begun.toSorted(), `ends of ${seed}`)
    for (const each of [caller, ...callees]) {
      for (const { kind } of each.told) tally.set(kind, (tally.get(kind) ?? 0) + 1)
      assert.deepEqual(each.core.census(), NOTHING, `census of ${seed}`)
      assert.equal(each.timers, 0, `timers of ${seed}`)
    }
  }
  for (const kind of [
    'answered',
    'failed',
    'cancelled',
    'ended',
    'confirmed',
    'reinvited',
    'refer',
    'notified',
  ] as const) {
    assert.ok((tally.get(kind) ?? 0) > CALLS / 20, `the calls are of all sorts: ${kind}`)
  }
})

test('any bytes are survived, alone and in the middle of a call', () => {
  const random = new SeededRandom('bytes')
  const link = new Link('bytes')
  const [alice, bob] = [link.add('10.0.0.1'), link.add('10.0.0.2')]
  bob.onOutput = openDoor(bob)
  alice.invite('call', [bob])
  link.run(100)
  const samples = link.wire.map(({ text }) => Buffer.from(text))
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(samples[random.below(samples.length)]!)
    const hits = 1 + random.below(8)
    for (let hit = 0; hit < hits; hit++) bytes[random.below(bytes.length)] = random.below(256)
    const cut = random.unit() < 0.2 ? bytes.subarray(0, random.below(bytes.length)) : bytes
    const station = random.unit() < 0.5 ? alice : bob
    station.receive(cut, station === alice ? bob.at : alice.at)
  }
})
