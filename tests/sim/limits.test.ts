/** Limits and law, from phones and by request, through the whole server. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address, Outcome } from '../../src/calls/commands.ts'
import { rowOf } from '../../src/contract/row.ts'
import { NIL_UUID, timestamp } from '../../src/kernel/ids.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { speakPhrase } from '../../src/speech/providers/scripted/ears.ts'
import { GREETING, ScriptedAgent } from './agent.ts'
import { NUMBER, VOCABULARY, World } from './world.ts'

const OUTSIDE = '+4930123456'

class Town {
  readonly world: World

  constructor(world: World) {
    this.world = world
  }

  static async open(seed: string, emergencyRoute = ''): Promise<Town> {
    return new Town(await World.open({ seed, gate: { defaultCountry: 'DE', emergencyRoute } }))
  }

  async limits(changes: JsonObject): Promise<void> {
    const { customerId } = this.world
    await this.#store('limits', { id: customerId, ...changes })
  }

  async doNotCall(number: string): Promise<void> {
    await this.#store('do_not_call', { id: this.world.random.uuid(), number }, { number })
  }

  async #store(table: 'limits' | 'do_not_call', doc: JsonObject, keys = {}): Promise<void> {
    const tm_create = timestamp(this.world.clock.wallMicros())
    const row = rowOf(table, { customer_id: this.world.customerId, tm_create, ...doc }, {}, keys)
    assert.ok((await this.world.store.commit({ rows: [row] })).ok)
  }

  /** 'ok', or the code of the refusal. */
  async request(type: string, target: string): Promise<string> {
    const answers: Outcome[] = []
    const destination: Address = { type, target, target_name: '', name: '', detail: '' }
    const { customerId, exchange } = this.world
    const nothing = { source: null, flowId: NIL_UUID, actions: [], variables: {}, anonymous: '' }
    void exchange.originate({ ...nothing, customerId, destinations: [destination] }).then((one) => answers.push(one))
    await this.world.until(`${target} is answered`, () => answers.length > 0)
    const [outcome] = answers
    return outcome?.ok === false ? outcome.code : 'ok'
  }

  /** What a phone is refused with, or 200 when the call is answered. */
  async dial(phone: Awaited<ReturnType<World['phone']>>, number: string): Promise<number> {
    let code = 0
    void phone.call(number).then((call) => {
      void call.answered.then(
        () => {
          code = 200
        },
        (why: { code: number }) => {
          code = why.code
        },
      )
    })
    await this.world.until(`${number} is answered or refused`, () => code !== 0)
    return code
  }

  reached(): string[] {
    return this.world.events
      .filter(({ type }) => type === 'limit_reached')
      .map(({ data }) => `${data['limit']} ${data['number']}`)
  }

  calls(): number {
    return this.world.events.filter(({ type }) => type === 'call_created').length
  }
}

test('calls by request: closed by default, opened by a prefix, then counted', async () => {
  const town = await Town.open('limits by request')
  assert.equal(await town.request('tel', OUTSIDE), 'DESTINATION_NOT_ALLOWED')
  assert.equal(await town.request('tel', '112'), 'EMERGENCY_NOT_ROUTED')
  assert.equal(town.calls(), 0, 'nothing of a refused call is stored')
  assert.deepEqual(town.reached(), [`allowed_prefixes ${OUTSIDE}`, 'emergency 112'])

  await town.limits({ allowed_prefixes: ['+49'], calls_at_once: 2 })
  assert.equal(await town.request('tel', OUTSIDE), 'ok')
  await town.doNotCall('+4930999999')
  assert.equal(await town.request('tel', '+4930999999'), 'DO_NOT_CALL')
  await town.limits({
    allowed_prefixes: ['+49'],
    calling_hours: { timezone: 'UTC', weekdays: ['sun'], from: '09:00', to: '10:00' },
  })
  assert.equal(await town.request('tel', OUTSIDE), 'OUTSIDE_CALLING_HOURS')
  await town.world.close()
})

