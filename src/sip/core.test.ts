import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerOf, Link, openDoor, rawAnswer, rawRequest, type Station } from './link.fixture.ts'
import type { AuthPolicy } from './types.ts'

const PHONE = { address: '192.0.2.33', port: 40_000 }
const NOTHING = { transactions: 0, dialogs: 0, legs: 0, contacts: 0 }
const ACCOUNT = { username: 'alice', password: 'wonderland', identity: 'ext-7' }
const DIGEST: AuthPolicy = { kind: 'digest', realm: 'example.com', account: ACCOUNT }

/** Bob asks for credentials. */
function world(policy: AuthPolicy = DIGEST) {
  const link = new Link('core')
  const [alice, bob] = [link.add('10.0.0.1'), link.add('10.0.0.2')]
  bob.onOutput = (output) => {
    if (output.kind === 'authorise') bob.feed({ kind: 'authorised', query: output.query, policy })
  }
  return { link, alice, bob }
}

const credentials = { username: 'alice', password: 'wonderland' }

function register(
  alice: Station,
  bob: Station,
  more: { readonly password?: string; readonly expiresS?: number } = {},
): void {
  const { password = credentials.password, expiresS = 300 } = more
  alice.feed({
    kind: 'register',
    leg: 'r',
    flow: alice.flowTo(bob),
    registrar: 'sip:example.com',
    aor: 'sip:alice@example.com',
    credentials: { ...credentials, password },
    expiresS,
  })
}

test('REGISTER: 401, then 200; the contact is the user agent, and a call finds it there', () => {
  const { link, alice, bob } = world()
  register(alice, bob)
  link.run(10)
  assert.deepEqual(link.story(), ['1>2 REGISTER', '2>1 401 REGISTER', '1>2 REGISTER', '2>1 200 REGISTER'])
  assert.deepEqual(alice.tales('registerResult'), [{ kind: 'registerResult', leg: 'r', code: 200, expiresS: 300 }])
  assert.deepEqual(
    bob.tales('authorise').map(({ authUser }) => authUser),
    [null, 'alice'],
  )
  const [contact] = bob.core.contactsOf('ext-7')
  assert.equal(contact!.uri, 'sip:alice@10.0.0.1:5060')
  alice.onOutput = openDoor(alice)
  bob.feed({
    kind: 'invite',
    leg: 'b',
    targets: [{ flow: contact!.flow, requestUri: contact!.uri }],
    from: { display: '', uri: 'sip:bob@example.com' },
    to: { display: '', uri: 'sip:alice@example.com' },
    body: 'offer',
    timeoutMs: 1_000,
  })
  link.run(10)
  assert.equal(alice.tales('incoming')[0]!.request.requestUri.user, 'alice')
})

test('refreshes and the end of a registration are one Call-ID with rising numbers', () => {
  const { link, alice, bob } = world()
  for (const expiresS of [300, 300, 0]) {
    register(alice, bob, { expiresS })
    link.run(10)
  }
  const sent = link.wire.filter(({ text }) => text.startsWith('REGISTER')).map(({ text }) => text)
  assert.equal(new Set(sent.map((text) => headerOf(text, 'Call-ID'))).size, 1)
  assert.deepEqual(
    sent.map((text) => Number.parseInt(headerOf(text, 'CSeq')!, 10)),
    [1, 2, 3, 4, 5, 6],
  )
  assert.deepEqual(
    alice.tales('registerResult').map(({ code, expiresS }) => [code, expiresS]),
    [
      [200, 300],
      [200, 300],
      [200, 0],
    ],
  )
  assert.deepEqual(bob.core.contactsOf('ext-7'), [])
})

test('an interval too brief is asked again with the minimum', () => {
  const { link, alice, bob } = world()
  register(alice, bob, { expiresS: 30 })
  link.run(10)
  assert.deepEqual(
    alice.tales('registerResult').map(({ code, expiresS }) => [code, expiresS]),
    [[200, 60]],
  )
})

