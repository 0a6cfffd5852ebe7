/** Puts one call together: each part is its own machine, and knows of the others what `Inside` says. */

import { NIL_UUID } from '../kernel/ids.ts'
import { SeededRandom } from '../kernel/random.ts'
import { Acts } from './acts.ts'
import { Bridge } from './bridge.ts'
import { CallCommands } from './call-commands.ts'
import { CallRecord, callVariables } from './call-record.ts'
import { Ears } from './ears.ts'
import type { Effects } from './effects.ts'
import type { CallFacts, Serves, VoiceWish } from './facts.ts'
import { FlowRun } from './flow/run.ts'
import { CallHost } from './flow-host.ts'
import { Hold } from './hold.ts'
import type { Inside } from './inside.ts'
import { Messages } from './messages.ts'
import { Mouth } from './mouth.ts'
import { Outcomes } from './outcomes.ts'
import { Overhearing } from './overhearing.ts'
import type { Birth } from './part.ts'
import { Peers } from './peers.ts'
import { Speakings } from './speakings.ts'
import { Turns } from './turns.ts'
import { Voice } from './voice.ts'

export interface CallSettings {
  readonly rateHz: number
  readonly voiceFor: (wish: VoiceWish) => string
  /** Absent: every language is. */
  readonly serves?: Serves
}

/** What the parts ask of the call itself. */
export interface CallHooks extends Pick<Inside, 'tellFlow' | 'answer' | 'hangUp' | 'changed' | 'save' | 'doc'> {
  /** An incoming call that rings, and that we have not begun to answer. */
  isRinging(): boolean
}

export interface CallParts extends Inside {
  readonly voice: Voice
  readonly overhearing: Overhearing
  readonly outcomes: Outcomes
  readonly peers: Peers
  readonly host: CallHost
  readonly acts: Acts
  readonly commands: CallCommands
}

export function assemble(fx: Effects, birth: Birth, settings: CallSettings, hooks: CallHooks): CallParts {
  const facts = factsOf(fx, birth, settings)
  const record = new CallRecord(birth, facts)
  const turns = new Turns(fx.now)
  const ours = callVariables(birth, facts)
  const ears = new Ears(facts, turns, () => flow?.variables ?? ours)
  const overhearing = new Overhearing(facts.callId, ears)
  const mouth = new Mouth(settings.rateHz)
  const voice = new Voice(birth.callId, birth.direction, mouth)
  const speakings = new Speakings(facts, voice, turns)
  const bridge: Bridge = new Bridge(facts, {
    isUp: () => record.status === 'progressing',
    isRinging: hooks.isRinging,
    answer: (now) => void hooks.answer(now),
    over: (now, end) => peers.disconnected(now, end),
    gaveAway: (now, end) => peers.gaveAway(now, end),
    changed: hooks.changed,
  })
  const hold = new Hold()
  const messages = new Messages(facts)
  const inside: Inside = {
    ...hooks,
    facts,
    record,
    turns,
    ears,
    mouth,
    speakings,
    bridge,
    hold,
    messages,
    flow: () => flow,
  }
  const outcomes = new Outcomes(inside, voice)
  const peers = new Peers(inside, { voice, overhearing, outcomes })
  const host = new CallHost(inside)
  const acts = new Acts(inside, host)
  const commands = new CallCommands(inside, host, acts)
  const flow = birth.plan ? new FlowRun(facts, host, birth.plan, ours, fx) : null
  return { ...inside, voice, overhearing, outcomes, peers, host, acts, commands }
}

function factsOf(fx: Effects, birth: Birth, settings: CallSettings): CallFacts {
  const random = new SeededRandom(birth.seed)
  return {
    callId: birth.callId,
    customerId: birth.customerId,
    activeflowId: birth.plan ? random.uuid() : NIL_UUID,
    nodeId: birth.nodeId,
    bootId: birth.bootId,
    random,
    bornAt: fx.now,
    bornWall: fx.stamp(),
    rateHz: settings.rateHz,
    voiceFor: settings.voiceFor,
    serves: settings.serves ?? (() => true),
  }
}
