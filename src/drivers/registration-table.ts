/** How a registration of ours at a carrier comes and goes (`trunk-registrations.ts`). */

import type { Table } from '../kernel/machine.ts'

/** `renewing`: registered, and a REGISTER is on its way. `leaving`: to be forgotten, registered no more. */
export type State = 'registering' | 'registered' | 'renewing' | 'failed' | 'leaving' | 'gone'
/** `next`: no answer, but there is another server to ask. `lost`: the connection that we registered by is gone. */
export type Input = 'granted' | 'next' | 'refused' | 'due' | 'lost' | 'leave' | 'leaveUnknown'
export type Action = 'send' | 'hold' | 'retryLater' | 'tell' | 'sendLeave' | 'forget'

export const REGISTRATION: Table<State, Input, Action> = {
  registering: {
    granted: { to: 'registered', run: ['hold', 'tell'] },
    next: { to: 'registering', run: ['send'] },
    refused: { to: 'failed', run: ['retryLater', 'tell'] },
    due: 'bug',
    lost: 'ignore',
    leave: { to: 'leaving', run: ['sendLeave'] },
    leaveUnknown: { to: 'leaving', run: ['sendLeave'] },
  },
  registered: {
    granted: 'ignore',
    next: 'ignore',
    refused: 'ignore',
    due: { to: 'renewing', run: ['send'] },
    lost: { to: 'renewing', run: ['send'] },
    leave: { to: 'leaving', run: ['sendLeave'] },
    leaveUnknown: { to: 'leaving', run: ['sendLeave'] },
  },
  renewing: {
    granted: { to: 'registered', run: ['hold'] },
    next: { to: 'renewing', run: ['send'] },
    refused: { to: 'failed', run: ['retryLater', 'tell'] },
    due: 'bug',
    lost: 'ignore',
    leave: { to: 'leaving', run: ['sendLeave'] },
    leaveUnknown: { to: 'leaving', run: ['sendLeave'] },
  },
  failed: {
    granted: 'ignore',
    next: 'ignore',
    refused: 'ignore',
    due: { to: 'registering', run: ['send'] },
    lost: 'ignore',
    leave: { to: 'leaving', run: ['sendLeave'] },
    leaveUnknown: { to: 'gone', run: ['forget'] },
  },
  leaving: {
    granted: { to: 'gone', run: ['forget'] },
    next: { to: 'gone', run: ['forget'] },
    refused: { to: 'gone', run: ['forget'] },
    due: 'ignore',
    lost: 'ignore',
    leave: 'ignore',
    leaveUnknown: 'ignore',
  },
  gone: {
    granted: 'ignore',
    next: 'ignore',
    refused: 'ignore',
    due: 'ignore',
    lost: 'ignore',
    leave: 'ignore',
    leaveUnknown: 'ignore',
  },
}
