/** How soon and how well a caller is understood: last voiced sample sent -> `transcript_created` received. */

import { readFileSync } from 'node:fs'
import { normalise, PhraseList, readPhrases } from '../../src/speech/phrases.ts'
import { audibleSpan, Caller } from '../corpus/caller.ts'
import { type BenchResult, type Figure, figure, percentile, rounded, spread } from './figures.ts'
import type { Line, World } from './line.ts'

interface Turn {
  readonly sentence: string
  readonly isComplete: boolean
  /** '' when rejected, null when nothing came. */
  readonly text: string | null
  readonly ms: number | null
}

const FRAME_SAMPLES = 160
const ANSWER_LIMIT_MS = 4_000
const OTHER_CALLS = 10
const STAGES = ['last_voiced_ms', 'detector_ms', 'end_of_turn_ms', 'final_ms', 'sent_ms'] as const

export async function turns(world: World): Promise<BenchResult> {
  const phrases = readPhrases(readFileSync(new URL('../corpus/turns.txt', import.meta.url), 'utf8'))
  const sounds = new Map<string, Int16Array>()
  const voice = new Caller()
  for (const sentence of phrases) sounds.set(sentence, voice.say(sentence, 'rms'))
  const [line] = await world.call(1)
  const { body } = await world.ask('POST', '/transcribes', {
    reference_type: 'call',
    reference_id: line!.callId,
    language: 'en-US',
    direction: 'in',
    phrases,
  })
  const list = new PhraseList(phrases)
  const spoken = phrases.filter((_, i) => world.scale >= 1 || i % 4 === 0)
  const round = async (): Promise<Turn[]> => {
    const told: Turn[] = []
    for (const sentence of spoken) {
      const isComplete = list.completeness(normalise(sentence)) === 'complete'
      told.push({ sentence, isComplete, ...(await speak(world, line!, String(body['id']), sounds.get(sentence)!)) })
      await world.wait(world.between(400, 600))
    }
    return told
  }
  const rounds = world.times(2, 1)
  const idle: Turn[] = []
  const loaded: Turn[] = []
  await world.wait(500)
  for (let i = 0; i < rounds; i++) idle.push(...(await round()))
  const stages = await stagesOf(world, line!)
  const others = await world.call(OTHER_CALLS)
  const stop = await keepTalking(world, others)
  for (let i = 0; i < rounds; i++) loaded.push(...(await round()))
  stop()
  return {
    bench: 'turns',
    figures: [...figuresOf('alone', idle), ...figuresOf(`beside ${OTHER_CALLS} calls playing speech`, loaded)],
    notes: [
      ...stages,
      ...[...idle, ...loaded]
        .filter(({ sentence, text }) => text !== sentence)
        .map(({ sentence, text }) => `"${sentence}" was told as ${text === null ? 'nothing' : `"${text}"`}.`),
    ],
  }
}

/** Speaks in two pieces, so that the phone tells when the packet with the last voiced sample left. */
async function speak(
  world: World,
  line: Line,
  transcribeId: string,
  pcm: Int16Array,
): Promise<{ text: string | null; ms: number | null }> {
  const cut = FRAME_SAMPLES * (Math.floor(audibleSpan(pcm)!.to / FRAME_SAMPLES) + 1)
  const heard = world.event(
    (pcm.length / FRAME_SAMPLES) * 20 + ANSWER_LIMIT_MS,
    ({ type, data }) =>
      data['transcribe_id'] === transcribeId &&
      (type === 'transcript_created' || (type === 'transcribe_speech_ended' && data['recognised'] === false)),
  )
  const spoken = line.call.speak(pcm.subarray(0, cut))
  void line.call.speak(pcm.subarray(cut))
  const { lastAt } = await spoken
  const event = await heard
  if (!event) return { text: null, ms: null }
  if (event.type !== 'transcript_created') return { text: '', ms: null }
  return { text: String(event.data['message']), ms: event.at - lastAt }
}

function figuresOf(where: string, all: readonly Turn[]): Figure[] {
  const times = (part: readonly Turn[]): number[] => part.flatMap(({ ms }) => (ms === null ? [] : [ms]))
  const wrong = all.filter(({ sentence, text }) => text !== sentence)
  return [
    ...spread(`end of speech to transcript_created, ${where}, all`, times(all), { p50: 450, p95: 700, max: null }),
    ...spread(`- complete phrases (300 ms hang-over), ${where}`, times(all.filter((turn) => turn.isComplete)), {
      p50: null,
      p95: null,
    }),
    ...spread(`- phrases that may go on (500 ms), ${where}`, times(all.filter((turn) => !turn.isComplete)), {
      p50: null,
      p95: null,
    }),
    figure(`not told exactly, ${where}, of ${all.length}`, 'sentences', wrong.length),
  ]
}

/** Where the time goes by the server's own record of the call's turns. */
async function stagesOf(world: World, line: Line): Promise<string[]> {
  const { body } = await world.ask('GET', `/calls/${line.callId}/turns`)
  const told = (body['result'] ?? []) as Readonly<Record<string, number | null>>[]
  const parts = STAGES.slice(1).map((stage, i) => {
    const spans = told.flatMap((turn) => {
      const [from, to] = [turn[STAGES[i]!], turn[stage]]
      return typeof from === 'number' && typeof to === 'number' ? [to - from] : []
    })
    return `${STAGES[i]!.replace('_ms', '')} to ${stage.replace('_ms', '')} ${rounded(percentile(spans, 0.5)) ?? '-'} ms`
  })
  return [`Stages alone, p50, by the server's own record of ${told.length} turns: ${parts.join(', ')}.`]
}

const SPEECH =
  'We have received your order, it was packed this morning, and it will be with you before noon on day number'

/** Calls that say one new text after the other until told to stop. */
async function keepTalking(world: World, lines: readonly Line[]): Promise<() => void> {
  let said = 0
  let isOver = false
  const next = async (line: Line): Promise<void> => {
    if (!isOver) await line.say(`${SPEECH} ${++said}.`).catch(() => {})
  }
  for (const line of lines) {
    await line.openSpeaking('slt')
    await next(line)
  }
  const off = world.onEvent(({ type, data }) => {
    if (type !== 'speaking_say_finished') return
    const line = lines.find((one) => one.callId === data['reference_id'])
    if (line) void next(line)
  })
  return () => {
    isOver = true
    off()
  }
}
