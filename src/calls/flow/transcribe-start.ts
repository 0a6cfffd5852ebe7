/**
 * `transcribe_start`: starts a transcription of the call and goes on at once; a language that is none, or that no engine
 * recognises, after variables were filled in, starts nothing. Answers the call first when need be.
 */

import { readLanguage } from '../../contract/language.ts'
import { NIL_UUID } from '../../kernel/ids.ts'
import { type ActionKind, atOnce, onceAnswered, text } from './action.ts'

export const UNHEARD = 'no engine recognises the language'

export const transcribeStart: ActionKind = (option, host, flow) => {
  const language = readLanguage(text(option, 'language'))
  if (language === null || !host.serves(language, 'stt')) return atOnce((fx) => flow.skip(fx, UNHEARD))
  return onceAnswered(host, {
    start(fx) {
      const direction = text(option, 'direction')
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
}
