/** What trusted peers say of a caller is shown with the call; what a phone says of itself is not (contract §6, RFC 8224). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/kernel/json.ts'
import { allIsOver, callsOf } from './parties.ts'
import { World } from './world.ts'

const NUMBER = '+15550111'
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const HEADERS = [
  ['P-Asserted-Identity', '<sip:+12155551212;verstat=TN-Validation-Passed@example.com;user=phone>'],
  [
    'Identity',
    `${part({ ppt: 'shaken' })}.${part({ attest: 'A', orig: { tn: '12155551212' } })}.c2ln;info=<https://c>`,
  ],
  ['Diversion', '<sip:+15550100@example.com>;reason=no-answer'],
] as const

for (const trusted of [true, false]) {
  test(`asserted identity, attestation and diversion of ${trusted ? 'a trusted peer are shown' : 'a phone are ignored'}`, async () => {
    const world = await World.open({ seed: `identity ${trusted}` })
    await world.number(NUMBER, [
      { type: 'answer', option: {} },
      { type: 'sleep', option: { duration: 60_000 } },
    ])
    const phone = trusted ? await world.phone({ user: '+15550199' }) : await world.deskPhone('1001')
    const call = await phone.call(NUMBER, HEADERS)
    await world.until('it is answered', () => call.state === 'answered')
    await world.run(100)
    const [row] = await callsOf(world)
    const metadata = row!.doc['metadata'] as JsonObject
    const { verstat, attestation, diversion } = metadata
    if (trusted) {
      assert.equal((row!.doc['source'] as JsonObject)['target'], '+12155551212')
      assert.equal(verstat, 'TN-Validation-Passed')
      assert.deepEqual(attestation, { level: 'A', verified: false, number: '12155551212' })
      assert.deepEqual(diversion, [{ uri: 'sip:+15550100@example.com', reason: 'no-answer' }])
    } else assert.deepEqual([verstat, attestation, diversion, metadata['asserted_identity']], Array(4).fill(undefined))
    call.hangup()
    await allIsOver(world)
  })
}
