/** `transcribe_start`: starts a transcription of the call and goes on at once. Answers the call first when need be. */

import { NIL_UUID } from '../../kernel/ids.ts'
import type { Effects } from '../effects.ts'
import { type ActionKind, type Progress, text } from './action.ts'

export const transcribeStart: ActionKind = (option, host) => {
  const start = (fx: Effects): Progress => {
    const direction = text(option, 'direction')
    host.startTranscribe(fx, {
      language: text(option, 'language'),
      direction: direction === 'in' || direction === 'out' ? direction : 'both',
      provider: text(option, 'provider'),
      onEndFlowId: text(option, 'on_end_flow_id') || NIL_UUID,
    })
    return 'done'
  }
  return {
    start: (fx) => (host.answer(fx) ? start(fx) : 'wait'),
    input: (fx, input) => (input.kind === 'answered' ? start(fx) : 'wait'),
  }
}
