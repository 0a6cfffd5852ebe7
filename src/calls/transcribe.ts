/**
 * One transcription of a call (contract §10). The ear (detector and recogniser) is shared by all transcriptions of the
 * call; this is the session: its record, its events, and which direction it wants.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import { isUnset, timestamp, transcriptOffset } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { step, type Table } from '../kernel/machine.ts'
import type { Effects } from './effects.ts'
import type { CallFacts } from './facts.ts'
import type { Variables } from './flow/variables.ts'

type State = 'starting' | 'listening' | 'finishing' | 'done'
type Input = 'attached' | 'engineFailed' | 'stop' | 'callGone' | 'finished'
type Action =
  | 'tellProgressing'
  | 'finish'
  | 'tellDone'
  | 'tellStreamingStopped'
  | 'noteFailed'
  | 'noteStopped'
  | 'noteCallEnded'

/** `starting`, `listening` and `finishing` are `progressing` on the wire. */
export const TRANSCRIBE: Table<State, Input, Action> = {
  starting: {
    attached: { to: 'listening', run: ['tellProgressing'] },
    engineFailed: { to: 'done', run: ['noteFailed', 'tellDone'] },
    stop: { to: 'finishing', run: ['noteStopped', 'finish'] },
    callGone: { to: 'finishing', run: ['noteCallEnded', 'finish'] },
    finished: 'ignore',
  },
  listening: {
    attached: 'ignore',
    engineFailed: { to: 'done', run: ['noteFailed', 'tellStreamingStopped', 'tellDone'] },
    stop: { to: 'finishing', run: ['noteStopped', 'finish'] },
    callGone: { to: 'finishing', run: ['noteCallEnded', 'finish'] },
    finished: 'ignore',
  },
  finishing: {
    attached: 'ignore',
    engineFailed: { to: 'done', run: ['tellStreamingStopped', 'tellDone'] },
    stop: 'ignore',
    callGone: 'ignore',
    finished: { to: 'done', run: ['tellStreamingStopped', 'tellDone'] },
  },
  done: { attached: 'ignore', engineFailed: 'ignore', stop: 'ignore', callGone: 'ignore', finished: 'ignore' },
}

export interface TranscribeWish {
  readonly language: string
  readonly direction: 'in' | 'out' | 'both'
  readonly provider: string
  readonly onEndFlowId: string
}

export class Transcribe {
  readonly id: string
  readonly wish: TranscribeWish
  readonly startedAt: Millis
  readonly #facts: CallFacts
  readonly #variables: () => Variables
  readonly #streamings: readonly { readonly id: string; readonly direction: 'in' | 'out' }[]
  readonly #createdAt: Micros
  #updatedAt: Micros
  #deletedAt: Micros | null = null
  #state: State = 'starting'
  #reason = ''
  #streamed = false
  /** Commands waiting for `done`. */
  #waiting: number[] = []

  /** @param variables what the flow that runs afterwards is given besides our own */
  constructor(facts: CallFacts, wish: TranscribeWish, fx: Effects, variables: () => Variables) {
    this.#facts = facts
    this.#variables = variables
    this.wish = wish
    this.id = facts.random.uuid()
    this.startedAt = fx.now
    this.#createdAt = fx.stamp()
    this.#updatedAt = this.#createdAt
    const directions: ('in' | 'out')[] = wish.direction === 'both' ? ['in', 'out'] : [wish.direction]
    this.#streamings = directions.map((direction) => ({ id: facts.random.uuid(), direction }))
  }

  get isDone(): boolean {
    return this.#state === 'done'
  }

  get isFinishing(): boolean {
    return this.#state === 'finishing'
  }

  hears(direction: 'in' | 'out'): boolean {
    return this.#state !== 'done' && this.#streamings.some((streaming) => streaming.direction === direction)
  }

  open(fx: Effects, reply: number | null): void {
    this.#save(fx)
    fx.event('transcribe_created', this.doc())
    if (reply !== null) fx.reply(reply, { ok: true, doc: this.doc() }, `transcribe:${this.id}`)
  }

  attached(fx: Effects): void {
    this.#step(fx, 'attached')
  }

  engineFailed(fx: Effects): void {
    this.#step(fx, 'engineFailed')
  }

  /** Ends when pending sound is recognised; the answer waits for that. @returns true when the ear must finish first */
  stop(fx: Effects, reply: number | null, because: 'stop' | 'callGone'): boolean {
    const finishing = this.#step(fx, because).includes('finish')
    if (reply !== null) {
      if (this.isDone) fx.reply(reply, { ok: true, doc: this.doc() })
      else this.#waiting.push(reply)
    }
    return finishing
  }

  finished(fx: Effects): void {
    this.#step(fx, 'finished')
  }

  delete(fx: Effects): void {
    this.#deletedAt = fx.stamp()
    this.#save(fx)
    fx.event('transcribe_deleted', this.doc())
  }

