/** Prints results, and keeps docs/benchmarks.md: a table of the targets, the figures of each bench, and how they were got. */

import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { type BenchResult, type Figure, verdict } from './figures.ts'

/** A result with the circumstances that belong to it. */
export interface Measured extends BenchResult {
  readonly date: string
  readonly machine: string
  /** Load average of one minute before it began. */
  readonly loadBefore: number
  readonly seconds: number
}

const DOCUMENT = new URL('../../docs/benchmarks.md', import.meta.url)
const RECORD = /<!-- record: (.*) -->\n$/

const TITLES: Readonly<Record<string, string>> = {
  say: 'From a say to voice',
  turns: 'From the end of speech to the transcript',
  flush: 'From a flush to silence',
  pace: 'Evenness of outgoing sound',
  rest: 'The API',
  calls: 'What a call costs',
  recogniser: 'Accepted and rejected sentences',
  srtp: 'What encrypted sound adds',
  codecs: 'What codecs cost',
  media: 'What many calls cost: sound only',
  door: 'What many calls cost: up to the recogniser',
  lateness: 'Evenness of outgoing sound with many calls',
  setup: 'How fast calls are set up',
}

export function machine(): string {
  const cores = cpus()
  const system = `${process.platform === 'linux' ? 'Linux' : process.platform} ${release()}`
  return `${cores.length} cores (${cores[0]?.model.trim() ?? 'unknown'}), ${system}, Node ${process.versions.node}`
}

export function printed({ bench, figures, notes, loadBefore, seconds }: Measured): string {
  const width = Math.max(...figures.map(({ name }) => name.length))
  const lines = figures.map((figure) => {
    const target = figure.target === undefined ? '' : `  <= ${figure.target}: ${verdict(figure)}`
    return `  ${figure.name.padEnd(width)}  ${shown(figure).padStart(14)}${target}`
  })
  return `\n${bench} (${seconds} s, load before ${loadBefore.toFixed(1)})\n${[...lines, ...notes.map((note) => `  * ${note}`)].join('\n')}\n`
}

/** The results that the document holds now. */
export function readMeasured(): Measured[] {
  try {
    const match = RECORD.exec(readFileSync(DOCUMENT, 'utf8'))
    return match ? (JSON.parse(match[1]!) as Measured[]) : []
  } catch {
    return []
  }
}

/** @param benches all there are, in their order; those without a result are told as not measured */
export function writeDocument(measured: readonly Measured[], benches: readonly string[]): void {
  const sorted = measured.toSorted((a, b) => benches.indexOf(a.bench) - benches.indexOf(b.bench))
  const missing = benches.filter((bench) => !sorted.some((one) => one.bench === bench))
  const text = [HEAD, headlines(sorted, missing), METHOD, ...sorted.map(section), ...missing.map(absent)].join('\n')
  writeFileSync(DOCUMENT, `${text}\n<!-- record: ${JSON.stringify(sorted).replaceAll('--', '\\u002d\\u002d')} -->\n`)
}

function headlines(measured: readonly Measured[], missing: readonly string[]): string {
  const aimed = measured.flatMap(({ figures }) => figures.filter(({ target }) => target !== undefined))
  const rows = aimed.map((one) => `| ${one.name} | ${one.target} ${one.unit} | ${shown(one)} | ${verdict(one)} |`)
  const missed = aimed.filter((one) => verdict(one) === 'missed')
  return [
    '## Targets and figures',
    '',
    '| What | Target, at most | Measured | |',
    '|---|---:|---:|---|',
    ...rows,
    ...missing.map((bench) => `| ${TITLES[bench] ?? bench} | | not measured | |`),
    '',
    missed.length === 0
      ? 'No figure that was measured misses its target.'
      : `${missed.length} of ${aimed.length} figures miss their targets. Where their time goes is told with each bench.`,
    '',
  ].join('\n')
}

function section({ bench, figures, notes, date, machine: where, loadBefore, seconds }: Measured): string {
  return [
    `## ${TITLES[bench] ?? bench}`,
    '',
    `\`npm run bench -- --only ${bench}\`, ${date}, ${where}; load average before: ${loadBefore.toFixed(2)}; ${seconds} s. Synthetic voices.`,
    '',
    '| Figure | Value | Of |',
    '|---|---:|---:|',
    ...figures.map((one) => `| ${one.name} | ${shown(one)} | ${one.count ?? ''} |`),
    '',
    ...notes.flatMap((note) => [`- ${note}`]),
    ...(notes.length > 0 ? [''] : []),
  ].join('\n')
}

function absent(bench: string): string {
  return `## ${TITLES[bench] ?? bench}\n\nNot measured. \`npm run bench -- --only ${bench} --write\` does it.\n`
}

function shown({ value, unit }: Figure): string {
  if (value === null) return 'not measured'
  return `${value} ${unit}`
}

const HEAD = `# Benchmarks

Written by \`npm run bench -- --write\`; only \`tests/bench/report.ts\` is edited by hand. **Every figure with a voice in it is
synthetic**: the callers are the embedded synthesiser (voice \`rms\` unless said otherwise) and the agents' texts are spoken
by it too. No person was heard or measured.
`

const METHOD = `## Method

- Each bench starts a real server (\`startNode\`, empty store, free ports) in one process and its callers in another, both on
  this machine; sound goes as RTP over UDP on loopback in packets of 20 ms, G.711 mu-law. Callers send silence while they
  say nothing, except in **pace**, where they send nothing so that the receiver has nothing else to do: there the server has
  50 streams going out and none coming in. All times are read by the callers' process: a request's time begins before its
  bytes are handed to the socket, a packet's when its bytes are read, an event's when the WebSocket frame is read. On
  loopback a network's own delay is missing.
- **Voiced** is a frame whose mean power is above -50 dBFS. **End of speech** is the packet with the last sample louder
  than 38 dB below the sentence's peak.
- **say**: 24 texts of 2 to 26 words (\`tests/corpus/says.txt\`) on one call of a fresh server; this first round is what the
  target is held against. Two more rounds are new to the cache of sound only, because another word begins with the other
  case: the synthesiser then knows the phones of every word. The stages are taken from the messages between the server's
  threads.
- **turns**: 24 sentences (\`tests/corpus/turns.txt\`), two rounds; they are the \`phrases\` of the transcribe. After a sentence
  that no other goes on from, the server waits 300 ms of silence, after others 500 ms.
- **flush**: 20 calls, each cut at a random moment of a long say, fifteen times. Cuts that met a moment without voice
  are left out, because they would count as nothing.
- **pace**: 50 calls play a text that is in the cache. A packet's lateness is counted from the earliest packet of its
  stream, on the grid that its RTP timestamps draw: no lateness can hide in the choice of the grid. The control is a
  worker in the same server process that only ticks every 5 ms, and sends a packet every 20 ms to the same receiver: what
  is late there too is this machine's scheduling and the receiver's own delay.
- **CPU** is \`process.cpuUsage\` of the server's process, all threads; what live calls cost anyway is taken off the cost
  of requests.
- Percentiles are of what was measured (nearest rank), nothing is left out but what is said here. No figure fails a build.
`
