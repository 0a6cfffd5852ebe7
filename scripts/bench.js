// `npm run bench [-- --only turns,say] [--quick] [--write]`: what it does is in tests/bench/run.ts.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../tests/bench/run.ts', import.meta.url))
const args = ['--disable-warning=ExperimentalWarning', program, ...process.argv.slice(2)]
const bench = spawn(process.execPath, args, { stdio: 'inherit' })
// Ctrl-C reaches the whole group; the benches then end by themselves.
process.on('SIGINT', () => {})
bench.on('exit', (code) => process.exit(code ?? 1))
