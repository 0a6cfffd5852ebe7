/** The thread of the store: one SQLite connection, asked by `store/sqlite/worker-store.ts`. */

import { parentPort, workerData } from 'node:worker_threads'
import type { SqliteCore } from '../store/sqlite/core.ts'
import type { CoreCall, FromThread, ThreadOptions, ToThread } from '../store/sqlite/messages.ts'
import { openSqlite } from '../store/sqlite/sqlite-store.ts'

const port = parentPort
if (!port) throw new Error('workers/store.ts runs only as a thread of the store')

function tell(message: FromThread): void {
  port!.postMessage(message)
}

function open(options: ThreadOptions): SqliteCore | null {
  const { path, role, synchronous, maxPages, dataKeys } = options
  try {
    const core = openSqlite({ path, synchronous, dataKeys, readOnly: role === 'reader' })
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
    case 'commits':
      tell({ kind: 'answer', id: message.id, value: JSON.stringify(core.commitAll(message.batches)) })
      break
    case 'call':
      answerCall(core, message.id, message.call)
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

function answerCall(core: SqliteCore, id: number, call: CoreCall): void {
  try {
    const method = core[call.name].bind(core) as (...args: CoreCall['args']) => unknown
    tell({ kind: 'answer', id, value: method(...call.args) })
  } catch (error) {
    tell({ kind: 'threw', id, message: error instanceof Error ? error.message : String(error) })
  }
}

const core = open(workerData as ThreadOptions)
if (core) port.on('message', (message: ToThread) => serve(core, message))
