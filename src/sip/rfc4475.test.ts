import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Link, type Station } from './link.fixture.ts'
import { Framer } from './message/framing.ts'

const FOLDER = new URL('../../tests/vectors/sip/rfc4475/', import.meta.url)

interface Expectation {
  /** Classes (`4xx`), codes, `none` for silence. */
  readonly ok: readonly string[]
  readonly not?: readonly string[]
  readonly must_reply?: boolean
  readonly why: string
}

const { note: _, ...vectors } = JSON.parse(readFileSync(new URL('manifest.json', FOLDER), 'utf8')) as Record<
  string,
  Expectation
> & {
  note: string
}

/** Without a Content-Length, which a stream needs. */
const LENGTHLESS = new Set(
  Object.keys(vectors).filter(
    (name) => !/^(?:content-length|l)\s*:/im.test(readFileSync(new URL(`${name}.dat`, FOLDER), 'latin1')),
  ),
)

const OPTIONS = [
  'OPTIONS sip:server SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.200;branch=z9hG4bKalive',
  'From: <sip:a@b>;tag=1',
  'To: <sip:c@d>',
  'Call-ID: alive',
  'CSeq: 1 OPTIONS',
  '',
  '',
].join('\r\n')
const OPEN = { kind: 'open', identity: 'anyone' } as const
const PEER = { address: '192.0.2.200', port: 5060 }

/** A server that lets everybody call and register, checks credentials when some are shown, and lets every call ring. */
function server(link: Link): Station {
  const station = link.add('192.0.2.1')
  station.onOutput = (output) => {
    if (output.kind === 'incoming') station.feed({ kind: 'ring', leg: output.leg, body: null })
    if (output.kind !== 'authorise') return
    const shown = output.request.headers.some(([name]) => name === 'Authorization')
    const policy = shown ? { kind: 'digest' as const, realm: 'example.com', account: null } : OPEN
    station.feed({ kind: 'authorised', query: output.query, policy })
  }
  return station
}

for (const [name, expected] of Object.entries(vectors)) {
  test(`RFC 4475 ${name}: ${expected.why}`, () => {
    const link = new Link(name)
    const station = server(link)
    const outcomes = new Set<string>()
    station.receive(readFileSync(new URL(`${name}.dat`, FOLDER)), PEER)
    link.run(10)
    const codes = link.wire.map(({ text }) => text.split(' ')[1]!)
    for (const code of codes) {
      outcomes.add(code)
      assert.ok(!(expected.not ?? []).some((each) => isOf(code, each)), `answered ${code}`)
    }
    const last = codes.at(-1) ?? 'none'
    assert.ok(
      expected.ok.some((each) => isOf(last, each)),
      `answered ${last}, expected ${expected.ok.join(' ')}`,
    )
    if (expected.must_reply) assert.notEqual(last, 'none')
    const refused = Number(last) >= 400 || last === 'none'
    if (refused) assert.deepEqual([station.core.census().legs, station.core.census().contacts], [0, 0])

    station.hear(OPTIONS, PEER)
    assert.match(link.wire.at(-1)!.text, /^SIP\/2\.0 200 /)
    link.run(400_000)
    assert.equal(station.core.census().transactions, refused ? 0 : station.core.census().legs)
  })
}

for (const [name, expected] of Object.entries(vectors)) {
  test(`RFC 4475 ${name} over TCP: ${expected.why}`, () => {
    const link = new Link(name)
    const station = server(link)
    const flow = { ...station.flowTo(PEER), transport: 'tcp', connection: 'c1' } as const
    const framer = new Framer({
      message: (bytes) => station.feed({ kind: 'received', flow, bytes }),
      ping: () => {},
    })
    const bytes = readFileSync(new URL(`${name}.dat`, FOLDER))
    // In pieces, as a network gives them.
    for (let at = 0; at < bytes.length; at += 100) framer.push(bytes.subarray(at, at + 100))
    link.run(10)
    const codes = link.wire.map(({ text }) => text.split(' ')[1]!)
    const never = LENGTHLESS.has(name) ? [] : (expected.not ?? [])
    for (const code of codes) assert.ok(!never.some((each) => isOf(code, each)), `answered ${code}`)
    // On a stream the second of two requests is a request too; the first one counts here.
    const last = (name === 'dblreq' ? codes[0] : codes.at(-1)) ?? 'none'
    // A message whose end cannot be known is refused, or waited for until the connection is closed.
    const allowed = LENGTHLESS.has(name) ? [...expected.ok, '400', 'none'] : expected.ok
    assert.ok(
      allowed.some((each) => isOf(last, each)),
      `answered ${last}, expected ${allowed.join(' ')}`,
    )
    if (expected.must_reply && !LENGTHLESS.has(name)) assert.notEqual(last, 'none')
    const before = link.wire.length
    station.hear(OPTIONS, PEER)
    assert.match(link.wire.slice(before).at(-1)!.text, /^SIP\/2\.0 200 /)
    link.run(400_000)
  })
}

function isOf(code: string, pattern: string): boolean {
  return pattern === code || (pattern.endsWith('xx') && code.length === 3 && code[0] === pattern[0])
}
