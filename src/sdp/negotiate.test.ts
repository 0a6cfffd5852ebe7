import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Direction } from './description.ts'
import { type LocalMedia, makeAnswer, makeOffer, type Negotiated, readAnswer, readOffer } from './negotiate.ts'

const US: LocalMedia = {
  address: '192.0.2.1',
  port: 10_000,
  sessionId: '42',
  version: 3,
  codecs: ['PCMU', 'PCMA'],
  direction: 'sendrecv',
}
const SEED = Number(process.env['SEED'] ?? 20_261_121)

function offer(lines: readonly string[], session: readonly string[] = ['c=IN IP4 198.51.100.7']): string {
  return `${['v=0', 'o=- 1 1 IN IP4 198.51.100.7', 's=-', ...session, 't=0 0', ...lines].join('\r\n')}\r\n`
}

function answered(text: string, local: LocalMedia = US): { text: string; negotiated: Negotiated } {
  const result = makeAnswer(text, local)
  if (!result.ok) throw new Error(result.why)
  return result.value
}

test('an offer names all codecs in our order, events, and where to send', () => {
  assert.equal(
    makeOffer(US),
    [
      'v=0',
      'o=- 42 3 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=audio 10000 RTP/AVP 0 8 101',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ].join('\r\n'),
  )
})

test('the first codec of the offerer that we have is taken, with its numbers', () => {
  const { text, negotiated } = answered(
    offer([
      'm=audio 4000 RTP/AVP 111 8 0 96',
      'a=rtpmap:111 opus/48000/2',
      'a=rtpmap:96 Telephone-Event/8000',
      'a=ptime:30',
    ]),
  )
  assert.deepEqual(negotiated, {
    codec: 'PCMA',
    payloadType: 8,
    dtmfPayloadType: 96,
    ptimeMs: 30,
    remote: { address: '198.51.100.7', port: 4_000 },
    direction: 'sendrecv',
    transport: { rtcpMux: false, remoteRtcp: { address: '198.51.100.7', port: 4_001 }, ice: null },
  })
  assert.match(text, /m=audio 10000 RTP\/AVP 8 96\r\na=rtpmap:8 PCMA\/8000\r\na=rtpmap:96 telephone-event\/8000\r\n/)
})

test('static numbers need no rtpmap, dynamic ones may carry G.711', () => {
  assert.equal(answered(offer(['m=audio 4000 RTP/AVP 0'])).negotiated.codec, 'PCMU')
  const dynamic = answered(offer(['m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 pcma/8000'])).negotiated
  assert.deepEqual([dynamic.codec, dynamic.payloadType, dynamic.dtmfPayloadType], ['PCMA', 97, null])
})

test('events at another clock rate are not ours', () => {
  const { negotiated } = answered(offer(['m=audio 4000 RTP/AVP 0 110', 'a=rtpmap:110 telephone-event/48000']))
  assert.equal(negotiated.dtmfPayloadType, null)
})

test('every other m-line is refused in its place', () => {
  const { text } = answered(
    offer([
      'm=video 5000 RTP/AVP 31',
      'a=rtpmap:31 H261/90000',
      'm=audio 4000 RTP/AVP 0',
      'm=audio 4002 RTP/AVP 0',
      'm=image 6000 udptl t38',
    ]),
  )
  assert.deepEqual(
    text.match(/^m=.*$/gm)?.map((each) => each.trim()),
    ['m=video 0 RTP/AVP 31', 'm=audio 10000 RTP/AVP 0', 'm=audio 0 RTP/AVP 0', 'm=image 0 udptl t38'],
  )
})

test('hold in the new form and in the old one', () => {
  const direction = (lines: readonly string[], session?: readonly string[]) => {
    const text = offer(['m=audio 4000 RTP/AVP 0', ...lines], session)
    const seen = readOffer(text)
    return `${answered(text).negotiated.direction}${seen.ok && seen.value.hold ? ' hold' : ''}`
  }
  assert.equal(direction([]), 'sendrecv')
  assert.equal(direction(['a=sendonly']), 'recvonly hold')
  assert.equal(direction(['a=inactive']), 'inactive hold')
  assert.equal(direction(['a=recvonly']), 'sendonly')
  assert.equal(direction([], ['c=IN IP4 0.0.0.0']), 'recvonly hold')
  assert.equal(direction(['c=IN IP4 0.0.0.0', 'a=sendrecv']), 'recvonly hold')
  assert.equal(direction([], ['c=IN IP4 198.51.100.7', 'a=sendonly']), 'recvonly hold')
  assert.match(answered(offer(['m=audio 4000 RTP/AVP 0', 'a=sendonly'])).text, /a=recvonly/)
})

test('our own hold: we send nothing we do not want to', () => {
  assert.equal(
    answered(offer(['m=audio 4000 RTP/AVP 0']), { ...US, direction: 'sendonly' }).negotiated.direction,
    'sendonly',
  )
  assert.equal(
    answered(offer(['m=audio 4000 RTP/AVP 0', 'a=sendonly']), { ...US, direction: 'sendonly' }).negotiated.direction,
    'inactive',
  )
})

