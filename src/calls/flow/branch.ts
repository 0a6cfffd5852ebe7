/** `branch`: jumps to the action that belongs to the value of a variable, and empties the variable. */

import type { JsonObject } from '../../kernel/json.ts'
import { type ActionKind, atOnce, text } from './action.ts'
import { DIGITS, nameIn } from './variables.ts'

export const branch: ActionKind = (option, _host, flow) =>
  atOnce(() => {
    const name = nameIn(text(flow.written, 'variable')) ?? (text(option, 'variable') || DIGITS)
    const value = flow.variable(name)
    flow.setVariable(name, '')
    const targets = (option['target_ids'] as JsonObject | undefined) ?? {}
    flow.jump(Object.hasOwn(targets, value) ? text(targets, value) : text(option, 'default_target_id'))
  })
