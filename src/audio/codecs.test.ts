/** Every codec behind the seam: how well sound comes through, in what time, and what is left behind. */

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { CodecName } from '../media/protocol.ts'
import { MAX_PAYLOAD_BYTES, type SoundDecoder } from './codec.ts'
import { CLOCK_HZ, openDecoder, openEncoder } from './codecs.ts'
import { likeness, snrDb } from './correlate.ts'
import { opusPacketSamples, prepareOpus } from './opus.ts'
import { randomly, voice } from './signals.suite.ts'
import { sine } from './tone.ts'

const RATE_HZ = 8_000
const FRAME = 160
/** Handles of libopus come in a microtask. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

before(() => prepareOpus())

async function packetsOf(codec: CodecName, pcm: Int16Array, frame = FRAME): Promise<Uint8Array[]> {
  const encoder = openEncoder(codec, RATE_HZ, { maxAverageBitrate: null, maxPlaybackRateHz: null, useInbandFec: true })
  await settled()
  const packets: Uint8Array[] = []
  const out = new Uint8Array(MAX_PAYLOAD_BYTES)
  for (let at = 0; at + frame <= pcm.length; at += frame) {
    packets.push(out.slice(0, encoder.encode(pcm.subarray(at, at + frame), out, 0)))
  }
  encoder.free()
  return packets
}

function heardBy(decoder: SoundDecoder, packets: readonly Uint8Array[], frame = FRAME): Int16Array {
  const pcm = new Int16Array(packets.length * frame)
  const out = new Int16Array(MAX_PAYLOAD_BYTES)
  for (const [i, packet] of packets.entries()) {
    const count = decoder.decode(packet, 0, packet.length, out)
    assert.equal(count, frame)
    assert.equal(decoder.lengthOf(packet, 0, packet.length), frame)
    pcm.set(out.subarray(0, count), i * frame)
  }
  return pcm
}

/** Of a tone of 1 kHz, whatever its loudness and its delay in parts of a sample. */
function toneSnrDb(pcm: Int16Array): number {
  let [cos, sin, power] = [0, 0, 0]
  for (const [n, sample] of pcm.entries()) {
    cos += (2 / pcm.length) * sample * Math.cos((Math.PI * n) / 4)
    sin += (2 / pcm.length) * sample * Math.sin((Math.PI * n) / 4)
    power += sample ** 2 / pcm.length
  }
  const tone = (cos ** 2 + sin ** 2) / 2
  return 10 * Math.log10(tone / (power - tone))
}

/** Least SNR in dB for a tone of 1 kHz and for a voice, and the correlation of the voice. Opus does not keep the wave as it is. */
const LEAST: readonly (readonly [CodecName, number, number, number])[] = [
  ['PCMU', 35, 32, 0.999],
  ['PCMA', 35, 32, 0.999],
  ['G722', 30, 12, 0.96],
  ['opus', 10, 4, 0.85],
]

for (const [codec, tone, speech, like] of LEAST) {
  test(`${codec}: a tone has ${tone} dB of signal to noise, a voice ${speech} dB`, async () => {
    const decoder = openDecoder(codec, RATE_HZ)
    await settled()
    const sines = sine(1_000, RATE_HZ, 16_000)
    const toneSnr = toneSnrDb(heardBy(decoder, await packetsOf(codec, sines)).subarray(8_000, 12_000))
    const voices = voice(RATE_HZ, 24_000)
    const heard = heardBy(decoder, await packetsOf(codec, voices))
    const voiceSnr = snrDb(voices.subarray(8_000, 16_000), heard.subarray(8_000, 16_400))
    const { correlation } = likeness(voices.subarray(8_000, 16_000), heard.subarray(8_000, 16_400))
    const figures = `tone ${toneSnr.toFixed(1)} dB, voice ${voiceSnr.toFixed(1)} dB, correlation ${correlation.toFixed(4)}`
    assert.ok(toneSnr > tone && voiceSnr > speech && correlation > like, figures)
    decoder.free()
  })

  test(`${codec}: packets of 10, 20, 40 and 60 ms`, async () => {
    for (const ms of [10, 20, 40, 60]) {
      const decoder = openDecoder(codec, RATE_HZ)
      await settled()
      heardBy(decoder, await packetsOf(codec, voice(RATE_HZ, 9_600), 8 * ms), 8 * ms)
      decoder.free()
    }
  })

  test(`${codec}: silence is silent, and any octets are sound or nothing`, async () => {
    const decoder = openDecoder(codec, RATE_HZ)
    const encoder = openEncoder(codec, RATE_HZ)
    await settled()
    const out = new Uint8Array(MAX_PAYLOAD_BYTES)
    const pcm = new Int16Array(MAX_PAYLOAD_BYTES)
    for (let n = 0; n < 10; n++) {
      const bytes = encoder.silence(FRAME, out, 0)
      assert.equal(decoder.decode(out, 0, bytes, pcm), FRAME)
      assert.ok(pcm.subarray(0, FRAME).every((sample) => Math.abs(sample) <= 8))
    }
    const random = randomly(7)
    for (let n = 0; n < 500; n++) {
      const rubbish = Uint8Array.from({ length: n % 200 }, () => Math.round(127 * random()) & 0xff)
      const length = decoder.lengthOf(rubbish, 0, rubbish.length)
      const count = decoder.decode(rubbish, 0, rubbish.length, pcm)
      assert.ok(count === 0 || count === length, `${count} of ${length}`)
      decoder.conceal(pcm, FRAME, rubbish, 0, rubbish.length)
    }
    encoder.free()
    decoder.free()
    decoder.free()
    assert.equal(encoder.encode(pcm.subarray(0, FRAME), out, 0) === 0, codec === 'opus')
  })
}

