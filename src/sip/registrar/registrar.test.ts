import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Link, openDoor, type Station } from '../link.fixture.ts'
import type { Flow } from '../types.ts'
import { MAX_CONTACTS } from './registrar.ts'

const PEER = { address: '203.0.113.7', port: 40_001 }

function world() {
  const link = new Link('registrar')
  const station = link.add('10.0.0.1')
  station.onOutput = openDoor(station, 'ext')
  return { link, station }
}

let number = 0

/** @returns the status line and the headers of the answer */
function register(link: Link, station: Station, lines: readonly string[], cseq = ++number, sipCallId = 'same'): string {
  station.hear(
    [
      'REGISTER sip:example.com SIP/2.0',
      `Via: SIP/2.0/UDP 192.168.1.5:5060;branch=z9hG4bK${++number};rport`,
      'From: <sip:bob@example.com>;tag=1',
      'To: <sip:bob@example.com>',
      `Call-ID: ${sipCallId}`,
      `CSeq: ${cseq} REGISTER`,
      'User-Agent: phone',
      ...lines,
      '',
      '',
    ].join('\r\n'),
    PEER,
  )
  const sent = link.wire.at(-1)!
  assert.equal(sent.to, '203.0.113.7:40001')
  return sent.text
}

const uris = (station: Station) => station.core.contactsOf('ext').map(({ uri }) => uri)

test('a contact is kept with the flow it came by, and listed in the answer', () => {
  const { link, station } = world()
  const answer = register(link, station, ['Contact: "Bob" <sip:bob@192.168.1.5:5060>;q=0.5'], 9)
  assert.match(answer, /^SIP\/2\.0 200 OK\r\n/)
  assert.match(answer, /\r\nContact: <sip:bob@192\.168\.1\.5:5060>;expires=3600\r\n/)
  const flow: Flow = { transport: 'udp', local: station.at, remote: PEER, connection: '' }
  assert.deepEqual(station.core.contactsOf('ext'), [
    {
      uri: 'sip:bob@192.168.1.5:5060',
      flow,
      expiresAt: 1_000 + 3_600_000,
      sipCallId: 'same',
      cseq: 9,
      userAgent: 'phone',
    },
  ])
  assert.equal(station.tales('registered').length, 1)
})

test('several contacts, the parameter before the header, and the timer ends each in its time', () => {
  const { link, station } = world()
  register(link, station, ['Contact: <sip:a@h>;expires=60, <sip:b@h>', 'Expires: 120'])
  assert.deepEqual(uris(station), ['sip:a@h', 'sip:b@h'])
  link.run(59_999)
  assert.equal(uris(station).length, 2)
  link.run(1)
  assert.deepEqual(uris(station), ['sip:b@h'])
  link.run(60_000)
  assert.deepEqual(uris(station), [])
  assert.deepEqual(
    station.tales('registered').map(({ contacts }) => contacts.length),
    [2, 1, 0],
  )
  assert.equal(station.timers, 0)
})

test('a refresh moves the end', () => {
  const { link, station } = world()
  register(link, station, ['Contact: <sip:a@h>', 'Expires: 60'])
  link.run(50_000)
  register(link, station, ['Contact: <SIP:%61@H>', 'Expires: 60'])
  link.run(59_000)
  assert.equal(station.core.census().contacts, 1)
  link.run(1_000)
  assert.equal(station.core.census().contacts, 0)
})

test('Expires: 0 removes one, Contact: * removes all', () => {
  const { link, station } = world()
  register(link, station, ['Contact: <sip:a@h>, <sip:b@h>'])
  register(link, station, ['Contact: <sip:a@h>;expires=0'])
  assert.deepEqual(uris(station), ['sip:b@h'])
  assert.match(register(link, station, ['Contact: *']), /^SIP\/2\.0 400 /)
  assert.match(register(link, station, ['Contact: *, <sip:c@h>', 'Expires: 0']), /^SIP\/2\.0 400 /)
  assert.match(register(link, station, ['Contact: *', 'Expires: 0']), /^SIP\/2\.0 200 /)
  assert.deepEqual(uris(station), [])
})

test('below the minimum is refused with the minimum, and nothing is changed', () => {
  const { link, station } = world()
  const answer = register(link, station, ['Contact: <sip:a@h>, <sip:b@h>;expires=59'])
  assert.match(answer, /^SIP\/2\.0 423 [\s\S]*\r\nMin-Expires: 60\r\n/)
  assert.deepEqual(uris(station), [])
  assert.equal(station.tales('registered').length, 0)
})

test('an older number of the same Call-ID changes nothing, another Call-ID may', () => {
  const { link, station } = world()
  register(link, station, ['Contact: <sip:a@h>'], 1_000)
  assert.match(register(link, station, ['Contact: <sip:a@h>', 'Expires: 0'], 999), /^SIP\/2\.0 500 /)
  assert.equal(uris(station).length, 1)
  assert.match(register(link, station, ['Contact: <sip:a@h>', 'Expires: 0'], 1, 'other'), /^SIP\/2\.0 200 /)
  assert.equal(uris(station).length, 0)
})

