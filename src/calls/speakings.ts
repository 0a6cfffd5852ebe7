/** The speaking sessions of a call: at most one that is not over (contract §11). */

import type { CallCommand } from './commands.ts'
import type { Effects } from './effects.ts'
import type { CallFacts } from './facts.ts'
import type { Say, SaySettled } from './mouth.ts'
import { Speaking } from './speaking.ts'
import type { Turns } from './turns.ts'
import type { Voice } from './voice.ts'

type Create = CallCommand & { kind: 'createSpeaking' }
type Use = CallCommand & { kind: 'say' | 'flush' | 'stopSpeaking' | 'deleteSpeaking' }

export class Speakings {
  readonly #facts: CallFacts
  readonly #voice: Voice
  readonly #turns: Turns
  readonly #all: Speaking[] = []

  constructor(facts: CallFacts, voice: Voice, turns: Turns) {
    this.#facts = facts
    this.#voice = voice
    this.#turns = turns
  }

  create(fx: Effects, reply: number, wish: Create): void {
    const other = this.#all.find((one) => !one.isOver)
    if (other?.state === 'active') return fx.refuse(reply, 'SPEAKING_ALREADY_ACTIVE')
    other?.stop(fx, null)
    const speaking = new Speaking(this.#facts, this.#voice, wish, fx)
    this.#all.push(speaking)
    speaking.open(fx, reply)
  }

  use(fx: Effects, reply: number, command: Use): void {
    const speaking = this.#find(command.speakingId)
    if (!speaking) return fx.refuse(reply, 'SPEAKING_NOT_FOUND')
    switch (command.kind) {
      case 'say':
        return this.#say(fx, reply, speaking, command.text)
      case 'flush':
        this.#turns.flushAsked(fx.now)
        return speaking.flush(fx, reply)
      case 'stopSpeaking':
        return speaking.stop(fx, reply)
      case 'deleteSpeaking':
        return speaking.delete(fx, reply)
      default:
        command satisfies never
    }
  }

  /** The record is stored and its maker has been told. */
  begin(fx: Effects, id: string): void {
    this.#find(id)?.begin(fx)
  }

  /** A session whose record could not be stored. */
  undo(fx: Effects, id: string): void {
    this.#find(id)?.stop(fx, null)
  }

  sounds(fx: Effects, say: Say): void {
    this.#find(say.owner.id)?.sounds(fx, say)
  }

  settled(fx: Effects, end: SaySettled): void {
    this.#find(end.say.owner.id)?.settled(fx, end)
  }

  callGone(fx: Effects): void {
    for (const speaking of this.#all) speaking.callGone(fx)
  }

  #say(fx: Effects, reply: number, speaking: Speaking, text: string): void {
    const before = fx.outputs.length
    speaking.say(fx, reply, text)
    const utter = fx.outputs.slice(before).find((output) => output.kind === 'utter')
    if (utter?.kind === 'utter') this.#turns.said({ sayId: utter.sayId, askedAt: fx.now })
  }

  #find(id: string): Speaking | undefined {
    return this.#all.find((one) => one.id === id)
  }
}
