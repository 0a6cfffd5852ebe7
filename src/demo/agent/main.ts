/**
 * Starts the demo agent as a process of its own:
 *
 *     QUIETLINE_API=http://127.0.0.1:7700/v1.0 QUIETLINE_TOKEN=vb_... \
 *     QUIETLINE_CUSTOMER_ID=... QUIETLINE_DEMO_NUMBER=+899... node src/demo/agent/main.ts
 *
 * Writes one JSON line per event of its own life to standard output, `demo agent ready` when calls are taken.
 */

import type { Log } from '../../kernel/log.ts'
import { DemoAgent } from './agent.ts'

function needed(name: string): string {
  const value = process.env[name]
  if (value) return value
  process.stderr.write(`The demo agent needs ${name} in its environment.\n`)
  process.exit(2)
}

function line(level: string): Log['info'] {
  return (fields, message) => void process.stdout.write(`${JSON.stringify({ level, msg: message, ...fields })}\n`)
}

const log: Log = { error: line('error'), warn: line('warn'), info: line('info'), debug() {} }

const agent = new DemoAgent({
  base: needed('QUIETLINE_API').replace(/\/+$/, ''),
  token: needed('QUIETLINE_TOKEN'),
  customerId: needed('QUIETLINE_CUSTOMER_ID'),
  number: needed('QUIETLINE_DEMO_NUMBER'),
  log,
  onReady() {
    log.info({}, 'demo agent ready')
    process.send?.({ kind: 'ready' })
  },
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop())
// Started by a server that is gone: nobody is left to serve.
process.once('disconnect', () => stop())

function stop(): void {
  agent.close()
  if (process.connected) process.disconnect?.()
}
