/**
 * Decides whether the call was what it should be, and makes the figures. Pure: everything it looks at was measured at the
 * caller's side of the wire, but for the server's own turn record, which is used where a figure is the server's business.
 */

import type { Millis } from '../../kernel/clock.ts'
import { type Spread, spread } from './figures.ts'
import type { Hearing } from './hearing.ts'
import { type Line, normalised } from './script.ts'
import type { Said, Understood } from './story.ts'
import type { FlushDoc, TurnDoc, TurnsDoc } from './turns.ts'

/** One line as it was acted out. Times are the caller's. */
export interface Spoke {
  readonly line: Line
  /** When its first packet left. */
  readonly from: Millis
  /** When the packet with its last voiced sample left. */
  readonly lastVoicedAt: Millis
}

export interface Evidence {
  readonly spoke: readonly Spoke[]
  /** How many lines the script has. */
  readonly planned: number
  readonly understood: readonly Understood[]
  readonly unrecognised: readonly Millis[]
  readonly said: readonly Said[]
  readonly turns: TurnsDoc
  readonly hearing: Hearing
  /** When the caller's own goodbye was over and the call ended. */
  readonly endedAt: Millis
  /** True when it was the agent who hung up. */
  readonly agentHungUp: boolean
  /** What stopped the caller before its last line, '' when nothing did. */
  readonly trouble: string
}

/** The last line of the demo's output. */
export interface Verdict {
  readonly ok: boolean
  readonly turns: number
  readonly turn_ms: Spread
  readonly speech_end_to_transcript_ms: Spread
  readonly say_to_first_voice_ms: Spread
  readonly flush_to_silence_ms: number | null
  readonly rejected: number
  readonly caller: 'synthetic'
}

export interface Judgement {
  readonly verdict: Verdict
  /** One sentence for each thing that was not as it must be. Empty when all is well. */
  readonly failures: readonly string[]
  /** From the caller's last voiced sample sent to the first voiced one received, one for each line; null = no answer. */
  readonly turnMs: readonly (number | null)[]
}

/** A reply shorter than this is a click, not an answer. */
const REPLY_FRAMES = 10
/** A packet on its way, and the frame it belongs to. */
const FRAME_MS = 20
/** Contract §11. */
const FLUSH_LIMIT_MS = 60

export function judge(evidence: Evidence): Judgement {
  const acts = evidence.spoke.map((spoke, index) => actOf(evidence, spoke, index))
  const cut = cutOf(evidence, acts)
  const turnMs = acts.map((act) => turnOf(evidence, act, cut))
  const failures = [
    ...(evidence.trouble === '' ? [] : [evidence.trouble]),
    ...acts.flatMap((act) => wordFailures(act)),
    ...acts.flatMap((act) => replyFailures(evidence, act, cut)),
    ...cutFailures(evidence, acts, cut),
    ...endFailures(evidence),
  ]
  const rejected = acts.filter((act) => act.spoke.line.kind === 'foreign' && isRejected(act)).length
  return {
    failures,
    turnMs,
    verdict: {
      ok: failures.length === 0,
      turns: acts.length,
      turn_ms: spread(turnMs.filter((ms) => ms !== null)),
      speech_end_to_transcript_ms: spread(acts.flatMap(transcriptDelay)),
      say_to_first_voice_ms: spread(evidence.turns.turns.flatMap(sayDelay)),
      flush_to_silence_ms: cut?.flushMs ?? null,
      rejected,
      caller: 'synthetic',
    },
  }
}

/** A line with all that happened from its first sound until the next line. */
interface Act {
  readonly spoke: Spoke
  readonly until: Millis
  readonly understood: readonly Understood[]
  readonly unrecognised: number
  readonly said: readonly Said[]
}

function actOf(evidence: Evidence, spoke: Spoke, index: number): Act {
  const until = evidence.spoke[index + 1]?.from ?? evidence.endedAt
  // What is told late, about a line's own reply, must not be lost: the last line takes all that comes.
  const end = index === evidence.spoke.length - 1 ? Number.POSITIVE_INFINITY : until
  const during = <T extends { readonly at: Millis }>(list: readonly T[]): readonly T[] =>
    list.filter(({ at }) => at >= spoke.from && at < end)
  return {
    spoke,
    until,
    understood: during(evidence.understood),
    unrecognised: evidence.unrecognised.filter((at) => at >= spoke.from && at < end).length,
    said: during(evidence.said),
  }
}

/** The cut in the agent's sentence, on the caller's clock. */
interface Cut {
  readonly act: Act
  /** When the server's call clock was at zero. */
  readonly birth: Millis
  /** Server's own: from the flush to its last voiced packet. */
  readonly flushMs: number
  /** From here on nothing of the old sentence may arrive. */
  readonly silentFrom: Millis
}

function cutOf(evidence: Evidence, acts: readonly Act[]): Cut | null {
  const act = acts.find(({ spoke }) => spoke.line.kind === 'interrupt')
  const birth = callBirth(evidence, acts)
  if (!act || birth === null) return null
  const flush = flushIn(evidence.turns.flushes, act, birth)
  if (!flush || flush.asked_ms === null) return null
  const silent = Math.max(flush.asked_ms, flush.silent_ms ?? flush.asked_ms)
  return { act, birth, flushMs: tenths(silent - flush.asked_ms), silentFrom: birth + silent + FRAME_MS }
}

