import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INVITE_CLIENT, type Input, InviteClient, type TimerName } from './invite-client.ts'
import { answer, NO_ENVELOPE, reachEveryCell, Stopwatch } from './stopwatch.fixture.ts'

function start(watch: Stopwatch): InviteClient {
  const machine = new InviteClient(watch.surroundings<TimerName>(), watch.client, Buffer.from('INVITE'), () =>
    Buffer.from('ACK'),
  )
  watch.fire = (timer: TimerName) => machine.fire(timer)
  machine.start()
  return machine
}

function give(machine: InviteClient, input: Input): void {
  if (input === 'provisional') machine.receive(answer(180), NO_ENVELOPE)
  else if (input === 'success') machine.receive(answer(200), NO_ENVELOPE)
  else if (input === 'failure') machine.receive(answer(486), NO_ENVELOPE)
  else if (input === 'transportError') machine.transportFailed()
  else if (input === 'givenUp') machine.giveUp()
  else machine.fire(input.slice(-1) as TimerName)
}

test('every cell is reached', () => {
  const paths = {
    calling: [],
    proceeding: ['provisional'],
    accepted: ['success'],
    completed: ['failure'],
    terminated: ['timerB'],
  } as const
  const cells = reachEveryCell(
    INVITE_CLIENT,
    () => start(new Stopwatch()),
    paths,
    (machine, input) => give(machine as InviteClient, input),
  )
  assert.equal(cells, 45)
})

test('an INVITE nobody answers is sent seven times, and given up after 64*T1', () => {
  const watch = new Stopwatch()
  start(watch)
  const sent = [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500].map((at) => `${at} send INVITE`)
  assert.deepEqual(watch.runTo(100_000), [...sent, '32000 ended', '32000 told timeout'])
})

test('over a reliable transport it is sent once', () => {
  const watch = new Stopwatch(true)
  start(watch)
  assert.deepEqual(watch.runTo(100_000), ['0 send INVITE', '32000 ended', '32000 told timeout'])
})

test('a provisional answer stops A and B for good', () => {
  const watch = new Stopwatch()
  const machine = start(watch)
  watch.runTo(600)
  give(machine, 'provisional')
  assert.deepEqual(watch.runTo(1_000_000), ['600 told 180'])
})

test('a failure is acknowledged each time it comes, told once, and forgotten after timer D', () => {
  const watch = new Stopwatch()
  const machine = start(watch)
  watch.runTo(100)
  give(machine, 'failure')
  assert.deepEqual(watch.runTo(200), ['100 send ACK', '100 told 486'])
  give(machine, 'failure')
  assert.deepEqual(watch.runTo(100_000), ['200 send ACK', '32100 ended'])
})

test('over a reliable transport timer D is zero', () => {
  const watch = new Stopwatch(true)
  const machine = start(watch)
  watch.runTo(100)
  give(machine, 'failure')
  assert.deepEqual(watch.runTo(101), ['100 send ACK', '100 told 486', '100 ended'])
})

test('every 2xx is told, until timer M after 64*T1', () => {
  const watch = new Stopwatch()
  const machine = start(watch)
  watch.runTo(100)
  give(machine, 'success')
  watch.clock.advanceTo(600)
  give(machine, 'success')
  assert.deepEqual(watch.runTo(100_000), ['100 told 200', '600 told 200', '32100 ended'])
})
