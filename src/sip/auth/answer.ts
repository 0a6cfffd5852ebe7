/** Our own credentials: the answer to a 401 or 407 (RFC 3261 §22.2, §22.3). */

import { fieldsOf, type SipResponse } from '../message/message.ts'
import { type Algorithm, algorithmOf, type DigestFields, digestResponse, parseDigest, printDigest } from './digest.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** How often one request is repeated with credentials: once, and once more for `stale=true`. */
export const MAX_ATTEMPTS = 2

/**
 * Answers the first challenge this core can compute; the order is the challenger's preference (RFC 8760 §2.4).
 * @param attempts credentials already sent for this request: a repeated challenge must say `stale`, or it means no
 * @returns the header to add, null when there is nothing to say
 */
export function answerChallenge(
  response: SipResponse,
  credentials: Credentials,
  request: { readonly method: string; readonly uri: string; readonly cnonce: string },
  attempts: number,
): readonly [name: string, value: string] | null {
  const proxy = response.code === 407
  for (const { value } of fieldsOf(response, proxy ? 'proxy-authenticate' : 'www-authenticate')) {
    const fields = parseDigest(value)
    const algorithm = fields && algorithmOf(fields.get('algorithm'))
    if (!fields || !algorithm || !fields.has('nonce')) continue
    if (attempts >= MAX_ATTEMPTS) return null
    if (attempts > 0 && fields.get('stale')?.toLowerCase() !== 'true') return null
    const qops = fields
      .get('qop')
      ?.split(',')
      .map((each) => each.trim().toLowerCase())
    if (qops && !qops.includes('auth')) continue
    const text = credentialsFor(fields, algorithm, credentials, { ...request, protect: qops !== undefined })
    return [proxy ? 'Proxy-Authorization' : 'Authorization', text]
  }
  return null
}

function credentialsFor(
  challenge: DigestFields,
  algorithm: Algorithm,
  { username, password }: Credentials,
  { method, uri, cnonce, protect }: { method: string; uri: string; cnonce: string; protect: boolean },
): string {
  const realm = challenge.get('realm') ?? ''
  const nonce = challenge.get('nonce') ?? ''
  const nc = '00000001'
  const protection = protect ? { protection: { qop: 'auth' as const, nc, cnonce } } : {}
  const response = digestResponse({ algorithm, username, realm, password, method, uri, nonce, ...protection })
  const fields: [string, string][] = [
    ['username', username],
    ['realm', realm],
    ['nonce', nonce],
    ['uri', uri],
    ['response', response],
    ['algorithm', algorithm],
  ]
  const opaque = challenge.get('opaque')
  if (opaque !== undefined) fields.push(['opaque', opaque])
  if (protect) fields.push(['qop', 'auth'], ['nc', nc], ['cnonce', cnonce])
  return printDigest(fields, false)
}
