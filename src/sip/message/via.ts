/** Via and CSeq, the two headers that find a transaction (RFC 3261 §20.42, §20.16; RFC 3581 for `rport`). */

import type { SipAddress } from '../types.ts'
import { isToken, type Parameters, parseNumber, parseParameters, printParameters } from './grammar.ts'
import { readHostPort } from './uri.ts'

export interface Via {
  /** In upper case: UDP, TCP, TLS, WS, WSS, or something unknown. */
  readonly transport: string
  /** What the sender calls itself; port 0 when absent. */
  readonly host: string
  readonly port: number
  readonly parameters: Parameters
}

const START = /^SIP\s*\/\s*2\.0\s*\/\s*([^\s;/]+)\s+([^;]+)/i

/** Reads one element (no comma list). @returns null when it cannot be read */
export function parseVia(text: string): Via | null {
  const match = START.exec(text)
  if (!match) return null
  const where = readHostPort(match[2]!.trim())
  const parameters = parseParameters(text.slice(match[0].length))
  if (where === null || parameters === null) return null
  return { transport: match[1]!.toUpperCase(), host: where.host, port: where.port, parameters }
}

export function printVia(via: Via): string {
  const port = via.port === 0 ? '' : `:${via.port}`
  return `SIP/2.0/${via.transport} ${via.host}${port}${printParameters(via.parameters)}`
}

/** Notes where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4). */
export function withSource(via: Via, source: SipAddress): Via {
  const asked = via.parameters.has('rport')
  if (!asked && via.host.replace(/^\[|\]$/g, '') === source.address) return via
  const parameters = new Map(via.parameters)
  parameters.set('received', source.address)
  if (asked) parameters.set('rport', String(source.port))
  return { ...via, parameters }
}

export interface CSeq {
  readonly number: number
  readonly method: string
}

export function parseCSeq(text: string): CSeq | null {
  const blank = text.search(/\s/)
  if (blank === -1) return null
  const number = parseNumber(text.slice(0, blank))
  const method = text.slice(blank + 1).trim()
  return number === null || !isToken(method) ? null : { number, method }
}
