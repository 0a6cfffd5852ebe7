import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyRtpHeader, parseRtp, RTP_HEADER_BYTES, writeRtpHeader } from './packet.ts'

const header = fc.record({
  // 64 to 95 look like RTCP on a shared port (RFC 5761 §4).
  payloadType: fc.nat({ max: 127 }).filter((type) => type < 64 || type > 95),
  marker: fc.boolean(),
  sequence: fc.nat({ max: 0xffff }),
  rtpTime: fc.nat({ max: 0xffff_ffff }),
  ssrc: fc.nat({ max: 0xffff_ffff }),
})

test('what is written is read back', () => {
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 400 }), (sent, payload) => {
      const bytes = new Uint8Array(RTP_HEADER_BYTES + payload.length)
      writeRtpHeader(bytes, sent.payloadType, sent.marker, sent.sequence, sent.rtpTime, sent.ssrc)
      bytes.set(payload, RTP_HEADER_BYTES)
      const read = emptyRtpHeader()
      assert.ok(parseRtp(bytes, read))
      assert.deepEqual(read, { ...sent, payloadAt: RTP_HEADER_BYTES, payloadBytes: payload.length })
    }),
  )
})

test('contributing sources, extension and padding are stepped over', () => {
  fc.assert(
    fc.property(
      header,
      fc.nat({ max: 15 }),
      fc.option(fc.nat({ max: 5 }), { nil: null }),
      fc.nat({ max: 8 }),
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      (sent, sources, extensionWords, padding, payload) => {
        const extension =
          extensionWords === null ? [] : [0xbe, 0xde, 0, extensionWords, ...Array(4 * extensionWords).fill(7)]
        const tail = padding === 0 ? [] : [...Array(padding - 1).fill(0), padding]
        const bytes = Uint8Array.from([
          ...Array(RTP_HEADER_BYTES + 4 * sources).fill(9),
          ...extension,
          ...payload,
          ...tail,
        ])
        writeRtpHeader(bytes, sent.payloadType, sent.marker, sent.sequence, sent.rtpTime, sent.ssrc)
        bytes[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (extensionWords === null ? 0 : 0x10) | sources
        const read = emptyRtpHeader()
        assert.ok(parseRtp(bytes, read))
        assert.deepEqual([...bytes.subarray(read.payloadAt, read.payloadAt + read.payloadBytes)], [...payload])
      },
    ),
  )
})

test('any bytes are taken or refused, never thrown at, and a payload never leaves the datagram', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (bytes, looksRight) => {
      if (looksRight && bytes.length > 0) bytes[0] = 0x80 | (bytes[0]! & 0x3f)
      const read = emptyRtpHeader()
      if (!parseRtp(bytes, read)) return
      assert.ok(read.payloadAt >= RTP_HEADER_BYTES && read.payloadBytes >= 0)
      assert.ok(read.payloadAt + read.payloadBytes <= bytes.length)
    }),
    { numRuns: 2_000 },
  )
})
