import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_CALLER_ID } from '../contract/gateway.ts'
import { NIL_UUID } from '../kernel/ids.ts'
import {
  type AttemptEnd,
  callerFor,
  dialledFor,
  type Gateway,
  gatewaysFor,
  goesOn,
  isGatewayDown,
  type Route,
  restMs,
  routesFor,
} from './routing.ts'

const route = (id: string, target: string, more: Partial<Route> = {}): Route => ({
  id,
  target,
  countries: [],
  priority: 0,
  providerId: id,
  trunkId: NIL_UUID,
  ...more,
})
const gateway = (id: string, more: Partial<Gateway> = {}): Gateway => ({
  id,
  kind: 'provider',
  hostname: `${id}.test`,
  port: 0,
  transport: 'udp',
  credentials: null,
  username: '',
  techPrefix: '',
  techPostfix: '',
  techHeaders: {},
  numberFormat: 'e164',
  callerId: DEFAULT_CALLER_ID,
  setupTimeoutMs: 4_000,
  codecs: [],
  srtp: '',
  verify: true,
  priority: 0,
  ...more,
})
const ids = (list: readonly { readonly id: string }[]) => list.map(({ id }) => id).join(' ')
const GERMANY = '+4930123456'

test('routes: the longest prefix first, then the country, then all; among equals the lower priority', () => {
  const table: readonly (readonly [what: string, routes: readonly Route[], order: string])[] = [
    ['nothing fits', [route('fr', '+33')], ''],
    ['all fits', [route('rest', 'all')], 'rest'],
    ['an empty target is all', [route('rest', '')], 'rest'],
    ['longest first', [route('rest', 'all'), route('de', '+49'), route('berlin', '+4930')], 'berlin de rest'],
    ['by priority', [route('b', '+49', { priority: 2 }), route('a', '+49', { priority: 1 })], 'a b'],
    ['as given', [route('a', '+49'), route('b', '+49')], 'a b'],
    ['by country', [route('rest', 'all'), route('de', 'all', { countries: ['DE', 'AT'] })], 'de rest'],
    ['not by country', [route('fr', 'all', { countries: ['FR'] })], ''],
    ['a prefix goes before a country', [route('de', 'all', { countries: ['DE'] }), route('49', '+49')], '49 de'],
    ['both must fit', [route('x', '+49', { countries: ['FR'] })], ''],
    ['both fit', [route('49', '+49'), route('x', '+49', { countries: ['DE'] })], 'x 49'],
    [
      'priority does not outdo exactness',
      [route('rest', 'all', { priority: 0 }), route('de', '+49', { priority: 9 })],
      'de rest',
    ],
  ]
  for (const [what, routes, order] of table) assert.equal(ids(routesFor(GERMANY, routes)), order, what)
})

test('gateways: each once, those that are down last; without routes all of them, providers first', () => {
  const all = [gateway('t', { kind: 'trunk' }), gateway('p2', { priority: 2 }), gateway('p1', { priority: 1 })]
  const up = () => false
  assert.equal(ids(gatewaysFor(GERMANY, [], all, up)), 'p1 p2 t')
  assert.equal(ids(gatewaysFor(GERMANY, [], all, (id) => id === 'p1')), 'p2 t p1')
  const routes = [
    route('a', '+49', { providerId: 'p2' }),
    route('b', 'all', { providerId: 'p2' }),
    route('c', 'all', { providerId: 'p1' }),
  ]
  assert.equal(ids(gatewaysFor(GERMANY, routes, all, up)), 'p2 p1')
  const toTrunk = [route('d', 'all', { providerId: NIL_UUID, trunkId: 't' })]
  assert.equal(ids(gatewaysFor(GERMANY, toTrunk, all, up)), 't')
  assert.equal(ids(gatewaysFor('+331', [route('x', '+49')], all, up)), '', 'with routes only they count')
  assert.equal(ids(gatewaysFor(GERMANY, [route('gone', 'all')], all, up)), '', 'a provider that is gone')
  assert.equal(ids(gatewaysFor(GERMANY, [], [gateway('x', { hostname: '' })], up)), '', 'nowhere to send to')
})

test('fail-over: what the gateway cannot do goes on, what the called party decides does not', () => {
  const end = (code: number, more: Partial<AttemptEnd> = {}): AttemptEnd => ({
    code,
    cause: 'remote',
    hasRung: false,
    ...more,
  })
  const table: readonly (readonly [AttemptEnd, on: boolean, down: boolean])[] = [
    [end(500), true, false],
    [end(502), true, false],
    [end(503), true, true],
    [end(504), true, false],
    [end(408), true, false],
    [end(401), true, false],
    [end(407), true, false],
    [end(403), false, false],
    [end(404), false, false],
    [end(480), false, false],
    [end(484), false, false],
    [end(486), false, false],
    [end(487), false, false],
    [end(488), false, false],
    [end(600), false, false],
    [end(603), false, false],
    [end(608), false, false],
    [end(408, { cause: 'timeout' }), true, true],
    [end(503, { cause: 'transport' }), true, true],
    [end(487, { cause: 'local' }), false, false],
    [end(503, { hasRung: true }), false, false],
    [end(408, { cause: 'timeout', hasRung: true }), false, false],
  ]
  for (const [one, on, down] of table) {
    assert.deepEqual([goesOn(one), isGatewayDown(one)], [on, down], JSON.stringify(one))
  }
  assert.deepEqual([1, 2, 3, 20].map(restMs), [15_000, 30_000, 60_000, 600_000])
})

test('numbers: with and without the plus, with prefix and postfix', () => {
  const table: readonly (readonly [Partial<Gateway>, string])[] = [
    [{}, '+4930123456'],
    [{ numberFormat: 'digits' }, '4930123456'],
    [{ techPrefix: '9001#' }, '9001#+4930123456'],
    [{ techPrefix: '00', numberFormat: 'digits' }, '004930123456'],
    [{ techPostfix: ';tgrp=a' }, '+4930123456;tgrp=a'],
  ]
  for (const [more, dialled] of table) assert.equal(dialledFor(GERMANY, gateway('g', more)), dialled)
})

test('callers: their own number, else the default; withheld, the network alone is told', () => {
  const rule = (more: Partial<Gateway['callerId']>, rest: Partial<Gateway> = {}) =>
    gateway('g', { callerId: { ...DEFAULT_CALLER_ID, number: '+15550100', ...more }, ...rest })
  const shown = (own: string, isAnonymous: boolean, to: Gateway) => {
    const { user, asserted } = callerFor({ own, otherwise: '', display: 'Ann', isAnonymous }, to)
    return [user, asserted]
  }
  assert.deepEqual(shown('+15550199', false, rule({})), ['+15550199', '+15550199'])
  assert.deepEqual(shown('', false, rule({})), ['+15550100', '+15550100'])
  assert.deepEqual(shown('+15550199', true, rule({})), [null, '+15550199'])
  assert.deepEqual(shown('+15550199', false, rule({ identity: 'none' })), ['+15550199', ''])
  assert.deepEqual(shown('+15550199', false, rule({ from: 'username' }, { username: 'acme' })), ['acme', '+15550199'])
  assert.deepEqual(shown('+15550199', false, rule({}, { numberFormat: 'digits' })), ['15550199', '15550199'])
  assert.deepEqual(shown('', false, rule({ number: '' }, { username: 'acme' })), ['acme', ''])
  assert.deepEqual(shown('', false, rule({ number: '' })), ['anonymous', ''])
})
