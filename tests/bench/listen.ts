/**
 * How well and how fast the embedded ears hear. Prints: cost of the voice detector and of the recogniser, memory, times
 * from the end of speech, and what was accepted and rejected, by voice, noise and length.
 *
 *   node tests/bench/listen.ts [sentences of each kind, 500] [seed, 1]
 *
 * About two minutes of CPU. All callers are synthesisers: no figure here has heard a human voice.
 */

import { SeededRandom } from '../../src/kernel/random.ts'
import type { ListenEvent } from '../../src/speech/protocol.ts'
import { loadNetwork, SileroDetector } from '../../src/speech/providers/silero/detector.ts'
import { PhraseRecogniserPool } from '../../src/speech/providers/soundswallower/pool.ts'
import { audibleSpan, Caller, overTheLine, readCorpus, speechLevel, type VoiceName } from '../corpus/caller.ts'
import { ListeningLine } from '../corpus/listening-line.ts'

interface Trial {
  readonly kind: 'phrase' | 'foreign'
  readonly sentence: string
  readonly voice: VoiceName
  readonly stretch: number
  readonly snrDb: number | null
}

interface Outcome extends Trial {
  readonly heard: readonly string[]
  readonly onsetMs: number | null
  readonly startedMs: number | null
  readonly finalMs: number | null
  readonly why: string
}

const COUNT = Number(process.argv[2] ?? 500)
const SEED = process.argv[3] ?? '1'
/** Half of all sentences by the clearest voice. */
const VOICE_ROUND: readonly VoiceName[] = ['rms', 'slt', 'rms', 'awb', 'rms', 'kal16']
const STRETCHES = [1, 0.9, 1.15, 1, 1.05]
const NOISY_EVERY = 5
const NOISE_SNR_DB = 20
const SILENCE_SAMPLES = 8000

function trials(kind: Trial['kind'], sentences: readonly string[]): Trial[] {
  return Array.from({ length: COUNT }, (_, i) => {
    const round = Math.floor(i / sentences.length)
    return {
      kind,
      sentence: sentences[i % sentences.length]!,
      voice: VOICE_ROUND[(i + round) % VOICE_ROUND.length]!,
      stretch: STRETCHES[(i + 2 * round) % STRETCHES.length]!,
      snrDb: (i + round) % NOISY_EVERY === 0 ? NOISE_SNR_DB : null,
    }
  })
}

function listenTo(trial: Trial, caller: Caller, line: ListeningLine, random: SeededRandom): Outcome {
  const said = caller.say(trial.sentence, trial.voice, trial.stretch)
  const span = audibleSpan(said)!
  const noise = trial.snrDb === null ? 0 : speechLevel(said) / 10 ** (trial.snrDb / 20)
  const lead = overTheLine(new Int16Array(SILENCE_SAMPLES / 2), noise, random)
  line.play(lead)
  line.take()
  const onsetAt = line.timeOf(span.from)
  const endAt = line.timeOf(span.to)
  line.play(overTheLine(said, noise, random))
  line.play(overTheLine(new Int16Array(SILENCE_SAMPLES), noise, random))
  const events = line.take()
  const heard = events.filter((event): event is Extract<ListenEvent, { kind: 'heard' }> => event.kind === 'heard')
  const started = events.find((event) => event.kind === 'speechStarted')
  return {
    ...trial,
    heard: heard.map(({ text }) => text),
    onsetMs: started ? started.at - onsetAt : null,
    startedMs: started ? started.onsetAt - onsetAt : null,
    finalMs: heard.length === 1 ? heard[0]!.marks.finalAt - endAt : null,
    why: heard[0]?.marks.endOfTurn ?? 'nothing heard',
  }
}

function isRight({ kind, sentence, heard }: Outcome): boolean {
  const texts = heard.filter((text) => text !== '')
  return kind === 'phrase' ? texts.length === 1 && texts[0] === sentence : texts.length === 0
}

function isEmpty({ heard }: Outcome): boolean {
  return heard.every((text) => text === '')
}

function table(title: string, outcomes: readonly Outcome[], group: (outcome: Outcome) => string): void {
  console.log(`\n${title}`)
  for (const name of [...new Set(outcomes.map(group))].sort()) {
    const of = outcomes.filter((outcome) => group(outcome) === name)
    const phrases = of.filter(({ kind }) => kind === 'phrase')
    const foreign = of.filter(({ kind }) => kind === 'foreign')
    const rejected = phrases.filter(isEmpty)
    const confused = phrases.filter((outcome) => !isRight(outcome) && !isEmpty(outcome))
    const accepted = foreign.filter((outcome) => !isRight(outcome))
    console.log(
      `  ${name.padEnd(14)} phrases ${String(phrases.length).padStart(4)}: rejected ${share(rejected, phrases)}, taken for ` +
        `another ${share(confused, phrases)};  foreign ${String(foreign.length).padStart(4)}: accepted ${share(accepted, foreign)}`,
    )
  }
}

