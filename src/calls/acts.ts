/**
 * Actions from outside the flow (contract §7.4, §17). What needs sound waits for the answer, a minute at most, and is
 * forgotten when the call ends before that.
 */

import type { Millis } from '../kernel/clock.ts'
import type { ActAction } from './commands.ts'
import type { Effects } from './effects.ts'
import type { CallHost } from './flow-host.ts'
import { type HangupReason, isHangupReason } from './hangup.ts'
import type { Inside } from './inside.ts'

/** What was asked before the answer is not done any more after this. */
export const WAITS_MS = 60_000

export class Acts {
  readonly #inside: Inside
  readonly #host: CallHost
  #waiting: { readonly action: ActAction; readonly until: Millis }[] = []

  constructor(inside: Inside, host: CallHost) {
    this.#inside = inside
    this.#host = host
  }

  command(fx: Effects, reply: number, action: ActAction): void {
    const { record, doc } = this.#inside
    const { status } = record
    if (status === 'hangup' || status === 'terminating' || status === 'canceling')
      return fx.refuse(reply, 'CALL_ALREADY_HANGUP')
    const refusal = this.#take(fx, action, status === 'progressing')
    if (refusal) fx.refuse(reply, refusal)
    else fx.reply(reply, { ok: true, doc: doc() })
  }

  /** The call is answered: what waited is done now. */
  answered(fx: Effects): void {
    for (const { action, until } of this.#waiting.splice(0)) if (fx.now <= until) this.#do(fx, action)
  }

  gone(): void {
    this.#waiting = []
  }

  /** @returns a code of `contract/errors.ts` when it cannot be */
  #take(fx: Effects, action: ActAction, isUp: boolean): string | null {
    if (isUp || NEEDS_NO_SOUND.has(action.kind)) {
      if (action.kind === 'flush') this.#forgetTalk()
      return this.#do(fx, action)
    }
    if (action.kind === 'talk' && action.interrupt) this.#forgetTalk()
    this.#waiting.push({ action, until: fx.now + WAITS_MS })
    return null
  }

  #forgetTalk(): void {
    this.#waiting = this.#waiting.filter(({ action }) => action.kind !== 'talk' && action.kind !== 'play')
  }

  #do(fx: Effects, action: ActAction): string | null {
    const host = this.#host
    switch (action.kind) {
      case 'talk':
        if (action.interrupt) host.flush(fx)
        host.speak(fx, action.text, action.wish, 'act')
        return null
      case 'play':
        for (const url of action.urls) host.play(fx, { kind: 'url', url }, 'act')
        return null
      case 'flush':
        host.flush(fx)
        return null
      case 'hangup':
        host.hangUp(fx, hangupReason(action.reason))
        return null
      case 'digitsSend':
        host.sendDigits(fx, action.digits, action.durationMs, action.gapMs)
        return null
      case 'connect':
        return this.#connect(fx, action)
      case 'errand':
        host.errand(fx, action.errand)
        return null
      case 'transcribeStart':
        if (this.#inside.ears.running(action.language)) return 'TRANSCRIBE_ALREADY_PROGRESSING'
        host.startTranscribe(fx, action, action.phrases)
        return null
      case 'transcribeStop':
        host.stopTranscribe(fx)
        return null
      case 'hold':
        host.hold(fx, action.on)
        return null
      case 'mute':
        host.mute(fx, action.direction)
        return null
      default:
        return action satisfies never
    }
  }

  #connect(fx: Effects, action: ActAction & { kind: 'connect' }): string | null {
    const { source, destinations, anonymous } = action
    const wish = { source, destinations, anonymous, earlyMedia: false, relayReason: false }
    return this.#inside.bridge.connect(fx, wish, 'command') ? null : 'CALL_STATE_INVALID'
  }
}

const NEEDS_NO_SOUND: ReadonlySet<ActAction['kind']> = new Set(['flush', 'hangup', 'connect', 'errand'])

function hangupReason(reason: string): HangupReason {
  return isHangupReason(reason) ? reason : 'normal'
}
