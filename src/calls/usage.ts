/** Counts what one call uses: seconds answered, audio given to recognisers, characters synthesised. One row at its end. */

import { type CallUsageDoc, dayOf, rounded } from '../contract/usage.ts'
import type { Micros, Millis } from '../kernel/clock.ts'
import { parseTimestamp, timestamp } from '../kernel/ids.ts'
import type { Row } from '../store/port.ts'
import type { Address } from './commands.ts'
import type { Effects } from './effects.ts'
import type { Birth, HeardNews, SpokenNews } from './part.ts'

export class Usage {
  #answeredAt: Millis | null = null
  #endedAt: Millis | null = null
  readonly #sttMs = new Map<string, number>()
  readonly #ttsCharacters = new Map<string, number>()
  #cachedCharacters = 0

  /** The first time counts. */
  answered(now: Millis): void {
    this.#answeredAt ??= now
  }

  ended(now: Millis): void {
    this.#endedAt ??= now
  }

  listened(news: HeardNews): void {
    if (news.kind === 'detached') add(this.#sttMs, news.engine, news.heardMs)
  }

  spoke(news: SpokenNews): void {
    if (news.kind !== 'rendered') return
    if (news.cached) this.#cachedCharacters += news.characters ?? 0
    else add(this.#ttsCharacters, news.engine, news.characters)
  }

  save(fx: Effects, birth: Birth): void {
    const tmCreate = fx.stamp()
    const day = dayOf(tmCreate)
    const doc = this.#doc(birth, day, fx.time())
    const keys = { call_id: birth.callId, day }
    fx.row('usages', { id: birth.callId, tmCreate, tmDelete: null, keys, doc, hidden: { number: numberOf(birth) } })
  }

  #doc({ callId, customerId }: Birth, day: string, time: string): CallUsageDoc {
    const answeredMs = this.#answeredAt === null ? 0 : (this.#endedAt ?? this.#answeredAt) - this.#answeredAt
    return {
      ...nothingUsed(callId, customerId, day, time),
      call_seconds: rounded(answeredMs / 1000),
      stt_seconds: rounded(sum(this.#sttMs) / 1000),
      tts_characters: sum(this.#ttsCharacters),
      tts_characters_cached: this.#cachedCharacters,
      engines: {
        stt_seconds: Object.fromEntries([...this.#sttMs].map(([engine, ms]) => [engine, rounded(ms / 1000)])),
        tts_characters: Object.fromEntries(this.#ttsCharacters),
      },
    }
  }
}

/**
 * Of a call that died without a word: how long it was up is known, what was heard and said in it is not, and not counted.
 *
 * @param call its row; @param lastUs when it was heard of last; @param wall now
 */
export function usageOfLost(call: Row, lastUs: Micros, wall: Micros): Row {
  const at = (name: string): Micros | null => parseTimestamp(String(call.doc[name] ?? ''))
  const answered = at('tm_progressing')
  const seconds = answered === null ? 0 : Math.max(0, (at('tm_hangup') ?? lastUs) - answered) / 1_000_000
  const day = dayOf(wall)
  const { direction, source, destination } = call.doc as unknown as Birth
  return {
    id: call.id,
    customer_id: call.customer_id,
    tm_create_us: wall,
    tm_delete_us: null,
    keys: { call_id: call.id, day },
    doc: { ...nothingUsed(call.id, call.customer_id, day, timestamp(wall)), call_seconds: rounded(seconds) },
    hidden: { number: numberOf({ direction, source, destination }) },
  }
}

function nothingUsed(callId: string, customerId: string, day: string, time: string): CallUsageDoc {
  return {
    call_id: callId,
    customer_id: customerId,
    day,
    calls: 1,
    call_seconds: 0,
    stt_seconds: 0,
    tts_characters: 0,
    tts_characters_cached: 0,
    engines: { stt_seconds: {}, tts_characters: {} },
    tm_create: time,
  }
}

/** The customer's own number: the one that was called, or that the call was made with. */
function numberOf({ direction, source, destination }: Pick<Birth, 'direction' | 'source' | 'destination'>): string {
  const own: Address | undefined = direction === 'incoming' ? destination : source
  return own?.type === 'tel' ? own.target : ''
}

function add(counts: Map<string, number>, engine = '', count = 0): void {
  if (count > 0) counts.set(engine, (counts.get(engine) ?? 0) + count)
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0
  for (const count of counts.values()) total += count
  return total
}
