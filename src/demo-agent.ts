/** Starts the demo agent: another process that has nothing of ours but the public API and a key. */

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Log } from './kernel/log.ts'

const PROGRAM = fileURLToPath(new URL('./demo/agent/main.ts', import.meta.url))
const RESTART_MS = 2_000
/** What the agent prints when its event stream is open. */
const READY = 'ready'

export interface DemoAgent {
  readonly ready: Promise<void>
  close(): Promise<void>
}

export function startDemoAgent(want: {
  readonly api: string
  readonly token: string
  readonly customerId: string
  readonly number: string
  readonly log: Log
}): DemoAgent {
  const ready = Promise.withResolvers<void>()
  let child: ChildProcess | null = null
  let isClosed = false
  const start = (): void => {
    child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        QUIETLINE_API: want.api,
        QUIETLINE_TOKEN: want.token,
        QUIETLINE_CUSTOMER_ID: want.customerId,
        QUIETLINE_DEMO_NUMBER: want.number,
      },
    })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes(READY)) ready.resolve()
    })
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => want.log.warn({ 'pii.text': text }, 'demo agent says'))
    child.on('exit', (code) => {
      if (isClosed) return
      want.log.warn({ code }, 'demo agent ended')
      setTimeout(() => {
        if (!isClosed) start()
      }, RESTART_MS).unref()
    })
  }
  start()
  return {
    ready: ready.promise,
    async close() {
      isClosed = true
      const running = child
      if (!running || running.exitCode !== null) return
      const exited = new Promise<void>((resolve) => running.once('exit', () => resolve()))
      running.kill('SIGTERM')
      const timer = setTimeout(() => running.kill('SIGKILL'), 1_000)
      await exited
      clearTimeout(timer)
    },
  }
}
