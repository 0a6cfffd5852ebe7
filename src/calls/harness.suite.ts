/** A hand-driven call for tests: plays signalling, sound, ears and voice, and shows what came out. */

import { NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { Call } from './call.ts'
import type { ActionDoc, CallCommand, Outcome } from './commands.ts'
import type { Birth, CallInput, CallOutput } from './part.ts'

export const LEG = { slot: 0, generation: 1 }
const WALL = 1_768_000_000_000_000

export function action(
  type: string,
  option: JsonObject = {},
  id = `00000000-0000-4000-8000-${type.padEnd(12, '0').slice(0, 12)}`,
): ActionDoc {
  return { id, next_id: NIL_UUID, type, option }
}

export class HandDrivenCall {
  readonly call = new Call({ rateHz: 8000, voiceFor: (wish) => wish.voiceId || 'slt' })
  readonly inputs: { input: CallInput; now: number; wall: number }[] = []
  readonly all: CallOutput[] = []
  now = 1_000
  #reply = 0

  born(changes: Partial<Birth> = {}): CallOutput[] {
    return this.give({
      kind: 'born',
      seed: '0123456789abcdef0123456789abcdef',
      callId: '11111111-1111-4111-8111-111111111111',
      customerId: '22222222-2222-4222-8222-222222222222',
      direction: 'incoming',
      source: { type: 'tel', target: '+15551234567', target_name: '', name: '', detail: '' },
      destination: { type: 'tel', target: '+899100000', target_name: '', name: '', detail: '' },
      plan: { flowId: NIL_UUID, actions: [action('answer'), action('sleep', { duration: 600_000 })], variables: {} },
      groupcallId: NIL_UUID,
      sipCallId: 'abc@host',
      nodeId: 'node',
      bootId: 'boot',
      maxDurationMs: 3_600_000,
      ...changes,
    })
  }

  give(input: CallInput): CallOutput[] {
    const wall = WALL + Math.round(this.now * 1000)
    this.inputs.push({ input, now: this.now, wall })
    const outputs = this.call.handle(input, this.now, wall)
    this.all.push(...outputs)
    for (const output of outputs) if (output.kind === 'afterStored') outputs.push(...this.give(output.input))
    return outputs
  }

  after(ms: number): this {
    this.now += ms
    return this
  }

  /** An incoming call, answered and in conversation. */
  answered(changes: Partial<Birth> = {}): this {
    this.born(changes)
    this.sound({ kind: 'legOpened', leg: LEG, localPort: 10_000, at: this.now })
    if (changes.direction === 'outgoing') this.give({ kind: 'sip', news: { kind: 'answered' } })
    else this.give({ kind: 'sip', news: { kind: 'confirmed' } })
    return this
  }

  sound(news: (CallInput & { kind: 'sound' })['news']): CallOutput[] {
    return this.give({ kind: 'sound', news })
  }

  listen(news: (CallInput & { kind: 'listen' })['news']): CallOutput[] {
    return this.give({ kind: 'listen', news })
  }

  talk(news: (CallInput & { kind: 'talk' })['news']): CallOutput[] {
    return this.give({ kind: 'talk', news })
  }

  /** @returns the answer when it came at once */
  command(command: CallCommand): Outcome | null {
    const reply = ++this.#reply
    const outputs = this.give({ kind: 'command', reply, command })
    const answer = outputs.find((output) => output.kind === 'reply' && output.to === reply)
    return answer?.kind === 'reply' ? answer.outcome : null
  }

  /** Like `command`, for what must succeed. */
  done(command: CallCommand): JsonObject {
    const outcome = this.command(command)
    if (!outcome?.ok) throw new Error(`${command.kind}: ${outcome ? outcome.code : 'no answer'}`)
    return outcome.doc
  }

  events(prefix = ''): string[] {
    return this.all.flatMap((output) =>
      output.kind === 'event' && output.event.type.startsWith(prefix) ? [output.event.type] : [],
    )
  }

  eventData(type: string): JsonObject[] {
    return this.all.flatMap((output) =>
      output.kind === 'event' && output.event.type === type ? [output.event.data] : [],
    )
  }

  acts(kind: CallOutput['kind']): CallOutput[] {
    return this.all.filter((output) => output.kind === kind)
  }

  /** Plays an utterance as the threads would tell it. Words of 100 ms each. @returns its say id */
  lastSayId(): number {
    const utter = this.acts('utter').at(-1)
    return utter?.kind === 'utter' ? utter.sayId : 0
  }

  rendered(text: string, sayId = this.lastSayId()): number {
    let from = 0
    const words = text.split(' ').map((word, index) => {
      const charStart = text.indexOf(word, from)
      from = charStart + word.length
      const bare = word.replace(/[.,?!]+$/, '')
      return { charStart, charEnd: charStart + bare.length, startSample: index * 800, endSample: (index + 1) * 800 }
    })
    const totalSamples = words.length * 800
    this.talk({
      kind: 'rendered',
      leg: LEG,
      sayId,
      clause: 0,
      words,
      totalSamples,
      final: true,
      at: this.now,
      cpuMs: 1,
    })
    this.sound({ kind: 'voiceStarted', leg: LEG, sayId, rtpTime: 0, at: this.now })
    return totalSamples
  }

  heard(utterance: number, text: string): CallOutput[] {
    const onsetAt = this.now
    this.after(100)
    this.listen({ kind: 'speechStarted', ear: 1, utterance, onsetAt, at: this.now })
    this.after(900)
    const lastVoicedAt = this.now
    this.after(300)
    const marks = {
      lastVoicedAt,
      detectorAt: lastVoicedAt,
      endOfTurnAt: this.now,
      endOfTurn: 'complete',
      finalAt: this.now,
    } as const
    this.listen({ kind: 'speechEnded', ear: 1, utterance, lastVoicedAt, at: this.now })
    return this.listen({ kind: 'heard', ear: 1, utterance, text, rejected: text === '', onsetAt, marks })
  }

  closed(cut: { sayId: number; lane: 0 | 1; samples: number }[] = []): CallOutput[] {
    return this.sound({ kind: 'legClosed', leg: LEG, cut, counters: NO_COUNTERS, at: this.now })
  }
}

const NO_COUNTERS = {
  packetsIn: 0,
  packetsOut: 0,
  octetsIn: 0,
  lost: 0,
  duplicate: 0,
  reordered: 0,
  malformed: 0,
  otherSource: 0,
  authFailed: 0,
  replayed: 0,
  concealed: 0,
  lateFrames: 0,
  skippedFrames: 0,
  hearingDropped: 0,
}
