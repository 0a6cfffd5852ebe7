/**
 * The simulated caller: phones the demo agent and holds the scripted conversation as a person would, by ear. It speaks
 * when the agent has been quiet for a while; what the server understood is only written down, for `judge.ts`.
 */

import type { Clock, Millis } from '../../kernel/clock.ts'
import type { Phone, PhoneCall } from '../../phone/user-agent.ts'
import { type ApiAccess, EventStream, fetchTurns } from './api-client.ts'
import { Hearing, lastVoicedFrame } from './hearing.ts'
import type { Evidence, Spoke } from './judge.ts'
import { Recording } from './recording.ts'
import type { Screen } from './screen.ts'
import type { Line } from './script.ts'
import { Story } from './story.ts'
import { NO_TURNS, stagesOf, type TurnsDoc } from './turns.ts'

export interface CallerOptions {
  readonly clock: Clock
  readonly phone: Phone
  readonly api: ApiAccess
  readonly number: string
  readonly script: readonly Line[]
  /** The sound of a line: 16-bit mono at 8 kHz. */
  readonly voiceOf: (line: Line) => Int16Array
  readonly screen: Screen
}

export interface Told {
  readonly evidence: Evidence
  readonly recording: Recording
}

/** What there is to judge when the call never began. */
export function untold(trouble: string): Told {
  return {
    recording: new Recording(0),
    evidence: {
      trouble,
      agentHungUp: false,
      spoke: [],
      planned: 0,
      understood: [],
      unrecognised: [],
      said: [],
      turns: NO_TURNS,
      hearing: new Hearing(),
      endedAt: 0,
    },
  }
}

/** How long a person waits to be sure that the other one has finished. */
const QUIET_MS = 700
const GREETING_LIMIT_MS = 10_000
const ANSWER_LIMIT_MS = 8_000
const REPLY_LIMIT_MS = 45_000
const HANGUP_LIMIT_MS = 15_000
const LOOK_EVERY_MS = 20
const FRAME_SAMPLES = 160
const FRAME_MS = 20

/** Ends the script early; its message says in words what was missing. */
class Trouble extends Error {}

export async function holdCall(options: CallerOptions): Promise<Told> {
  const { phone, number, clock } = options
  const frames: [frame: unknown, at: Millis][] = []
  let onFrame = (frame: unknown): void => void frames.push([frame, clock.now()])
  const events = await EventStream.open(options.api, (frame) => onFrame(frame))
  try {
    const call = await phone.call(number)
    const story = new Story(call.sipCallId)
    const caller = new Caller(options, call, story)
    onFrame = (frame) => story.note(frame, clock.now())
    for (const [frame, at] of frames) story.note(frame, at)
    return await caller.run()
  } finally {
    events.close()
  }
}

class Caller {
  readonly #options: CallerOptions
  readonly #call: PhoneCall
  readonly #story: Story
  readonly #hearing = new Hearing()
  readonly #recording: Recording
  readonly #spoke: Spoke[] = []
  #turns: TurnsDoc = NO_TURNS
  #shownTurns = 0
  #ended: { readonly at: Millis; readonly cause: string } | null = null

  constructor(options: CallerOptions, call: PhoneCall, story: Story) {
    this.#options = options
    this.#call = call
    this.#story = story
    this.#recording = new Recording(options.clock.now())
    call.onFrame = (pcm8k, { at, timestamp }) => {
      this.#hearing.note(pcm8k, at)
      this.#recording.heard(pcm8k, timestamp, at)
    }
    void call.ended.then(({ cause }) => {
      this.#ended = { at: this.#now(), cause }
    })
    const { screen } = options
    story.onUnderstood = ({ text }) => screen.understood(text)
    story.onUnrecognised = () => screen.unrecognised()
    story.onSaid = ({ heard, unheard }) => screen.agent(heard, unheard)
  }

