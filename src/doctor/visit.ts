/** The server's side of `quietline doctor`: an account of its own, so that nothing it does is told to a customer. */

import { type AccountDeps, createAccount } from '../api/accounts.ts'
import { AppError } from '../contract/errors.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Facts } from './findings.ts'

/** @param base of the API. @throws AppError SERVICE_UNAVAILABLE when the account cannot be stored */
export async function visitOfDoctor(
  deps: AccountDeps,
  base: string,
  { baseDomain }: { readonly baseDomain: string },
  facts: Facts,
): Promise<JsonObject> {
  const username = `doctor-${Buffer.from(deps.randomBytes(6)).toString('hex')}`
  const account = await createAccount(deps, { username, name: 'quietline doctor' })
  if (account === 'taken') throw new AppError('SERVICE_UNAVAILABLE')
  const { id } = account.customer
  return {
    facts: facts as unknown as JsonObject,
    base,
    access_key: account.accesskey.token,
    customer_id: id,
    domain: `${id}.registrar.${baseDomain}`,
  }
}
