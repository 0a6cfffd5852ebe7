/** What is damaged: good packets of each kind, and the messages of RFC 4475. */

import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { writeRtpHeader } from '../../src/rtp/packet.ts'
import { writeRtcp } from '../../src/rtp/rtcp.ts'
import { writeFingerprint, writeIntegrity } from '../../src/rtp/stun.ts'

export const SSRC = 0x1234_5678
export const ICE = { ufrag: 'ourU', pwd: 'our-password-of-22-chars-', remoteUfrag: 'farU' } as const

const VECTORS = path.join(import.meta.dirname, '../vectors/sip/rfc4475')

export const SDP = text([
  'v=0',
  'o=- 3724394400 3724394405 IN IP4 198.51.100.1',
  's=-',
  'c=IN IP4 198.51.100.1',
  't=0 0',
  'a=ice-ufrag:farU',
  'a=ice-pwd:far-password-of-22-chars-',
  'm=audio 4000 RTP/SAVP 111 9 0 8 101',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 useinbandfec=1;maxplaybackrate=16000',
  'a=rtpmap:9 G722/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 WSH=64',
  'a=crypto:2 AEAD_AES_128_GCM inline:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0',
  'a=candidate:1 1 UDP 2130706431 198.51.100.1 4000 typ host',
  'a=rtcp:4001 IN IP4 198.51.100.1',
  'a=rtcp-mux',
  'a=ptime:20',
  'a=maxptime:40',
  'a=sendrecv',
  'm=video 0 RTP/AVP 31',
  '',
])

function request(method: string, more: readonly string[] = [], body = ''): string {
  return text([
    `${method} sip:bob@10.0.0.2:5060;transport=udp SIP/2.0`,
    `Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-${method}-1;rport`,
    'Max-Forwards: 70',
    'From: "Alice \\"A\\"" <sip:alice@example.com>;tag=a1',
    `To: <sip:bob@example.com>${method === 'INVITE' || method === 'REGISTER' ? '' : ';tag=b1'}`,
    'Call-ID: 1234@10.0.0.1',
    `CSeq: 1 ${method}`,
    'Contact: <sip:alice@10.0.0.1:5060;ob>;+sip.instance="<urn:uuid:0>";reg-id=1;expires=600',
    ...more,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ])
}

function response(code: number, method: string, more: readonly string[] = [], body = ''): string {
  return request(method, more, body).replace(/^[^\r]*/, `SIP/2.0 ${code} Some Phrase`)
}

const TYPE = 'Content-Type: application/sdp'
const DIGEST =
  'Authorization: Digest username="alice", realm="example.com", nonce="abc", uri="sip:example.com", qop=auth, nc=00000001, ' +
  'cnonce="x", algorithm=SHA-256, response="00000000000000000000000000000000"'

/** What a phone or a carrier sends on a good day. */
export const NORMAL_SIP: readonly string[] = [
  request(
    'INVITE',
    [TYPE, 'Supported: 100rel, timer, replaces, outbound', 'Session-Expires: 1800;refresher=uac', 'Min-SE: 90'],
    SDP,
  ),
  request(
    'INVITE',
    [TYPE, 'Require: 100rel', 'P-Asserted-Identity: <tel:+15551234>', 'Diversion: <sip:x@y>;reason=busy'],
    SDP,
  ),
  response(180, 'INVITE', ['Require: 100rel', 'RSeq: 17', 'Record-Route: <sip:10.0.0.9;lr>, <sip:10.0.0.8;lr>']),
  response(
    200,
    'INVITE',
    [TYPE, 'Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK', 'Session-Expires: 1800;refresher=uas'],
    SDP,
  ),
  request('ACK'),
  request('BYE', ['Reason: Q.850;cause=16;text="Normal call clearing"']),
  request('CANCEL'),
  request('REGISTER', [DIGEST, 'Expires: 600', 'Path: <sip:10.0.0.9;lr>', 'Supported: path, outbound']),
  response(401, 'REGISTER', [
    'WWW-Authenticate: Digest realm="example.com", nonce="abc", algorithm=SHA-256, qop="auth,auth-int"',
  ]),
  request('OPTIONS', ['Accept: application/sdp']),
]

