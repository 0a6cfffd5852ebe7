/** Who may register and who may call (until trunks come: registered phones and loopback). */

import type { AuthPolicy, RequestSummary } from '../sip/types.ts'
import type { Directory } from './directory.ts'

export const LOOPBACK = 'loopback'

export async function policyFor(request: RequestSummary, directory: Directory): Promise<AuthPolicy> {
  const user = request.method === 'REGISTER' ? request.to : request.from
  const extension = await directory.extensionOf(user)
  const account = extension
    ? { username: extension.extension, password: extension.password, identity: extension.id }
    : null
  if (request.method !== 'REGISTER' && !account && isLoopback(request.flow.remote.address)) {
    return { kind: 'open', identity: LOOPBACK }
  }
  return { kind: 'digest', realm: realmOf(request, directory), account }
}

/** The registrar domain where one was used, otherwise the host the phone used (contract §6). */
function realmOf(request: RequestSummary, directory: Directory): string {
  const hosts = [request.to.host, request.from.host, request.requestUri.host]
  return hosts.find((host) => directory.customerOfDomain(host) !== null) ?? request.requestUri.host
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}
