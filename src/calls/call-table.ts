/** The status of a call as a complete table (contract §7.2). `failed`: it will never be answered. `ended`: an answered call is over. */

import type { Table } from '../kernel/machine.ts'

export type Status = 'dialing' | 'ringing' | 'progressing' | 'terminating' | 'canceling' | 'hangup'
export type Input = 'rang' | 'answered' | 'failed' | 'hangUp' | 'ended'
export type Action = 'tell' | 'progress' | 'bye' | 'cancel' | 'gone'

export const CALL: Table<Status, Input, Action> = {
  dialing: {
    rang: { to: 'ringing', run: ['tell'] },
    answered: { to: 'progressing', run: ['progress', 'tell'] },
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: { to: 'canceling', run: ['cancel', 'tell'] },
    ended: { to: 'hangup', run: ['gone'] },
  },
  ringing: {
    rang: 'ignore',
    answered: { to: 'progressing', run: ['progress', 'tell'] },
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: { to: 'canceling', run: ['cancel', 'tell'] },
    ended: { to: 'hangup', run: ['gone'] },
  },
  progressing: {
    rang: 'ignore',
    answered: 'ignore',
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: { to: 'terminating', run: ['bye', 'tell'] },
    ended: { to: 'hangup', run: ['gone'] },
  },
  terminating: {
    rang: 'ignore',
    answered: 'ignore',
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: 'ignore',
    ended: { to: 'hangup', run: ['gone'] },
  },
  canceling: {
    rang: 'ignore',
    // The answer crossed our CANCEL: hang up what was just answered (RFC 3261 §15.1.2).
    answered: { to: 'terminating', run: ['bye', 'tell'] },
    failed: { to: 'hangup', run: ['gone'] },
    hangUp: 'ignore',
    ended: { to: 'hangup', run: ['gone'] },
  },
  hangup: { rang: 'ignore', answered: 'ignore', failed: 'ignore', hangUp: 'ignore', ended: 'ignore' },
}
