/**
 * `digits_receive`: collects keys into `voipbin.call.digits` until `duration` ms are over, there are `length` of them, or
 * one of `key` is pressed (it is part of the value). A key of an earlier action counts as the first. Answers the call
 * first when need be.
 */

import type { Effects } from '../effects.ts'
import { type ActionKind, number, onceAnswered, type Progress, text } from './action.ts'
import { DIGITS } from './variables.ts'

/** When no `duration` is given. */
const DURATION_MS = 10_000
const MAX_DIGITS = 100

export const digitsReceive: ActionKind = (option, host, flow) => {
  const durationMs = number(option, 'duration', DURATION_MS)
  const wanted = number(option, 'length', 0)
  const length = wanted === 0 ? MAX_DIGITS : wanted
  const endKeys = text(option, 'key')
  let digits = ''
  const take = (digit: string): Progress => {
    digits += digit
    flow.setVariable(DIGITS, digits)
    const isEnd = digit !== '' && endKeys.includes(digit)
    return isEnd || digits.length >= length ? 'done' : 'wait'
  }
  return onceAnswered(host, {
    start(fx: Effects) {
      if (take(host.takeKey()) === 'done' || durationMs === 0) return 'done'
      host.wake(fx, fx.now + durationMs)
      return 'wait'
    },
    input(_fx, input) {
      if (input.kind === 'timer') return 'done'
      if (input.kind !== 'key') return 'wait'
      // Used up here: it is no earlier key for the next one who asks.
      host.takeKey()
      return take(input.digit)
    },
  })
}
