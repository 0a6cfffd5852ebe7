/** Languages (contract §10.1): what the installed engines serve. */

import { languageSchema } from '../../contract/language.ts'
import { listOf } from '../../contract/list.ts'
import type { App, Desk } from '../app.ts'
import { about } from './reading.ts'

export function languageRoutes(app: App, { deps }: Desk): void {
  app.get(
    '/languages',
    { schema: { ...about('/languages', 'What engines serve'), response: { 200: listOf(languageSchema) } } },
    async () => ({
      result: deps.speech.languages().map(({ language, stt, tts, voices }) => {
        return { language, stt: [...stt], tts: [...tts], voices: [...voices] }
      }),
      next_page_token: '',
    }),
  )
}
