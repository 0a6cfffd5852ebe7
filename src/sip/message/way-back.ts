/** Where a message goes when the connection it should have used is gone (RFC 3261 §18.2.2, §8.1.2). */

import type { SipAddress } from '../types.ts'
import { parseAddress } from './address.ts'
import { splitList } from './grammar.ts'
import { header } from './message.ts'
import { parseMessage } from './parse.ts'
import { parseUri } from './uri.ts'
import { parseVia } from './via.ts'

const DEFAULT_PORT = 5060

/**
 * @param bytes a message of ours
 * @returns of an answer the port its request was sent from by name, at the address it came from; of a request its first
 * route or its Request-URI. Null when it cannot be read. The host may be a name
 */
export function wayBack(bytes: Uint8Array, remote: SipAddress): SipAddress | null {
  const parsed = parseMessage(bytes)
  if (!parsed.ok) return null
  const { message } = parsed.value
  if (message.kind === 'response') {
    const top = splitList(header(message, 'via') ?? '')?.[0]
    const via = top === undefined ? null : parseVia(top)
    return via && { address: remote.address, port: via.port || DEFAULT_PORT }
  }
  const route = splitList(header(message, 'route') ?? '')?.[0]
  const uri = parseUri(route ? (parseAddress(route)?.uri ?? '') : message.uri)
  if (!uri.ok || uri.value.host === '') return null
  return { address: uri.value.host.replace(/^\[|\]$/g, ''), port: uri.value.port || DEFAULT_PORT }
}
