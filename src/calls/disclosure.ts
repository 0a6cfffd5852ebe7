/**
 * The first line of a call that the law wants said: nothing cuts it but the end of the call, and `call_disclosed` (ours)
 * tells whether it was heard to the last word.
 */

import { LANE_FLOW } from '../media/protocol.ts'
import type { Effects } from './effects.ts'
import type { CallFacts } from './facts.ts'
import type { Mouth, SaySettled } from './mouth.ts'

const PLAIN = { voiceId: '', language: 'en-US', gender: '', voice: '' }

export function disclose(fx: Effects, facts: CallFacts, mouth: Mouth, text: string): void {
  mouth.sayFirst(fx, {
    lane: LANE_FLOW,
    owner: { kind: 'disclosure', id: facts.callId },
    uuid: facts.random.uuid(),
    text,
    voice: facts.voiceFor(PLAIN),
  })
}

/** @returns what had been flushed while it was said */
export function disclosed(fx: Effects, facts: CallFacts, mouth: Mouth, end: SaySettled): SaySettled[] {
  fx.event('call_disclosed', {
    id: end.say.uuid,
    customer_id: facts.customerId,
    call_id: facts.callId,
    text: end.say.text,
    text_heard: end.say.text.slice(0, end.heardChars),
    heard: end.complete,
    position_ms: end.positionMs,
    tm_create: fx.time(),
  })
  return mouth.goOn(fx)
}
