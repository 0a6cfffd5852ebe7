/** `condition_*`: go on when the condition holds, otherwise jump to `false_target_id`. */

import { codePoints } from '../../contract/fields.ts'
import type { Micros } from '../../kernel/clock.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Effects } from '../effects.ts'
import { type ActionKind, atOnce, type FlowDoor, type FlowHost, number, text } from './action.ts'
import { DIGITS } from './variables.ts'

type Holds = (option: JsonObject, flow: FlowDoor, host: FlowHost, fx: Effects) => boolean

function condition(holds: Holds): ActionKind {
  return (option, host, flow) =>
    atOnce((fx) => {
      if (!holds(option, flow, host, fx)) flow.jump(text(option, 'false_target_id'))
    })
}

/** @param order below 0, 0, above 0: how the left side stands to the right */
function compares(operator: string, order: number): boolean {
  switch (operator) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    default:
      return false
  }
}

/** `variable` is a value (`${name}`, filled in) or the bare name of a variable. */
export const conditionVariable = condition((option, flow) => {
  const given = text(option, 'variable')
  const isName = text(flow.written, 'variable') === given && flow.hasVariable(given)
  const value = isName ? flow.variable(given) : given
  const operator = text(option, 'condition')
  switch (text(option, 'value_type')) {
    case 'number': {
      const left = value.trim() === '' ? Number.NaN : Number(value)
      return !Number.isNaN(left) && compares(operator, left - number(option, 'value_number', 0))
    }
    case 'length':
      return compares(operator, codePoints(value) - number(option, 'value_length', 0))
    default: {
      const right = text(option, 'value_string')
      return compares(operator, value === right ? 0 : value < right ? -1 : 1)
    }
  }
})

/** The moment now, UTC, stands to the one given; parts that are not given are left out on both sides. */
export const conditionDatetime = condition((option, _flow, _host, fx) => {
  const now = clockOf(fx.stamp())
  const days = option['weekdays']
  if (Array.isArray(days) && days.length > 0 && !days.includes(now.weekday)) return false
  const parts: [given: number, now: number][] = [
    [number(option, 'month', 0) || -1, now.month],
    [number(option, 'day', -1) || -1, now.day],
    [number(option, 'hour', -1), now.hour],
    [number(option, 'minute', -1), now.minute],
  ]
  const given = parts.filter(([part]) => part >= 0)
  const differs = given.find(([part, current]) => part !== current)
  return given.length === 0 || compares(text(option, 'condition'), differs ? differs[1] - differs[0] : 0)
})

function clockOf(wall: Micros) {
  const date = new Date(wall / 1000)
  return {
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    weekday: date.getUTCDay(),
  }
}

export const conditionCallDigits = condition((option, flow) => {
  const digits = flow.variable(DIGITS)
  const length = number(option, 'length', 0)
  const key = text(option, 'key')
  return (length > 0 && digits.length >= length) || (key !== '' && digits.includes(key))
})

export const conditionCallStatus = condition((option, _flow, host) => host.callStatus() === text(option, 'status'))