test('the address of the m-line wins over that of the session; IPv6 is told as such', () => {
  const { negotiated } = answered(offer(['m=audio 4000 RTP/AVP 0', 'c=IN IP4 203.0.113.9']))
  assert.equal(negotiated.remote.address, '203.0.113.9')
  assert.match(makeOffer({ ...US, address: '2001:db8::1' }), /c=IN IP6 2001:db8::1\r\n/)
})

test('an odd ptime means 20 ms', () => {
  for (const ptime of ['0', '5', '25', '1000', 'x']) {
    assert.equal(answered(offer(['m=audio 4000 RTP/AVP 0', `a=ptime:${ptime}`])).negotiated.ptimeMs, 20)
  }
})

test('what cannot be answered, and why', () => {
  const why = (text: string) => {
    const result = makeAnswer(text, US)
    return result.ok ? 'ok' : result.why
  }
  assert.equal(why(''), 'no session description')
  assert.equal(why('hello'), 'no session description')
  assert.equal(why(offer([])), 'no media')
  assert.equal(why(offer(['m=video 4000 RTP/AVP 31'])), 'no usable audio')
  assert.equal(why(offer(['m=audio 0 RTP/AVP 0'])), 'no usable audio')
  assert.equal(why(offer(['m=audio 4000 RTP/SAVP 0'])), 'no usable audio')
  assert.equal(why(offer(['m=audio 4000 RTP/AVP 0'], [])), 'no usable audio')
  assert.equal(why(offer(['m=audio 4000 RTP/AVP 9 18'])), 'no common codec')
  assert.equal(why(offer(['m=audio 4000 RTP/AVP 0', 'a=rtpmap:0 L16/44100'])), 'no common codec')
})

test('an answer is read against the offer', () => {
  const ours = makeOffer(US)
  const read = (lines: readonly string[]) => {
    const result = readAnswer(ours, offer(lines))
    return result.ok
      ? [result.value.codec, result.value.dtmfPayloadType, result.value.direction, result.value.remote.port]
      : result.why
  }
  assert.deepEqual(read(['m=audio 4000 RTP/AVP 8 101', 'a=rtpmap:101 telephone-event/8000']), [
    'PCMA',
    101,
    'sendrecv',
    4_000,
  ])
  assert.deepEqual(read(['m=audio 4000 RTP/AVP 18 0', 'a=recvonly']), ['PCMU', null, 'sendonly', 4_000])
  assert.equal(read(['m=audio 0 RTP/AVP 0']), 'audio refused')
  assert.equal(read(['m=audio 4000 RTP/AVP 18']), 'no common codec')
})

const direction = fc.constantFrom<Direction>('sendrecv', 'sendonly', 'recvonly', 'inactive')
const codecs = fc.constantFrom<LocalMedia['codecs']>(['PCMU'], ['PCMA'], ['PCMU', 'PCMA'], ['PCMA', 'PCMU'])
const media: fc.Arbitrary<LocalMedia> = fc.record({
  address: fc.ipV4().filter((address) => address !== '0.0.0.0'),
  port: fc.integer({ min: 1_024, max: 65_534 }),
  sessionId: fc.nat().map(String),
  version: fc.nat(),
  codecs,
  direction,
})

test(`both ends come to the same from any offer and answer (seed ${SEED})`, () => {
  fc.assert(
    fc.property(media, media, (caller, callee) => {
      const text = makeOffer(caller)
      const answer = makeAnswer(text, callee)
      const common = caller.codecs.filter((codec) => callee.codecs.includes(codec))
      assert.equal(answer.ok, common.length > 0)
      if (!answer.ok) return
      const back = readAnswer(text, answer.value.text)
      assert.ok(back.ok)
      assert.equal(back.value.codec, common[0])
      assert.equal(answer.value.negotiated.codec, common[0])
      const [one, other] = [back.value.direction, answer.value.negotiated.direction]
      const mirror = { sendrecv: 'sendrecv', inactive: 'inactive', sendonly: 'recvonly', recvonly: 'sendonly' }
      assert.equal(mirror[one], other)
      assert.deepEqual(answer.value.negotiated.remote, { address: caller.address, port: caller.port })
      assert.deepEqual(back.value.remote, { address: callee.address, port: callee.port })
    }),
    { seed: SEED },
  )
})

test(`any text never throws (seed ${SEED})`, () => {
  const line = fc.oneof(
    fc.constantFrom(
      'v=0',
      'm=audio 4000 RTP/AVP 0',
      'a=rtpmap:0 PCMU/8000',
      'c=IN IP4 1.2.3.4',
      'm=',
      'a=ptime:',
      'm=audio x y z',
    ),
    fc.tuple(fc.constantFrom('m', 'a', 'c', 'o', 't', 'b'), fc.string()).map(([type, rest]) => `${type}=${rest}`),
  )
  const text = fc.array(line).map((lines) => ['v=0', ...lines].join('\r\n'))
  fc.assert(
    fc.property(text, (given) => {
      makeAnswer(given, US)
      readAnswer(makeOffer(US), given)
      readOffer(given)
    }),
    { seed: SEED, numRuns: 3_000 },
  )
})