function share(part: readonly unknown[], whole: readonly unknown[]): string {
  if (whole.length === 0) return '-'
  return `${part.length} (${((100 * part.length) / whole.length).toFixed(1)} %)`
}

function percentiles(title: string, values: readonly (number | null)[]): void {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b)
  const at = (rank: number) => sorted[Math.min(sorted.length - 1, Math.floor(rank * sorted.length))]?.toFixed(0) ?? '-'
  console.log(`  ${title.padEnd(44)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms (${sorted.length})`)
}

function words(count: number): string {
  if (count <= 1) return '1 word'
  if (count <= 3) return '2-3 words'
  return count <= 6 ? '4-6 words' : '7+ words'
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function costOfDetector(): void {
  const detector = new SileroDetector(loadNetwork())
  const frame = Int16Array.from({ length: detector.frameSamples }, (_, i) => 3000 * Math.sin(i / 5))
  for (let i = 0; i < 2000; i++) detector.probability(frame)
  const begun = cpuMs()
  for (let i = 0; i < 5000; i++) detector.probability(frame)
  console.log(`voice detector: ${(((cpuMs() - begun) * 1000) / 5000).toFixed(0)} us per frame of 32 ms`)
}

async function memoryOfRecognisers(): Promise<PhraseRecogniserPool[]> {
  const pools = [await PhraseRecogniserPool.open(1)]
  const before = process.memoryUsage.rss()
  const begun = cpuMs()
  pools.push(await PhraseRecogniserPool.open(8))
  const megabytes = (process.memoryUsage.rss() - before) / 8e6
  console.log(
    `recogniser: ${megabytes.toFixed(0)} MB resident and ${((cpuMs() - begun) / 8).toFixed(0)} ms CPU to make each`,
  )
  return pools
}

console.log(`${COUNT} + ${COUNT} sentences, seed ${SEED}`)
costOfDetector()
const [pool] = (await memoryOfRecognisers()).slice(-1)
const random = new SeededRandom(SEED)
const caller = new Caller()
const network = loadNetwork()
const phrases = readCorpus('phrases')
const line = new ListeningLine({ detector: () => new SileroDetector(network), pool: pool!, phrases })
const all = [...trials('phrase', phrases), ...trials('foreign', readCorpus('foreign'))]
for (const { sentence, voice, stretch } of all) caller.say(sentence, voice, stretch)
const from = line.now
const begun = cpuMs()
const outcomes = all.map((trial) => listenTo(trial, caller, line, random))
const heardMs = line.now - from
const spokenMs = all.reduce((sum, trial) => sum + caller.say(trial.sentence, trial.voice, trial.stretch).length / 8, 0)
const usedMs = cpuMs() - begun
const spoken = ((100 * spokenMs) / heardMs).toFixed(0)
console.log(
  `detector and recogniser: ${(usedMs / heardMs).toFixed(4)} CPU seconds per second of line, ${spoken} % of it spoken`,
)

table('all', outcomes, () => 'all')
table('by voice', outcomes, ({ voice }) => voice)
table('by noise', outcomes, ({ snrDb }) => (snrDb === null ? 'clean' : `white ${snrDb} dB`))
table('by length', outcomes, ({ sentence }) => words(sentence.split(' ').length))
console.log('\ntimes on the clock of the sound')
percentiles(
  'onset to speechStarted',
  outcomes.map(({ onsetMs }) => onsetMs),
)
percentiles(
  'error of onsetAt',
  outcomes.map(({ startedMs }) => startedMs),
)
const right = outcomes.filter((outcome) => outcome.kind === 'phrase' && isRight(outcome))
for (const why of ['complete', 'extensible', 'silence']) {
  percentiles(
    `end of speech to final, ${why}`,
    right.filter((outcome) => outcome.why === why).map(({ finalMs }) => finalMs),
  )
}
percentiles(
  'end of speech to final, all right ones',
  right.map(({ finalMs }) => finalMs),
)
const split = outcomes.filter(({ heard }) => heard.length !== 1)
console.log(`  not heard as one utterance: ${split.length}`)
console.log('\nmistakes')
for (const outcome of outcomes.filter((candidate) => !isRight(candidate))) {
  const { kind, sentence, voice, stretch, snrDb, heard } = outcome
  console.log(
    `  ${kind} '${sentence}' ${voice} ${stretch} ${snrDb ?? 'clean'} -> ${heard.map((text) => `'${text}'`).join(' ')}`,
  )
}
