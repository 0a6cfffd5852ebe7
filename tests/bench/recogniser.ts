/** What the listening bench says of acceptance: runs `listen.ts` as it is and reads the line of its table over everything. */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type BenchResult, figure } from './figures.ts'

const PROGRAM = fileURLToPath(new URL('./listen.ts', import.meta.url))
const ALL =
  /phrases\s+(\d+): rejected (\d+) \([\d.]+ %\), taken for another (\d+) \([\d.]+ %\);\s+foreign\s+(\d+): accepted (\d+) /

export async function recogniser(scale: number): Promise<BenchResult> {
  const count = Math.max(20, Math.round(500 * scale))
  const text = await outputOf([PROGRAM, String(count), '1'])
  const match = ALL.exec(text.slice(text.indexOf('\nall\n')))
  if (!match) throw new Error('the table of tests/bench/listen.ts was not understood')
  const [phrases, rejected, confused, foreign, accepted] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ]
  return {
    bench: 'recogniser',
    figures: [
      figure(`false accepts, of ${foreign} sentences outside the phrases`, '%', (100 * accepted) / foreign, 6),
      figure(`false rejects, of ${phrases} phrases`, '%', (100 * rejected) / phrases, 6),
      figure(`taken for another phrase, of ${phrases}`, '%', (100 * confused) / phrases),
    ],
    notes: [
      `From \`node tests/bench/listen.ts ${count} 1\`: four synthetic voices, five speeds, every fifth with white noise at 20 dB; the whole ` +
        'listening thread on the clock of the sound, without network.',
    ],
  }
}

function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0 ? resolve(text) : reject(new Error(`tests/bench/listen.ts ended with ${code}`)),
    )
  })
}
