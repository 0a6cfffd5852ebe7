/** Where a destination can be reached now (contract §4, §6). */

import type { Address } from '../calls/commands.ts'
import type { Endpoint } from '../net/port.ts'
import type { Contact, Flow, SipAddress } from '../sip/types.ts'
import type { Directory } from './directory.ts'

export interface Target {
  readonly flow: Flow
  readonly requestUri: string
}

interface Reach {
  readonly directory: Directory
  readonly contactsOf: (extensionId: string) => readonly Contact[]
  /** Where we are bound: an own number is reached by a call to ourselves. */
  readonly self: Endpoint | null
  readonly flowTo: (remote: SipAddress) => Flow
}

/** @returns all contacts of an extension, those of all addresses of an agent, one target for a number or URI, none when it cannot be reached */
export async function targetsOf(customerId: string, destination: Address, reach: Reach): Promise<Target[]> {
  const { directory, contactsOf, self, flowTo } = reach
  if (destination.type === 'extension') {
    const extension = await directory.extensionFor(customerId, destination, (id) => contactsOf(id).length > 0)
    if (!extension) return []
    return contactsOf(extension.id).map((contact) => ({ flow: contact.flow, requestUri: contact.uri }))
  }
  if (destination.type === 'tel') {
    const own = await directory.ownNumber(destination.target)
    if (!own || !self) return []
    const { port } = self
    const address = self.address === '0.0.0.0' || self.address === '::' ? '127.0.0.1' : self.address
    return [{ flow: flowTo({ address, port }), requestUri: `sip:${own.number}@${address}:${port}` }]
  }
  if (destination.type === 'agent') {
    // An agent within an agent's addresses leads nowhere, or round in circles.
    const addresses = (await directory.agentAddresses(customerId, destination)).filter(({ type }) => type !== 'agent')
    return (await Promise.all(addresses.map((one) => targetsOf(customerId, one, reach)))).flat()
  }
  return destination.type === 'sip' ? sipTarget(destination.target, flowTo) : []
}

/** Direct SIP URIs by address (names are resolved when trunks come). */
function sipTarget(target: string, flowTo: Reach['flowTo']): Target[] {
  const uri = target.replace(/^sips?:/, '')
  const match = /^(?:([^@]*)@)?(\d{1,3}(?:\.\d{1,3}){3}|localhost)(?::(\d{1,5}))?(?:;.*)?$/.exec(uri)
  if (!match) return []
  const address = match[2] === 'localhost' ? '127.0.0.1' : match[2]!
  return [{ flow: flowTo({ address, port: Number(match[3] ?? 5060) }), requestUri: `sip:${uri}` }]
}
