import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INVITE_SERVER, type Input, InviteServer, type TimerName } from './invite-server.ts'
import { asked, NO_ENVELOPE, reachEveryCell, Stopwatch } from './stopwatch.fixture.ts'

function start(watch: Stopwatch): InviteServer {
  const machine = new InviteServer(watch.surroundings<TimerName>())
  machine.user = watch.server
  watch.fire = (timer: TimerName) => machine.fire(timer)
  return machine
}

const ANSWERS: Partial<Record<Input, number>> = { provisional: 180, success: 200, failure: 486 }

function give(machine: InviteServer, input: Input): void {
  const code = ANSWERS[input]
  if (code !== undefined) machine.respond(code, Buffer.from(String(code)))
  else if (input === 'request') machine.receive(asked('INVITE'), NO_ENVELOPE)
  else if (input === 'ack') machine.receive(asked('ACK'), NO_ENVELOPE)
  else if (input === 'transportError') machine.transportFailed()
  else machine.fire(input.slice(-1) as TimerName)
}

test('every cell is reached', () => {
  const paths = {
    proceeding: [],
    accepted: ['success'],
    completed: ['failure'],
    confirmed: ['failure', 'ack'],
    terminated: ['success', 'timerL'],
  } as const
  const cells = reachEveryCell(
    INVITE_SERVER,
    () => start(new Stopwatch()),
    paths,
    (machine, input) => give(machine as InviteServer, input),
  )
  assert.equal(cells, 50)
})

test('an INVITE again gets the last provisional answer again', () => {
  const watch = new Stopwatch()
  const machine = start(watch)
  give(machine, 'request')
  give(machine, 'provisional')
  give(machine, 'request')
  assert.deepEqual(watch.runTo(0), ['0 send 180', '0 send 180'])
})

test('a failure without ACK is repeated from T1 up to T2 apart, and given up after 64*T1', () => {
  const watch = new Stopwatch()
  give(start(watch), 'failure')
  const sent = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500].map(
    (at) => `${at} send 486`,
  )
  assert.deepEqual(watch.runTo(100_000), [...sent, '32000 ended', '32000 told timeout'])
})

test('the ACK stops it; timer I takes in further ACKs for T4', () => {
  const watch = new Stopwatch()
  const machine = start(watch)
  give(machine, 'failure')
  watch.clock.advanceTo(600)
  give(machine, 'ack')
  give(machine, 'ack')
  assert.deepEqual(watch.runTo(100_000), ['0 send 486', '500 send 486', '5600 ended'])
})

test('over a reliable transport a failure is sent once, and I is zero', () => {
  const watch = new Stopwatch(true)
  const machine = start(watch)
  give(machine, 'failure')
  watch.clock.advanceTo(9_000)
  give(machine, 'ack')
  assert.deepEqual(watch.runTo(9_001), ['0 send 486', '9000 ended'])
})

test('after a 2xx copies of the INVITE are taken in silence until timer L after 64*T1', () => {
  const watch = new Stopwatch()
  const machine = start(watch)
  give(machine, 'success')
  watch.clock.advanceTo(500)
  give(machine, 'request')
  give(machine, 'ack')
  assert.deepEqual(watch.runTo(100_000), ['0 send 200', '500 told ack', '32000 ended'])
})
