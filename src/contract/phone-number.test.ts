import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMERGENCY_NUMBERS, emergencyKind } from './emergency.ts'
import {
  assertedIdentity,
  callingPrefix,
  countryOf,
  emergencyKindOf,
  isEmergency,
  isPrivacyRequested,
  toE164,
} from './phone-number.ts'

test('numbers as people write them become E.164', () => {
  const table: readonly (readonly [text: string, country: string, number: string | null])[] = [
    ['+4930123456', '', '+4930123456'],
    ['+49 (0)30 12 34-56', '', '+4930123456'],
    ['030 123456', 'DE', '+4930123456'],
    ['030/123456', 'DE', '+4930123456'],
    ['030 123456', '', null],
    ['0049 30 123456', 'DE', '+4930123456'],
    ['0049 30 123456', '', '+4930123456'],
    ['0044 20 7946 0018', 'US', '+442079460018'],
    ['011 49 30 123456', 'US', '+4930123456'],
    ['011 49 30 123456', '', '+4930123456'],
    ['(212) 555-0123', 'US', '+12125550123'],
    ['1 212 555 0123', 'US', '+12125550123'],
    ['06 12345678', 'NL', '+31612345678'],
    ['tel:+4930123456;phone-context=x', '', '+4930123456'],
    // Own and demo numbers are none of any country.
    ['+899100100', '', '+899100100'],
    ['+15550100', 'DE', '+15550100'],
    ['+15551234567', '', '+15551234567'],
    // Short codes, names, rubbish.
    ['110', 'DE', null],
    ['112', 'DE', null],
    ['911', 'US', null],
    ['1001', 'DE', null],
    ['0', 'DE', null],
    ['+', '', null],
    ['+0123456', '', null],
    ['', 'DE', null],
    ['alice', 'DE', null],
    ['+49 30 12a456', '', null],
    ['٠٣٠', 'DE', null],
    [`+${'1'.repeat(500)}`, '', null],
  ]
  for (const [text, country, number] of table) assert.equal(toE164(text, country), number, `${text} in ${country}`)
})

test('any text gives a number in E.164 form or null, and a number is its own form', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.stringMatching(/^\+?[\d ()-]{1,20}$/)),
      fc.constantFrom('', 'DE', 'US', 'IT', 'XX'),
      (text, country) => {
        const number = toE164(text, country)
        if (number === null) return
        assert.match(number, /^\+[1-9]\d{1,14}$/)
        assert.equal(toE164(number, country), number)
      },
    ),
    { seed: 7, numRuns: 2_000 },
  )
})

test('a number tells its country and the prefix that opens it', () => {
  assert.equal(countryOf('+4930123456'), 'DE')
  assert.equal(countryOf('+14165550123'), 'CA')
  assert.equal(countryOf('+899100100'), null)
  assert.equal(callingPrefix('+4930123456'), '+49')
  assert.equal(callingPrefix('+899100100'), null)
})

test('emergency numbers are found in every form they are dialled in', () => {
  assert.ok(Object.keys(EMERGENCY_NUMBERS).length >= 60)
  const main = ['112', '1-1-2', '9 1 1', '+112', '+911', '+49112', '+49110', '+1911', '+44999', 'tel:112']
  for (const text of main) assert.equal(emergencyKindOf(text, ''), 'main', text)
  assert.equal(emergencyKindOf('000', 'AU'), 'main')
  assert.equal(emergencyKindOf('111', 'NZ'), 'main')
  assert.equal(emergencyKindOf('110', 'JP'), 'main')
  for (const [text, country] of [
    ['110', 'DE'],
    ['110', ''],
    ['0112', 'DE'],
    ['9911', 'US'],
    ['999', 'IE'],
    ['15', 'FR'],
    ['10177', 'ZA'],
  ]) {
    assert.equal(emergencyKindOf(text!, country!), 'other', `${text} in ${country}`)
  }
  for (const [text, country] of [
    ['1001', ''],
    ['100', 'DE'],
    ['110', 'US'],
    ['+4930123456', 'DE'],
    ['030112112', 'DE'],
    ['+15550100', ''],
    ['alice', ''],
    ['', ''],
  ]) {
    assert.equal(isEmergency(text!, country!), false, `${text} in ${country}`)
  }
})

test('every number of the table is found in its country', () => {
  for (const [country, numbers] of Object.entries(EMERGENCY_NUMBERS)) {
    assert.match(country, /^[A-Z]{2}$/)
    const all = numbers.split(' ')
    assert.equal(new Set(all).size, all.length, country)
    assert.equal(emergencyKind(all[0]!, country), 'main')
    for (const number of all) assert.match(number, /^\d{2,5}$/)
    for (const number of all) assert.notEqual(emergencyKind(number, country), null)
  }
})

test('privacy is asked for by id, user or header, and by nothing else', () => {
  assert.equal(isPrivacyRequested([['Privacy', 'id']]), true)
  assert.equal(isPrivacyRequested([['privacy', 'user;critical']]), true)
  assert.equal(
    isPrivacyRequested([
      ['PRIVACY', 'none'],
      ['Privacy', ' header ; session'],
    ]),
    true,
  )
  assert.equal(isPrivacyRequested([['Privacy', 'none']]), false)
  assert.equal(isPrivacyRequested([['Privacy', 'session']]), false)
  assert.equal(isPrivacyRequested([['X-Privacy', 'id']]), false)
  assert.equal(isPrivacyRequested([]), false)
})

test('the asserted identity is read from its two forms', () => {
  const read = (...values: string[]) => assertedIdentity(values.map((value) => ['P-Asserted-Identity', value] as const))
  assert.deepEqual(read('"Cullen, \\"CJ\\"" <sip:fluffy@cisco.com>'), {
    display: 'Cullen, "CJ"',
    number: '',
    sip: 'sip:fluffy@cisco.com',
  })
  assert.deepEqual(read('tel:+14085264000'), { display: '', number: '+14085264000', sip: '' })
  assert.deepEqual(read('Cullen <sip:+14085264000@cisco.com;user=phone>, <tel:+1-408-526-4000>'), {
    display: 'Cullen',
    number: '+14085264000',
    sip: 'sip:+14085264000@cisco.com;user=phone',
  })
  assert.deepEqual(read('<sip:%2B4930123456@a.example>')?.number, '+4930123456')
  assert.deepEqual(read('<sip:1001@a.example>')?.number, '1001')
  assert.equal(read('nonsense'), null)
  assert.equal(read(''), null)
  assert.equal(assertedIdentity([]), null)
})

test('any header text is read without a throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^["<>a:;,@%+ 1]{0,40}$/)), (value) => {
      assertedIdentity([['p-asserted-identity', value]])
      isPrivacyRequested([['privacy', value]])
      emergencyKindOf(value, 'DE')
    }),
    { seed: 8, numRuns: 2_000 },
  )
})
