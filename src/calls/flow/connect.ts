/** `connect`: dials, bridges the first answer, and goes on when the other side has left or nobody came. */

import { type ActionKind, address, addresses } from './action.ts'

export const connect: ActionKind = (option, host) => ({
  start(fx) {
    host.connect(fx, {
      source: address(option, 'source'),
      destinations: addresses(option, 'destinations'),
      earlyMedia: option['early_media'] === true,
      relayReason: option['relay_reason'] === true,
      anonymous: option['anonymous'] === 'yes',
    })
    return 'wait'
  },
  input: (_fx, input) => (input.kind === 'connectOver' ? 'done' : 'wait'),
})
