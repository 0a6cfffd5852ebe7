import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT, Client, type Input, type TimerName } from './client.ts'
import { answer, NO_ENVELOPE, reachEveryCell, Stopwatch } from './stopwatch.fixture.ts'

function start(watch: Stopwatch): Client {
  const machine = new Client(watch.surroundings<TimerName>(), watch.client, Buffer.from('BYE'))
  watch.fire = (timer: TimerName) => machine.fire(timer)
  machine.start()
  return machine
}

function give(machine: Client, input: Input): void {
  if (input === 'provisional') machine.receive(answer(100), NO_ENVELOPE)
  else if (input === 'final') machine.receive(answer(200), NO_ENVELOPE)
  else if (input === 'transportError') machine.transportFailed()
  else machine.fire(input.slice(-1) as TimerName)
}

test('every cell is reached', () => {
  const paths = { trying: [], proceeding: ['provisional'], completed: ['final'], terminated: ['timerF'] } as const
  const cells = reachEveryCell(
    CLIENT,
    () => start(new Stopwatch()),
    paths,
    (machine, input) => give(machine as Client, input),
  )
  assert.equal(cells, 24)
})

test('a request nobody answers is repeated from T1 up to T2 apart, and given up after 64*T1', () => {
  const watch = new Stopwatch()
  start(watch)
  const sent = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500].map(
    (at) => `${at} send BYE`,
  )
  assert.deepEqual(watch.runTo(100_000), [...sent, '32000 ended', '32000 told timeout'])
})

test('after a provisional answer it is repeated every T2', () => {
  const watch = new Stopwatch()
  const machine = start(watch)
  watch.runTo(200)
  give(machine, 'provisional')
  const sent = [500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500].map((at) => `${at} send BYE`)
  assert.deepEqual(watch.runTo(100_000), ['200 told 100', ...sent, '32000 ended', '32000 told timeout'])
})

test('a final answer is told once; copies are taken in until timer K after T4', () => {
  const watch = new Stopwatch()
  const machine = start(watch)
  watch.runTo(100)
  give(machine, 'final')
  give(machine, 'final')
  assert.deepEqual(watch.runTo(100_000), ['100 told 200', '5100 ended'])
})

test('over a reliable transport it is sent once, and K is zero', () => {
  const watch = new Stopwatch(true)
  const machine = start(watch)
  watch.clock.advanceTo(5_000)
  give(machine, 'final')
  assert.deepEqual(watch.runTo(5_001), ['0 send BYE', '5000 told 200', '5000 ended'])
})
