/** How a call stands to another one (contract §7.4, §9.4 `connect`): a complete table. */

import type { Table } from '../kernel/machine.ts'

/**
 * - `dialing`: we ring somebody; `early`: one of them sounds already
 * - `answering`: they have answered, our own far end's ACK is still missing
 * - `parked`: our peer consults somebody else, we hear music
 */
export type State = 'alone' | 'dialing' | 'early' | 'answering' | 'bridged' | 'parked' | 'over'

/**
 * - `dial`: somebody is to be connected; with `consult` our peer waits meanwhile, with `redial` it has handed us over
 * - `early`, `won` (we are answered), `wonUnanswered`, `nobody`: what became of it
 * - `up`: our own far end has answered
 * - `joined`: by another call, this is our peer from now on; `parked`, `dialOn`: see `PeerNews`
 * - `left`: our peer is gone
 * - `back`: the one we consulted is gone, or nobody was reached; the other waits
 * - `release`: we let go of our peer, which goes its own way
 * - `gone`: this call is over; `goneHeld`: and two others were with it, or one and somebody it rings
 */
export type Input =
  | 'dial'
  | 'consult'
  | 'redial'
  | 'early'
  | 'won'
  | 'wonUnanswered'
  | 'nobody'
  | 'up'
  | 'joined'
  | 'parked'
  | 'dialOn'
  | 'left'
  | 'back'
  | 'release'
  | 'gone'
  | 'goneHeld'

export type Action =
  | 'dial'
  | 'ringback'
  | 'quiet'
  | 'music'
  | 'earlySound'
  | 'answer'
  | 'join'
  | 'take'
  | 'part'
  | 'park'
  | 'fetch'
  | 'refuse'
  | 'turnAway'
  | 'tellOver'
  | 'tellNobody'
  | 'tellLeft'
  | 'cancel'
  | 'handOn'
  | 'joinOthers'

const OVER = {
  dial: 'ignore',
  consult: 'ignore',
  redial: 'ignore',
  early: 'ignore',
  won: { to: 'over', run: ['refuse'] },
  wonUnanswered: { to: 'over', run: ['refuse'] },
  nobody: 'ignore',
  up: 'ignore',
  joined: { to: 'over', run: ['turnAway'] },
  parked: 'ignore',
  dialOn: 'ignore',
  left: 'ignore',
  back: 'ignore',
  release: 'ignore',
  gone: 'ignore',
  goneHeld: 'ignore',
} as const

export const BRIDGE: Table<State, Input, Action> = {
  alone: {
    dial: { to: 'dialing', run: ['dial', 'ringback'] },
    consult: 'bug',
    redial: { to: 'dialing', run: ['dial', 'ringback'] },
    early: 'ignore',
    won: { to: 'alone', run: ['refuse'] },
    wonUnanswered: { to: 'alone', run: ['refuse'] },
    nobody: 'ignore',
    up: 'ignore',
    joined: { to: 'bridged', run: ['take'] },
    parked: 'ignore',
    dialOn: { to: 'dialing', run: ['ringback'] },
    left: 'ignore',
    back: 'ignore',
    release: 'ignore',
    gone: { to: 'over' },
    goneHeld: 'bug',
  },
  dialing: {
    dial: 'bug',
    consult: 'bug',
    redial: 'ignore',
    early: { to: 'early', run: ['quiet', 'earlySound'] },
    won: { to: 'bridged', run: ['quiet', 'join'] },
    wonUnanswered: { to: 'answering', run: ['answer'] },
    nobody: { to: 'alone', run: ['quiet', 'tellNobody'] },
    up: { to: 'dialing', run: ['ringback'] },
    joined: { to: 'dialing', run: ['turnAway'] },
    parked: 'ignore',
    dialOn: 'ignore',
    left: 'ignore',
    back: { to: 'bridged', run: ['quiet', 'fetch'] },
    release: { to: 'alone', run: ['quiet', 'cancel'] },
    gone: { to: 'over', run: ['cancel'] },
    goneHeld: { to: 'over', run: ['handOn'] },
  },
  early: {
    dial: 'bug',
    consult: 'bug',
    redial: 'ignore',
    early: 'ignore',
    won: { to: 'bridged', run: ['join'] },
    wonUnanswered: { to: 'answering', run: ['answer'] },
    nobody: { to: 'alone', run: ['part', 'tellNobody'] },
    up: 'ignore',
    joined: { to: 'early', run: ['turnAway'] },
    parked: 'ignore',
    dialOn: 'ignore',
    left: 'ignore',
    back: { to: 'bridged', run: ['part', 'fetch'] },
    release: { to: 'alone', run: ['part', 'cancel'] },
    gone: { to: 'over', run: ['cancel'] },
    goneHeld: { to: 'over', run: ['handOn'] },
  },
  answering: {
    dial: 'bug',
    consult: 'bug',
    redial: 'ignore',
    early: 'ignore',
    won: { to: 'answering', run: ['refuse'] },
    wonUnanswered: { to: 'answering', run: ['refuse'] },
    nobody: 'ignore',
    up: { to: 'bridged', run: ['quiet', 'join'] },
    joined: { to: 'answering', run: ['turnAway'] },
    parked: 'ignore',
    dialOn: 'ignore',
    left: { to: 'alone', run: ['tellOver'] },
    back: 'bug',
    release: { to: 'alone', run: ['tellLeft'] },
    gone: { to: 'over', run: ['tellLeft'] },
    goneHeld: 'bug',
  },
  bridged: {
    dial: 'bug',
    consult: { to: 'dialing', run: ['park', 'dial', 'ringback'] },
    redial: { to: 'dialing', run: ['part', 'dial', 'ringback'] },
    early: 'ignore',
    won: { to: 'bridged', run: ['refuse'] },
    wonUnanswered: { to: 'bridged', run: ['refuse'] },
    nobody: 'ignore',
    up: 'ignore',
    joined: { to: 'bridged', run: ['take'] },
    parked: { to: 'parked', run: ['music'] },
    dialOn: 'ignore',
    left: { to: 'alone', run: ['part', 'tellOver'] },
    back: { to: 'bridged', run: ['part', 'fetch'] },
    release: { to: 'alone', run: ['part'] },
    gone: { to: 'over', run: ['tellLeft'] },
    goneHeld: { to: 'over', run: ['joinOthers'] },
  },
  parked: {
    dial: 'bug',
    consult: 'bug',
    redial: 'ignore',
    early: 'ignore',
    won: { to: 'parked', run: ['refuse'] },
    wonUnanswered: { to: 'parked', run: ['refuse'] },
    nobody: 'ignore',
    up: 'ignore',
    joined: { to: 'bridged', run: ['quiet', 'take'] },
    parked: 'ignore',
    dialOn: { to: 'dialing', run: ['ringback'] },
    left: { to: 'alone', run: ['quiet', 'tellOver'] },
    back: 'bug',
    release: { to: 'alone', run: ['quiet'] },
    gone: { to: 'over', run: ['tellLeft'] },
    goneHeld: 'bug',
  },
  over: OVER,
}
