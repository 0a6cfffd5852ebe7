import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { VirtualClock } from '../kernel/clock.ts'
import { SILENT } from '../kernel/log.ts'
import { type NameServer, openNameServer, type Zone } from '../net/name-server.fixture.ts'
import { DnsResolver } from '../net/resolver.ts'
import type { Flow } from '../sip/types.ts'
import type { Locate } from './locating-port.ts'
import { makeLocator } from './sip-locator.ts'

const srv = (target: string, port: number, priority = 0, weight = 0) => ({ data: { target, port, priority, weight } })
const naptr = (order: number, services: string, replacement: string) => ({
  data: { order, preference: 0, flags: 's', services, regexp: '', replacement },
})
const a = (address: string, ttl = 100) => ({ data: address, ttl })

const CARRIER: Zone = {
  'NAPTR carrier.test': [
    naptr(20, 'SIP+D2U', '_sip._udp.carrier.test'),
    naptr(10, 'SIPS+D2T', '_sips._tcp.carrier.test'),
  ],
  'SRV _sips._tcp.carrier.test': [srv('tls.carrier.test', 5061)],
  'SRV _sip._udp.carrier.test': [srv('second.carrier.test', 5070, 20), srv('first.carrier.test', 5060, 10)],
  'A tls.carrier.test': [a('192.0.2.1')],
  'A first.carrier.test': [a('192.0.2.2'), a('192.0.2.3')],
  'A second.carrier.test': [a('192.0.2.4')],
  'AAAA first.carrier.test': [a('2001:db8::2')],
}

interface Opened {
  readonly clock: VirtualClock
  readonly server: NameServer
  readonly locate: Locate
}

async function open(t: TestContext, zone: Zone, bindAddress = '0.0.0.0'): Promise<Opened> {
  const server = await openNameServer(zone)
  t.after(() => server.close())
  const clock = new VirtualClock()
  const locate = makeLocator({
    names: new DnsResolver({ clock, servers: [server.at] }),
    bindAddress,
    seed: 'locator',
    log: SILENT,
    flowTo: (remote, transport, wishes) => ({
      transport,
      remote,
      local: { address: bindAddress, port: 5060 },
      connection: '',
      ...wishes,
    }),
  })
  return { clock, server, locate }
}

function brief(flows: readonly Flow[]): string[] {
  return flows.map(({ transport, remote }) => `${transport} ${remote.address} ${remote.port}`)
}

test('NAPTR, SRV and A give one list in the order of the records', async (t) => {
  const { locate } = await open(t, CARRIER)
  const flows = await locate('sip:+15550100@carrier.test')
  assert.deepEqual(brief(flows), [
    'tls 192.0.2.1 5061',
    'udp 192.0.2.2 5060',
    'udp 192.0.2.3 5060',
    'udp 192.0.2.4 5070',
  ])
  assert.deepEqual(flows[0]!.security, { serverName: 'carrier.test', verify: true })
  assert.deepEqual([flows[0]!.growsToTcp, flows[1]!.growsToTcp], [undefined, true])
  assert.deepEqual(brief(await locate('sips:carrier.test')), ['tls 192.0.2.1 5061'])
  const [unverified] = await locate('sips:carrier.test', { verify: false })
  assert.deepEqual(unverified?.security, { serverName: 'carrier.test', verify: false })
})

test('without NAPTR all our transports are asked about, without SRV the name itself', async (t) => {
  const { locate, server } = await open(t, {
    'SRV _sip._tcp.only-tcp.test': [srv('host.test', 5080)],
    'A host.test': [a('192.0.2.9')],
    'A plain.test': [a('192.0.2.8')],
  })
  assert.deepEqual(brief(await locate('sip:x@only-tcp.test')), ['tcp 192.0.2.9 5080'])
  assert.deepEqual(brief(await locate('sip:x@plain.test')), ['udp 192.0.2.8 5060'])
  assert.deepEqual(brief(await locate('sips:plain.test')), ['tls 192.0.2.8 5061'])
  const before = server.asked.length
  assert.deepEqual(brief(await locate('sip:x@plain.test:5090;transport=tcp')), ['tcp 192.0.2.8 5090'])
  assert.deepEqual(brief(await locate('sip:x@plain.test:5090', { transport: 'tls' })), ['tls 192.0.2.8 5090'])
  assert.equal(server.asked.length, before)
})

test('names that do not exist, and URIs we cannot serve, lead nowhere', async (t) => {
  const { locate, server } = await open(t, {})
  for (const uri of ['sip:nowhere.test', 'tel:+1', 'sip:a@nowhere.test;transport=sctp', '']) {
    assert.deepEqual(await locate(uri), [], uri)
  }
  const before = server.asked.length
  assert.ok(before > 0)
  await locate('sip:nowhere.test')
  assert.equal(server.asked.length, before, 'a name that is not there is remembered')
})

test('addresses are asked for again when their time is over, and calls at the same time ask once', async (t) => {
  const { clock, locate, server } = await open(t, { 'A short.test': [a('192.0.2.1', 20)] })
  const both = await Promise.all([locate('sip:short.test:5060'), locate('sip:short.test:5060')])
  assert.deepEqual(both.map(brief), [['udp 192.0.2.1 5060'], ['udp 192.0.2.1 5060']])
  assert.equal(server.asked.length, 1)
  server.zone = { 'A short.test': [a('192.0.2.2')] }
  clock.advanceTo(clock.now() + 19_000)
  assert.deepEqual(brief(await locate('sip:short.test:5060')), ['udp 192.0.2.1 5060'])
  clock.advanceTo(clock.now() + 2_000)
  assert.deepEqual(brief(await locate('sip:short.test:5060')), ['udp 192.0.2.2 5060'])
})

test('both families where we are bound to both, IPv4 first; only the own one elsewhere', async (t) => {
  const both = await open(t, CARRIER, '::')
  const uri = 'sip:first.carrier.test:5060'
  assert.deepEqual(brief(await both.locate(uri)), ['udp 192.0.2.2 5060', 'udp 192.0.2.3 5060', 'udp 2001:db8::2 5060'])
  const six = await open(t, CARRIER, '2001:db8::99')
  assert.deepEqual(brief(await six.locate(uri)), ['udp 2001:db8::2 5060'])
  assert.deepEqual(brief(await six.locate('sip:bob@[2001:db8::7]:5066')), ['udp 2001:db8::7 5066'])
  assert.deepEqual(await six.locate('sip:bob@192.0.2.7'), [])
  assert.deepEqual(brief(await six.locate('sip:localhost')), ['udp ::1 5060'])
})

test('a name server that says nothing costs a few seconds, not the call', { timeout: 20_000 }, async (t) => {
  const { locate, server } = await open(t, CARRIER)
  server.isSilent = true
  const start = performance.now()
  assert.deepEqual(await locate('sip:first.carrier.test:5060'), [])
  assert.ok(performance.now() - start < 8_000)
})
