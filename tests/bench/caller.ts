/** The process of the callers: runs one bench against the server it is told of, and tells the result. */

import { calls } from './calls.ts'
import { door } from './door.ts'
import { events } from './events.ts'
import type { BenchResult } from './figures.ts'
import { flush } from './flush.ts'
import { lateness } from './lateness.ts'
import { type AskServer, World } from './line.ts'
import { media } from './media.ts'
import type { FromCaller, ToCaller } from './messages.ts'
import { pace } from './pace.ts'
import { rest } from './rest.ts'
import { say } from './say.ts'
import { setup } from './setup.ts'
import { turns } from './turns.ts'

const BENCHES: Readonly<Record<string, (world: World) => Promise<BenchResult>>> = {
  turns,
  say,
  flush,
  pace,
  rest,
  calls,
  events,
  media,
  setup,
  lateness,
  door,
}
/** Benches that have their own callers and read no events. */
const CROWDS = ['media', 'setup', 'lateness', 'door']

const waiting = new Map<number, (value: unknown) => void>()
let lastId = 0

const askServer = ((question, port) => {
  const id = ++lastId
  return new Promise<unknown>((resolve) => {
    waiting.set(id, resolve)
    tell({ kind: 'ask', id, question, ...(port === undefined ? {} : { port }) })
  })
}) as AskServer

function tell(message: FromCaller): void {
  process.send?.(message)
}

async function run({ bench, access, scale, seed }: ToCaller & { kind: 'run' }): Promise<void> {
  try {
    const listens = !CROWDS.includes(bench)
    const world = await World.open({ access, askServer, scale, seed, sendSilence: bench !== 'pace', listens })
    const result = await BENCHES[bench]!(world)
    await world.close()
    tell({ kind: 'result', result })
  } catch (cause) {
    tell({ kind: 'failed', why: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) })
  }
}

process.on('message', (message: ToCaller) => {
  if (message.kind === 'run') {
    void run(message)
    return
  }
  waiting.get(message.id)?.(message.value)
  waiting.delete(message.id)
})
// Ctrl-C reaches the whole group: the program in the middle ends, and then we do.
process.on('SIGINT', () => {})
process.once('disconnect', () => process.exit(0))
