/** How soon a text is heard: `POST /speakings/{id}/say` handed to the socket -> first voiced packet received. */

import { readFileSync } from 'node:fs'
import { readPhrases } from '../../src/speech/phrases.ts'
import { type BenchResult, percentile, rounded, spread } from './figures.ts'
import type { Line, World } from './line.ts'
import type { SayTrace } from './messages.ts'

interface Said {
  readonly text: string
  readonly sentAt: number
  readonly heardAt: number | null
}

const VOICE_LIMIT_MS = 3_000

export async function say(world: World): Promise<BenchResult> {
  const all = readPhrases(readFileSync(new URL('../corpus/says.txt', import.meta.url), 'utf8'))
  const texts = all.filter((_, i) => world.scale >= 1 || i % 4 === 0)
  const [line] = await world.call(1)
  await line!.openSpeaking()
  const rounds = world.times(3, 1)
  const fresh: Said[] = []
  const again: Said[] = []
  const freshTraces: SayTrace[] = []
  const againTraces: SayTrace[] = []
  await world.askServer('says')
  for (let round = 0; round < rounds; round++) {
    for (const text of texts) fresh.push(await sayOnce(world, line!, respelled(text, round)))
    freshTraces.push(...(await world.askServer('says')))
    for (const text of texts) again.push(await sayOnce(world, line!, respelled(text, round)))
    againTraces.push(...(await world.askServer('says')))
  }
  // From the second round on the synthesiser knows the phones of all words, which is a part of its work.
  const first = fresh.slice(0, texts.length)
  const later = fresh.slice(texts.length)
  return {
    bench: 'say',
    figures: [
      ...spread('say to first voiced packet, new text', times(first), { p50: 60, p95: 150, max: null }),
      ...spread('say to first voiced packet, new text of known words', times(later), {
        p50: null,
        p95: null,
        max: null,
      }),
      ...spread('say to first voiced packet, text said before', times(again), { p50: null, p95: null, max: null }),
    ],
    notes: [
      stages('new text', first, freshTraces.slice(0, texts.length)),
      stages('new text of known words', later, freshTraces.slice(texts.length)),
      stages('text said before', again, againTraces),
      ...[...fresh, ...again]
        .filter(({ heardAt }) => heardAt === null)
        .map(({ text }) => `Nothing was heard of "${text}".`),
    ],
  }
}

/** Says it, hears its first packet, cuts it, and lets a while go by that is not in step with the 20 ms grid. */
async function sayOnce(world: World, line: Line, text: string): Promise<Said> {
  const voiced = line.nextVoiced(VOICE_LIMIT_MS)
  const { sentAt } = await line.say(text)
  const heardAt = await voiced
  const over = world.event(
    VOICE_LIMIT_MS,
    ({ type }) => type === 'speaking_say_interrupted' || type === 'speaking_say_finished',
  )
  await line.flush()
  await over
  await world.wait(world.between(120, 180))
  return { text, sentAt, heardAt }
}

/** The same words in letters that no cache has seen: another word begins with the other case, round by round. */
function respelled(text: string, round: number): string {
  if (round === 0) return text
  const words = text.split(' ')
  const at = (round - 1) % Math.min(words.length, 5)
  const first = words[at]![0]!
  words[at] = (first === first.toLowerCase() ? first.toUpperCase() : first.toLowerCase()) + words[at]!.slice(1)
  return words.join(' ')
}

function times(said: readonly Said[]): number[] {
  return said.flatMap(({ sentAt, heardAt }) => (heardAt === null ? [] : [heardAt - sentAt]))
}

/** The way of a say, cut at the marks of the server's threads; all processes read the same monotonic clock. */
function stages(what: string, said: readonly Said[], traces: readonly SayTrace[]): string {
  const rows = said.flatMap(({ sentAt, heardAt }, i) => {
    const trace = traces[i]
    if (!trace || heardAt === null || trace.firstPcmAt === null || trace.firstVoiceAt === null) return []
    const { askedAt, firstPcmAt, firstVoiceAt, firstClauseCpuMs } = trace
    return [
      {
        'request to talk thread': askedAt - sentAt,
        'synthesis of the first clause': firstPcmAt - askedAt,
        'its CPU': firstClauseCpuMs ?? 0,
        'ring and grid to the first voiced packet': firstVoiceAt - firstPcmAt,
        'wire and receiver': heardAt - firstVoiceAt,
      },
    ]
  })
  if (rows.length === 0) return `Where the time goes, ${what}: no trace.`
  const parts = (Object.keys(rows[0]!) as (keyof (typeof rows)[0])[]).map((name) => {
    const values = rows.map((row) => row[name])
    return `${name} ${rounded(percentile(values, 0.5))} / ${rounded(percentile(values, 0.95))}`
  })
  return `Where the time goes, ${what}, p50 / p95 ms of ${rows.length}: ${parts.join('; ')}.`
}