function flushIn(flushes: readonly FlushDoc[], act: Act, base: Millis): FlushDoc | undefined {
  return flushes.find(({ asked_ms: asked }) => {
    return asked !== null && base + asked >= act.spoke.from && base + asked < act.until
  })
}

/**
 * When the server's call clock was at zero, on the caller's clock: the first voice of every plain reply, as sent and as
 * received, tells it. A soft beginning is noticed later here than there, never sooner, so the least is the truest.
 */
function callBirth(evidence: Evidence, acts: readonly Act[]): Millis | null {
  const births = acts.flatMap((act) => {
    if (act.spoke.line.kind === 'interrupt') return []
    const heardAt = evidence.hearing.firstVoicedAfter(act.spoke.lastVoicedAt)
    const sentMs = turnDocOf(evidence.turns, act)?.first_voice_ms ?? null
    return heardAt === null || sentMs === null ? [] : [heardAt - sentMs]
  })
  return births.length === 0 ? null : Math.min(...births)
}

function turnDocOf({ turns }: TurnsDoc, act: Act): TurnDoc | undefined {
  const { line } = act.spoke
  if (line.kind === 'foreign') return turns.find(({ rejected }) => rejected)
  return turns.find(({ text }) => normalised(text) === normalised(line.text))
}

/** Where the reply to a line may begin: after its end, and behind the cut when there was one. */
function replyFrom(act: Act, cut: Cut | null): Millis {
  return cut?.act === act ? cut.silentFrom : act.spoke.lastVoicedAt
}

function turnOf(evidence: Evidence, act: Act, cut: Cut | null): number | null {
  const voiceAt = evidence.hearing.firstVoicedAfter(replyFrom(act, cut))
  return voiceAt === null || voiceAt > act.until ? null : voiceAt - act.spoke.lastVoicedAt
}

function transcriptDelay(act: Act): readonly number[] {
  const first = act.understood[0]
  return act.spoke.line.kind === 'foreign' || !first ? [] : [first.at - act.spoke.lastVoicedAt]
}

function sayDelay({ say_ms: asked, first_voice_ms: voiced }: TurnDoc): readonly number[] {
  return asked === null || voiced === null ? [] : [voiced - asked]
}

function isRejected(act: Act): boolean {
  return act.understood.length === 0 && act.unrecognised > 0
}

function wordFailures(act: Act): readonly string[] {
  const { line } = act.spoke
  const heard = act.understood.map(({ text }) => text).join(' ')
  if (line.kind !== 'foreign') {
    if (normalised(heard) === normalised(line.text)) return []
    return [`The caller said "${line.text}" and the transcript was "${heard}".`]
  }
  if (heard !== '') return [`"${line.text}" is outside the vocabulary, and was taken for "${heard}".`]
  if (act.unrecognised === 0) return [`Nothing told that "${line.text}" is outside the vocabulary.`]
  if (act.said.some((said) => /outside/i.test(said.heard))) return []
  return [`The agent did not say that "${line.text}" is outside its phrases.`]
}

function replyFailures(evidence: Evidence, act: Act, cut: Cut | null): readonly string[] {
  const from = replyFrom(act, cut)
  const { voiced } = evidence.hearing.between(from, act.until)
  if (voiced >= REPLY_FRAMES) return []
  return [`The caller heard ${voiced === 0 ? 'no' : 'hardly any'} answer to "${act.spoke.line.text}".`]
}

function cutFailures(evidence: Evidence, acts: readonly Act[], cut: Cut | null): readonly string[] {
  const act = acts.find(({ spoke }) => spoke.line.kind === 'interrupt')
  if (!act) return []
  const wasCut = act.said.some(({ cutBy, unheard }) => cutBy === 'flush' && unheard !== '')
  if (!wasCut) return [`The agent's sentence was not cut by "${act.spoke.line.text}".`]
  if (!cut) return ['The server keeps no record of the cut.']
  const failures: string[] = []
  if (cut.flushMs > FLUSH_LIMIT_MS) failures.push(`It took ${cut.flushMs} ms from the flush to silence.`)
  if (!isSilentAfter(evidence, cut)) failures.push('The caller did not hear silence after the cut.')
  return failures
}

/** Real silence arrived after the cut, and no voice before the server began its next sentence. */
function isSilentAfter({ hearing, turns }: Evidence, cut: Cut): boolean {
  const voiceAt = hearing.firstVoicedAfter(cut.silentFrom) ?? cut.act.until
  const replySentMs = turnDocOf(turns, cut.act)?.first_voice_ms ?? null
  const isOldVoice = replySentMs !== null && voiceAt < cut.birth + replySentMs - FRAME_MS
  return !isOldVoice && hearing.between(cut.silentFrom, voiceAt).silent > 0
}

function endFailures(evidence: Evidence): readonly string[] {
  if (evidence.trouble !== '') return []
  if (evidence.spoke.length < evidence.planned) return ['The call ended before the caller had said everything.']
  return evidence.agentHungUp ? [] : ['The agent did not hang up after "Goodbye."']
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