test('without Contact it is a question', () => {
  const { link, station } = world()
  register(link, station, ['Contact: <sip:a@h>'])
  assert.match(register(link, station, []), /\r\nContact: <sip:a@h>;expires=3600\r\n/)
  assert.equal(station.tales('registered').length, 1)
})

test('one account cannot fill the memory', () => {
  const { link, station } = world()
  for (let i = 0; i < MAX_CONTACTS + 5; i++) register(link, station, [`Contact: <sip:${i}@h>;expires=${1_000 + i}`])
  assert.equal(uris(station).length, MAX_CONTACTS)
  assert.equal(uris(station)[0], 'sip:5@h')
})

test('contacts come back after a restart, those that ended meanwhile do not; dropped ones are gone', () => {
  const { link, station } = world()
  register(link, station, ['Contact: <sip:a@h>;expires=60, <sip:b@h>;expires=600'])
  const kept = station.core.contactsOf('ext')
  const heir = link.add('10.0.0.2')
  link.run(61_000)
  heir.feed({ kind: 'restoreContacts', identity: 'ext', contacts: kept })
  assert.deepEqual(uris(heir), ['sip:b@h'])
  heir.feed({ kind: 'dropContacts', identity: 'ext' })
  assert.deepEqual([heir.core.census().contacts, heir.timers], [0, 0])
})

const SUPPORTED = 'Supported: path, outbound'

test('a device that comes with another address replaces its old contact; without a name both stay', () => {
  const { link, station } = world()
  const name = '+sip.instance="<urn:uuid:1>"'
  const answer = register(link, station, [`Contact: <sip:bob@h:1>;${name}`])
  assert.match(answer, /Contact: <sip:bob@h:1>;expires=3600;\+sip\.instance="<urn:uuid:1>"\r\n/)
  assert.doesNotMatch(answer, /gruu|Require/)
  register(link, station, [`Contact: <sip:bob@h:2>;${name}`], ++number, 'another')
  assert.deepEqual(uris(station), ['sip:bob@h:2'])
  register(link, station, ['Contact: <sip:bob@h:3>'])
  assert.deepEqual(uris(station), ['sip:bob@h:2', 'sip:bob@h:3'])
  register(link, station, ['Contact: *', 'Expires: 0'])
  assert.deepEqual(uris(station), [])
})

test('flows of one device are kept side by side, each replaced by its own number', () => {
  const { link, station } = world()
  const flow = (id: number, uri: string) => `Contact: <${uri}>;+sip.instance="<urn:uuid:1>";reg-id=${id}`
  assert.match(register(link, station, [SUPPORTED, flow(1, 'sip:b@a;ob')]), /\r\nRequire: outbound\r\n/)
  register(link, station, [SUPPORTED, flow(2, 'sip:b@b;ob')], ++number, 'second')
  register(link, station, [SUPPORTED, flow(1, 'sip:b@c;ob')], ++number, 'third')
  assert.deepEqual(uris(station).sort(), ['sip:b@b;ob', 'sip:b@c;ob'])
  // Without the wish for it the number means nothing.
  assert.doesNotMatch(register(link, station, [flow(3, 'sip:b@d')], ++number, 'fourth'), /Require/)
  assert.deepEqual(uris(station).length, 3)
})

test('behind a proxy that does not know flows they are not kept side by side', () => {
  const { link, station } = world()
  const contact = 'Contact: <sip:b@a>;+sip.instance="<urn:uuid:1>";reg-id=1'
  const via = 'Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKphone'
  assert.doesNotMatch(register(link, station, [via, SUPPORTED, 'Path: <sip:p.example;lr>', contact]), /Require/)
  assert.match(register(link, station, [via, SUPPORTED, 'Path: <sip:p.example;lr;ob>', contact]), /Require: outbound/)
})

test('the path is kept and shown again; one that cannot be read is refused', () => {
  const { link, station } = world()
  const path = ['Path: <sip:p2.example;lr>,<sip:p1.example;lr;received=sip:9.9.9.9:1>', 'Contact: <sip:bob@h>']
  const answer = register(link, station, [SUPPORTED, ...path])
  const values = ['<sip:p2.example;lr>', '<sip:p1.example;lr;received=sip:9.9.9.9:1>']
  assert.deepEqual(station.core.contactsOf('ext')[0]?.path, values)
  assert.deepEqual(
    [...answer.matchAll(/^Path: (.*)\r$/gm)].map((match) => match[1]),
    values,
  )
  assert.doesNotMatch(register(link, station, path), /\r\nPath:/)
  assert.match(register(link, station, ['Path: nonsense', 'Contact: <sip:bob@h>']), /^SIP\/2\.0 400 /)
  register(link, station, ['Contact: <sip:bob@h>'])
  assert.equal(station.core.contactsOf('ext')[0]?.path, undefined)
})
