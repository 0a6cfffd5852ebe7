import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amplitudeAt } from '../audio/tone.ts'
import { parseWav } from '../audio/wav.ts'
import type { CallInput } from '../calls/part.ts'
import { VirtualClock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { bad, good, type Result } from '../kernel/result.ts'
import { LANE_FLOW, LANE_SAY, type LegRef, type MediaCommand, type MediaEvent } from '../media/protocol.ts'
import type { ListenCommand, ListenEvent, TalkCommand, TalkEvent } from '../speech/protocol.ts'
import type { Channel } from './channel.ts'
import { SoundDriver } from './sound-driver.ts'

/** A thread that only takes notes. */
class Notes<Command extends { kind: string }, Event> implements Channel<Command, Event> {
  onEvents: (events: readonly Event[]) => void = () => {}
  onLost: () => void = () => {}
  readonly posted: Command[] = []

  post(command: Command): void {
    this.posted.push(command)
  }

  async close(): Promise<void> {}

  /** What was posted since the last time, of these kinds. */
  take<K extends Command['kind']>(...kinds: K[]): Extract<Command, { kind: K }>[] {
    const taken = this.posted.filter((command) => kinds.includes(command.kind as K))
    this.posted.length = 0
    return taken as Extract<Command, { kind: K }>[]
  }
}

function world() {
  const media = new Notes<MediaCommand, MediaEvent>()
  const listen = new Notes<ListenCommand, ListenEvent>()
  const talk = new Notes<TalkCommand, TalkEvent>()
  const told: { callId: string; input: CallInput }[] = []
  const fetching = new Map<string, (file: Result<Uint8Array>) => void>()
  const quiet = (): void => {}
  const log: Log = { error: quiet, warn: quiet, info: quiet, debug: quiet }
  const driver = new SoundDriver(
    {
      clock: new VirtualClock(0),
      log,
      media: [media],
      listen,
      talk,
      bindAddress: '127.0.0.1',
      rtpPorts: [10_001, 10_011],
      rateHz: 8_000,
      maxLegs: 8,
      files: { load: (url) => new Promise((resolve) => fetching.set(url, resolve)) },
    },
    (callId, input) => told.push({ callId, input }),
  )
  /** The file has come, or not. */
  const arrive = async (url: string, file: Result<Uint8Array> = good(Uint8Array.of(1))): Promise<void> => {
    fetching.get(url)!(file)
    await new Promise(setImmediate)
  }
  const failures = (): string[] =>
    told.flatMap(({ input }) =>
      input.kind === 'talk' && input.news.kind === 'utterFailed' ? [`${input.news.sayId}: ${input.news.why}`] : [],
    )
  const spoken = (): string[] => talk.take('utter', 'play').map(({ kind, sayId }) => `${kind} ${sayId}`)
  return { driver, media, talk, told, arrive, failures, spoken }
}

const say = (sayId: number, lane: 0 | 1 = LANE_FLOW, epoch = 0) => ({
  lane,
  epoch,
  sayId,
  text: 'Hello.',
  voice: 'slt',
})
const file = (sayId: number, url: string, lane: 0 | 1 = LANE_FLOW, epoch = 0) =>
  ({ customerId: 'me', lane, epoch, sayId, sound: { kind: 'url', url } }) as const

test('what is asked for after a file waits for it, in its own lane and call only', async () => {
  const { driver, arrive, spoken } = world()
  driver.open('one')
  driver.open('two')
  driver.utter('one', say(1))
  driver.play('one', file(2, 'a'))
  driver.utter('one', say(3))
  driver.play('one', file(4, 'b'))
  driver.play('one', {
    customerId: 'me',
    lane: LANE_FLOW,
    epoch: 0,
    sayId: 5,
    sound: { kind: 'tone', hz: 1_000, ms: 300 },
  })
  driver.utter('one', say(6, LANE_SAY))
  driver.utter('two', say(1))
  assert.deepEqual(spoken(), ['utter 1', 'utter 6', 'utter 1'])
  await arrive('b')
  assert.deepEqual(spoken(), [])
  await arrive('a')
  assert.deepEqual(spoken(), ['play 2', 'utter 3', 'play 4', 'play 5'])
  driver.utter('one', say(7))
  assert.deepEqual(spoken(), ['utter 7'])
})

test('a file that does not come is told by its say, and what waited goes on', async () => {
  const { driver, arrive, failures, spoken } = world()
  driver.open('one')
  driver.play('one', file(1, 'a'))
  driver.utter('one', say(2))
  await arrive('a', bad('the server answered 404'))
  assert.deepEqual(failures(), ['1: the server answered 404'])
  assert.deepEqual(spoken(), ['utter 2'])
})

test('a flush drops what waits in its lane, and a file that comes later is never played', async () => {
  const { driver, arrive, failures, spoken } = world()
  driver.open('one')
  driver.play('one', file(1, 'a'))
  driver.utter('one', say(2))
  driver.play('one', file(3, 'b', LANE_SAY))
  driver.flush('one', LANE_FLOW, 1)
  driver.utter('one', say(4, LANE_FLOW, 1))
  await arrive('a')
  await arrive('b')
  assert.deepEqual(spoken(), ['utter 4', 'play 3'])
  assert.deepEqual(failures(), [])
})

test('after hang-up, and without a talk thread, nothing waits any more', async () => {
  const { driver, talk, arrive, failures, spoken } = world()
  driver.open('one')
  driver.open('two')
  driver.play('one', file(1, 'a'))
  driver.play('two', file(1, 'b'))
  driver.close('one')
  talk.onLost()
  await arrive('a')
  await arrive('b')
  assert.deepEqual(spoken(), [])
  driver.play('two', file(2, 'c'))
  await arrive('c')
  assert.deepEqual(failures(), ['2: the talk thread is gone'])
})

test('a tone is a WAV file of its length and pitch, without a click', () => {
  const { driver, talk } = world()
  driver.open('one')
  driver.play('one', {
    customerId: 'me',
    lane: LANE_FLOW,
    epoch: 3,
    sayId: 9,
    sound: { kind: 'tone', hz: 1_000, ms: 300 },
  })
  const [play] = talk.take('play')
  assert.deepEqual([play!.sayId, play!.epoch], [9, 3])
  const wav = parseWav(play!.wav)
  assert.ok(wav.ok)
  const [pcm] = wav.value.channels
  assert.equal(pcm!.length, 2_400)
  assert.ok(amplitudeAt(pcm!, 1_000, 8_000) > 7_500)
  assert.ok(Math.abs(pcm![0]!) < 100 && Math.abs(pcm!.at(-1)!) < 300)
})

test('two bridged calls share a group of their own, one way or both, and leave it together', () => {
  const { driver, media } = world()
  const legs = new Map<string, LegRef>()
  for (const id of ['a', 'b', 'c', 'd']) {
    driver.open(id)
    legs.set(id, media.take('openLeg')[0]!.leg)
  }
  const nameOf = (leg: LegRef): string => [...legs].find(([, one]) => one === leg)![0]
  const moves = (): string[] =>
    media
      .take('join', 'leave')
      .map((move) =>
        move.kind === 'leave'
          ? `${nameOf(move.leg)} leaves`
          : `${nameOf(move.leg)} in ${move.group}${move.talks ? ' talks' : ''}${move.hears ? ' hears' : ''}`,
      )
  driver.bridge('a', 'b')
  assert.deepEqual(moves(), ['a in 1 talks hears', 'b in 1 talks hears'])
  driver.bridge('c', 'd', true)
  assert.deepEqual(moves(), ['c in 2 hears', 'd in 2 talks'])
  driver.bridge('a', 'c')
  assert.deepEqual(moves(), [
    'a leaves',
    'b leaves',
    'c leaves',
    'd leaves',
    'a in 3 talks hears',
    'c in 3 talks hears',
  ])
  driver.unbridge('c')
  assert.deepEqual(moves(), ['c leaves', 'a leaves'])
  driver.unbridge('c')
  driver.bridge('a', 'nobody')
  driver.bridge('a', 'a')
  assert.deepEqual(moves(), [])
  driver.bridge('a', 'b')
  moves()
  driver.close('b')
  assert.deepEqual(moves(), ['b leaves', 'a leaves'])
  driver.bridge('a', 'b')
  assert.deepEqual(moves(), [])
})

test('who is held hears music and nobody, whenever it is bridged; afterwards all is as it was asked for meanwhile', () => {
  const { driver, media } = world()
  const names: string[] = []
  for (const id of ['a', 'b', 'c']) {
    driver.open(id)
    names[media.take('openLeg')[0]!.leg.slot] = id
  }
  const told = (): string[] =>
    media
      .take('join', 'background')
      .map((one) =>
        one.kind === 'background'
          ? `${names[one.leg.slot]} ${one.sound}`
          : `${names[one.leg.slot]}${one.talks ? ' talks' : ''}${one.hears ? ' hears' : ''}`,
      )
  driver.bridge('a', 'b')
  told()
  driver.hold('a', true)
  assert.deepEqual(told(), ['a', 'a music'])
  driver.hold('a', true)
  driver.background('a', 'ringback')
  assert.deepEqual(told(), [])
  driver.bridge('c', 'a', true)
  assert.deepEqual(told(), ['c hears', 'a'])
  driver.hold('a', false)
  assert.deepEqual(told(), ['a talks', 'a ringback'])
  driver.hold('nobody', true)
  driver.unbridge('c')
  driver.hold('c', true)
  assert.deepEqual(told(), ['c music'])
})

test('muting has a direction', () => {
  const { driver, media } = world()
  driver.open('one')
  for (const [direction, muted, deafened] of [
    ['out', true, false],
    ['in', false, true],
    ['both', true, true],
    ['', false, false],
  ] as const) {
    media.posted.length = 0
    driver.mute('one', direction)
    assert.deepEqual(
      media.take('mute', 'deafen').map(({ kind, on }) => [kind, on]),
      [
        ['mute', muted],
        ['deafen', deafened],
      ],
    )
  }
})

test('background, echo and keys go to the leg; a call without one is left alone', () => {
  const { driver, media } = world()
  driver.open('one')
  const [{ leg } = { leg: null }] = media.take('openLeg')
  for (const id of ['one', 'nobody']) {
    driver.background(id, 'music')
    driver.echo(id, true)
    driver.sendDigits(id, '12#', 100, 60)
    driver.mute(id, 'out')
    driver.unbridge(id)
    driver.play(id, file(1, 'x'))
  }
  assert.deepEqual(media.posted.slice(0, 3), [
    { kind: 'background', leg, sound: 'music' },
    { kind: 'echo', leg, on: true },
    { kind: 'sendDigits', leg, digits: '12#', durationMs: 100, gapMs: 60 },
  ])
  assert.equal(media.posted.length, 5)
})

test('ports are even and taken in turn, slots are used again when all have let go', () => {
  const { driver, media, talk } = world()
  driver.open('one')
  const [first] = media.take('openLeg')
  assert.deepEqual(first!.localPorts, [10_002, 10_004, 10_006, 10_008, 10_010, 10_002, 10_004, 10_006])
  driver.close('one')
  assert.deepEqual(driver.census(), { legs: 1, slots: 1 })
  talk.onEvents([{ kind: 'voiceClosed', leg: first!.leg }])
  media.onEvents([{ kind: 'legFailed', leg: first!.leg, why: 'a test' }])
  assert.deepEqual(driver.census(), { legs: 0, slots: 1 })
  driver.open('two')
  assert.deepEqual(media.take('openLeg')[0]!.leg, { slot: 0, generation: 2 })
})