test('a wrong password and an unknown account look the same from outside, and are told inside', () => {
  const shape = (policy: AuthPolicy, password: string): string => {
    const { link, alice, bob } = world(policy)
    register(alice, bob, { password })
    link.run(10)
    assert.deepEqual(
      bob.tales('authFailed').map(({ authUser }) => authUser),
      ['alice'],
    )
    assert.deepEqual(
      alice.tales('registerResult').map(({ code }) => code),
      [401],
    )
    return link.wire
      .at(-1)!
      .text.replace(/nonce="\w+"/, '')
      .replace(/(branch|tag)=\w+/g, '')
  }
  assert.equal(shape(DIGEST, 'x'), shape({ kind: 'digest', realm: 'example.com', account: null }, 'wonderland'))
})

test('a registrar that is silent: 408', () => {
  const { link, alice, bob } = world()
  link.swallows = () => true
  register(alice, bob)
  link.run(32_000)
  assert.deepEqual(
    alice.tales('registerResult').map(({ code }) => code),
    [408],
  )
})

test('INVITE: 100, 407, ACK, the same again with credentials, and the identity of the account', () => {
  const { link, alice, bob } = world()
  alice.invite('a', [bob], { credentials })
  link.run(10)
  assert.deepEqual(link.story(), [
    '1>2 INVITE',
    '2>1 100 INVITE',
    '2>1 407 INVITE',
    '1>2 ACK',
    '1>2 INVITE',
    '2>1 100 INVITE',
  ])
  assert.equal(bob.tales('incoming')[0]!.identity, 'ext-7')
  bob.feed({ kind: 'accept', leg: bob.tales('incoming')[0]!.leg, body: 'answer' })
  link.run(10)
  assert.ok(headerOf(link.wire.at(-1)!.text, 'Proxy-Authorization'), 'the ACK carries the credentials too')
  alice.feed({ kind: 'bye', leg: 'a', reason: '' })
  link.run(70_000)
  assert.deepEqual([alice.core.census(), bob.core.census()], [NOTHING, NOTHING])
})

test('an INVITE without credentials for the challenge fails with it; the TU of the callee hears nothing', () => {
  const { link, alice, bob } = world()
  alice.invite('a', [bob])
  link.run(10)
  assert.deepEqual(
    alice.tales('failed').map(({ code, cause }) => [code, cause]),
    [[407, 'remote']],
  )
  assert.equal(bob.tales('incoming').length, 0)
})

test('a stale nonce is answered once more, then it is enough', () => {
  const { link, alice, bob } = world()
  link.swallows = () => true
  register(alice, bob)
  for (const nonce of ['one', 'two', 'three']) {
    const challenge = `WWW-Authenticate: Digest realm="example.com", nonce="${nonce}", qop="auth", stale=true`
    alice.hear(rawAnswer(link.wire.at(-1)!.text, '401 Unauthorized', 'b', [challenge]), bob.at)
  }
  assert.deepEqual(link.story(), Array(3).fill('1>2 REGISTER'))
  assert.match(headerOf(link.wire.at(-1)!.text, 'Authorization')!, /nonce="two"/)
  assert.deepEqual(
    alice.tales('registerResult').map(({ code }) => code),
    [401],
  )
})

test('credentials seen on the wire are of no use to a listener', () => {
  const { link, alice, bob } = world()
  register(alice, bob)
  link.run(10)
  const seen = link.wire.findLast(({ text }) => text.startsWith('REGISTER'))!.text
  bob.hear(seen.replace(/branch=\w+/, 'branch=z9hG4bKreplay').replace(/Call-ID: \S+/, 'Call-ID: replay'), PHONE)
  assert.match(link.wire.at(-1)!.text, /^SIP\/2\.0 401 [\s\S]*stale=true/)
  assert.equal(bob.core.contactsOf('ext-7')[0]!.flow.remote.address, '10.0.0.1')
})

test('a policy may refuse, and one that never comes is a 503', () => {
  const refused = world({ kind: 'refuse', code: 403, phrase: 'Go Away' })
  refused.alice.invite('a', [refused.bob])
  refused.link.run(10)
  assert.deepEqual(
    refused.alice.tales('failed').map(({ code, phrase }) => [code, phrase]),
    [[403, 'Go Away']],
  )

  const { link, alice, bob } = world()
  bob.onOutput = () => {}
  alice.invite('a', [bob])
  link.run(33_000)
  assert.deepEqual(
    alice.tales('failed').map(({ code }) => code),
    [503],
  )
})