test('an Opus packet that is lost comes back from the one after it', async () => {
  const pcm = voice(RATE_HZ, 32_000)
  const packets = await packetsOf('opus', pcm)
  const [whole, recovered, madeUp] = [
    openDecoder('opus', RATE_HZ),
    openDecoder('opus', RATE_HZ),
    openDecoder('opus', RATE_HZ),
  ]
  await settled()
  const out = new Int16Array(MAX_PAYLOAD_BYTES)
  let [power, error, blindError] = [0, 0, 0]
  for (const [n, packet] of packets.entries()) {
    if (n % 10 === 8) continue
    const isAfterLoss = n % 10 === 9
    if (isAfterLoss) {
      const lost = packets[n - 1]!
      whole.decode(lost, 0, lost.length, out)
      const truth = out.slice(0, FRAME)
      assert.equal(recovered.conceal(out, FRAME, packet, 0, packet.length), true)
      for (let i = 0; i < FRAME; i++) error += (out[i]! - truth[i]!) ** 2
      // Without the copy, a packet that has none: its TOC octet alone says "nothing".
      madeUp.conceal(out, FRAME, Uint8Array.of(packet[0]!), 0, 1)
      for (let i = 0; i < FRAME; i++) blindError += (out[i]! - truth[i]!) ** 2
      for (let i = 0; i < FRAME; i++) power += truth[i]! ** 2
    }
    for (const decoder of [whole, recovered, madeUp]) decoder.decode(packet, 0, packet.length, out)
  }
  const [withCopy, without] = [10 * Math.log10(power / error), 10 * Math.log10(power / blindError)]
  assert.ok(withCopy > 8 && withCopy > without + 6, `${withCopy.toFixed(1)} dB with, ${without.toFixed(1)} dB without`)
  for (const decoder of [whole, recovered, madeUp]) decoder.free()
})

test('an encoder of Opus keeps to what the far end asks', async () => {
  const pcm = voice(RATE_HZ, 16_000)
  const bytesWith = async (maxAverageBitrate: number | null): Promise<number> => {
    const encoder = openEncoder('opus', RATE_HZ, { maxAverageBitrate, maxPlaybackRateHz: 8_000, useInbandFec: false })
    await settled()
    encoder.expectLoss(20)
    const out = new Uint8Array(MAX_PAYLOAD_BYTES)
    let bytes = 0
    for (let at = 0; at < pcm.length; at += FRAME) bytes += encoder.encode(pcm.subarray(at, at + FRAME), out, 0)
    encoder.free()
    return bytes
  }
  const [free, bound] = [await bytesWith(null), await bytesWith(8_000)]
  assert.ok(bound < 0.7 * free && (bound * 8) / 2 < 9_500, `${bound} and ${free} bytes`)
})

test('how long an Opus packet is stands in its first octets', () => {
  const samples = (...octets: number[]): number => opusPacketSamples(Uint8Array.from(octets), 0, octets.length, 8_000)
  assert.deepEqual([samples(), samples(0x08), samples(0x18), samples(0x09), samples(0x80)], [0, 160, 480, 320, 20])
  assert.deepEqual([samples(0x0b), samples(0x0b, 3), samples(0x0b, 7), samples(0x70)], [0, 480, 0, 80])
})

test('codecs of 1,000 legs leave nothing behind', async () => {
  const out = new Uint8Array(MAX_PAYLOAD_BYTES)
  const pcm = new Int16Array(MAX_PAYLOAD_BYTES)
  const leg = async (): Promise<void> => {
    const parts = [openEncoder('opus', RATE_HZ), openDecoder('opus', RATE_HZ), openDecoder('opus', RATE_HZ)] as const
    // Some end before libopus has answered.
    if (Math.abs(out[0]!) % 3 > 0) await settled()
    const bytes = parts[0].encode(pcm.subarray(0, FRAME), out, 0)
    for (const decoder of parts.slice(1) as SoundDecoder[]) decoder.decode(out, 0, bytes, pcm)
    for (const part of parts) part.free()
    out[0] = out[0]! + 1
  }
  for (let n = 0; n < 100; n++) await leg()
  const before = process.memoryUsage()
  for (let n = 0; n < 1_000; n++) await leg()
  const after = process.memoryUsage()
  // Memory of WebAssembly only grows: 1,000 legs that leak would need 60 MB.
  const grownKb = (after.external + after.arrayBuffers - before.external - before.arrayBuffers) / 1024
  assert.ok(grownKb < 4_096, `${grownKb} KB`)
})

test('the clock of RTP is not the rate of sound', () => {
  assert.deepEqual(CLOCK_HZ, { PCMU: 8_000, PCMA: 8_000, G722: 8_000, opus: 48_000 })
})
