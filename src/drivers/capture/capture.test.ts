import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../kernel/clock.ts'
import type { Flow } from '../../sip/types.ts'
import { Captures } from './captures.ts'

const FLOW: Flow = {
  transport: 'udp',
  local: { address: '192.0.2.1', port: 5060 },
  remote: { address: '198.51.100.7', port: 5062 },
  connection: '',
}

function message(first: string, cseq: string, callId = 'abc@host', body = ''): Uint8Array {
  const head = [first, 'Via: SIP/2.0/UDP 198.51.100.7:5062', `Call-ID: ${callId}`, `CSeq: ${cseq}`]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function rtp(sequence: number): Uint8Array {
  const packet = Buffer.alloc(172)
  packet[0] = 0x80
  packet.writeUInt16BE(sequence, 2)
  packet.writeUInt32BE(77, 8)
  return packet
}

function opened() {
  const clock = new VirtualClock()
  const watched: string[] = []
  const captures = new Captures({
    clock,
    watch: (callId, on) => watched.push(`${callId} ${on ? 'on' : 'off'}`),
    localOf: (callId) => (callId === 'silent' ? null : { address: '192.0.2.1', port: 10_000 }),
  })
  return { clock, captures, watched }
}

test('a ladder shows who sent what when, and a stream of sound in a line', () => {
  const { clock, captures } = opened()
  captures.trace.message(false, FLOW, message('INVITE sip:1@192.0.2.1 SIP/2.0', '1 INVITE', 'abc@host', 'v=0\r\n'))
  captures.trace.bind('call', 'abc@host')
  clock.advanceTo(clock.now() + 120)
  captures.trace.message(true, FLOW, message('SIP/2.0 200 OK', '1 INVITE', 'abc@host', 'v=0\r\n'))
  captures.start('call', 60_000)
  const remote = { address: '198.51.100.7', port: 4_000 }
  const sequences = [65_534, 65_535, 1]
  const packets = sequences.map((n, i) => ({ isOut: false, at: clock.now() + 20 * i, remote, bytes: rtp(n) }))
  captures.captured('call', packets)
  assert.deepEqual(captures.state('call').ladder, [
    '    0.000 s  198.51.100.7:5062       INVITE SDP ---------------------> us   udp',
    '    0.120 s  198.51.100.7:5062      <------------ 200 OK (INVITE) SDP  us   udp',
    '    0.120 s  198.51.100.7:4000       RTP PCMU -----------------------> us   3 packets in 0.0 s, 1 missing, longest gap 20 ms',
  ])
})

test('the file is a pcap of raw IP that holds every byte, in order of time', () => {
  const { captures } = opened()
  const invite = message('INVITE sip:1@192.0.2.1 SIP/2.0', '1 INVITE')
  captures.trace.expect('call')
  captures.trace.message(true, FLOW, invite)
  const file = Buffer.from(captures.pcap('call'))
  assert.deepEqual([file.readUInt32BE(0), file.readUInt32BE(20)], [0xa1b2c3d4, 101])
  const length = file.readUInt32BE(24 + 8)
  assert.equal(file.length, 24 + 16 + length)
  const ip = file.subarray(40)
  assert.deepEqual([...ip.subarray(12, 20)], [192, 0, 2, 1, 198, 51, 100, 7])
  let sum = 0
  for (let i = 0; i < 20; i += 2) sum += ip.readUInt16BE(i)
  assert.equal(((sum & 0xffff) + (sum >> 16)) & 0xffff, 0xffff, 'the checksum of the header')
  assert.deepEqual([ip.readUInt16BE(20), ip.readUInt16BE(22)], [5_060, 5_062])
  assert.deepEqual(ip.subarray(28), Buffer.from(invite))
})

test('IPv6 is written as IPv6', () => {
  const { captures } = opened()
  const six: Flow = {
    ...FLOW,
    local: { address: '2001:db8::1', port: 5060 },
    remote: { address: 'fe80::1:2%eth0', port: 5060 },
  }
  captures.trace.expect('call')
  captures.trace.message(true, six, message('INVITE sip:1@[fe80::1] SIP/2.0', '1 INVITE'))
  const ip = Buffer.from(captures.pcap('call')).subarray(40)
  assert.equal(ip[0], 0x60)
  assert.equal(ip.subarray(8, 24).toString('hex'), '20010db8000000000000000000000001')
  assert.equal(ip.subarray(24, 40).toString('hex'), 'fe800000000000000000000000010002')
})

test('what belongs to no call is not kept, and a dialog is bounded', () => {
  const { captures } = opened()
  captures.trace.message(false, FLOW, message('OPTIONS sip:192.0.2.1 SIP/2.0', '1 OPTIONS', 'scan'))
  captures.trace.bind('none', 'scan')
  assert.equal(captures.state('none').sip_messages, 0)
  const long = message('INVITE sip:1@192.0.2.1 SIP/2.0', '1 INVITE', 'long', 'x'.repeat(1_000))
  for (let i = 0; i < 100; i++) captures.trace.message(false, FLOW, long)
  captures.trace.bind('call', 'long')
  const { sip_messages, left_out } = captures.state('call')
  assert.ok(sip_messages < 25)
  assert.equal(sip_messages + left_out, 100)
})

test('old dialogs make room for new ones', () => {
  const { captures } = opened()
  for (let n = 0; n < 2_000; n++) {
    const text = message('INVITE sip:1@192.0.2.1 SIP/2.0', '1 INVITE', `dialog-${n}`, 'x'.repeat(20_000))
    captures.trace.message(false, FLOW, text)
    captures.trace.bind(`call-${n}`, `dialog-${n}`)
  }
  assert.equal(captures.state('call-0').sip_messages, 0)
  assert.equal(captures.state('call-1999').sip_messages, 1)
})

test('sound is captured for as long as was asked, and a call without sound says so', () => {
  const { clock, captures, watched } = opened()
  assert.equal(captures.start('silent', 1_000), false)
  assert.equal(captures.start('call', 1_000), true)
  assert.equal(captures.state('call').status, 'capturing')
  clock.advanceTo(clock.now() + 1_000)
  assert.equal(captures.state('call').status, 'done')
  assert.deepEqual(watched, ['call on', 'call off'])
})
