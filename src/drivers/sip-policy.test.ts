/** Who is let in by what, and that nobody learns from an answer who else is here (contract §6). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newExtension } from '../contract/extension.ts'
import { newNumber } from '../contract/number.ts'
import { rowOf } from '../contract/row.ts'
import { newTrunk, type TrunkChange, trunkSecretsAfter } from '../contract/trunk.ts'
import { parseUri } from '../sip/message/uri.ts'
import type { AuthPolicy, RequestSummary, SipUri } from '../sip/types.ts'
import { InThreadStore, openSqlite } from '../store/sqlite/sqlite-store.ts'
import { Directory } from './directory.ts'
import { Peers } from './peers.ts'
import { isSelf, type PolicyParts, peerIdOf, policyFor } from './sip-policy.ts'

const A = '00000000-0000-4000-8000-00000000000a'
const B = '00000000-0000-4000-8000-00000000000b'
const TIME = '2026-01-15T09:30:00.000000Z'
const [NUMBER_A, NUMBER_B] = ['+15550100', '+15550200']

function uri(text: string): SipUri {
  const parsed = parseUri(text)
  assert.ok(parsed.ok, text)
  return parsed.value
}

interface Asked {
  readonly method?: string
  readonly to: string
  readonly from?: string
  readonly address: string
  readonly port?: number
  readonly headers?: RequestSummary['headers']
}

function request({
  method = 'INVITE',
  to,
  from = 'sip:+4930777@carrier.test',
  address,
  port = 5060,
  headers = [],
}: Asked): RequestSummary {
  const local = { address: '192.0.2.1', port: 5060 }
  return {
    method,
    requestUri: uri(to),
    from: uri(from),
    fromDisplay: '',
    to: uri(to),
    sipCallId: 'c',
    flow: { transport: 'udp', local, remote: { address, port }, connection: '' },
    userAgent: '',
    headers: [['Via', 'SIP/2.0/UDP x'], ...headers],
  }
}

async function world(trunks: readonly (TrunkChange & { readonly id: string; readonly customerId: string })[]) {
  const store = new InThreadStore(openSqlite({ path: ':memory:' }))
  const id = (n: number): string => `00000000-0000-4000-8000-0000000001${n}0`
  const extension = newExtension({ id: id(1), customerId: A, extension: '1001', password: 'x', tmCreate: TIME })
  const numbers = [
    newNumber({ id: id(2), customerId: A, number: NUMBER_A, tmCreate: TIME }),
    newNumber({ id: id(3), customerId: B, number: NUMBER_B, tmCreate: TIME }),
  ]
  await store.commit({
    rows: [
      rowOf('extensions', extension, {}, { extension: '1001', name: '' }),
      ...numbers.map((one) => rowOf('numbers', one, {}, { number: one.number })),
      ...trunks.map(({ id: trunkId, customerId, ...given }) => {
        const doc = newTrunk(trunkId, customerId, TIME, given)
        return rowOf('trunks', doc, { ...trunkSecretsAfter({}, given) }, { domain_name: doc.domain_name || null })
      }),
    ],
  })
  const parts: PolicyParts = {
    directory: new Directory(store, 'quietline.test'),
    peers: new Peers(store),
    country: 'US',
  }
  const ask = (asked: Asked, more: Partial<PolicyParts> = {}) => policyFor(request(asked), { ...parts, ...more })
  return { ask, close: () => store.close() }
}

/** `open <who>`, or `digest <realm> <username>`. */
function words(policy: AuthPolicy): string {
  if (policy.kind === 'open') return `open ${peerIdOf(policy.identity) ?? policy.identity}`
  if (policy.kind === 'refuse') return `refuse ${policy.code}`
  return `digest ${policy.realm} ${policy.account?.username ?? '-'}`
}

const TRUNK_A = {
  id: '00000000-0000-4000-8000-0000000000a1',
  customerId: A,
  auth_types: ['ip'],
  allowed_ips: ['192.0.2.0/25'],
} as const
const TRUNK_B = {
  id: '00000000-0000-4000-8000-0000000000b1',
  customerId: B,
  auth_types: ['basic'],
  domain_name: 'bee',
  username: 'bee-pbx',
  password: 'x',
} as const
const trunk = <T extends object>(one: T) =>
  one as unknown as TrunkChange & { readonly id: string; readonly customerId: string }

