/**
 * The server of the benches by itself, for load drivers that are not ours: `node tests/bench/serve.ts [calls]` starts it and
 * says how `sipload` measures it. Ends on Ctrl-C. `BENCH_SINK=1` takes the recognisers away, as `door.ts` does.
 */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { FromServer } from './messages.ts'

const settings = { QUIETLINE_MAX_CALLS: '5000', QUIETLINE_RTP_PORTS: '24000-31998' }
const server = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), {
  execArgv: ['--disable-warning=ExperimentalWarning'],
  env: { ...process.env, BENCH_UNGUARDED: '1', BENCH_SETTINGS: JSON.stringify(settings) },
})
server.on('message', (message: FromServer) => {
  if (message.kind !== 'ready') return
  const { sipPort, number } = message.access
  const who = `-s 127.0.0.1:${sipPort} -l 127.0.0.1 -u ${number} -p ${server.pid}`
  console.log(`media:  ./sipload -m media ${who} -b 22000 -n ${process.argv[2] ?? 400} -r 50 -w 3 -t 10 -F -a tone`)
  console.log(`set-up: ./sipload -m rate ${who} -r 100 -t 60 -H 1000`)
})
process.on('SIGINT', () => server.disconnect())
server.on('exit', (code) => process.exit(code ?? 1))
