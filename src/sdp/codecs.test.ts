/** Which codec, which numbers, which packets come out of offers as phones and carriers write them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LocalMedia, makeAnswer, makeOffer, type Negotiated, readAnswer } from './negotiate.ts'

const ALL = ['PCMU', 'PCMA', 'G722', 'opus'] as const
const US: LocalMedia = {
  address: '192.0.2.1',
  port: 10_000,
  sessionId: '42',
  version: 3,
  codecs: ALL,
  direction: 'sendrecv',
}

function sdp(...lines: readonly string[]): string {
  return `${['v=0', 'o=- 1 1 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0', ...lines].join('\r\n')}\r\n`
}

function answered(text: string, local: LocalMedia = US): { text: string; negotiated: Negotiated } {
  const result = makeAnswer(text, local)
  if (!result.ok) throw new Error(result.why)
  return result.value
}

/** As linphone-desktop 5 offers. */
const LINPHONE = sdp(
  'm=audio 7078 RTP/AVP 96 97 98 0 8 101 99 100',
  'a=rtpmap:96 opus/48000/2',
  'a=fmtp:96 useinbandfec=1',
  'a=rtpmap:97 speex/16000',
  'a=fmtp:97 vbr=on',
  'a=rtpmap:98 speex/8000',
  'a=rtpmap:101 telephone-event/48000',
  'a=rtpmap:99 telephone-event/16000',
  'a=rtpmap:100 telephone-event/8000',
)
/** As baresip 1.0 offers. */
const BARESIP = sdp(
  'm=audio 21334 RTP/AVP 96 9 0 8 101',
  'a=rtpmap:96 opus/48000/2',
  'a=fmtp:96 stereo=1;sprop-stereo=1',
  'a=rtpmap:9 G722/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=ptime:20',
)

test('an offer of all codecs has events for both clocks', () => {
  const lines = makeOffer(US).split('\r\n').slice(5)
  assert.deepEqual(lines, [
    'm=audio 10000 RTP/AVP 0 8 9 111 101 110',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:9 G722/8000',
    'a=rtpmap:111 opus/48000/2',
    'a=rtpmap:101 telephone-event/8000',
    'a=rtpmap:110 telephone-event/48000',
    'a=fmtp:111 useinbandfec=1;maxplaybackrate=16000;sprop-maxcapturerate=16000',
    'a=fmtp:101 0-16',
    'a=fmtp:110 0-16',
    'a=ptime:20',
    'a=sendrecv',
    ...lines.slice(12),
  ])
})

test('Linphone: Opus with its number, its events at 48,000, in-band FEC wanted', () => {
  const { text, negotiated } = answered(LINPHONE)
  assert.match(
    text,
    /m=audio 10000 RTP\/AVP 96 101\r\na=rtpmap:96 opus\/48000\/2\r\na=rtpmap:101 telephone-event\/48000\r\n/,
  )
  const { codec, payloadType, dtmfPayloadType, dtmfClockHz, opus, alsoTaken } = negotiated
  assert.deepEqual([codec, payloadType, dtmfPayloadType, dtmfClockHz], ['opus', 96, 101, 48_000])
  assert.deepEqual(opus, { maxAverageBitrate: null, maxPlaybackRateHz: null, useInbandFec: true })
  assert.deepEqual(
    alsoTaken?.filter(({ clockHz }) => clockHz === 8_000),
    [{ payloadType: 100, codec: null, clockHz: 8_000 }],
  )
})

test('baresip: Opus with events at 8,000, for it has no others', () => {
  const { text, negotiated } = answered(BARESIP)
  assert.match(text, /a=rtpmap:101 telephone-event\/8000/)
  const { codec, dtmfPayloadType, dtmfClockHz, opus } = negotiated
  assert.deepEqual([codec, dtmfPayloadType, dtmfClockHz, opus?.useInbandFec], ['opus', 101, undefined, false])
})

