/** How fast the API answers on live calls, and what a request costs the server. */

import { type BenchResult, type Figure, figure, spread } from './figures.ts'
import type { Line, World } from './line.ts'

const CALLS = 20
const STARTS_PER_CALL = 10
const REQUESTS = 400
const IDLE_MS = 3_000
/** What one request costs a server that is busy with others. */
const AT_ONCE = 16
const WARM_UP = 2_000
const MOST_OF_A_POST_US = 200
const ROUNDS = 3

export async function rest(world: World): Promise<BenchResult> {
  const unloaded = await withoutCalls(world)
  const lines = await world.call(CALLS)
  const speakings: number[] = []
  const transcribes: number[] = []
  for (let i = 0; i < world.times(STARTS_PER_CALL, 2); i++) {
    for (const line of lines) {
      speakings.push(await timeOf(world, '/speakings', line))
      transcribes.push(await timeOf(world, '/transcribes', line))
    }
  }
  return {
    bench: 'rest',
    figures: [
      ...unloaded,
      ...spread(`POST /speakings, ${CALLS} live calls`, speakings, { p50: null, p99: 200, max: null }),
      ...spread(`POST /transcribes, ${CALLS} live calls`, transcribes, { p50: null, p99: 200, max: null }),
      ...(await costs(world, lines)),
    ],
    notes: [
      'The CPU of a POST with its insert and its event is held against its target while no call is up: beside live calls the same ' +
        'work takes more CPU time, because both cores share what they compute with.',
      'Timed alone, one request after the other, over one connection kept open. "All threads" of a say holds everything it ' +
        'causes: the sound from the cache, its play-out and the events of its end.',
    ],
  }
}

/** Starts a session, timed, and stops it again. */
async function timeOf(world: World, path: string, line: Line): Promise<number> {
  const wish = { reference_type: 'call', reference_id: line.callId, language: 'en-US', direction: 'in' }
  const { body, sentAt, doneAt } = await world.ask('POST', path, wish)
  await world.ask('POST', `${path}/${body['id']}/stop`)
  return doneAt - sentAt
}

const numberOf = (i: number): string => `+8991${String(i).padStart(6, '0')}`
const postNumber = (world: World, i: number) => world.ask('POST', '/numbers', { number: numberOf(i) })

/** What one authenticated POST, with its insert and its event, costs by itself. */
async function withoutCalls(world: World): Promise<Figure[]> {
  const restMs = await idle(world)
  const count = 10 * world.times(REQUESTS, 100)
  const rounds: Figure[][] = []
  for (let round = 0; round < ROUNDS; round++) {
    const ask = (i: number) => postNumber(world, 100_000 * (5 + round) + i)
    rounds.push(await costOf(world, 'POST /numbers, no call up', count, restMs, ask, AT_ONCE, MOST_OF_A_POST_US))
  }
  // The machine is shared: the round in the middle, by what the main thread spent.
  const main = (figures: readonly Figure[]): number => figures.find(({ target }) => target)?.value ?? 0
  return rounds.toSorted((a, b) => main(a) - main(b))[Math.floor(ROUNDS / 2)]!
}

async function costs(world: World, lines: readonly Line[]): Promise<Figure[]> {
  const count = world.times(REQUESTS, 100)
  for (const line of lines) await line.openSpeaking()
  await lines[0]!.say('Yes.')
  await world.wait(1_000)
  const restMs = await idle(world)
  const line = (i: number): Line => lines[i % lines.length]!
  return [
    ...(await costOf(world, 'GET /calls/{id}', count, restMs, (i) => world.ask('GET', `/calls/${line(i).callId}`))),
    ...(await costOf(world, 'POST /speakings/{id}/say, "Yes."', Math.ceil(count / 2), restMs, (i) =>
      line(i).say('Yes.'),
    )),
    ...(await costOf(world, 'POST /numbers', count, restMs, (i) => postNumber(world, i))),
    ...(await costOf(
      world,
      'GET /calls/{id}',
      5 * count,
      restMs,
      (i) => world.ask('GET', `/calls/${line(i).callId}`),
      AT_ONCE,
    )),
    ...(await costOf(world, 'POST /numbers', 5 * count, restMs, (i) => postNumber(world, count + i), AT_ONCE)),
  ]
}

interface Rate {
  readonly mainThread: number
  readonly process: number
}

/** CPU ms per ms while nothing is asked. */
async function idle(world: World): Promise<Rate> {
  const began = world.clock.now()
  const before = await world.askServer('cpu')
  await world.wait(IDLE_MS)
  const after = await world.askServer('cpu')
  const spanMs = world.clock.now() - began
  return {
    mainThread: (after.mainThreadMs - before.mainThreadMs) / spanMs,
    process: (after.processMs - before.processMs) / spanMs,
  }
}

/** One after the other, or several at a time; what the live calls cost anyway is taken off. */
async function costOf(
  world: World,
  route: string,
  count: number,
  rest_: Rate,
  ask: (i: number) => Promise<{ sentAt: number; doneAt: number }>,
  atOnce = 1,
  mostUs?: number,
): Promise<Figure[]> {
  const what = atOnce === 1 ? route : `${route}, ${atOnce} at once`
  for (let i = 0; i < 20; i++) if (what.startsWith('GET')) await ask(i)
  const times: number[] = []
  let next = 0
  let end = 0
  const askOn = async (): Promise<void> => {
    while (next < end) {
      const { sentAt, doneAt } = await ask(next++)
      times.push(doneAt - sentAt)
    }
  }
  const askAll = async (more: number): Promise<void> => {
    end += more
    await Promise.all(Array.from({ length: atOnce }, askOn))
  }
  // A server that has been asked before: its hot paths are compiled.
  if (atOnce > 1) await askAll(WARM_UP)
  times.length = 0
  const began = world.clock.now()
  const before = await world.askServer('cpu')
  await askAll(count)
  const after = await world.askServer('cpu')
  const spanMs = world.clock.now() - began
  const perRequest = (usedMs: number, rate: number): number => (1000 * (usedMs - rate * spanMs)) / count
  return [
    ...spread(what, times, { p50: null, p99: null }),
    figure(
      `${what}, CPU of the main thread`,
      'us',
      perRequest(after.mainThreadMs - before.mainThreadMs, rest_.mainThread),
      mostUs,
    ),
    figure(`${what}, CPU of all threads`, 'us', perRequest(after.processMs - before.processMs, rest_.process)),
  ]
}
