import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { Framer, MAX_MESSAGE_BYTES } from './framing.ts'

const OPTIONS = 'OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n'
const MESSAGE = 'MESSAGE sip:a@b SIP/2.0\r\nl :\r\n 5\r\n\r\nhello'
const ANSWER = 'SIP/2.0 200 OK\r\nContent-Length: 3\r\n\r\n\r\nx'

function cut(chunks: readonly (string | Uint8Array)[]) {
  const messages: string[] = []
  let pings = 0
  const framer = new Framer({
    message: (bytes) => messages.push(Buffer.from(bytes).toString('latin1')),
    ping: () => pings++,
  })
  let why: string | null = null
  for (const chunk of chunks) why = framer.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk)
  return { messages, pings, why, pending: framer.pendingBytes }
}

test('several messages in one read, a folded and short Content-Length, a body that begins with an empty line', () => {
  const { messages, why, pending } = cut([OPTIONS + MESSAGE + ANSWER])
  assert.deepEqual([messages, why, pending], [[OPTIONS, MESSAGE, ANSWER], null, 0])
})

test('however a stream is cut, the same messages and pings come out', () => {
  const stream = `\r\n\r\n${OPTIONS}\r\n\r\n${MESSAGE}${ANSWER}\r\n${OPTIONS}`
  const whole = cut([stream])
  assert.deepEqual([whole.messages.length, whole.pings], [4, 2])
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 40 }), (places) => {
      const at = [0, ...places.sort((a, b) => a - b), stream.length]
      const chunks = at.slice(1).map((end, n) => stream.slice(at[n], end))
      assert.deepEqual(cut(chunks), whole)
    }),
  )
})

test('two empty lines are a ping, one is the answer to ours', () => {
  assert.equal(cut(['\r\n\r\n']).pings, 1)
  assert.equal(cut(['\r', '\n\r', '\n']).pings, 1)
  assert.equal(cut(['\r\n', OPTIONS, '\r\n']).pings, 0)
})

test('without Content-Length the message ends with its head: the parser refuses it', () => {
  const bare = 'OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\n\r\n'
  assert.deepEqual(cut([bare + OPTIONS]).messages, [bare, OPTIONS])
})

test('a Content-Length that cannot be read: the head is given out, then the stream is over', () => {
  for (const length of ['-999', 'x', '1, 2', '', '99999999999']) {
    const head = `OPTIONS sip:a@b SIP/2.0\r\nContent-Length: ${length}\r\n\r\n`
    const { messages, why } = cut([head + OPTIONS, OPTIONS])
    assert.deepEqual([messages, why], [[head], 'Content-Length cannot be read'], length)
  }
  assert.ok(cut(['OPTIONS sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\nab']).why)
})

test('what is not SIP ends the connection with its first line, or its first octet', () => {
  for (const text of ['GET / HTTP/1.1\r\n', '\x16\x03\x01', 'hello\r\n', `${'A'.repeat(9_000)}`, ' OPTIONS']) {
    assert.equal(cut([text]).why, 'not SIP', text.slice(0, 20))
  }
  assert.equal(cut(['OPTIONS sip:a@b SIP/7.0\r\n']).why, null)
})

test('one message is at most so large, said before it has come', () => {
  const head = (length: number) => `OPTIONS sip:a@b SIP/2.0\r\nContent-Length: ${length}\r\n\r\n`
  assert.equal(cut([head(MAX_MESSAGE_BYTES)]).why, 'message too large')
  const fits = MAX_MESSAGE_BYTES - head(60_000).length
  assert.equal(cut([head(fits), Buffer.alloc(fits, 65)]).messages.length, 1)
  assert.equal(cut(['OPTIONS sip:a@b SIP/2.0\r\n', 'X: y\r\n'.repeat(11_000)]).why, 'message too large')
})

test('a message that comes byte by byte costs no more than its size', () => {
  const body = 'b'.repeat(60_000)
  const text = `MESSAGE sip:a@b SIP/2.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  assert.deepEqual(cut([...text]).messages, [text])
})

test('any bytes: never throws', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 80 })), (chunks) => void cut(chunks)))
})

test('the messages of RFC 4475 are cut where they end', () => {
  const folder = new URL('../../../tests/vectors/sip/rfc4475/', import.meta.url)
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.dat'))) {
    const bytes = readFileSync(new URL(name, folder))
    const { messages, pending, why } = cut([bytes])
    assert.ok(messages.length > 0 || pending > 0 || why, name)
  }
})