test('policies: trunks by address, by digest and by name; phones; loopback; nobody', async () => {
  const { ask, close } = await world([trunk(TRUNK_A), trunk(TRUNK_B)])
  const here = '192.0.2.99'
  const out = '198.51.100.1'
  const table: readonly (readonly [what: string, asked: Asked, more: Partial<PolicyParts>, expected: string])[] = [
    ['by address', { to: `sip:${NUMBER_A}@h.test`, address: here }, {}, `open ${TRUNK_A.id}`],
    ['mapped to IPv6', { to: `sip:${NUMBER_A}@h.test`, address: `::ffff:${here}` }, {}, `open ${TRUNK_A.id}`],
    ['national form', { to: 'sip:5550100@h.test', address: here }, {}, 'digest h.test -'],
    ['without plus', { to: 'sip:15550100@h.test', address: here }, {}, `open ${TRUNK_A.id}`],
    ["another customer's number", { to: `sip:${NUMBER_B}@h.test`, address: here }, {}, 'digest h.test -'],
    ["nobody's number", { to: 'sip:+15559999@h.test', address: here }, {}, 'digest h.test -'],
    ['a stranger', { to: `sip:${NUMBER_A}@h.test`, address: out }, {}, 'digest h.test -'],
    ['a stranger, unknown number', { to: 'sip:+15559999@h.test', address: out }, {}, 'digest h.test -'],
    [
      'a phone behind the address of a trunk',
      { to: 'sip:1002@h.test', from: 'sip:1001@h.test', address: here },
      {},
      'digest h.test 1001',
    ],
    [
      'a phone by its own domain, from the address of a trunk',
      { to: `sip:${NUMBER_A}@h.test`, from: `sip:1001@${A}.registrar.quietline.test`, address: here },
      {},
      `digest ${A}.registrar.quietline.test 1001`,
    ],
    [
      'credentials of a trunk',
      { to: `sip:${NUMBER_B}@h.test`, address: out },
      { authUser: 'bee-pbx' },
      'digest h.test bee-pbx',
    ],
    ['credentials of nobody', { to: `sip:${NUMBER_B}@h.test`, address: out }, { authUser: 'x' }, 'digest h.test -'],
    [
      "a trunk's name",
      { to: `sip:${NUMBER_B}@bee.trunk.quietline.test`, address: out },
      {},
      'digest bee.trunk.quietline.test bee-pbx',
    ],
    [
      'a name of nobody',
      { to: `sip:${NUMBER_B}@who.trunk.quietline.test`, address: out },
      {},
      'digest who.trunk.quietline.test -',
    ],
    ['loopback', { to: `sip:${NUMBER_A}@h.test`, address: '127.0.0.1' }, {}, 'open loopback'],
    [
      'loopback, not trusted',
      { to: `sip:${NUMBER_A}@h.test`, address: '127.0.0.1' },
      { trustLoopback: false },
      'digest h.test -',
    ],
    [
      'a proxy on loopback',
      { to: `sip:${NUMBER_A}@h.test`, address: '127.0.0.1', headers: [['Via', 'SIP/2.0/UDP 198.51.100.1']] },
      {},
      'digest h.test -',
    ],
    [
      'ourselves',
      { to: `sip:${NUMBER_A}@h.test`, from: 'sip:1001@h.test', address: '127.0.0.1' },
      { self: { address: '0.0.0.0', port: 5060 }, trustLoopback: false },
      'open loopback',
    ],
    ['a REGISTER from a trunk', { method: 'REGISTER', to: 'sip:1001@h.test', address: here }, {}, 'digest h.test 1001'],
    [
      'a REGISTER of nobody',
      { method: 'REGISTER', to: 'sip:bee-pbx@h.test', address: here },
      { authUser: 'bee-pbx' },
      'digest h.test -',
    ],
  ]
  for (const [what, asked, more, expected] of table) assert.equal(words(await ask(asked, more)), expected, what)
  await close()
})

test('by way of our registration: from its registrar, or with the line of our Contact; others are nobody', async () => {
  const { ask, close } = await world([trunk({ ...TRUNK_A, auth_types: [], allowed_ips: [] })])
  const registered = {
    byAddress: (address: string) => (address === '203.0.113.1' ? [TRUNK_A.id] : []),
    byLine: (line: string) => (line === 'abc' ? TRUNK_A.id : null),
  }
  const called = [['P-Called-Party-ID', `<sip:${NUMBER_A}@c>`]] as const
  const asked = { to: 'sip:line1@h.test', address: '203.0.113.1', headers: called }
  assert.equal(words(await ask(asked, { registered })), `open ${TRUNK_A.id}`)
  const byLine = { ...asked, to: 'sip:line1@h.test;line=abc', address: '203.0.113.99' }
  assert.equal(words(await ask(byLine, { registered })), `open ${TRUNK_A.id}`)
  assert.equal(words(await ask({ ...byLine, to: 'sip:line1@h.test;line=abd' }, { registered })), 'digest h.test -')
  const theirs = [['P-Called-Party-ID', `<sip:${NUMBER_B}@c>`]] as const
  assert.equal(words(await ask({ ...byLine, headers: theirs }, { registered })), 'digest h.test -')
  await close()
})

test('a call of ours to ourselves is told by address and port', () => {
  const at = (address: string, port = 5060) => ({ address, port })
  assert.ok(isSelf(at('192.0.2.1'), at('192.0.2.1')))
  assert.ok(isSelf(at('127.0.0.1'), at('0.0.0.0')))
  assert.ok(!isSelf(at('192.0.2.1'), at('0.0.0.0')))
  assert.ok(!isSelf(at('127.0.0.1', 5061), at('0.0.0.0')))
  assert.ok(!isSelf(at('192.0.2.1'), null))
})
