/** Which action types run. A new action is a file beside this one and a line here. */

import { type ActionKind, atOnce } from './action.ts'
import { answer } from './answer.ts'
import { beep } from './beep.ts'
import { block } from './block.ts'
import { branch } from './branch.ts'
import { call } from './call.ts'
import { conditionCallDigits, conditionCallStatus, conditionDatetime, conditionVariable } from './conditions.ts'
import { connect } from './connect.ts'
import { digitsReceive } from './digits-receive.ts'
import { digitsSend } from './digits-send.ts'
import { echo } from './echo.ts'
import { fetchActions, fetchFlow } from './fetch.ts'
import { goTo } from './goto.ts'
import { hangup } from './hangup.ts'
import { messageSend } from './message-send.ts'
import { mute } from './mute.ts'
import { play } from './play.ts'
import { sleep } from './sleep.ts'
import { stop } from './stop.ts'
import { talk } from './talk.ts'
import { transcribeStart } from './transcribe-start.ts'
import { transcribeStop } from './transcribe-stop.ts'
import { variableSet } from './variable-set.ts'
import { webhookSend } from './webhook-send.ts'

const empty: ActionKind = () => atOnce(() => {})

/** A type that is accepted and not here is skipped when its turn comes. */
export const ACTIONS: Readonly<Record<string, ActionKind>> = {
  answer,
  beep,
  block,
  branch,
  call,
  condition_call_digits: conditionCallDigits,
  condition_call_status: conditionCallStatus,
  condition_datetime: conditionDatetime,
  condition_variable: conditionVariable,
  connect,
  digits_receive: digitsReceive,
  digits_send: digitsSend,
  echo,
  empty,
  fetch: fetchActions,
  fetch_flow: fetchFlow,
  goto: goTo,
  hangup,
  message_send: messageSend,
  mute,
  play,
  sleep,
  stop,
  stream_echo: echo,
  talk,
  transcribe_start: transcribeStart,
  transcribe_stop: transcribeStop,
  variable_set: variableSet,
  webhook_send: webhookSend,
}

/** Need a call: skipped in a run without one. */
export const NEEDS_CALL: ReadonlySet<string> = new Set([
  'answer',
  'beep',
  'connect',
  'digits_receive',
  'digits_send',
  'echo',
  'hangup',
  'mute',
  'play',
  'stream_echo',
  'talk',
  'transcribe_start',
  'transcribe_stop',
])
