/**
 * `hangup`: ends the call with `reason`, a word of contract §7.3 (any other counts as `normal`). Nothing runs after it.
 * `reference_id` would lend the reason of another call; a run knows its own only, so it is not looked at.
 */

import { HANGUP_REASONS, type HangupReason } from '../../contract/call.ts'
import { type ActionKind, text } from './action.ts'

export const hangup: ActionKind = (option, host) => ({
  start(fx) {
    host.hangUp(fx, reasonOf(text(option, 'reason')))
    return 'wait'
  },
  input: () => 'wait',
})

function reasonOf(word: string): HangupReason {
  return HANGUP_REASONS.find((reason) => reason === word) ?? 'normal'
}
