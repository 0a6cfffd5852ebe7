import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sdpOf } from './body.ts'
import { readEnvelope } from './envelope.ts'
import { header, listOf, type SipMessage } from './message.ts'
import { parseMessage } from './parse.ts'
import { printMessage } from './print.ts'

function parsed(...lines: string[]): { message: SipMessage; flaw: string | null } {
  const result = parseMessage(Buffer.from(lines.join('\r\n')))
  if (!result.ok) throw new Error(result.why)
  return { message: result.value.message, flaw: result.value.flaw?.why ?? null }
}

const HEAD = [
  'OPTIONS sip:b@c SIP/2.0',
  'Via: SIP/2.0/UDP a;branch=z9hG4bK1',
  'f: <sip:a@b>;tag=1',
  't: sip:b@c',
  'i: x',
  'CSeq: 7 OPTIONS',
]

test('compact names, odd case and folded lines mean the same as the long form', () => {
  const { message } = parsed('OPTIONS sip:b@c SIP/2.0', 'v: one', 'SUBJECT : a', '\tlong', ' story', 'k: x', '', '')
  assert.equal(header(message, 'via'), 'one')
  assert.equal(header(message, 'subject'), 'a long story')
  assert.equal(header(message, 'supported'), 'x')
})

test('a comma list is one list over all its fields, quotes and brackets hold commas', () => {
  const { message } = parsed('OPTIONS sip:b@c SIP/2.0', 'm: "A, B" <sip:a,b@c>, sip:d@e', 'Contact: <sip:f@g>', '', '')
  assert.deepEqual(listOf(message, 'contact'), ['"A, B" <sip:a,b@c>', 'sip:d@e', '<sip:f@g>'])
})

test('Content-Length: missing takes all, smaller cuts, larger and twice different are flaws', () => {
  assert.equal(parsed(...HEAD, '', 'body').message.body, 'body')
  assert.equal(parsed(...HEAD, 'l: 2', '', 'body').message.body, 'bo')
  assert.equal(parsed(...HEAD, 'l: 5', '', 'body').flaw, 'body shorter than Content-Length')
  assert.equal(parsed(...HEAD, 'l: 4', 'Content-Length: 3', '', 'body').flaw, 'bad Content-Length')
  assert.equal(parsed(...HEAD, 'l: -1', '', 'body').flaw, 'bad Content-Length')
})

test('Content-Length counts bytes, not characters', () => {
  const { message } = parsed(...HEAD, 'l: 10', '', '안녕🙂 cut')
  assert.equal(message.body, '안녕🙂')
  assert.match(Buffer.from(printMessage(message)).toString(), /Content-Length: 10\r\n/)
})

test('line ends alone are a keep-alive, and in front of a message they do not matter', () => {
  assert.deepEqual(parseMessage(Buffer.from('\r\n\r\n')), { ok: false, why: 'keep-alive' })
  assert.equal(parsed('', '', ...HEAD, '', '').flaw, null)
})

test('a start line with flaws still tells the method', () => {
  assert.equal(parsed('INVITE sip:a b SIP/2.0', '', '').flaw, 'malformed Request-URI')
  assert.equal(parsed('INVITE sip:a SIP/7.0', '', '').flaw, 'Version Not Supported')
  assert.equal(parseMessage(Buffer.from('GET / HTTP/1.1\r\n\r\n')).ok, false)
  assert.equal(parseMessage(Buffer.from('SIP/2.0 4294967301 OK\r\n\r\n')).ok, false)
})

test('an envelope needs its five headers, once each', () => {
  const read = (...lines: string[]) => {
    const result = readEnvelope(parsed(...lines, '', '').message)
    return result.ok ? result.value : result.why
  }
  const whole = read(...HEAD)
  assert.ok(typeof whole !== 'string')
  assert.deepEqual(
    [whole.branch, whole.fromTag, whole.toTag, whole.sipCallId, whole.cseq],
    ['z9hG4bK1', '1', '', 'x', 7],
  )
  assert.equal(read(...HEAD.slice(0, 5)), 'mandatory header missing')
  assert.equal(read(...HEAD, 'From: sip:c@d'), 'from given twice')
  assert.equal(read(...HEAD.slice(0, 5), 'CSeq: 7 INVITE'), 'CSeq names another method')
  assert.equal(read(...HEAD.slice(0, 5), 'CSeq: 4294967296 OPTIONS'), 'malformed CSeq')
})

test('the SDP is found in a multipart body', () => {
  const part = [
    '--b',
    'Content-Type: application/isup',
    '',
    'xx',
    '--b',
    'Content-Type: Application/SDP',
    '',
    'v=0',
    '',
    '--b--',
    '',
  ]
  const { message } = parsed(...HEAD, 'c: multipart/mixed; boundary="b"', '', ...part)
  assert.equal(sdpOf(message), 'v=0\r\n\r\n')
  assert.equal(sdpOf(parsed(...HEAD, 'c: text/plain', '', 'hi').message), null)
  assert.equal(sdpOf(parsed(...HEAD, '', '').message), '')
})

test('a line break inside a value cannot make a header', () => {
  const bytes = printMessage({
    kind: 'response',
    code: 200,
    phrase: 'OK\r\nX: 1',
    fields: [{ key: 'a', name: 'A', value: 'b\r\nEvil: 1' }],
    body: '',
  })
  assert.equal(Buffer.from(bytes).toString(), 'SIP/2.0 200 OK X: 1\r\nA: b Evil: 1\r\nContent-Length: 0\r\n\r\n')
})
