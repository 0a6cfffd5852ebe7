/** A REGISTER of our own, for user agents built on this core (RFC 3261 §10.2). */

import { createHash } from 'node:crypto'
import { parseAddress } from '../message/address.ts'
import { type Extras, makeRequest } from '../message/compose.ts'
import { header, listOf, type SipResponse } from '../message/message.ts'
import { parseUri, printUri } from '../message/uri.ts'
import type { SipInput } from '../types.ts'
import { ask, type Outcome } from './attempt.ts'
import type { Desk } from './desk.ts'

export type Registration = Extract<SipInput, { kind: 'register' }>

/**
 * Emits one `registerResult`. A 423 is asked again with the registrar's minimum.
 * The Call-ID is the same for each registration of an AOR at a registrar, so that refreshes are seen as such.
 * @param number of the next CSeq of this core's registrations; it only rises
 */
export function register(desk: Desk, input: Registration, number: () => number): void {
  attempt(desk, input, number, input.expiresS, true)
}

function attempt(desk: Desk, input: Registration, number: () => number, expiresS: number, mayRetry: boolean): void {
  const { leg, flow, registrar, aor, credentials } = input
  const line = input.line === undefined ? '' : `;line=${input.line}`
  const contact = desk.contactUri(flow, userOf(aor)) + line
  const from = `<${aor}>;tag=${desk.newTag()}`
  const make = (extras: Extras) =>
    makeRequest({
      method: 'REGISTER',
      uri: registrar,
      from,
      to: `<${aor}>`,
      sipCallId: sipCallIdOf(desk, input),
      cseq: number(),
      extras: [['Contact', `<${contact}>`], ['Expires', String(expiresS)], ...extras],
    })
  ask(desk, { flow, credentials, make }, ({ code, response }: Outcome) => {
    const minimum = code === 423 && response ? Number(header(response, 'min-expires')) : 0
    if (mayRetry && minimum > expiresS) return attempt(desk, input, number, minimum, false)
    const granted = response && code < 300 ? grantedS(response, contact, expiresS) : 0
    const serviceRoute = (response && code < 300 && listOf(response, 'service-route')) || []
    const more = serviceRoute.length > 0 ? { serviceRoute } : {}
    desk.context.emit({ kind: 'registerResult', leg, code, expiresS: granted, ...more })
  })
}

function userOf(aor: string): string {
  const uri = parseUri(aor)
  return uri.ok ? printUri({ ...uri.value, host: '', port: 0, parameters: {} }).replace(/^\w+:|@$/g, '') : ''
}

function sipCallIdOf(desk: Desk, { aor, registrar }: Registration): string {
  return createHash('sha256').update(`${desk.context.options.seed}|${aor}|${registrar}`).digest('hex').slice(0, 32)
}

/** Of our contact in the answer's list, else of the header, else what we asked for. */
function grantedS(response: SipResponse, contact: string, askedS: number): number {
  for (const text of listOf(response, 'contact') ?? []) {
    const address = parseAddress(text)
    if (address?.uri === contact)
      return Number(address.parameters.get('expires') ?? header(response, 'expires') ?? askedS)
  }
  return askedS === 0 ? 0 : Number(header(response, 'expires') ?? askedS)
}
