import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Input, SERVER, Server, type TimerName } from './server.ts'
import { reachEveryCell, Stopwatch } from './stopwatch.fixture.ts'

function start(watch: Stopwatch): Server {
  const machine = new Server(watch.surroundings<TimerName>())
  machine.user = watch.server
  watch.fire = (timer: TimerName) => machine.fire(timer)
  return machine
}

function give(machine: Server, input: Input): void {
  if (input === 'provisional') machine.respond(100, Buffer.from('100'))
  else if (input === 'final') machine.respond(200, Buffer.from('200'))
  else if (input === 'request') machine.receive()
  else if (input === 'transportError') machine.transportFailed()
  else machine.fire('J')
}

test('every cell is reached', () => {
  const paths = {
    trying: [],
    proceeding: ['provisional'],
    completed: ['final'],
    terminated: ['final', 'timerJ'],
  } as const
  const cells = reachEveryCell(
    SERVER,
    () => start(new Stopwatch()),
    paths,
    (machine, input) => give(machine as Server, input),
  )
  assert.equal(cells, 20)
})

test('a copy of the request gets nothing before the answer, the answer after it, and is forgotten after timer J', () => {
  const watch = new Stopwatch()
  const machine = start(watch)
  give(machine, 'request')
  give(machine, 'final')
  give(machine, 'request')
  assert.deepEqual(watch.runTo(100_000), ['0 send 200', '0 send 200', '32000 ended'])
})

test('over a reliable transport J is zero', () => {
  const watch = new Stopwatch(true)
  give(start(watch), 'final')
  assert.deepEqual(watch.runTo(1), ['0 send 200', '0 ended'])
})
