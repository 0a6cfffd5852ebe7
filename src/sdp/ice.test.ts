import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LegTransport } from '../media/protocol.ts'
import { ufragOf } from './ice.ts'
import { type LocalMedia, makeAnswer, makeOffer, readAnswer } from './negotiate.ts'

const US: LocalMedia = {
  address: '192.0.2.1',
  port: 10_000,
  sessionId: '1',
  version: 1,
  codecs: ['PCMU'],
  direction: 'sendrecv',
}
const ICE = { ufrag: 'ours', pwd: 'ours/ours/ours/ours/ours', offers: false }
const THEIR_ICE = ['a=ice-ufrag:h6vY', 'a=ice-pwd:VOkJxbRl1RmTxUk/WvJxBt']
const HOST_CANDIDATES = [
  'a=candidate:1 1 UDP 2130706303 198.51.100.7 4000 typ host',
  'a=candidate:1 2 UDP 2130706302 198.51.100.7 4001 typ host',
]

function described(lines: readonly string[], session: readonly string[] = []): string {
  const head = ['v=0', 'o=- 1 1 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0']
  return [...head, ...session, 'm=audio 4000 RTP/AVP 0', ...lines, ''].join('\r\n')
}

function answered(
  lines: readonly string[],
  local: LocalMedia = { ...US, ice: ICE },
  session: readonly string[] = [],
): { text: string; transport: LegTransport } {
  const result = makeAnswer(described(lines, session), local)
  assert.ok(result.ok)
  return { text: result.value.text, transport: result.value.negotiated.transport! }
}

test('without a word RTCP is beside RTP; a=rtcp says where else', () => {
  assert.deepEqual(answered([]).transport, {
    rtcpMux: false,
    remoteRtcp: { address: '198.51.100.7', port: 4_001 },
    ice: null,
  })
  assert.deepEqual(answered(['a=rtcp:5005']).transport.remoteRtcp, { address: '198.51.100.7', port: 5_005 })
  assert.deepEqual(answered(['a=rtcp:5005 IN IP4 203.0.113.9']).transport.remoteRtcp, {
    address: '203.0.113.9',
    port: 5_005,
  })
})

test('rtcp-mux is answered when it is offered, and only then', () => {
  const muxed = answered(['a=rtcp-mux'])
  assert.match(muxed.text, /^a=rtcp-mux\r$/m)
  assert.equal(muxed.transport.rtcpMux, true)
  assert.deepEqual(muxed.transport.remoteRtcp, { address: '198.51.100.7', port: 4_000 })
  assert.doesNotMatch(answered([]).text, /rtcp-mux/)
  assert.doesNotMatch(makeOffer(US), /rtcp-mux|candidate|ice/)
  // An answer may not have what was not offered.
  const back = readAnswer(makeOffer(US), described(['a=rtcp-mux']))
  assert.ok(back.ok && back.value.transport?.rtcpMux === false)
})

test('an offer with ICE is answered by the lite side, a candidate for each component', () => {
  const { text, transport } = answered([...THEIR_ICE, ...HOST_CANDIDATES])
  assert.match(text, /^a=ice-lite\r$/m)
  assert.ok(text.indexOf('a=ice-lite') < text.indexOf('m=audio'))
  assert.match(text, /^a=ice-ufrag:ours\r$/m)
  assert.match(text, /^a=ice-pwd:ours\/ours\/ours\/ours\/ours\r$/m)
  assert.match(text, /^a=candidate:1 1 UDP 2130706431 192.0.2.1 10000 typ host\r$/m)
  assert.match(text, /^a=candidate:1 2 UDP 2130706430 192.0.2.1 10001 typ host\r$/m)
  assert.deepEqual(transport.ice, { ufrag: 'ours', pwd: ICE.pwd, remoteUfrag: 'h6vY' })
  assert.doesNotMatch(answered(['a=rtcp-mux', ...THEIR_ICE, ...HOST_CANDIDATES]).text, /candidate:1 2/)
})

test('credentials may stand in the session part', () => {
  assert.equal(answered(HOST_CANDIDATES, { ...US, ice: ICE }, THEIR_ICE).transport.ice?.remoteUfrag, 'h6vY')
})

test('who rewrote c= on the way ends ICE, and the call goes on without', () => {
  const { text, transport } = answered([...THEIR_ICE, HOST_CANDIDATES[0]!.replace('198.51.100.7', '10.0.0.3')])
  assert.match(text, /^a=ice-mismatch\r$/m)
  assert.doesNotMatch(text, /ice-lite|ice-ufrag|candidate/)
  assert.equal(transport.ice, null)
})

test('no ICE in the offer, ours switched off, or credentials that are none: no ICE in the answer', () => {
  assert.doesNotMatch(answered([]).text, /ice|candidate/)
  assert.doesNotMatch(answered([...THEIR_ICE, ...HOST_CANDIDATES], US).text, /ice|candidate/)
  for (const bad of [['a=ice-ufrag:x', THEIR_ICE[1]!], ['a=ice-ufrag:h6vY'], [THEIR_ICE[0]!, 'a=ice-pwd:short']]) {
    assert.doesNotMatch(answered([...bad, ...HOST_CANDIDATES]).text, /ice|candidate/, bad.join())
  }
})

test('of two lite sides none checks', () => {
  const { text, transport } = answered([...THEIR_ICE, ...HOST_CANDIDATES], { ...US, ice: ICE }, ['a=ice-lite'])
  assert.match(text, /^a=ice-lite\r$/m)
  assert.equal(transport.ice, null)
})

test('offered when wished for, and taken up from the answer', () => {
  const offer = makeOffer({ ...US, ice: { ...ICE, offers: true } })
  assert.match(offer, /^a=ice-lite\r$/m)
  const answer = readAnswer(offer, described([...THEIR_ICE, ...HOST_CANDIDATES]))
  assert.ok(answer.ok)
  assert.deepEqual(answer.value.transport?.ice, { ufrag: 'ours', pwd: ICE.pwd, remoteUfrag: 'h6vY' })
  const without = readAnswer(offer, described([]))
  assert.ok(without.ok && without.value.transport?.ice === null)
})

test('the user fragment of a description is found', () => {
  assert.equal(ufragOf(described(THEIR_ICE)), 'h6vY')
  assert.equal(ufragOf(described([])), '')
})