  async run(): Promise<Told> {
    let trouble = ''
    try {
      await this.#untilAnswered()
      await this.#until(GREETING_LIMIT_MS, 'The agent did not greet.', () => this.#hearing.lastVoicedAt !== null)
      await this.#untilQuiet()
      for (const line of this.#options.script) await this.#act(line)
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error)
    }
    const byAgent = this.#ended?.cause === 'remote'
    this.#call.hangup()
    await this.#readTurns()
    return { recording: this.#recording, evidence: this.#evidence(trouble, byAgent) }
  }

  async #untilAnswered(): Promise<void> {
    await this.#call.answered.catch((cause: Error) => {
      throw new Trouble(`The agent did not take the call: ${cause.message}.`)
    })
  }

  async #act(line: Line): Promise<void> {
    if (line.kind === 'interrupt') await this.#untilInTheMiddle(line.afterVoicedMs)
    else {
      await this.#readTurns()
      this.#drawTurns()
    }
    const spoke = await this.#speak(line)
    if (line.kind === 'last') {
      await this.#untilHungUp(spoke)
      return
    }
    if (line.kind === 'interrupt') await this.#untilCut(spoke)
    if (this.#isBeforeInterrupt()) return
    const from = line.kind === 'interrupt' ? this.#now() : spoke.lastVoicedAt
    await this.#until(ANSWER_LIMIT_MS, `There was no answer to "${line.text}".`, () => this.#voicedSince(from))
    await this.#untilQuiet()
  }

  async #speak(line: Line): Promise<Spoke> {
    const pcm8k = this.#options.voiceOf(line)
    this.#options.screen.caller(line.text)
    const { firstAt } = await this.#call.speak(pcm8k)
    const lastVoicedAt = firstAt + Math.max(0, lastVoicedFrame(pcm8k, FRAME_SAMPLES)) * FRAME_MS
    const spoke = { line, from: firstAt, lastVoicedAt }
    this.#recording.spoke(pcm8k, firstAt)
    this.#spoke.push(spoke)
    return spoke
  }

  #isBeforeInterrupt(): boolean {
    return this.#options.script[this.#spoke.length]?.kind === 'interrupt'
  }

  #voicedSince(from: Millis): boolean {
    return this.#hearing.firstVoicedAfter(from) !== null
  }

  /** The agent's answer to the line before has gone on for a while, and its voice sounds just now. */
  async #untilInTheMiddle(afterVoicedMs: number): Promise<void> {
    const from = this.#spoke.at(-1)?.lastVoicedAt ?? this.#now()
    const limit = ANSWER_LIMIT_MS + afterVoicedMs
    await this.#until(limit, 'The agent did not speak long enough to be interrupted.', () => {
      const voiceAt = this.#hearing.firstVoicedAfter(from)
      return voiceAt !== null && this.#now() - voiceAt >= afterVoicedMs && this.#quietMs() < 2 * FRAME_MS
    })
  }

  async #untilCut(spoke: Spoke): Promise<void> {
    const isCut = (): boolean => this.#story.said.some(({ at, cutBy }) => at > spoke.from && cutBy === 'flush')
    await this.#until(ANSWER_LIMIT_MS, `The agent spoke on over "${spoke.line.text}".`, isCut)
  }

  async #untilQuiet(): Promise<void> {
    await this.#until(REPLY_LIMIT_MS, 'The agent did not stop speaking.', () => this.#quietMs() >= QUIET_MS)
  }

  #quietMs(): number {
    return this.#now() - (this.#hearing.lastVoicedAt ?? Number.NEGATIVE_INFINITY)
  }

  /** The record of the last turn can only be had between the agent's first word and its hanging up. */
  async #untilHungUp(spoke: Spoke): Promise<void> {
    await this.#wait(ANSWER_LIMIT_MS, () => this.#voicedSince(spoke.lastVoicedAt) || this.#ended !== null)
    await this.#readTurns()
    await this.#wait(HANGUP_LIMIT_MS, () => this.#ended !== null)
    this.#drawTurns()
  }

  /** @throws Trouble with `why` when `holds` does not come true in time, or the call ends before */
  async #until(limitMs: number, why: string, holds: () => boolean): Promise<void> {
    await this.#wait(limitMs, () => holds() || this.#ended !== null)
    if (!holds()) throw new Trouble(this.#ended === null ? why : `The call ended too soon. ${why}`)
  }

  #wait(limitMs: number, holds: () => boolean): Promise<void> {
    const { clock } = this.#options
    const limitAt = clock.now() + limitMs
    return new Promise((resolve) => {
      const look = (): void => {
        if (holds() || clock.now() >= limitAt) resolve()
        else clock.schedule(clock.now() + LOOK_EVERY_MS, look)
      }
      look()
    })
  }

  /** The server keeps the record as long as the call lives, so it is read while it does. */
  async #readTurns(): Promise<void> {
    const { callId } = this.#story
    if (callId === null) return
    const doc = await fetchTurns(this.#options.api, callId).catch(() => NO_TURNS)
    if (doc.turns.length >= this.#turns.turns.length) this.#turns = doc
  }

  /** Shows the bars of the turns read since the last time. */
  #drawTurns(): void {
    for (const turn of this.#turns.turns.slice(this.#shownTurns)) {
      const stages = stagesOf(turn)
      const total = stages?.reduce((sum, { ms }) => sum + ms, 0) ?? null
      this.#options.screen.turn(total, stages)
      this.#shownTurns++
    }
  }

  #evidence(trouble: string, agentHungUp: boolean): Evidence {
    return {
      trouble,
      agentHungUp,
      spoke: this.#spoke,
      planned: this.#options.script.length,
      understood: this.#story.understood,
      unrecognised: this.#story.unrecognised,
      said: this.#story.said,
      turns: this.#turns,
      hearing: this.#hearing,
      endedAt: this.#ended?.at ?? this.#now(),
    }
  }

  #now(): Millis {
    return this.#options.clock.now()
  }
}
