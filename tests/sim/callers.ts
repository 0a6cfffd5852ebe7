/** People who phone and who are phoned, each with a plan drawn from the seed. */

import type { ActionDoc } from '../../src/calls/commands.ts'
import { NIL_UUID } from '../../src/kernel/ids.ts'
import type { Random } from '../../src/kernel/random.ts'
import type { PhoneCall } from '../../src/phone/call.ts'
import type { Phone } from '../../src/phone/user-agent.ts'
import { speakPhrase } from '../../src/speech/providers/scripted/ears.ts'
import { NUMBER, VOCABULARY, type World } from './world.ts'

const INCOMING = [
  'gives up',
  'gives up',
  'hangs up',
  'hangs up',
  'talks',
  'talks',
  'interrupts',
  'silent',
  'keys',
] as const
const OUTGOING = ['takes', 'takes', 'busy', 'lets ring', 'nobody there', 'we give up'] as const

/** What was done by people in a world, to be compared with what the server recorded. */
export interface Deeds {
  readonly plans: Map<string, number>
  readonly phrases: Set<string>
  spoken: number
  pressed: number
  answered: number
}

export function noDeeds(): Deeds {
  return { plans: new Map(), phrases: new Set(), spoken: 0, pressed: 0, answered: 0 }
}

/** Resolves when the caller is done; the call may go on a little. */
export async function phoneIn(world: World, phone: Phone, random: Random, deeds: Deeds): Promise<void> {
  const plan = INCOMING[random.below(INCOMING.length)]!
  note(deeds, plan)
  const call = await phone.call(NUMBER)
  if (plan === 'gives up') {
    await world.after(random.below(600))
    return call.hangup()
  }
  await Promise.race([call.answered.catch(() => {}), call.ended])
  if (call.state !== 'answered') return
  deeds.answered++
  await world.after(random.below(2_000))
  switch (plan) {
    case 'hangs up':
      void speak(world, call, random, deeds)
      await world.after(random.below(8_000))
      return call.hangup()
    case 'interrupts':
      for (let i = 0; i < 3; i++) await speak(world, call, random, deeds)
      break
    case 'keys':
      for (const digit of String(random.below(100_000))) {
        if (call.state === 'answered') deeds.pressed++
        call.press(digit)
        await world.after(400)
      }
      break
    case 'talks':
      for (let i = 0; i <= random.below(3); i++) {
        await speak(world, call, random, deeds)
        await world.after(4_000)
      }
      await speak(world, call, random, deeds, 'goodbye')
      break
    case 'silent':
      break
  }
  // From here it is the agent that hangs up.
  await call.ended
}

/** The customer phones an extension. Resolves when the request was answered. */
export async function phoneOut(
  world: World,
  desks: ReadonlyMap<string, DeskPlan>,
  random: Random,
  deeds: Deeds,
): Promise<void> {
  const plan = OUTGOING[random.below(OUTGOING.length)]!
  note(deeds, plan)
  const [extension, desk] = [...desks][random.below(desks.size)]!
  desk.next.push(plan)
  const actions: ActionDoc[] = [
    { id: random.uuid(), next_id: NIL_UUID, type: 'talk', option: { text: 'Your table is ready.', language: 'en-US' } },
    { id: random.uuid(), next_id: NIL_UUID, type: 'sleep', option: { duration: 500 + random.below(3_000) } },
  ]
  const target = plan === 'nobody there' ? 'nobody' : extension
  if (plan === 'nobody there') desk.next.pop()
  const outcome = await world.exchange.originate({
    customerId: world.customerId,
    source: { type: 'tel', target: NUMBER, target_name: '', name: '', detail: '' },
    destinations: [{ type: 'extension', target, target_name: '', name: '', detail: '' }],
    flowId: NIL_UUID,
    actions,
    variables: {},
    anonymous: '',
  })
  if (!outcome.ok) throw new Error(outcome.code)
  if (plan !== 'we give up') return
  const [call] = outcome.doc['calls'] as { id: string }[]
  await world.after(random.below(500))
  await world.exchange.ask(world.customerId, call!.id, { kind: 'hangup' })
}

/** What a desk phone will do with the calls that come. */
export interface DeskPlan {
  readonly next: string[]
}

export async function openDesk(world: World, extension: string, random: Random): Promise<DeskPlan> {
  const next: string[] = []
  const phone = await world.deskPhone(extension)
  phone.onIncoming = (call) => {
    const plan = next.shift()
    if (plan === 'busy') return call.reject(486)
    if (plan === 'lets ring') return
    void world.after(random.below(1_500)).then(() => call.answer())
    if (random.below(2) === 0) void world.after(500 + random.below(4_000)).then(() => call.hangup())
  }
  return { next }
}

async function speak(world: World, call: PhoneCall, random: Random, deeds: Deeds, phrase?: string): Promise<void> {
  if (call.state !== 'answered') return
  // Everything but the last word, which makes the agent leave.
  const text = phrase ?? VOCABULARY[random.below(VOCABULARY.length - 1)]!
  deeds.spoken++
  deeds.phrases.add(text)
  await Promise.race([call.speak(speakPhrase(VOCABULARY, text)), call.ended])
  await world.after(400)
}

function note(deeds: Deeds, plan: string): void {
  deeds.plans.set(plan, (deeds.plans.get(plan) ?? 0) + 1)
}
