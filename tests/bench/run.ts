/**
 * The benchmarks: `npm run bench [-- --only turns,say] [--write] [--quick] [--seed x]`. Each bench gets a fresh server in one
 * process and its callers in another, so that neither disturbs the other's clock. Prints a table and one line of JSON.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { codecs } from './codecs.ts'
import type { BenchResult } from './figures.ts'
import type { Access, FromCaller, FromServer, ToCaller, ToServer } from './messages.ts'
import { recogniser } from './recogniser.ts'
import { type Measured, machine, printed, readMeasured, writeDocument } from './report.ts'
import { srtp } from './srtp.ts'

/** In the order in which they run. */
export const BENCHES = [
  ...['say', 'turns', 'flush', 'pace', 'rest', 'events', 'calls', 'recogniser', 'srtp', 'codecs'],
  ...['media', 'door', 'lateness', 'setup'],
]
/** Settings of a bench's server that are not the default. The ports lie below those that Linux gives out by itself. */
const MANY = { QUIETLINE_MAX_CALLS: '2000', QUIETLINE_RTP_PORTS: '24000-31998' }
const SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  media: MANY,
  door: MANY,
  lateness: MANY,
  setup: MANY,
}
/** Those that need no server. */
const ALONE: Readonly<Record<string, (scale: number) => BenchResult | Promise<BenchResult>>> = {
  codecs,
  recogniser,
  srtp,
}
const QUICK_SCALE = 0.2
/** Makes 20,000 calls of `setup`. */
const LONG_SCALE = 20 / 6
const CLOSE_MS = 10_000

/** What only a bench may ask of its server. */
const MORE: Readonly<Record<string, object>> = {
  media: { BENCH_UNGUARDED: '1' },
  lateness: { BENCH_UNGUARDED: '1' },
  door: { BENCH_UNGUARDED: '1', BENCH_SINK: '1' },
  setup: { BENCH_UNGUARDED: '1' },
}

function start(file: string, settings: Readonly<Record<string, string>> = {}, more: object = {}): ChildProcess {
  const env = { ...process.env, ...more, BENCH_SETTINGS: JSON.stringify(settings) }
  const execArgv = [
    '--disable-warning=ExperimentalWarning',
    '--expose-gc',
    ...(process.env['BENCH_NODE_ARGS']?.split(' ') ?? []),
  ]
  return fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv, env })
}

function failed(child: ChildProcess, what: string): Promise<never> {
  return new Promise((_, reject) => {
    child.once('exit', (code) => reject(new Error(`the ${what} ended with ${code}`)))
    child.once('error', (cause) => reject(new Error(`the ${what} could not be started: ${cause.message}`)))
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const over = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  if (child.connected) child.disconnect()
  const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS)
  await over
  clearTimeout(timer)
}

async function onTheWire(bench: string, scale: number, seed: string): Promise<BenchResult> {
  const server = start('./server.ts', { ...SETTINGS[bench], ...threads }, MORE[bench])
  const caller = start('./caller.ts')
  const trouble = Promise.race([failed(server, 'server'), failed(caller, 'caller')])
  trouble.catch(() => {})
  try {
    const access = await Promise.race([trouble, accessOf(server)])
    return await Promise.race([trouble, resultOf(server, caller, { kind: 'run', bench, access, scale, seed })])
  } finally {
    await Promise.all([stop(caller), stop(server)])
  }
}

function accessOf(server: ChildProcess): Promise<Access> {
  return new Promise((resolve) => {
    server.on('message', (message: FromServer) => {
      if (message.kind === 'ready') resolve(message.access)
    })
  })
}

/** Passes the caller's questions on to the server. */
function resultOf(server: ChildProcess, caller: ChildProcess, run: ToCaller): Promise<BenchResult> {
  server.on('message', (message: FromServer) => {
    if (message.kind === 'answer') caller.send(message satisfies ToCaller)
  })
  return new Promise((resolve, reject) => {
    caller.on('message', (message: FromCaller) => {
      if (message.kind === 'ask') server.send(message satisfies ToServer)
      else if (message.kind === 'result') resolve(message.result)
      else reject(new Error(message.why))
    })
    caller.send(run)
  })
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    'media-threads': { type: 'string' },
  },
})
const chosen = values.only === undefined ? BENCHES : values.only.split(',')
const unknown = chosen.filter((bench) => !BENCHES.includes(bench))
if (unknown.length > 0) {
  process.stderr.write(`There is no bench "${unknown[0]}". There are: ${BENCHES.join(', ')}.\n`)
  process.exit(2)
}
if (values.quick && values.write) {
  process.stderr.write('A quick run measures too little to be written down: leave out one of --quick and --write.\n')
  process.exit(2)
}
const threads: Record<string, string> = values['media-threads']
  ? { QUIETLINE_MEDIA_THREADS: values['media-threads'] }
  : {}
const scale = values.quick ? QUICK_SCALE : values.long ? LONG_SCALE : 1
const measured: Measured[] = []
const failures: string[] = []
process.stdout.write(`${machine()}, seed ${values.seed}${values.quick ? ', quick: too few values for a record' : ''}\n`)
for (const bench of BENCHES.filter((one) => chosen.includes(one))) {
  const load = loadavg()[0]!
  const began = performance.now()
  try {
    const alone = ALONE[bench]
    const result = alone ? await alone(scale) : await onTheWire(bench, scale, values.seed)
    const seconds = Math.round((performance.now() - began) / 1000)
    measured.push({
      ...result,
      date: new Date().toISOString().slice(0, 10),
      machine: machine(),
      loadBefore: load,
      seconds,
    })
    process.stdout.write(printed(measured.at(-1)!))
    if (values.write) writeDocument([...readMeasured().filter((one) => one.bench !== bench), measured.at(-1)!], BENCHES)
  } catch (cause) {
    failures.push(bench)
    process.stdout.write(`\n${bench}: not measured: ${cause instanceof Error ? cause.message : cause}\n`)
  }
}
process.stdout.write(`\n${JSON.stringify({ seed: values.seed, quick: values.quick, measured, failures })}\n`)
process.exitCode = failures.length === 0 ? 0 : 1
