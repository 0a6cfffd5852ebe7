/** `digits_send`: sends keys as telephone events (RFC 4733). Answers the call first when need be. */

import { type ActionKind, number, onceAnswered, text } from './action.ts'

const TONE_MS = 200
const GAP_MS = 100
/** Longer than it takes by this: no answer will come. */
const PATIENCE_MS = 5_000

export const digitsSend: ActionKind = (option, host) => {
  const digits = text(option, 'digits')
  const toneMs = number(option, 'duration', TONE_MS)
  const gapMs = number(option, 'interval', GAP_MS)
  return onceAnswered(host, {
    start(fx) {
      if (digits === '') return 'done'
      host.sendDigits(fx, digits, toneMs, gapMs)
      host.wake(fx, fx.now + digits.length * (toneMs + gapMs) + PATIENCE_MS)
      return 'wait'
    },
    input: (_fx, input) => (input.kind === 'digitsSent' || input.kind === 'timer' ? 'done' : 'wait'),
  })
}
