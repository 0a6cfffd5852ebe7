/** The thread of the store: one SQLite connection, asked by `store/sqlite/worker-store.ts`. */

import { parentPort, workerData } from 'node:worker_threads'
import type { SqliteCore } from '../store/sqlite/core.ts'
import type { FromThread, ReadCall, ThreadOptions, ToThread } from '../store/sqlite/messages.ts'
import { openSqlite } from '../store/sqlite/sqlite-store.ts'

const port = parentPort
if (!port) throw new Error('workers/store.ts runs only as a thread of the store')

function tell(message: FromThread): void {
  port!.postMessage(message)
}

function open(options: ThreadOptions): SqliteCore | null {
  const { path, role, synchronous, maxPages } = options
  try {
    const core = openSqlite({ path, synchronous, readOnly: role === 'reader' })
    if (maxPages !== null) core.limitPages(maxPages)
    tell({ kind: 'ready' })
    return core
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error))
    tell({ kind: 'unopened', name, message })
    return null
  }
}

function serve(core: SqliteCore, message: ToThread): void {
  switch (message.kind) {
    case 'commit':
      tell({ kind: 'answer', id: message.id, value: core.commit(message.batch) })
      break
    case 'read':
      answerRead(core, message.id, message.call)
      break
    case 'limitPages':
      core.limitPages(message.pages)
      break
    case 'freeze':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.ms)
      break
    case 'close':
      core.close()
      port!.close()
      break
    default:
      message satisfies never
  }
}

function answerRead(core: SqliteCore, id: number, call: ReadCall): void {
  try {
    const read = core[call.name].bind(core) as (...args: ReadCall['args']) => unknown
    tell({ kind: 'answer', id, value: read(...call.args) })
  } catch (error) {
    tell({ kind: 'threw', id, message: error instanceof Error ? error.message : String(error) })
  }
}

const core = open(workerData as ThreadOptions)
if (core) port.on('message', (message: ToThread) => serve(core, message))
