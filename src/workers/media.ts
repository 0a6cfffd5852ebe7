/**
 * A media thread: sockets, a 5 ms ticker, and the doorbell that wakes the listen thread. `MediaCommand` in,
 * `MediaEvent[]` out. While a leg is open it sleeps to an absolute time and then gives the event loop one turn; without
 * legs it does not tick at all.
 */

import { setPriority } from 'node:os'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { prepareOpus } from '../audio/opus.ts'
import type { MediaCommand, MediaEvent } from '../media/protocol.ts'
import { MediaThread } from '../media/thread.ts'
import { openFfiNetwork, type PolledNetwork } from '../net/ffi-udp.ts'
import { UdpNetwork } from '../net/udp.ts'
import { monotonicMs } from './monotonic.ts'

const TICK_MS = 5
/** Before everybody else, where that may be asked for. On Linux it holds for this thread only. */
const NICENESS = -15

function hurry(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(0, NICENESS)
  } catch {
    // It takes CAP_SYS_NICE: an ordinary user goes on with ordinary priority.
  }
}

/**
 * @param bell int32 0 is counted up and notified whenever there is something to hear
 * @param polled sockets that are asked on every tick; null: Node's own, which tell
 */
function run(port: MessagePort, bell: Int32Array, polled: PolledNetwork | null): void {
  hurry()
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  let events: MediaEvent[] = []
  let dueAt = 0
  let pushed = 0
  let isTicking = false

  const thread = new MediaThread({
    network: polled ?? new UdpNetwork(),
    now: monotonicMs,
    emit: (event) => {
      events.push(event)
      if (!isTicking) tellAll()
    },
    cpuMs: () => {
      const { user, system } = process.threadCpuUsage()
      return (user + system) / 1000
    },
  })

  const ring = (): void => {
    const now = thread.pushed
    if (now === pushed) return
    pushed = now
    Atomics.add(bell, 0, 1)
    Atomics.notify(bell, 0)
  }

  const tellAll = (): void => {
    if (events.length === 0) return
    port.postMessage(events)
    events = []
  }

  const turn = (): void => {
    // What arrived in the loop's turn does not wait for the tick. What the last tick made up does: it is silence.
    ring()
    tellAll()
    const waitMs = dueAt - monotonicMs()
    if (waitMs > 0) Atomics.wait(sleeper, 0, 0, waitMs)
    if (polled) {
      polled.poll()
      // Who listens is woken before anybody is told.
      ring()
    }
    const now = monotonicMs()
    thread.tick(now)
    // Ticks that were slept through are not made up for: each leg keeps its own grid.
    dueAt = nextTick(now)
    tellAll()
    isTicking = thread.openLegs > 0
    if (isTicking) setImmediate(turn)
  }

  port.on('message', (command: MediaCommand) => {
    thread.handle(command, monotonicMs())
    if (command.kind === 'shutDown') {
      tellAll()
      polled?.close()
      return port.close()
    }
    if (thread.openLegs === 0 || isTicking) return
    isTicking = true
    dueAt = nextTick(monotonicMs())
    setImmediate(turn)
  })
  // Before the first call, which it would delay; where it cannot be loaded, Opus stays silent.
  prepareOpus().catch(() => {})
  port.postMessage([{ kind: 'ready' } satisfies MediaEvent])
}

function nextTick(now: number): number {
  return (Math.floor(now / TICK_MS) + 1) * TICK_MS
}

interface Given {
  readonly bell: SharedArrayBuffer
  /** `dgram`: Node's own sockets, whatever else there is. */
  readonly rtpIo: 'auto' | 'dgram'
}

if (parentPort) {
  const { bell, rtpIo } = workerData as Given
  const polled = rtpIo === 'dgram' ? null : await openFfiNetwork()
  // Descriptors belong to the process: a thread that ends must not leave its ports taken.
  if (polled) process.once('exit', () => polled.close())
  run(parentPort, new Int32Array(bell), polled)
}
