/** Which dialog a Replaces header means (RFC 3891 §3), and what a Refer-To asks for (RFC 3515 §2.1). */

import { bad, good, type Result } from '../../kernel/result.ts'
import { parseAddress } from '../message/address.ts'
import { parseParameters } from '../message/grammar.ts'
import { fieldsOf, type SipMessage } from '../message/message.ts'
import { parseUri } from '../message/uri.ts'
import type { SipUri } from '../types.ts'

export interface Replaces {
  readonly sipCallId: string
  /** Tag of the side that gets the header: ours. */
  readonly toTag: string
  readonly fromTag: string
  /** Only a dialog that is not answered yet may be taken. */
  readonly isEarlyOnly: boolean
}

export function parseReplaces(text: string): Replaces | null {
  const semicolon = text.indexOf(';')
  const parameters = semicolon === -1 ? null : parseParameters(text.slice(semicolon))
  const sipCallId = text.slice(0, semicolon).trim()
  const toTag = parameters?.get('to-tag') ?? ''
  const fromTag = parameters?.get('from-tag') ?? ''
  if (!parameters || sipCallId === '' || toTag === '' || fromTag === '') return null
  return { sipCallId, toTag, fromTag, isEarlyOnly: parameters.has('early-only') }
}

/** @returns null without the header; bad when it stands twice or cannot be read (400) */
export function replacesOf(message: SipMessage): Result<Replaces> | null {
  const fields = fieldsOf(message, 'replaces')
  if (fields.length === 0) return null
  const replaces = fields.length === 1 ? parseReplaces(fields[0]!.value) : null
  return replaces === null ? bad('malformed Replaces') : good(replaces)
}

export interface ReferTo {
  readonly uri: SipUri
  /** Of the URI's header part. */
  readonly replaces: Replaces | null
}

/** @returns bad for none, several, one that cannot be read, and for other methods than INVITE */
export function referToOf(message: SipMessage): Result<ReferTo> {
  const fields = fieldsOf(message, 'refer-to')
  const address = fields.length === 1 ? parseAddress(fields[0]!.value) : null
  const uri = address === null ? null : parseUri(address.uri)
  if (address === null || !uri?.ok) return bad('malformed Refer-To')
  const method = uri.value.parameters['method'] ?? 'INVITE'
  if (method.toUpperCase() !== 'INVITE') return bad('only INVITE')
  const text = headerPart(address.uri, 'replaces')
  const replaces = text === null ? null : parseReplaces(text)
  if (text !== null && replaces === null) return bad('malformed Replaces')
  return good({ uri: uri.value, replaces })
}

/** A header within a URI, unescaped. @param name lower case */
function headerPart(uri: string, name: string): string | null {
  const question = uri.indexOf('?', uri.indexOf('@') + 1)
  if (question === -1) return null
  for (const part of uri.slice(question + 1).split('&')) {
    const equals = part.indexOf('=')
    if (equals !== -1 && part.slice(0, equals).toLowerCase() === name) return unescaped(part.slice(equals + 1))
  }
  return null
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
