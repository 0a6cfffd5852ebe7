/** Counters and gauges for Prometheus. Fed by drivers; knows nothing of what it counts. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { JsonObject } from '../kernel/json.ts'
import type { LegCounters, LegQuality, MediaEvent } from '../media/protocol.ts'

/** Stages of a turn that are counted from the last voiced sample. */
const STAGES = ['end_of_turn', 'final', 'sent', 'say', 'first_pcm', 'first_voice'] as const
const LOSS_BUCKETS = [0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5]
const JITTER_BUCKETS_S = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2]
const MOS_BUCKETS = [1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.1, 4.2, 4.3, 4.4]
const ROUND_TRIP_BUCKETS_S = [0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1]
const TURN_BUCKETS_S = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 3]

export class Metrics {
  readonly registry = new Registry()
  readonly #pace: Gauge<'quantile'>
  readonly #legs: Gauge
  readonly #packets: Counter<'what'>
  readonly #calls: Counter<'reason'>
  readonly #busy: Gauge<'thread'>
  readonly #turn: Histogram<'stage'>
  readonly #gateways: Counter<'outcome'>
  readonly #oneWay: Counter
  readonly #loss: Histogram<'side'>
  readonly #jitter: Histogram<'side'>
  readonly #mos: Histogram<'side'>
  readonly #roundTrip: Histogram

  /** @param refused how often, by what was full */
  constructor(liveCalls: () => number, sockets: () => number, refused: () => Iterable<readonly [string, number]>) {
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
    new Counter({
      name: 'quietline_calls_refused_total',
      help: 'New calls refused for want of room, by what was full.',
      labelNames: ['why'],
      registers,
      collect() {
        this.reset()
        for (const [why, count] of refused()) this.inc({ why }, count)
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
    this.#gateways = new Counter({
      name: 'quietline_gateway_attempts_total',
      help: 'Calls sent to gateways: taken, refused by who was called, or failed and sent elsewhere.',
      labelNames: ['outcome'],
      registers,
    })
    this.#turn = new Histogram({
      name: 'quietline_turn_seconds',
      help: 'From the last voiced sample heard to each stage of the answer.',
      labelNames: ['stage'],
      buckets: TURN_BUCKETS_S,
      registers,
    })
    this.#oneWay = new Counter({
      name: 'quietline_one_way_calls_total',
      help: 'Calls answered of which nothing was heard for seconds while we sent.',
      registers,
    })
    const side = { labelNames: ['side'] as const, registers }
    this.#loss = new Histogram({
      name: 'quietline_call_loss_share',
      help: 'Lost share of the RTP packets of ended calls: in as we count, out as the far end reports.',
      buckets: LOSS_BUCKETS,
      ...side,
    })
    this.#jitter = new Histogram({
      name: 'quietline_call_jitter_seconds',
      help: 'Interarrival jitter of ended calls (RFC 3550): in the mean we saw, out the last that the far end reported.',
      buckets: JITTER_BUCKETS_S,
      ...side,
    })
    this.#mos = new Histogram({
      name: 'quietline_call_mos',
      help: 'Estimated opinion score of ended calls (E-model): in what we heard, out what the far end heard.',
      buckets: MOS_BUCKETS,
      ...side,
    })
    this.#roundTrip = new Histogram({
      name: 'quietline_call_round_trip_seconds',
      help: 'Round trip of ended calls, by RTCP.',
      buckets: ROUND_TRIP_BUCKETS_S,
      registers,
    })
  }

  pace(pace: MediaEvent & { kind: 'pace' }): void {
    this.#legs.set(pace.legs)
    this.#pace.set({ quantile: '0.5' }, pace.lateP50Ms)
    this.#pace.set({ quantile: '0.99' }, pace.lateP99Ms)
    this.#pace.set({ quantile: '1' }, pace.lateMaxMs)
  }

  legClosed(counters: LegCounters, quality?: LegQuality): void {
    for (const [what, value] of Object.entries(counters)) if (value > 0) this.#packets.inc({ what }, value)
    if (quality && quality.expected > 0) this.#soundedWell(quality)
  }

  /** A call that is up, and of which nothing comes. */
  oneWay(): void {
    this.#oneWay.inc()
  }

  #soundedWell({ expected, lost, jitterMs, mos, roundTripMs, far, farMos }: LegQuality): void {
    this.#loss.observe({ side: 'in' }, lost / expected)
    this.#jitter.observe({ side: 'in' }, jitterMs / 1000)
    this.#mos.observe({ side: 'in' }, mos)
    if (roundTripMs !== null) this.#roundTrip.observe(roundTripMs / 1000)
    if (far === null) return
    this.#loss.observe({ side: 'out' }, far.lostShare)
    this.#jitter.observe({ side: 'out' }, far.jitterMs / 1000)
    if (farMos !== null) this.#mos.observe({ side: 'out' }, farMos)
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

  /** An attempt through a gateway is over. */
  gateway(outcome: 'taken' | 'refused' | 'failed'): void {
    this.#gateways.inc({ outcome })
  }

  /** @param states how many trunks are in each state of registration; @param down how many gateways are tried last now */
  trunks(states: () => Readonly<Record<string, number>>, down: () => number): void {
    const registers = [this.registry]
    new Gauge({
      name: 'quietline_trunk_registrations',
      help: 'Trunks that register at a carrier, by state.',
      labelNames: ['state'],
      registers,
      collect() {
        for (const [state, count] of Object.entries(states())) if (state !== 'off') this.set({ state }, count)
      },
    })
    new Gauge({
      name: 'quietline_gateways_down',
      help: 'Gateways that failed lately and are tried last.',
      registers,
      collect() {
        this.set(down())
      },
    })
  }

  load(thread: 'listen' | 'talk', busyShare: number): void {
    this.#busy.set({ thread }, busyShare)
  }
}
