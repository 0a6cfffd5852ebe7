// `npm run proof`: the long versions of the tests that end calls, processes, threads and disks at random moments. Seeds are
// printed; QUIETLINE_SEED plays one again. Takes some minutes. Prints the counts last.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const KILL_ROUNDS = '20'
const PARTS = [
  { name: 'the store, killed while it writes', files: ['src/store/sqlite/crash.test.ts'] },
  { name: 'a million transcripts, read like a thousand', files: ['src/store/million.test.ts'] },
  { name: 'a thousand calls on a bad network', files: ['tests/sim/thousand-calls.test.ts'] },
  { name: 'faults of single parts', files: ['tests/sim/faults.test.ts', 'tests/sim/first-call.test.ts'] },
  { name: 'a disk that hangs, threads that die', files: ['tests/e2e/frozen-store.test.ts'] },
  { name: 'ten thousand random requests', files: ['src/api/requests.prop.test.ts'] },
  { name: 'random requests while calls go on', files: ['tests/e2e/random-requests.test.ts'] },
  { name: 'rubbish from the network', files: ['tests/e2e/bad-input.test.ts'] },
  { name: 'a million damaged packets', files: ['tests/fuzz/fuzz.test.ts'] },
  { name: 'starting and stopping', files: ['tests/e2e/start.test.ts'] },
  { name: 'events of twenty customers, with receivers that fail', files: ['tests/e2e/deliveries.test.ts'] },
  { name: 'the server, killed in the middle of calls', files: ['tests/e2e/kill.test.ts'] },
]

function run(files) {
  const args = ['--test', '--test-concurrency=1', '--test-reporter=tap', '--disable-warning=ExperimentalWarning']
  const env = { ...process.env, QUIETLINE_PROOF: '1', QUIETLINE_KILL_ROUNDS: KILL_ROUNDS }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args, ...files], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.on('exit', (code) => resolve({ code: code ?? 1, text }))
  })
}

const only = process.argv.slice(2)
const totals = { pass: 0, fail: 0, skipped: 0 }
for (const { name, files } of PARTS) {
  if (only.length > 0 && !files.some((file) => only.some((word) => file.includes(word)))) continue
  const began = performance.now()
  const { code, text } = await run(files)
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  const failed = count('fail') + count('cancelled') || (code === 0 ? 0 : 1)
  totals.pass += count('pass')
  totals.fail += failed
  totals.skipped += count('skipped')
  console.log(`${name}: ${count('pass')} passed, ${failed} failed, ${Math.round((performance.now() - began) / 1000)} s`)
  const isFigure = /^\s*# (?!Subtest|tests|suites|pass|fail|cancelled|skipped|todo|duration_ms)/
  for (const line of text.split('\n')) if (failed > 0 || isFigure.test(line)) console.log(`  ${line.trim()}`)
}
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''
console.log(`${totals.pass} passed, ${totals.fail} failed${skipped}`)
process.exit(totals.fail === 0 ? 0 : 1)
