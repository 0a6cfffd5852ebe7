/**
 * Bytes to message. Only the frame is read here: start line, names and values of the fields, length of the body. What a
 * field means is read by whoever needs it. Never throws, whatever comes.
 */

import { bad, good, type Result } from '../../kernel/result.ts'
import { isToken, parseNumber } from './grammar.ts'
import { type Field, knownName, nameOf, type SipMessage } from './message.ts'

/** What is wrong with a message that can still be answered. */
export interface Flaw {
  readonly code: 400 | 505
  readonly why: string
}

export interface Parsed {
  readonly message: SipMessage
  /** A flawed request is refused, a flawed response is dropped. */
  readonly flaw: Flaw | null
}

const CR = 13
const LF = 10
const BLANK = 32
const HEAD_END = Buffer.from('\r\n\r\n')
const FOLD = /\r\n[ \t]+/g

/**
 * Reads one datagram (or one framed message of a stream).
 *
 * Content-Length (RFC 3261 §18.3): missing means all of the datagram, smaller cuts the rest off, larger is a flaw.
 * @param isStreamed on a stream a missing one is a flaw: where the next message begins was a guess
 * @returns `why` is 'keep-alive' for a datagram of line ends only (RFC 5626 §4.4.1)
 */
export function parseMessage(bytes: Uint8Array, isStreamed = false): Result<Parsed> {
  let start = 0
  while (start < bytes.length && (bytes[start] === CR || bytes[start] === LF)) start++
  if (start === bytes.length) return bad('keep-alive')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start)
  const found = buffer.indexOf(HEAD_END)
  const headEnd = found === -1 ? buffer.length : found
  const head = readHead(buffer.toString('utf8', 0, headEnd))
  if (head === null) return bad('no SIP start line')
  const rest = buffer.subarray(Math.min(buffer.length, headEnd + HEAD_END.length))
  if (found === -1) head.flaw ??= { code: 400, why: 'header not ended' }
  const length = head.lengths.length === 0 ? rest.length : readLength(head.lengths)
  if (length === null) head.flaw ??= { code: 400, why: 'bad Content-Length' }
  else if (isStreamed && head.lengths.length === 0) head.flaw ??= { code: 400, why: 'Content-Length missing' }
  else if (length > rest.length) head.flaw ??= { code: 400, why: 'body shorter than Content-Length' }
  const bodyBytes = Math.min(length ?? 0, rest.length)
  const body = bodyBytes === 0 ? '' : rest.toString('utf8', 0, bodyBytes)
  return good({ message: { ...head.startLine, fields: head.fields, body }, flaw: head.flaw })
}

type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string }
  | { readonly kind: 'response'; readonly code: number; readonly phrase: string }

interface Head {
  readonly startLine: StartLine
  readonly fields: Field[]
  readonly lengths: string[]
  flaw: Flaw | null
}

function readHead(text: string): Head | null {
  const lineEnd = text.indexOf('\r\n')
  const first = readStartLine(lineEnd === -1 ? text : text.slice(0, lineEnd))
  if (first === null) return null
  const head: Head = { startLine: first.line, fields: [], lengths: [], flaw: first.flaw }
  let at = lineEnd === -1 ? text.length : lineEnd + 2
  while (at < text.length) {
    let end = text.indexOf('\r\n', at)
    let folded = false
    while (end !== -1 && isBlank(text.charCodeAt(end + 2))) {
      folded = true
      end = text.indexOf('\r\n', end + 2)
    }
    if (end === -1) end = text.length
    if (folded) readFolded(head, text.slice(at, end).replace(FOLD, ' '))
    else readField(head, text, at, end)
    at = end + 2
  }
  return head
}

function isBlank(code: number): boolean {
  return code === BLANK || code === 9
}

function readFolded(head: Head, line: string): void {
  readField(head, line, 0, line.length)
}

function readField(head: Head, text: string, start: number, end: number): void {
  const colon = text.indexOf(':', start)
  const written = colon === -1 || colon > end ? '' : trimmed(text, start, colon)
  const known = knownName(written)
  const { key, name } = known ?? nameOf(written)
  const value = trimmed(text, colon + 1, end)
  if (known === null && !isToken(written)) head.flaw ??= { code: 400, why: 'malformed header line' }
  else if (key === 'content-length') head.lengths.push(value)
  else head.fields.push({ key, name, value })
}

/** As `slice(start, end).trim()`, with one string made instead of two in the usual case. */
function trimmed(text: string, start: number, end: number): string {
  const from = text.charCodeAt(start) === BLANK && start < end ? start + 1 : start
  const part = text.slice(from, end)
  return isPlain(part.charCodeAt(0)) && isPlain(part.charCodeAt(part.length - 1)) ? part : part.trim()
}

/** A visible ASCII sign: nothing to trim. */
function isPlain(code: number): boolean {
  return code > BLANK && code < 0x7f
}

function readLength(lengths: readonly string[]): number | null {
  const length = parseNumber(lengths[0]!)
  return lengths.every((other) => parseNumber(other) === length) ? length : null
}

function readStartLine(text: string): { line: StartLine; flaw: Flaw | null } | null {
  return text.startsWith('SIP/') ? readStatusLine(text) : readRequestLine(text)
}

function readStatusLine(text: string): { line: StartLine; flaw: Flaw | null } | null {
  const match = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/is.exec(text)
  if (!match) return null
  return { line: { kind: 'response', code: Number(match[1]), phrase: match[2] ?? '' }, flaw: null }
}

/** Finds method, URI and version even when they are wrong, so that the request can be refused. */
function readRequestLine(given: string): { line: StartLine; flaw: Flaw | null } | null {
  const text = given.trimEnd()
  const first = text.indexOf(' ')
  const last = text.lastIndexOf(' ')
  const method = text.slice(0, Math.max(0, first))
  const version = text.slice(last + 1)
  if (!isToken(method) || !/^SIP\//i.test(version)) return null
  const uri = text.slice(first + 1, Math.max(first + 1, last))
  const line: StartLine = { kind: 'request', method, uri }
  if (!/^SIP\/2\.0$/i.test(version)) return { line, flaw: { code: 505, why: 'Version Not Supported' } }
  return { line, flaw: uri === '' || /[\s<>]/.test(uri) ? { code: 400, why: 'malformed Request-URI' } : null }
}
