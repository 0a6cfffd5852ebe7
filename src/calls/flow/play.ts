/** `play`: plays files one after the other; one that cannot be played is left out. Answers the call first when need be. */

import type { Effects } from '../effects.ts'
import { type ActionKind, onceAnswered, type Progress } from './action.ts'

export const play: ActionKind = (option, host) => {
  const urls = [...((option['stream_urls'] as readonly string[] | undefined) ?? [])]
  let sayId = 0
  const next = (fx: Effects): Progress => {
    const url = urls.shift()
    if (url === undefined) return 'done'
    sayId = host.play(fx, { kind: 'url', url })
    return 'wait'
  }
  return onceAnswered(host, {
    start: next,
    input: (fx, input) => (input.kind === 'said' && input.end.say.sayId === sayId ? next(fx) : 'wait'),
  })
}
