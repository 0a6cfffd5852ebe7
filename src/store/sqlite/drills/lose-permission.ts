/**
 * A process that loses and regains the right to its folder: `lose-permission.ts <folder>`. Prints what commits answered
 * with the right, without it, and with it again. Must not run as root, for whom there is no such loss.
 */

import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { VirtualClock } from '../../../kernel/clock.ts'
import type { CommitResult } from '../../port.ts'
import { WorkerStore } from '../worker-store.ts'
import { numberedBatch } from './numbered-batch.ts'
import { until } from './until.ts'

const folder = process.argv[2]!
const clock = new VirtualClock()
const store = await WorkerStore.open({ path: join(folder, 'store.db'), clock })
const kinds: string[] = []
const note = (answer: CommitResult): void => void kinds.push(answer.ok ? 'ok' : answer.kind)

note(await store.commit(numberedBatch(1)))
chmodSync(folder, 0o000)
await store.crash('writer')
let tries = 0
await until(clock, async () => {
  tries += 1
  return tries > 20
})
note(await store.commit(numberedBatch(2)))
chmodSync(folder, 0o700)
await until(clock, async () => (await store.commit(numberedBatch(2))).ok)
note(await store.commit(numberedBatch(3)))
await store.close()
console.log(kinds.join(' '))