const OTHER_SIP: readonly string[] = [
  request('PRACK', ['RAck: 17 1 INVITE']),
  request('UPDATE', [TYPE], SDP),
  request('REFER', [
    'Refer-To: <sip:carol@10.0.0.3?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>',
    'Referred-By: <sip:alice@example.com>',
  ]),
  request('INVITE', [TYPE, 'Replaces: 1234@10.0.0.1;to-tag=b1;from-tag=a1;early-only'], SDP),
  request(
    'NOTIFY',
    ['Event: refer', 'Subscription-State: terminated;reason=noresource', 'Content-Type: message/sipfrag'],
    'SIP/2.0 200 OK',
  ),
  request('INFO', ['Content-Type: application/dtmf-relay'], 'Signal=5\r\nDuration=160\r\n'),
  request('MESSAGE', ['Content-Type: text/plain'], 'hello'),
  request('SUBSCRIBE', ['Event: presence', 'Expires: 60']),
  response(491, 'INVITE', ['Retry-After: 1']),
  response(422, 'INVITE', ['Min-SE: 3600']),
  response(302, 'INVITE', ['Contact: <sip:carol@10.0.0.3>;q=0.5, <sip:dave@10.0.0.4>']),
  response(407, 'INVITE', ['Proxy-Authenticate: Digest realm="x", nonce="y", stale=true, algorithm=MD5']),
  request('INVITE', [TYPE, 'Identity: abc.def.ghi;info=<https://x/y>;alg=ES256;ppt=shaken'], SDP)
    .replace('Via:', 'v:')
    .replace('From:', 'f:')
    .replace('To:', 't:')
    .replace('Call-ID:', 'i:')
    .replace('Content-Length:', 'l:'),
  request('INVITE', [TYPE, 'Record-Route: <sip:[2001:db8::9];lr>'], SDP).replaceAll('10.0.0.1', '[2001:db8::1]'),
  '\r\n\r\n',
]

export function sipSeeds(): Uint8Array[] {
  const vectors = globSync('*.dat', { cwd: VECTORS })
    .sort()
    .map((file) => Uint8Array.from(readFileSync(path.join(VECTORS, file))))
  return [...[...NORMAL_SIP, ...OTHER_SIP].map(bytesOf), ...vectors]
}

export function rtpSeeds(): Uint8Array[] {
  return [0, 9, 111, 101, 13].flatMap((payloadType, i) =>
    [160, 4, 0, 33].map((length, j) => {
      const packet = new Uint8Array(12 + length).fill(0x55 + i)
      writeRtpHeader(packet, payloadType, j === 0, 100 + i, 1_000 * i, SSRC)
      if (payloadType === 101) packet.set([5, 0x8a, 0x03, 0x20].slice(0, length), 12)
      return packet
    }),
  )
}

export function rtcpSeeds(): Uint8Array[] {
  const sender = { ntpSeconds: 3_900_000_000, ntpFraction: 77, rtpTime: 160, packets: 50, octets: 8_000 }
  const block = { ssrc: 42, fractionLost: 3, lost: 9, highest: 70_000, jitter: 12, lastReport: 5, sinceLastReport: 6 }
  return [true, false].flatMap((isSender) =>
    [true, false].map((isBye) => {
      const out = new Uint8Array(256)
      const length = writeRtcp(out, { ssrc: SSRC, sender: isSender ? sender : null, block, cname: 'far@end', isBye })
      return out.slice(0, length)
    }),
  )
}

/** Binding requests: bare, of the old kind, and a check of ICE with its proofs. */
export function stunSeeds(): Uint8Array[] {
  const bare = Uint8Array.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  const old = Uint8Array.from([0, 1, 0, 8, ...Array(16).fill(7), 0, 3, 0, 4, 0, 0, 0, 2])
  return [bare, old, check(true), check(false)]
}

function check(nominates: boolean): Uint8Array {
  const name = Buffer.from(`${ICE.ufrag}:${ICE.remoteUfrag}`)
  const attributes = Buffer.concat([
    Buffer.from([0, 6, 0, name.length]),
    name,
    Buffer.alloc((4 - (name.length % 4)) % 4),
    Buffer.from([0, 0x24, 0, 4, 0x6e, 0, 1, 0xff, 0x80, 0x2a, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
    Buffer.from(nominates ? [0, 0x25, 0, 0] : []),
  ])
  const head = Buffer.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 9, 9, 9, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  const whole = new Uint8Array(head.length + attributes.length + 32)
  const view = new DataView(whole.buffer)
  whole.set(head)
  whole.set(attributes, head.length)
  writeFingerprint(view, writeIntegrity(whole, view, head.length + attributes.length, ICE.pwd))
  return whole
}

function text(lines: readonly string[]): string {
  return lines.join('\r\n')
}

export function bytesOf(message: string): Uint8Array {
  return Uint8Array.from(Buffer.from(message))
}