test('answers go to where the request came from, which Via is told (RFC 3581)', () => {
  const { link, bob } = world()
  const request = rawRequest('OPTIONS', { branch: 'o', cseq: 1 })
  bob.hear(request.replace(';branch', ';rport;branch'), PHONE)
  const { to, text } = link.wire.at(-1)!
  assert.equal(to, '192.0.2.33:40000')
  assert.equal(headerOf(text, 'Via'), 'SIP/2.0/UDP 10.0.0.9;rport=40000;branch=z9hG4bKo;received=192.0.2.33')
})

test('OPTIONS says what we can do', () => {
  const { link, bob } = world()
  bob.hear(rawRequest('OPTIONS', { branch: 'o', cseq: 1 }), PHONE)
  const { text } = link.wire.at(-1)!
  assert.match(headerOf(text, 'Allow')!, /INVITE.*UPDATE/)
  assert.equal(headerOf(text, 'Accept'), 'application/sdp')
  assert.equal(headerOf(text, 'Supported'), '100rel, timer, replaces, norefersub')
})

test('what is refused at the door', () => {
  const { link, bob } = world()
  const ask = (method: string, change: (text: string) => string, lines: readonly string[] = []) => {
    bob.hear(
      change(rawRequest(method, { branch: `x${link.wire.length}`, cseq: 1 }, lines)).replace(
        'their-call',
        `call-${link.wire.length}`,
      ),
      PHONE,
    )
    return link.wire.at(-1)!.text.split(' ')[1]
  }
  const same = (text: string) => text
  assert.equal(ask('MESSAGE', same), '405')
  assert.equal(
    ask('OPTIONS', (text) => text.replace('Max-Forwards: 70', 'Max-Forwards: 0')),
    '483',
  )
  assert.equal(
    ask('INVITE', (text) => text.replace(' sip:bob@10.0.0.2 ', ' mailto:bob@x ')),
    '416',
  )
  assert.equal(ask('INVITE', same, ['Require: 100rel, gruu, Timer, precondition']), '420')
  assert.equal(headerOf(link.wire.at(-1)!.text, 'Unsupported'), 'gruu, precondition')
  assert.equal(ask('REFER', same, ['Refer-To: <sip:eve@10.0.0.9>']), '403')
  assert.equal(ask('INVITE', same, ['Content-Type: text/plain', '', 'x']), '415')
  assert.equal(ask('INVITE', same, ['Accept: text/plain']), '406')
  assert.equal(
    ask('OPTIONS', (text) => text.replace('CSeq: 1 ', 'CSeq: x ')),
    '400',
  )
  assert.equal(ask('BYE', same), '481')
  const sent = link.wire.length
  bob.hear(rawRequest('ACK', { branch: 'a', cseq: 1 }).replace('CSeq: 1 ', 'CSeq: x '), PHONE)
  assert.equal(link.wire.length, sent, 'nobody answers an ACK')
})

test('a session timer that is only offered is no obstacle', () => {
  const { link, bob } = world({ kind: 'open', identity: 'x' })
  bob.hear(
    rawRequest('INVITE', { branch: 'i', cseq: 1 }, [
      'Supported: timer',
      'Session-Expires: 1800;refresher=uac',
      'Min-SE: 90',
    ]),
    PHONE,
  )
  assert.equal(bob.tales('incoming').length, 1)
  assert.equal(link.story().at(-1), '2>33 100 INVITE')
})

test('the same INVITE by two ways rings once, the second gets 482', () => {
  const { link, bob } = world({ kind: 'open', identity: 'x' })
  bob.hear(rawRequest('INVITE', { branch: 'one', cseq: 1 }), PHONE)
  bob.hear(rawRequest('INVITE', { branch: 'two', cseq: 1 }), PHONE)
  assert.equal(bob.tales('incoming').length, 1)
  assert.equal(link.story().at(-1), '2>33 482 INVITE')
})