test('calls by phones: the third of two at once is busy, emergency numbers reach no flow', async () => {
  const town = await Town.open('limits by phone')
  const { world } = town
  await town.limits({ calls_at_once: 2 })
  const phones = [await world.deskPhone('1001'), await world.deskPhone('1002'), await world.deskPhone('1003')]
  const [first, second, third] = phones as [(typeof phones)[0], (typeof phones)[0], (typeof phones)[0]]
  assert.equal(await town.dial(first, '112'), 503)
  assert.equal(await town.dial(first, '0110'), 503)
  assert.equal(await town.dial(first, OUTSIDE), 403)
  assert.equal(town.calls(), 0)

  const call = await first.call(NUMBER)
  await world.until('the first is answered', () => call.state === 'answered')
  assert.equal(await town.dial(second, NUMBER), 200)
  assert.equal(await town.dial(third, NUMBER), 486)
  assert.ok(town.reached().includes(`calls_at_once ${NUMBER}`))
  await call.hangup()
  await world.until('one is over', () => world.events.some(({ type }) => type === 'call_hangup'))
  await world.run(5_000)
  assert.equal(await town.dial(third, NUMBER), 200)
  await world.close()
})

test('an emergency call goes to its route, whatever the limits', async () => {
  const town = await Town.open('emergency route', 'sip:help@127.0.0.77:5060')
  const { world } = town
  await town.limits({ calls_at_once: 0 })
  const phone = await world.deskPhone('1001')
  void phone.call('112')
  await world.until(
    'it is dialled',
    () =>
      world.events.some(
        ({ data }) => (data['destination'] as JsonObject | undefined)?.['target'] === 'sip:help@127.0.0.77:5060',
      ),
    10_000,
  )
  assert.equal(await town.dial(phone, '1002'), 486)
  await world.close()
})

test('an address that guesses passwords is no longer looked at, whoever else it calls itself', async () => {
  const { world } = await Town.open('guessing')
  await world.deskPhone('1001')
  const guesser = await world.phone({ user: '1001', credentials: { username: '1001', password: 'guess' } })
  const codes: number[] = []
  for (let i = 0; i < 22; i++) {
    void guesser.register().then((code) => codes.push(code))
    await world.until('it is answered', () => codes.length === i + 1)
  }
  assert.deepEqual([codes.indexOf(403), codes.at(-1)], [20, 403])
  await world.close()
})

test('what a call used is written with its end', async () => {
  const { world } = await Town.open('usage')
  const agent = new ScriptedAgent(world)
  const phone = await world.phone({ user: '+15550199' })
  const call = await phone.call(NUMBER)
  await world.until('the greeting is said', () => world.events.some(({ type }) => type === 'speaking_say_finished'))
  const answered = world.clock.now()
  void call.speak(speakPhrase(VOCABULARY, 'goodbye'))
  await world.until('the call is over', () => call.state === 'ended')
  await world.until('all is told', () => world.events.some(({ type }) => type === 'transcribe_done'))
  await world.run(1_000)
  const [row] = await world.store.list({ table: 'usages', customer_id: world.customerId, limit: 10 })
  const usage = row!.doc as Record<string, number> & { engines: JsonObject }
  const said = [...agent.conversations.values()].flatMap((one) => one.said)
  // Clauses are counted without the blanks between them.
  const characters = said.join('').length
  assert.ok(said.includes(GREETING))
  assert.ok(
    usage['tts_characters']! <= characters && usage['tts_characters']! > characters * 0.9,
    `${usage['tts_characters']} of ${characters}`,
  )
  assert.ok(usage['call_seconds']! > 3 && usage['call_seconds']! < (world.clock.now() - answered) / 1000 + 20)
  assert.ok(usage['stt_seconds']! > 0.1 && usage['stt_seconds']! < 3, `${usage['stt_seconds']} s`)
  assert.deepEqual(Object.keys(usage.engines['tts_characters'] as JsonObject), ['scripted'])
  assert.equal(row!.keys['call_id'], world.events.find(({ type }) => type === 'call_created')!.call_id)
  await world.close()
})
