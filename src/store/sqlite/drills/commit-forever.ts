/**
 * A process to be killed: `commit-forever.ts <path> <first number>`. Commits batch after batch to the store and prints the
 * number of each batch once it is acknowledged.
 */

import { writeSync } from 'node:fs'
import { VirtualClock } from '../../../kernel/clock.ts'
import { WorkerStore } from '../worker-store.ts'
import { numberedBatch } from './numbered-batch.ts'

const [path, first] = process.argv.slice(2)
const store = await WorkerStore.open({ path: path!, clock: new VirtualClock() })
let next = Number(first)

async function commitNext(): Promise<void> {
  const number = next++
  const answer = await store.commit(numberedBatch(number))
  if (!answer.ok) throw new Error(JSON.stringify(answer))
  writeSync(1, `${number}\n`)
}

// Several at once, so that the kill meets acknowledged, running and waiting batches.
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (;;) await commitNext()
  }),
)