test('what is left out of our codecs is not taken', () => {
  assert.equal(answered(BARESIP, { ...US, codecs: ['PCMU', 'G722'] }).negotiated.codec, 'G722')
  assert.equal(answered(LINPHONE, { ...US, codecs: ['PCMA'] }).negotiated.payloadType, 8)
})

test('G.722 has the clock of 8,000 in SDP; one with 16,000 is none of ours', () => {
  assert.equal(answered(sdp('m=audio 4000 RTP/AVP 9')).negotiated.codec, 'G722')
  assert.equal(makeAnswer(sdp('m=audio 4000 RTP/AVP 98', 'a=rtpmap:98 G722/16000'), US).ok, false)
  assert.equal(makeAnswer(sdp('m=audio 4000 RTP/AVP 98', 'a=rtpmap:98 opus/16000'), US).ok, false)
})

test('what the far end asks of Opus is read whatever else stands beside it', () => {
  const wishes = (fmtp: string) =>
    answered(sdp('m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 OPUS/48000/2', `a=fmtp:96 ${fmtp}`)).negotiated.opus
  assert.deepEqual(
    wishes('maxplaybackrate=8000; sprop-maxcapturerate=16000; maxaveragebitrate=20000;useinbandfec=1; cbr=1'),
    {
      maxAverageBitrate: 20_000,
      maxPlaybackRateHz: 8_000,
      useInbandFec: true,
    },
  )
  assert.deepEqual(wishes('MaxAverageBitrate=abc;useinbandfec=0;;='), {
    maxAverageBitrate: null,
    maxPlaybackRateHz: null,
    useInbandFec: false,
  })
})

test('packets are as long as the far end asks, and never longer than it takes', () => {
  const ptime = (...lines: readonly string[]) => answered(sdp('m=audio 4000 RTP/AVP 0', ...lines)).negotiated.ptimeMs
  for (const ms of [10, 20, 30, 40, 60]) assert.equal(ptime(`a=ptime:${ms}`), ms)
  assert.equal(ptime('a=ptime:60', 'a=maxptime:40'), 40)
  assert.equal(ptime('a=maxptime:10'), 10)
  assert.equal(ptime('a=maxptime:150'), 20)
  assert.equal(ptime('a=maxptime:3'), 10)
  const opus = (line: string) =>
    answered(sdp('m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 opus/48000/2', line)).negotiated.ptimeMs
  assert.deepEqual([opus('a=ptime:30'), opus('a=ptime:40'), opus('a=maxptime:30')], [20, 40, 20])
})

test('a far end that numbers Opus otherwise: we send by its number and take both', () => {
  const read = readAnswer(
    makeOffer(US),
    sdp('m=audio 4000 RTP/AVP 107 0 96', 'a=rtpmap:107 opus/48000/2', 'a=rtpmap:96 telephone-event/48000'),
  )
  assert.ok(read.ok)
  const { codec, payloadType, dtmfPayloadType, alsoTaken } = read.value
  assert.deepEqual([codec, payloadType, dtmfPayloadType], ['opus', 107, 96])
  assert.deepEqual(
    alsoTaken?.map((one) => [one.payloadType, one.codec]),
    [
      [0, 'PCMU'],
      [111, 'opus'],
      [110, null],
    ],
  )
})

test('in a later offer of ours the far end’s numbers stay what they were', () => {
  const before = sdp(
    'm=audio 4000 RTP/AVP 96 0 111 101',
    'a=rtpmap:96 opus/48000/2',
    'a=rtpmap:111 speex/16000',
    'a=rtpmap:101 iLBC/8000',
  )
  const offer = makeOffer({ ...US, before })
  assert.match(offer, /a=rtpmap:96 opus\/48000\/2/)
  const numbers = /m=audio 10000 RTP\/AVP (.*)\r/.exec(offer)![1]!.split(' ')
  assert.equal(new Set(numbers).size, numbers.length)
  assert.ok(!numbers.includes('101') && !numbers.includes('111'), numbers.join(' '))
  assert.match(offer, /telephone-event\/8000/)
})