test('a copy of an INVITE is taken in by its transaction, also from an RFC 2543 phone', () => {
  const { link, bob } = world({ kind: 'open', identity: 'x' })
  const invite = rawRequest('INVITE', { branch: 'i', cseq: 1 })
  const old = invite.replace('branch=z9hG4bKi', 'branch=1').replace('their-call', 'old-call')
  for (const text of [invite, invite, old, old]) bob.hear(text, PHONE)
  assert.equal(bob.tales('incoming').length, 2)
  assert.deepEqual(link.story(), Array(4).fill('2>33 100 INVITE'))
  bob.feed({ kind: 'reject', leg: bob.tales('incoming')[1]!.leg, code: 486, phrase: '' })
  const tagged = headerOf(link.wire.at(-1)!.text, 'To')!
  bob.hear(
    old
      .replace('INVITE sip', 'ACK sip')
      .replace('1 INVITE', '1 ACK')
      .replace('To: <sip:bob@10.0.0.2>', `To: ${tagged}`),
    PHONE,
  )
  const sent = link.wire.length
  link.run(5_000)
  assert.equal(link.wire.length, sent, 'the ACK has found its INVITE')
})

test('commands for legs that are over, and answers to questions never asked, do nothing', () => {
  const { bob } = world()
  for (const kind of ['bye', 'cancel'] as const) bob.feed({ kind, leg: 'gone' })
  bob.feed({ kind: 'accept', leg: 'gone', body: '' })
  bob.feed({ kind: 'answerOffer', leg: 'gone', body: null })
  bob.feed({ kind: 'authorised', query: 'gone', policy: DIGEST })
  bob.feed({ kind: 'timer', id: 'gone' })
  assert.deepEqual(bob.told, [])
})

test('a call to oneself, caller and callee in one core', () => {
  const { link, bob } = world({ kind: 'open', identity: 'x' })
  bob.invite('out', [bob])
  link.run(10)
  const { leg } = bob.tales('incoming')[0]!
  bob.feed({ kind: 'ring', leg, body: null })
  link.run(10)
  bob.feed({ kind: 'accept', leg, body: 'answer' })
  link.run(10)
  bob.feed({ kind: 'bye', leg, reason: '' })
  link.run(10)
  assert.deepEqual(
    bob.tales('ended').map((each) => [each.leg, each.cause]),
    [
      ['out', 'remote'],
      [leg, 'local'],
    ],
  )
  link.run(70_000)
  assert.deepEqual(bob.core.census(), NOTHING)
})

test('the route a registrar gives (Service-Route) is told, and a target of a call may have one', () => {
  const link = new Link('service-route')
  const alice = link.add('10.0.0.1')
  const carrier = { address: '10.0.0.7', port: 5060 }
  const flow = alice.flowTo(carrier)
  const credentials = { username: 'a', password: 'b' }
  alice.feed({ kind: 'register', leg: 'r', flow, registrar: 'sip:c', aor: 'sip:a@c', credentials, expiresS: 60 })
  const route = ['<sip:p1.c;lr>', '<sip:p2.c;lr>']
  alice.hear(rawAnswer(link.wire.at(-1)!.text, '200 OK', 't', [`Service-Route: ${route.join(', ')}`]), carrier)
  assert.deepEqual(alice.tales('registerResult')[0]?.serviceRoute, route)
  alice.invite('leg', [], { targets: [{ flow, requestUri: 'sip:x@c', route }] })
  const sent = link.wire.at(-1)!.text
  assert.deepEqual(
    [...sent.matchAll(/^Route: (.*)\r$/gm)].map((match) => match[1]),
    route,
  )
})

test('a ping is sent once, and its answer is nobody’s', () => {
  const link = new Link('ping')
  const alice = link.add('10.0.0.1')
  const bob = link.add('10.0.0.2')
  alice.feed({ kind: 'ping', flow: alice.flowTo(bob), uri: 'sip:bob@192.168.1.5', route: ['<sip:p;lr>'] })
  link.run(60_000)
  assert.deepEqual(link.story(), ['1>2 OPTIONS', '2>1 200 OPTIONS'])
  assert.deepEqual([alice.core.census().transactions, alice.timers, alice.told.length], [0, 0, 0])
})
