// `npm test`: types, style, layers, then every floor of tests that needs nothing but Node. Prints the counts last.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const FLOORS = [
  { name: 'unit and property', files: ['src/**/*.test.ts', 'tests/house/*.test.ts'], isolation: 'none' },
  {
    name: 'conformance and simulation',
    files: ['tests/conformance/*.test.ts', 'tests/sim/*.test.ts', 'tests/fuzz/*.test.ts'],
    isolation: 'process',
  },
  { name: 'end to end', files: ['tests/e2e/*.test.ts'], isolation: 'process' },
]

function run(command, args, filter) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      if (filter !== 'quiet') process.stdout.write(chunk)
    })
    child.on('exit', (code) => resolve({ code: code ?? 1, text }))
  })
}

function count(text, word) {
  return [...text.matchAll(new RegExp(`^# ${word} (\\d+)$`, 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0)
}

/** Many files in one process get slower and slower: they are dealt out to several, two at a time. */
const FILES_A_PROCESS = 25

async function runFloor({ isolation }, files) {
  const args = [
    '--test',
    `--test-isolation=${isolation}`,
    // A test that failed may leave a thread, a phone or a server behind, which must not keep the others waiting for ever.
    '--test-force-exit',
    ...(isolation === 'process' ? ['--test-concurrency=1'] : []),
    '--test-reporter=tap',
    '--disable-warning=ExperimentalWarning',
  ]
  const hands = isolation === 'none' ? Math.ceil(files.length / FILES_A_PROCESS) : 1
  const dealt = Array.from({ length: hands }, (_, hand) => files.filter((_, i) => i % hands === hand))
  const results = []
  const work = async () => {
    for (let hand = dealt.shift(); hand; hand = dealt.shift())
      results.push(await run(process.execPath, [...args, ...hand], 'quiet'))
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work))
  const code = results.find((result) => result.code !== 0)?.code ?? 0
  return { code, text: results.map((result) => result.text).join('\n') }
}

const only = process.argv.slice(2)
let passed = 0
let failed = 0
let skipped = 0

for (const [name, command, args] of [
  ['types', 'tsc', ['-p', '.']],
  ['style', 'biome', ['check', '--error-on-warnings', '.']],
]) {
  if (only.length > 0) break
  const { code } = await run(command, args)
  console.log(`# ${name}: ${code === 0 ? 'ok' : 'FAILED'}`)
  if (code === 0) passed++
  else failed++
}

for (const floor of FLOORS) {
  const files = (only.length > 0 ? only : floor.files).flatMap((pattern) => globSync(pattern, { cwd: root })).sort()
  const mine =
    only.length > 0
      ? files.filter((file) => floor.files.some((pattern) => globSync(pattern, { cwd: root }).includes(file)))
      : files
  if (mine.length === 0) continue
  const { code, text } = await runFloor(floor, mine)
  const bad = count(text, 'fail') + count(text, 'cancelled')
  passed += count(text, 'pass')
  skipped += count(text, 'skipped')
  failed += bad > 0 ? bad : code === 0 ? 0 : 1
  for (const line of text.split('\n')) {
    if (bad > 0 || code !== 0 || /# SKIP|^# (note|seed|skip)/i.test(line)) console.log(line)
  }
  console.log(
    `# ${floor.name}: ${count(text, 'pass')} passed, ${bad} failed, ${count(text, 'skipped')} skipped in ${mine.length} files`,
  )
}

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(failed === 0 ? 0 : 1)
