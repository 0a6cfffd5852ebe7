/** States of one call of the phone, as its user sees them. Signalling that is left to do goes on behind `ended`. */

import type { Table } from '../kernel/machine.ts'

export type PhoneCallState = 'calling' | 'ringing' | 'incoming' | 'answered' | 'ended'

export type Input = 'progress' | 'answered' | 'failed' | 'over' | 'accept' | 'refuse' | 'hangup'
export type Action = 'refuse' | 'cancel' | 'bye' | 'tellAnswered' | 'tellEnded'

/** Hanging up ends the call for its user at once; what SIP still has to exchange goes on behind it. */
export const PHONE_CALL: Table<PhoneCallState, Input, Action> = {
  calling: {
    progress: { to: 'ringing' },
    answered: { to: 'answered', run: ['tellAnswered'] },
    failed: { to: 'ended', run: ['tellEnded'] },
    over: 'bug',
    accept: 'ignore',
    refuse: 'ignore',
    hangup: { to: 'ended', run: ['cancel', 'tellEnded'] },
  },
  ringing: {
    progress: { to: 'ringing' },
    answered: { to: 'answered', run: ['tellAnswered'] },
    failed: { to: 'ended', run: ['tellEnded'] },
    over: 'bug',
    accept: 'ignore',
    refuse: 'ignore',
    hangup: { to: 'ended', run: ['cancel', 'tellEnded'] },
  },
  incoming: {
    progress: 'bug',
    answered: 'bug',
    failed: { to: 'ended', run: ['tellEnded'] },
    over: 'bug',
    accept: { to: 'answered', run: ['tellAnswered'] },
    refuse: { to: 'ended', run: ['refuse', 'tellEnded'] },
    hangup: { to: 'ended', run: ['refuse', 'tellEnded'] },
  },
  answered: {
    progress: 'ignore',
    answered: 'bug',
    failed: { to: 'ended', run: ['tellEnded'] },
    over: { to: 'ended', run: ['tellEnded'] },
    accept: 'ignore',
    refuse: 'ignore',
    hangup: { to: 'ended', run: ['bye', 'tellEnded'] },
  },
  ended: {
    progress: 'ignore',
    // The far end's 200 crossed our CANCEL.
    answered: { to: 'ended', run: ['bye'] },
    failed: 'ignore',
    over: 'ignore',
    accept: 'ignore',
    refuse: 'ignore',
    hangup: 'ignore',
  },
}
