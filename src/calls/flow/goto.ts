/** `goto`: jumps to `target_id` at most `loop_count` times, then goes on. */

import { type ActionKind, atOnce, number, text } from './action.ts'

export const goTo: ActionKind = (option, _host, flow) =>
  atOnce(() => {
    if (flow.count() <= number(option, 'loop_count', 0)) flow.jump(text(option, 'target_id'))
  })