  speechEvent(fx: Effects, type: string, more: JsonObject, ephemeral = false): void {
    const streaming = this.#streamings.find((one) => one.direction === 'in')
    if (!streaming || this.#state === 'done') return
    const time = fx.time()
    fx.event(
      type,
      {
        id: this.#facts.random.uuid(),
        customer_id: this.#facts.customerId,
        streaming_id: streaming.id,
        transcribe_id: this.id,
        direction: 'in',
        ...more,
        tm_event: time,
        tm_create: time,
      },
      ephemeral,
    )
  }

  /** Stores one final text. `at` is when the utterance began. Empty text is never stored. */
  transcript(fx: Effects, direction: 'in' | 'out', message: string, at: Millis): void {
    if (message === '' || this.#deletedAt !== null || !this.hears(direction)) return
    const id = this.#facts.random.uuid()
    const created = fx.stamp()
    const doc: JsonObject = {
      id,
      customer_id: this.#facts.customerId,
      transcribe_id: this.id,
      direction,
      message,
      tm_transcript: transcriptOffset(Math.max(0, Math.round((at - this.startedAt) * 1000))),
      tm_create: timestamp(created),
    }
    fx.row('transcripts', {
      id,
      tmCreate: created,
      tmDelete: null,
      keys: { transcribe_id: this.id, direction, reference_id: this.#facts.callId },
      doc,
      hidden: {},
    })
    fx.event('transcript_created', doc)
  }

  doc(): JsonObject {
    return {
      id: this.id,
      customer_id: this.#facts.customerId,
      activeflow_id: this.#facts.activeflowId,
      on_end_flow_id: this.wish.onEndFlowId,
      reference_type: 'call',
      reference_id: this.#facts.callId,
      status: this.#state === 'done' ? 'done' : 'progressing',
      status_reason: this.#reason,
      language: this.wish.language,
      direction: this.wish.direction,
      provider: this.wish.provider,
      tm_create: timestamp(this.#createdAt),
      tm_update: timestamp(this.#updatedAt),
      tm_delete: this.#deletedAt === null ? null : timestamp(this.#deletedAt),
    }
  }

  #step(fx: Effects, input: Input): readonly Action[] {
    const next = step('transcribe', TRANSCRIBE, this.#state, input)
    this.#state = next.to
    for (const action of next.run) this.#run(fx, action)
    return next.run
  }

  #run(fx: Effects, action: Action): void {
    switch (action) {
      case 'tellProgressing':
        this.#streamed = true
        fx.event('transcribe_progressing', this.doc())
        for (const streaming of this.#streamings) this.#streamingEvent(fx, 'streaming_started', streaming)
        return
      case 'tellStreamingStopped':
        if (this.#streamed) {
          for (const streaming of this.#streamings) this.#streamingEvent(fx, 'streaming_stopped', streaming)
        }
        return
      case 'tellDone':
        this.#updatedAt = fx.stamp()
        this.#save(fx)
        fx.event('transcribe_done', this.doc())
        for (const reply of this.#waiting) fx.reply(reply, { ok: true, doc: this.doc() })
        this.#waiting = []
        return this.#startNext(fx)
      case 'noteFailed':
        this.#reason = 'engine_failed'
        return
      case 'noteStopped':
        this.#reason = 'stopped'
        return
      case 'noteCallEnded':
        this.#reason = 'call_ended'
        return
      case 'finish':
        return
      default:
        action satisfies never
    }
  }

  /** `on_end_flow_id` (contract §10.3). */
  #startNext(fx: Effects): void {
    const { onEndFlowId: flowId, language, direction } = this.wish
    if (isUnset(flowId)) return
    fx.out({
      kind: 'startRun',
      run: {
        flowId,
        referenceType: 'transcribe',
        referenceId: this.id,
        referenceActiveflowId: this.#facts.activeflowId,
        variables: {
          ...this.#variables(),
          'voipbin.call.id': this.#facts.callId,
          'voipbin.transcribe.id': this.id,
          'voipbin.transcribe.language': language,
          'voipbin.transcribe.direction': direction,
        },
        chain: 0,
      },
    })
  }

  #streamingEvent(fx: Effects, type: string, streaming: { id: string; direction: string }): void {
    fx.event(type, {
      id: streaming.id,
      customer_id: this.#facts.customerId,
      transcribe_id: this.id,
      reference_type: 'call',
      reference_id: this.#facts.callId,
      language: this.wish.language,
      direction: streaming.direction,
      tm_create: fx.time(),
    })
  }

  #save(fx: Effects): void {
    fx.row('transcribes', {
      id: this.id,
      tmCreate: this.#createdAt,
      tmDelete: this.#deletedAt,
      keys: {
        status: this.#state === 'done' ? 'done' : 'progressing',
        reference_type: 'call',
        reference_id: this.#facts.callId,
        node_id: this.#facts.nodeId,
        boot_id: this.#facts.bootId,
      },
      doc: this.doc(),
      hidden: {},
    })
  }
}
