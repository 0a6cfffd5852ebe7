import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CallSeen, type Facts, findingOfCall, findingsOf, type Machine } from './findings.ts'

const FACTS: Facts = {
  version: '0.1.0',
  bind: '0.0.0.0',
  public_address: null,
  own_addresses: ['203.0.113.7'],
  sip: [{ transport: 'udp', port: 5060 }],
  advertised: '203.0.113.7',
  rtp_ports: [10_000, 20_000],
  codecs: ['PCMU'],
  engines: [{ language: 'en-US', stt: ['soundswallower'], tts: ['flite'] }],
  not_ready: '',
  calls: 3,
  max_calls: 500,
  capacity: 24,
  signup: 'closed',
  encrypted: true,
  retention_days: 30,
}
const MACHINE: Machine = { cores: 2, receiveBufferMax: 4_000_000, openFiles: 65_536 }

/** What is not simply well. */
function said(facts: Partial<Facts>, machine: Partial<Machine> = {}): string[] {
  const found = findingsOf({ ...FACTS, ...facts }, { ...MACHINE, ...machine })
  return found.filter(({ level }) => level !== 'ok').map(({ level, what }) => `${level}: ${what}`)
}

test('a server that is well set up has nothing to change but its firewall', () => {
  assert.deepEqual(said({}), ['note: SIP on udp 5060; sound on udp 10000 to 20000.'])
})

test('who can call at all', () => {
  assert.match(said({ bind: '127.0.0.1' })[0]!, /^note: Only this machine can call/)
  assert.match(said({ advertised: '192.168.1.5', own_addresses: ['192.168.1.5'] })[0]!, /a private address/)
  assert.match(said({ advertised: '100.64.0.9' })[0]!, /a private address/)
  assert.match(
    said({ public_address: '198.51.100.1', advertised: '198.51.100.1' })[0]!,
    /not an address of this machine/,
  )
})

test('what must not stay so', () => {
  assert.match(said({ signup: 'open' })[1]!, /^problem: Anybody who reaches this server/)
  assert.match(said({ not_ready: 'the media thread is being restarted' })[1]!, /^problem: Not ready/)
  assert.match(said({}, { openFiles: 1_024 })[1]!, /^problem: 1024 files may be open, too few for 500 calls/)
  assert.match(said({}, { receiveBufferMax: 212_992 })[1]!, /^note: The kernel grants/)
  assert.equal(said({ encrypted: false, retention_days: null }).length, 3)
})

test('every finding that is not well says what to change', () => {
  const worst = { bind: '0.0.0.0', signup: 'open', encrypted: false, retention_days: null, not_ready: 'all' }
  for (const one of findingsOf({ ...FACTS, ...worst }, { ...MACHINE, openFiles: 100 })) {
    assert.ok(one.level === 'ok' || one.change, one.what)
  }
})

test('a call that hears nothing is one-way audio, and on a path through a router not surely a fault', () => {
  const seen: CallSeen = {
    where: 'x:5060',
    failure: null,
    sentPackets: 100,
    receivedPackets: 0,
    heardItself: false,
    delayMs: null,
  }
  assert.match(findingOfCall(seen, true).what, /one-way audio/)
  assert.deepEqual([findingOfCall(seen, true).level, findingOfCall(seen, false).level], ['problem', 'note'])
  const well = { ...seen, receivedPackets: 99, heardItself: true, delayMs: 41.6 }
  assert.deepEqual(findingOfCall(well, true), {
    level: 'ok',
    what: 'A call to x:5060 registers, is answered, and hears itself, 42 ms after it was sent.',
  })
  assert.match(findingOfCall({ ...well, receivedPackets: 50 }, true).what, /only 50 %/)
  assert.match(findingOfCall({ ...seen, failure: 'registering got 403' }, true).what, /failed: registering got 403/)
})
