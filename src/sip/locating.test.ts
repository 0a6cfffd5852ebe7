import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../kernel/random.ts'
import { destinationOf, orderSrv, planOf, servicesFrom } from './locating.ts'

function plan(uri: string, hint: Parameters<typeof destinationOf>[1] = null): string {
  const destination = destinationOf(uri, hint)
  if (!destination.ok) return destination.why
  const made = planOf(destination.value)
  if (made.kind === 'address' || made.kind === 'host') return `${made.kind} ${made.transport} ${made.port}`
  return `${made.kind} ${made.services.map(({ name }) => name).join(' ')} else ${made.otherwise}`
}

test('an address is asked nobody about; its transport is UDP unless it says otherwise', () => {
  assert.equal(plan('sip:bob@192.0.2.1'), 'address udp 5060')
  assert.equal(plan('sip:192.0.2.1:5080;transport=tcp'), 'address tcp 5080')
  assert.equal(plan('sip:192.0.2.1;transport=TLS'), 'address tls 5061')
  assert.equal(plan('sips:bob@192.0.2.1'), 'address tls 5061')
  assert.equal(plan('sip:bob@[2001:db8::1]:5070'), 'address udp 5070')
  assert.equal(plan('sip:bob@example.com;maddr=192.0.2.9'), 'address udp 5060')
})

test('a name with a port is asked for its addresses only', () => {
  assert.equal(plan('sip:bob@example.com:5070'), 'host udp 5070')
  assert.equal(plan('sips:bob@example.com:5071'), 'host tls 5071')
})

test('a name with a transport is asked for SRV of that one, a bare name for NAPTR first', () => {
  assert.equal(plan('sip:bob@Example.com;transport=tcp'), 'services _sip._tcp.example.com else tcp')
  assert.equal(plan('sip:example.com', 'tls'), 'services _sips._tcp.example.com else tls')
  const all = '_sip._udp.example.com _sip._tcp.example.com _sips._tcp.example.com'
  assert.equal(plan('sip:bob@example.com'), `naptr ${all} else udp`)
  assert.equal(plan('sips:bob@example.com'), 'naptr _sips._tcp.example.com else tls')
})

test('the URI comes before a hint, sips takes no UDP, and what we have no socket for is refused', () => {
  assert.equal(plan('sip:192.0.2.1;transport=udp', 'tcp'), 'address udp 5060')
  assert.equal(plan('sips:192.0.2.1;transport=tcp'), 'address tls 5061')
  assert.equal(plan('sips:192.0.2.1;transport=udp'), 'transport not served')
  assert.equal(plan('sip:192.0.2.1;transport=sctp'), 'transport not served')
  assert.equal(plan('tel:+155501'), 'not a SIP URI')
  assert.equal(plan('nonsense'), 'no URI scheme')
})

test('NAPTR: order, then preference; unknown services and flags are left out; sips takes only SIPS', () => {
  // The example of RFC 3263 §4.1, and records it says to discard.
  const records = [
    { order: 90, preference: 50, flags: 's', service: 'SIP+D2T', replacement: '_sip._tcp.example.com' },
    { order: 100, preference: 50, flags: 's', service: 'SIP+D2U', replacement: '_sip._udp.example.com' },
    { order: 50, preference: 50, flags: 's', service: 'SIPS+D2T', replacement: '_sips._tcp.example.com' },
    { order: 90, preference: 10, flags: 'S', service: 'sip+d2u', replacement: 'OTHER.example.com' },
    { order: 1, preference: 1, flags: 's', service: 'SIP+D2S', replacement: '_sip._sctp.example.com' },
    { order: 1, preference: 1, flags: 'u', service: 'SIP+D2U', replacement: 'x' },
  ]
  const names = (uri: string) => {
    const destination = destinationOf(uri)
    assert.ok(destination.ok)
    return servicesFrom(records, destination.value).map(({ transport, name }) => `${transport} ${name}`)
  }
  assert.deepEqual(names('sip:example.com'), [
    'tls _sips._tcp.example.com',
    'udp other.example.com',
    'tcp _sip._tcp.example.com',
    'udp _sip._udp.example.com',
  ])
  assert.deepEqual(names('sips:example.com'), ['tls _sips._tcp.example.com'])
})

test('SRV: by priority, and within one as often first as the weight says', () => {
  const record = (name: string, priority: number, weight: number) => ({ name, priority, weight, port: 5060 })
  const records = [
    record('late', 20, 0),
    record('a', 10, 60),
    record('b', 10, 30),
    record('c', 10, 10),
    record('z', 10, 0),
  ]
  const random = new SeededRandom('srv')
  const first = new Map<string, number>()
  for (let n = 0; n < 2_000; n++) {
    const order = orderSrv(records, random).map(({ name }) => name)
    assert.deepEqual([order.length, order[4]], [5, 'late'])
    first.set(order[0]!, (first.get(order[0]!) ?? 0) + 1)
  }
  const share = (name: string) => (first.get(name) ?? 0) / 2_000
  assert.ok(Math.abs(share('a') - 0.6) < 0.05 && Math.abs(share('b') - 0.3) < 0.05, JSON.stringify([...first]))
  assert.ok(share('z') > 0 && share('z') < 0.03)
})

test('a service that is decidedly not there gives no server', () => {
  assert.deepEqual(orderSrv([{ name: '', port: 0, priority: 0, weight: 0 }], new SeededRandom('x')), [])
})
