/** Which action types run. A new action is a file beside this one and a line here. */

import type { ActionKind } from './action.ts'
import { answer } from './answer.ts'
import { hangup } from './hangup.ts'
import { sleep } from './sleep.ts'
import { talk } from './talk.ts'
import { transcribeStart } from './transcribe-start.ts'

export const ACTIONS: Readonly<Record<string, ActionKind>> = {
  answer,
  hangup,
  sleep,
  talk,
  transcribe_start: transcribeStart,
}
