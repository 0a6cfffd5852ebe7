import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callerIdentity } from './caller-identity.ts'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const CLAIMS = {
  attest: 'A',
  dest: { tn: ['12155550199'] },
  iat: 1_776_000_000,
  orig: { tn: '12155551212' },
  origid: '123e4567-e89b-12d3-a456-426655440000',
}
const passport = (claims: object): string =>
  `${part({ alg: 'ES256', ppt: 'shaken', typ: 'passport', x5u: 'https://cert.example.org/p.cer' })}.${part(claims)}.c2ln;info=<https://cert.example.org/p.cer>;alg=ES256;ppt=shaken`

test('verstat of a number in P-Asserted-Identity, or in From', () => {
  const sip = '<sip:+12155551212;verstat=TN-Validation-Passed@example.com;user=phone>'
  assert.equal(callerIdentity([['P-Asserted-Identity', sip]], false)['verstat'], 'TN-Validation-Passed')
  const tel = '"Bob" <tel:+12155551212;verstat=No-TN-Validation>;tag=1'
  assert.deepEqual(callerIdentity([['From', tel]], false), { verstat: 'No-TN-Validation' })
})

test('the attestation of a PASSporT is shown, and that nobody has verified it', () => {
  assert.deepEqual(callerIdentity([['Identity', passport(CLAIMS)]], false), {
    attestation: {
      level: 'A',
      verified: false,
      origination_id: CLAIMS.origid,
      issued_at: CLAIMS.iat,
      number: '12155551212',
    },
  })
})

test('a PASSporT for a diversion, a compact one, and what is none say nothing', () => {
  const div = passport({ ...CLAIMS, attest: undefined })
  for (const value of [
    div,
    '..c2ln;info=<https://x>',
    'x',
    `a.${part([1])}.b`,
    'a.!!.b',
    `a.${'A'.repeat(9_000)}.b`,
    '',
  ])
    assert.deepEqual(callerIdentity([['Identity', value]], false), {}, value.slice(0, 40))
  const both = callerIdentity(
    [
      ['Identity', div],
      ['Identity', passport({ ...CLAIMS, attest: 'B' })],
    ],
    false,
  )
  assert.equal((both['attestation'] as { level: string }).level, 'B')
})

test('by whom the call came: Diversion and History-Info, with their reasons', () => {
  const { diversion, history_info: history } = callerIdentity(
    [
      [
        'Diversion',
        '"Desk, first" <sip:+15550100@a;user=phone>;reason=no-answer;counter=1, <tel:+15550101>;reason=user-busy',
      ],
      ['History-Info', '<sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1.1, <sip:office@192.0.2.5>;index=1.2'],
    ],
    false,
  )
  assert.deepEqual(diversion, [
    { uri: 'sip:+15550100@a;user=phone', reason: 'no-answer' },
    { uri: 'tel:+15550101', reason: 'user-busy' },
  ])
  assert.deepEqual(history, [{ uri: 'sip:bob@example.com', reason: 'SIP;cause=302' }, { uri: 'sip:office@192.0.2.5' }])
})

test('of a caller who withholds his number nothing is shown that names him', () => {
  const headers = [
    ['P-Asserted-Identity', '<tel:+12155551212;verstat=TN-Validation-Passed>'],
    ['Identity', passport(CLAIMS)],
    ['Diversion', '<tel:+15550101>'],
  ] as const
  const shown = callerIdentity(headers, true)
  assert.doesNotMatch(JSON.stringify(shown), /2155551212|15550101/)
  assert.equal(shown['verstat'], 'TN-Validation-Passed')
})
