/**
 * The control beside the media thread: a worker of the same process that does nothing but tick every 5 ms, as the media
 * thread does, and send one packet every 20 ms to the process that receives. How late it is shows what this machine can do.
 */

import { createSocket } from 'node:dgram'
import { parentPort, workerData } from 'node:worker_threads'
import { monotonicMs } from '../../src/workers/monotonic.ts'

const TICK_MS = 5
const TICKS_PER_PACKET = 4
const PACKET_BYTES = 172

const socket = createSocket('udp4')
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const lateMs: number[] = []
const packet = Buffer.alloc(PACKET_BYTES)
let dueAt = Math.ceil(monotonicMs() / TICK_MS) * TICK_MS
let ticks = 0
let isOver = false

function tick(): void {
  const waitMs = dueAt - monotonicMs()
  if (waitMs > 0) Atomics.wait(sleeper, 0, 0, waitMs)
  lateMs.push(monotonicMs() - dueAt)
  if (ticks % TICKS_PER_PACKET === 0) {
    packet.writeUInt32BE(ticks / TICKS_PER_PACKET)
    socket.send(Uint8Array.from(packet))
  }
  ticks++
  dueAt += TICK_MS
  if (isOver) socket.close()
  else setImmediate(tick)
}

parentPort!.once('message', () => {
  isOver = true
  parentPort!.postMessage(lateMs)
})
socket.connect((workerData as { port: number }).port, '127.0.0.1', tick)
