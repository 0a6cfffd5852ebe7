/**
 * Finding the servers behind a SIP URI (RFC 3263), as trunks and direct destinations use it. Made by `sip-locator.ts`;
 * `SipDriver.locate` is one. Whoever calls goes through the list in order: the next one after a 503, a 408 or a lost path.
 */

import type { Flow, SipTransport } from '../sip/types.ts'

export interface LocateOptions {
  /** What a trunk is set to; a `;transport=` in the URI and `sips:` come before it. */
  readonly transport?: SipTransport
  /** False: a TLS certificate that nobody vouches for is taken (a named trunk's own wish). Default true. */
  readonly verify?: boolean
}

/**
 * @param uri `sip:` or `sips:`, with a name, an address or `localhost`
 * @returns flows in the order they should be tried, at most 16; none when the name leads nowhere. Never rejects.
 */
export type Locate = (uri: string, options?: LocateOptions) => Promise<readonly Flow[]>
