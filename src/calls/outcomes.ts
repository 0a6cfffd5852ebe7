/** What became of each thing that was said or played: `out` transcripts, and the news for whoever asked. */

import { disclosed } from './disclosure.ts'
import type { Effects } from './effects.ts'
import type { Inside } from './inside.ts'
import type { SaySettled } from './mouth.ts'
import { outTranscripts } from './out-transcripts.ts'
import type { Voice } from './voice.ts'

export class Outcomes {
  readonly #inside: Inside
  readonly #voice: Voice

  constructor(inside: Inside, voice: Voice) {
    this.#inside = inside
    this.#voice = voice
  }

  settled(fx: Effects, ends: readonly SaySettled[]): void {
    const { ears, facts } = this.#inside
    for (const end of ends) {
      for (const part of outTranscripts(end, facts.rateHz)) ears.spoken(fx, part.message, part.at)
      this.#tellOwner(fx, end)
    }
  }

  #tellOwner(fx: Effects, end: SaySettled): void {
    const { speakings, facts, mouth, tellFlow } = this.#inside
    const { kind } = end.say.owner
    switch (kind) {
      case 'flow':
        return tellFlow(fx, { kind: 'said', end })
      case 'speaking':
        return speakings.settled(fx, end)
      case 'peer':
        return this.#voice.tellUttered(fx, end)
      case 'disclosure':
        return this.settled(fx, disclosed(fx, facts, mouth, end))
      case 'act':
        return
      default:
        kind satisfies never
    }
  }
}
