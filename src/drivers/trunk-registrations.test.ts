import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewEvent } from '../calls/ports.ts'
import { rowOf } from '../contract/row.ts'
import { newTrunk, type TrunkChange, trunkSecretsAfter } from '../contract/trunk.ts'
import { VirtualClock } from '../kernel/clock.ts'
import type { Flow, SipTransport } from '../sip/types.ts'
import { InThreadStore, openSqlite } from '../store/sqlite/sqlite-store.ts'
import { Peers } from './peers.ts'
import { TrunkRegistrations } from './trunk-registrations.ts'

const CUSTOMER = '00000000-0000-4000-8000-00000000000a'
const ID = '00000000-0000-4000-8000-0000000000a1'
const REGISTRATION = {
  registrar: 'carrier.test',
  username: 'line1',
  auth_username: 'auth1',
  password: 'pw',
  expires: 600,
}
const quiet = { error() {}, warn() {}, info() {}, debug() {} }

type Register = Parameters<ConstructorParameters<typeof TrunkRegistrations>[0]['register']>[0]

async function rig(given: TrunkChange, servers: readonly string[] = ['192.0.2.1'], transport: SipTransport = 'udp') {
  const clock = new VirtualClock()
  const store = new InThreadStore(openSqlite({ path: ':memory:' }))
  const asked: Register[] = []
  const events: NewEvent[] = []
  const located: unknown[] = []
  const peers = new Peers(store)
  const flows: readonly Flow[] = servers.map((address) => ({
    transport,
    local: { address: '10.0.0.1', port: 5060 },
    remote: { address, port: 5060 },
    connection: '',
  }))
  const registrations = new TrunkRegistrations({
    clock,
    log: quiet,
    store,
    records: {
      save: async (change) => {
        events.push(...change.events)
        return { ok: true, cursors: [] }
      },
    },
    peers,
    locate: async (uri, wishes) => {
      located.push([uri, wishes])
      return flows
    },
    register: (request) => void asked.push(request),
    random: () => 0.5,
    lineKey: new Uint8Array(32),
  })
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const put = async (change: TrunkChange | null): Promise<void> => {
    const doc = change && newTrunk(ID, CUSTOMER, '2026-01-15T09:30:00.000000Z', change)
    const hidden = { ...trunkSecretsAfter({}, change ?? {}) }
    await store.commit(
      doc
        ? { rows: [rowOf('trunks', doc, hidden, { domain_name: null })] }
        : { removals: [{ table: 'trunks', id: ID }] },
    )
    peers.changed()
    await registrations.sync()
    await settle()
  }
  const pass = async (ms: number): Promise<void> => {
    clock.advanceTo(clock.now() + ms)
    await settle()
  }
  /** To the last one asked. */
  const answer = async (code: number, grantedS = 0): Promise<void> => {
    registrations.answered(asked.at(-1)!.leg, code, grantedS)
    await settle()
  }
  await put(given)
  return {
    registrations,
    clock,
    asked,
    events,
    located,
    flows,
    put,
    pass,
    answer,
    state: () => registrations.stateOf(ID),
  }
}

test('it asks with the user as the address of record and the other name in the digest, and shows how it stands', async () => {
  const { asked, state, answer, located } = await rig({ registration: REGISTRATION })
  const [first] = asked
  assert.deepEqual([first!.aor, first!.registrar, first!.expiresS], ['sip:line1@carrier.test', 'sip:carrier.test', 600])
  assert.deepEqual(first!.credentials, { username: 'auth1', password: 'pw' })
  assert.deepEqual(located, [['sip:carrier.test', { transport: 'udp', verify: true }]])
  assert.equal(state().status, 'registering')
  await answer(200, 300)
  assert.deepEqual([state().status, state().code, state().why], ['registered', 200, ''])
  assert.match(state().tm_expire!, /^2026-01-15T00:05:01\./)
  assert.match(state().tm_next!, /^2026-01-15T00:03:5\d\./)
})

test('it is renewed at a safe share of what was granted, not of what was asked for', async () => {
  const { asked, answer, pass } = await rig({ registration: REGISTRATION })
  await answer(200, 100)
  await pass(77_000)
  assert.equal(asked.length, 1)
  await pass(1_000)
  assert.equal(asked.length, 2, 'between 70 and 85 s')
  await answer(200, 100)
  await pass(78_000)
  assert.equal(asked.length, 3)
})

