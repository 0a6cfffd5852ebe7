// `npm run interop`: our server against phones, load makers and programs of others, one file after another. What is not
// installed here is skipped, aloud. Prints the counts last. Arguments: the files to run instead of all.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

function run(file) {
  const args = ['--test', '--test-force-exit', '--test-reporter=tap', '--disable-warning=ExperimentalWarning', file]
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    child.on('close', (code) => resolve({ code: code ?? 1, text }))
  })
}

function count(text, word) {
  return [...text.matchAll(new RegExp(`^# ${word} (\\d+)$`, 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0)
}

const asked = process.argv.slice(2).map((file) => path.resolve(file))
const files = asked.length > 0 ? asked : globSync('tests/interop/*.test.ts', { cwd: root }).sort()
const sums = { passed: 0, failed: 0, skipped: 0 }
const skips = []

for (const file of files) {
  const { code, text } = await run(file)
  const bad = count(text, 'fail') + count(text, 'cancelled')
  const failed = bad > 0 ? bad : code === 0 ? 0 : 1
  sums.passed += count(text, 'pass')
  sums.failed += failed
  sums.skipped += count(text, 'skipped')
  skips.push(...[...text.matchAll(/^\s*ok \d+ - (.*) # SKIP ?(.*)$/gm)].map((match) => `${match[1]}: ${match[2]}`))
  console.log(
    `# ${path.basename(file)}: ${count(text, 'pass')} passed, ${failed} failed, ${count(text, 'skipped')} skipped`,
  )
  if (failed > 0) console.log(text)
}

if (sums.passed + sums.failed + sums.skipped === 0) {
  console.log('# no tests found')
  sums.failed = 1
}
for (const skip of skips) console.log(`# SKIPPED ${skip}`)
console.log(`${sums.passed} passed, ${sums.failed} failed${sums.skipped > 0 ? `, ${sums.skipped} skipped` : ''}`)
process.exit(sums.failed === 0 ? 0 : 1)
