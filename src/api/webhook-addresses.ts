/** Which addresses a webhook may connect to: the rules of all requests that customers can cause. */

export { AddressRefused, checkedConnector, type LookUp, refusedAddresses } from '../net/addresses.ts'
