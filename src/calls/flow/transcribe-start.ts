/**
 * `transcribe_start`: starts a transcription of the call and goes on at once; a language that is none, after variables
 * were filled in, starts nothing. Answers the call first when need be.
 */

import { readLanguage } from '../../contract/language.ts'
import { NIL_UUID } from '../../kernel/ids.ts'
import { type ActionKind, onceAnswered, text } from './action.ts'

export const transcribeStart: ActionKind = (option, host) =>
  onceAnswered(host, {
    start(fx) {
      const language = readLanguage(text(option, 'language'))
      const direction = text(option, 'direction')
      if (language === null) return 'done'
      host.startTranscribe(fx, {
        language,
        direction: direction === 'in' || direction === 'out' ? direction : 'both',
        provider: text(option, 'provider'),
        onEndFlowId: text(option, 'on_end_flow_id') || NIL_UUID,
      })
      return 'done'
    },
    input: () => 'done',
  })
