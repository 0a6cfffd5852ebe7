/** Addresses as From, To, Contact, Route and Record-Route carry them: name-addr or addr-spec, then parameters. */

import { endOfQuote, type Parameters, parseParameters, quote, unquote } from './grammar.ts'

export interface NameAddress {
  /** Without quotes, '' when absent. */
  readonly display: string
  /** The URI as it stood. */
  readonly uri: string
  readonly parameters: Parameters
}

/**
 * RFC 3261 §20.10: without angle brackets everything after the first semicolon belongs to the header, and the URI may
 * hold neither a comma nor a question mark.
 * @returns null when it cannot be read
 */
export function parseAddress(text: string): NameAddress | null {
  const start = text.startsWith('"') ? endOfQuote(text, 0) + 1 : 0
  if (start === 0 && text.startsWith('"')) return null
  const open = text.indexOf('<', start)
  if (open === -1) return start === 0 ? parseBare(text) : null
  const close = text.indexOf('>', open)
  if (close === -1 || (start > 0 && text.slice(start, open).trim() !== '')) return null
  const display = start > 0 ? unquote(text.slice(0, start)) : text.slice(0, open).trim()
  const parameters = parseParameters(text.slice(close + 1))
  const uri = text.slice(open + 1, close).trim()
  if (parameters === null || uri === '' || display.includes('"'))
    return start > 0 && parameters && uri ? { display, uri, parameters } : null
  return { display, uri, parameters }
}

function parseBare(text: string): NameAddress | null {
  const semicolon = text.indexOf(';')
  const uri = (semicolon === -1 ? text : text.slice(0, semicolon)).trim()
  if (uri === '' || /[?,\s]/.test(uri)) return null
  const parameters = semicolon === -1 ? parseParameters('') : parseParameters(text.slice(semicolon))
  return parameters && { display: '', uri, parameters }
}

/** `"Display" <uri>`, without parameters. */
export function printAddress(display: string, uri: string): string {
  return display === '' ? `<${uri}>` : `${quote(display)} <${uri}>`
}