test('a renewal that fails is told once; the carrier may still call until the old one runs out', async () => {
  const { registrations, events, asked, answer, pass, state } = await rig({ registration: REGISTRATION })
  await answer(200, 100)
  await pass(78_000)
  await answer(408)
  assert.equal(state().status, 'failed')
  assert.deepEqual(registrations.byAddress('192.0.2.1'), [ID])
  await pass(23_000)
  assert.deepEqual(registrations.byAddress('192.0.2.1'), [])
  await pass(30_000)
  assert.equal(asked.length, 3, 'tried again after 30 to 60 s')
  await answer(408)
  assert.deepEqual(
    events.map(({ type, data }) => [type, (data['registration_state'] as { status: string }).status]),
    [
      ['trunk_updated', 'registered'],
      ['trunk_updated', 'failed'],
    ],
  )
})

test('the next server of the name is asked at once when one is silent, not when it refuses', async () => {
  const { asked, answer, state } = await rig({ registration: REGISTRATION }, ['192.0.2.1', '192.0.2.2'])
  await answer(503)
  assert.equal(asked.at(-1)!.flow.remote.address, '192.0.2.2')
  await answer(200, 100)
  assert.equal(state().status, 'registered')
  const refused = await rig({ registration: REGISTRATION }, ['192.0.2.1', '192.0.2.2'])
  await refused.answer(403)
  assert.equal(refused.asked.length, 1)
  assert.equal(refused.state().status, 'failed')
})

test('a lost connection is registered anew at once; one of UDP cannot be lost', async () => {
  const { registrations, asked, answer, flows } = await rig(
    { registration: REGISTRATION, transport: 'tcp' },
    ['192.0.2.1'],
    'tcp',
  )
  await answer(200, 600)
  registrations.lost({ ...flows[0]!, remote: { address: '192.0.2.9', port: 5060 } })
  assert.equal(asked.length, 1)
  registrations.lost(flows[0]!)
  registrations.lost(flows[0]!)
  assert.equal(asked.length, 2)
})

test('a 200 that grants nothing is no registration', async () => {
  const { answer, state, asked, pass } = await rig({ registration: REGISTRATION })
  await answer(200, 0)
  assert.equal(state().status, 'failed')
  await pass(20_000)
  assert.equal(asked.length, 1)
})

test('a change of its account leaves the old one and takes the new one; other changes do not', async () => {
  const { asked, answer, put, registrations } = await rig({ registration: REGISTRATION })
  await answer(200, 600)
  await put({ name: 'other', registration: REGISTRATION })
  assert.equal(asked.length, 1)
  await put({ registration: { ...REGISTRATION, password: 'new' } })
  assert.deepEqual([asked.length, asked[1]!.credentials.password, asked[1]!.expiresS], [2, 'new', 600])
  await answer(200, 600)
  asked.splice(1, 1)
  await put({ registration: { ...REGISTRATION, username: 'line2' } })
  assert.deepEqual(
    asked.slice(1).map(({ aor, expiresS }) => [aor, expiresS]),
    [
      ['sip:line1@carrier.test', 0],
      ['sip:line2@carrier.test', 600],
    ],
  )
  await answer(200, 600)
  await put(null)
  assert.equal(asked.at(-1)!.expiresS, 0)
  await answer(200)
  assert.equal(registrations.census().timers, 0)
})

test('what the URI says of the transport comes first', async () => {
  for (const [registrar, transport] of [
    ['sip:carrier.test;transport=tcp', 'tcp'],
    ['sips:carrier.test', 'tls'],
    ['carrier.test', 'udp'],
  ] as const) {
    const { located } = await rig({ registration: { ...REGISTRATION, registrar } })
    assert.equal((located[0] as [string, { transport: string }])[1].transport, transport, registrar)
  }
})

test('without an answer a clean stop ends after a moment', async () => {
  const { registrations, answer, pass, clock } = await rig({ registration: REGISTRATION })
  await answer(200, 600)
  let isStopped = false
  void registrations.stop().then(() => {
    isStopped = true
  })
  await pass(1_000)
  assert.equal(isStopped, false)
  await pass(600)
  assert.equal(isStopped, true)
  assert.equal(clock.pending(), 0)
})
