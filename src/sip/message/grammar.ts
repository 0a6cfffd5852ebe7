/** The few lexical rules that every SIP header shares (RFC 3261 §25.1): tokens, quoted strings, lists, parameters. */

/** Header parameters, names in lower case, values as they stood (quoted strings keep their quotes), '' for none. */
export type Parameters = ReadonlyMap<string, string>

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/
const NO_PARAMETERS: Parameters = new Map()

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x3c
const CLOSE = 0x3e

export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/**
 * Position of `wanted` (one character code) at or after `from`, outside of quoted strings and angle brackets.
 * @returns -1 when it is not there, -2 when a quote or bracket is never closed
 */
export function indexOutside(text: string, wanted: number, from: number): number {
  let bracket = false
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfQuote(text, at)
      if (at === -1) return -2
    } else if (bracket) {
      if (code === CLOSE) bracket = false
    } else if (code === wanted) return at
    else if (code === OPEN) bracket = true
  }
  return bracket ? -2 : -1
}

/** @returns the position of the quote that closes the one at `open`, -1 when there is none */
export function endOfQuote(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at
  }
  return -1
}

/** Cuts a comma list into its trimmed elements. @returns null when a quote or bracket is never closed */
export function splitList(text: string): string[] | null {
  if (!text.includes(',')) return [text.trim()]
  const parts: string[] = []
  let start = 0
  for (;;) {
    const comma = indexOutside(text, 0x2c, start)
    if (comma === -2) return null
    if (comma === -1) break
    parts.push(text.slice(start, comma).trim())
    start = comma + 1
  }
  parts.push(text.slice(start).trim())
  return parts
}

/**
 * Reads `;name=value;flag`, blanks allowed around every sign.
 * @param text begins at the first semicolon (or is blank)
 * @returns null when a parameter is empty, has no proper name, or a quote is never closed
 */
export function parseParameters(text: string): Parameters | null {
  if (text.trim() === '') return NO_PARAMETERS
  const parameters = new Map<string, string>()
  let at = text.indexOf(';')
  if (at === -1 || text.slice(0, at).trim() !== '') return null
  while (at !== -1) {
    const end = indexOutside(text, 0x3b, at + 1)
    if (end === -2) return null
    const part = end === -1 ? text.slice(at + 1) : text.slice(at + 1, end)
    const equals = part.indexOf('=')
    const name = (equals === -1 ? part : part.slice(0, equals)).trim()
    if (!isToken(name)) return null
    const key = name.toLowerCase()
    if (!parameters.has(key)) parameters.set(key, equals === -1 ? '' : part.slice(equals + 1).trim())
    at = end
  }
  return parameters
}

export function printParameters(parameters: Parameters): string {
  let text = ''
  for (const [name, value] of parameters) text += value === '' ? `;${name}` : `;${name}=${value}`
  return text
}

/** The content of a quoted string; anything else comes back as it is. */
export function unquote(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"') || text.length < 2) return text
  const inner = text.slice(1, -1)
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner
}

export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** An unsigned decimal number below 2^32. @returns null for anything else */
export function parseNumber(text: string): number | null {
  if (!/^\d{1,64}$/.test(text)) return null
  const value = Number(text)
  return value < 0x1_0000_0000 ? value : null
}
