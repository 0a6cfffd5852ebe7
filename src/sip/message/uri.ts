/** SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966). Passwords and header parts are dropped: keep the text to pass them on. */

import { bad, good, type Result } from '../../kernel/result.ts'
import type { SipUri } from '../types.ts'

const HOST = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*)|\[[0-9A-Fa-f:.]+\])$/
const NEVER = /[\s<>"\x00-\x1f\x7f]/
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/
const NONE: Readonly<Record<string, string>> = Object.freeze(Object.create(null))

/** Why of a URI that may be a good one, only not for us: a request for it is answered 416. */
export const UNKNOWN_SCHEME = 'unknown URI scheme'

export function parseUri(text: string): Result<SipUri> {
  return read(text, true)
}

/** A Request-URI: no header part allowed (RFC 3261 §19.1.1, table 1). */
export function parseRequestUri(text: string): Result<SipUri> {
  return read(text, false)
}

/** Escapes what must be; `parseUri` of the answer gives `uri` again. */
export function printUri(uri: SipUri): string {
  const parameters = Object.entries(uri.parameters)
    .map(([name, value]) =>
      value === ''
        ? `;${withEscapes(name, PARAMETER)}`
        : `;${withEscapes(name, PARAMETER)}=${withEscapes(value, PARAMETER)}`,
    )
    .join('')
  if (uri.scheme === 'tel') return `tel:${withEscapes(uri.user, USER)}${parameters}`
  const user = uri.user === '' ? '' : `${withEscapes(uri.user, USER)}@`
  const port = uri.port === 0 ? '' : `:${uri.port}`
  return `${uri.scheme}:${user}${uri.host}${port}${parameters}`
}

function read(text: string, headersAllowed: boolean): Result<SipUri> {
  const colon = text.indexOf(':')
  if (colon < 1) return bad('no URI scheme')
  const given = text.slice(0, colon)
  if (!SCHEME.test(given) || NEVER.test(text)) return bad('malformed URI')
  const scheme = given.toLowerCase()
  if (scheme === 'tel') return readTel(text.slice(colon + 1))
  if (scheme !== 'sip' && scheme !== 'sips') return bad(UNKNOWN_SCHEME)
  return readSip(scheme, text.slice(colon + 1), headersAllowed)
}

function readTel(rest: string): Result<SipUri> {
  const semicolon = rest.indexOf(';')
  const user = withoutEscapes(semicolon === -1 ? rest : rest.slice(0, semicolon))
  const parameters = readParameters(semicolon === -1 ? '' : rest.slice(semicolon + 1))
  if (user === '' || parameters === null) return bad('malformed tel URI')
  return good({ scheme: 'tel', user, host: '', port: 0, parameters })
}

function readSip(scheme: 'sip' | 'sips', rest: string, headersAllowed: boolean): Result<SipUri> {
  const sign = rest.indexOf('@')
  const user = sign === -1 ? '' : rest.slice(0, sign)
  let tail = rest.slice(sign + 1)
  const question = tail.indexOf('?')
  if (question !== -1) {
    if (!headersAllowed) return bad('headers in a Request-URI')
    tail = tail.slice(0, question)
  }
  const semicolon = tail.indexOf(';')
  const parameters = readParameters(semicolon === -1 ? '' : tail.slice(semicolon + 1))
  const where = readHostPort(semicolon === -1 ? tail : tail.slice(0, semicolon))
  if (parameters === null || where === null || sign === 0) return bad('malformed SIP URI')
  const name = withoutEscapes(ADDRESS.test(user) ? user : user.replace(/:.*$/s, ''))
  return good({ scheme, user: name, host: where.host, port: where.port, parameters })
}

/** Not a password, but an address of ours as softphones dial it (contract §6). */
const ADDRESS = /^(?:tel|agent|conference|extension|sip):/i

/** `host`, `host:port` or `[v6]:port`; host names come back in lower case, port 0 when absent. */
export function readHostPort(text: string): { host: string; port: number } | null {
  const colon = text.lastIndexOf(':')
  const bare = colon === -1 || text.endsWith(']')
  const host = bare ? text : text.slice(0, colon).trimEnd()
  if (!HOST.test(host)) return null
  if (bare) return { host: host.toLowerCase(), port: 0 }
  const digits = text.slice(colon + 1).trimStart()
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 65_536
  return port > 65_535 ? null : { host: host.toLowerCase(), port }
}

function readParameters(text: string): Readonly<Record<string, string>> | null {
  if (text === '') return NONE
  const parameters: Record<string, string> = Object.create(null)
  for (const part of text.split(';')) {
    const equals = part.indexOf('=')
    const name = withoutEscapes(equals === -1 ? part : part.slice(0, equals)).toLowerCase()
    if (name === '') return null
    if (!(name in parameters)) parameters[name] = equals === -1 ? '' : withoutEscapes(part.slice(equals + 1))
  }
  return parameters
}

const USER = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/gu
const PARAMETER = /[^A-Za-z0-9\-_.!~*'()[\]/:&+$]/gu

function withEscapes(text: string, except: RegExp): string {
  return text.toWellFormed().replace(except, (sign) => (sign < '\x80' ? hex(sign) : encodeURIComponent(sign)))
}

function hex(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/** Escapes that are not UTF-8 stay as they are. */
function withoutEscapes(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text.replace(/%([0-7][0-9A-Fa-f])/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
  }
}
