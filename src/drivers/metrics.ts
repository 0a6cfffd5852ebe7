/** Counters and gauges for Prometheus. Fed by drivers; knows nothing of what it counts. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { JsonObject } from '../kernel/json.ts'
import type { LegCounters, MediaEvent } from '../media/protocol.ts'

/** Stages of a turn that are counted from the last voiced sample. */
const STAGES = ['end_of_turn', 'final', 'sent', 'say', 'first_pcm', 'first_voice'] as const
const TURN_BUCKETS_S = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 3]

export class Metrics {
  readonly registry = new Registry()
  readonly #pace: Gauge<'quantile'>
  readonly #legs: Gauge
  readonly #packets: Counter<'what'>
  readonly #calls: Counter<'reason'>
  readonly #busy: Gauge<'thread'>
  readonly #turn: Histogram<'stage'>

  constructor(liveCalls: () => number, sockets: () => number) {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    new Gauge({
      name: 'quietline_calls',
      help: 'Calls not yet over.',
      registers,
      collect() {
        this.set(liveCalls())
      },
    })
    new Gauge({
      name: 'quietline_sockets',
      help: 'Event sockets open.',
      registers,
      collect() {
        this.set(sockets())
      },
    })
    this.#legs = new Gauge({ name: 'quietline_media_legs', help: 'Legs the media thread has open.', registers })
    this.#pace = new Gauge({
      name: 'quietline_media_tick_late_ms',
      help: 'Lateness of media ticks against their own grid over the last second.',
      labelNames: ['quantile'],
      registers,
    })
    this.#packets = new Counter({
      name: 'quietline_rtp_total',
      help: 'RTP packets and frames of ended calls.',
      labelNames: ['what'],
      registers,
    })
    this.#calls = new Counter({
      name: 'quietline_calls_ended_total',
      help: 'Calls over, by reason.',
      labelNames: ['reason'],
      registers,
    })
    this.#busy = new Gauge({
      name: 'quietline_speech_busy_share',
      help: 'Share of its time a speech thread was busy.',
      labelNames: ['thread'],
      registers,
    })
    this.#turn = new Histogram({
      name: 'quietline_turn_seconds',
      help: 'From the last voiced sample heard to each stage of the answer.',
      labelNames: ['stage'],
      buckets: TURN_BUCKETS_S,
      registers,
    })
  }

  pace(pace: MediaEvent & { kind: 'pace' }): void {
    this.#legs.set(pace.legs)
    this.#pace.set({ quantile: '0.5' }, pace.lateP50Ms)
    this.#pace.set({ quantile: '0.99' }, pace.lateP99Ms)
    this.#pace.set({ quantile: '1' }, pace.lateMaxMs)
  }

  legClosed(counters: LegCounters): void {
    for (const [what, value] of Object.entries(counters)) if (value > 0) this.#packets.inc({ what }, value)
  }

  /** @param turns the call's turn record, times in ms of the call's clock */
  callEnded(reason: string, turns: JsonObject): void {
    this.#calls.inc({ reason })
    for (const turn of turns['result'] as Readonly<Record<string, number | null>>[]) {
      const from = turn['last_voiced_ms']
      for (const stage of STAGES) {
        const at = turn[`${stage}_ms`]
        if (typeof from === 'number' && typeof at === 'number' && at >= from)
          this.#turn.observe({ stage }, (at - from) / 1000)
      }
    }
  }

  load(thread: 'listen' | 'talk', busyShare: number): void {
    this.#busy.set({ thread }, busyShare)
  }
}
