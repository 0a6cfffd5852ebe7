/** What the first start makes: a customer, an access key, two extensions, and a number with the demo agent behind it. */

import { randomBytes } from 'node:crypto'
import { type AccountDeps, createAccessKey, createAccount } from './api/accounts.ts'
import { newUuid } from './api/secrets.ts'
import type { ActionDoc } from './calls/commands.ts'
import { newExtension } from './contract/extension.ts'
import { newFlow } from './contract/flow.ts'
import { newNumber } from './contract/number.ts'
import { rowOf } from './contract/row.ts'
import { NIL_UUID, timestamp } from './kernel/ids.ts'
import type { JsonObject } from './kernel/json.ts'

/** The demo agent's number: virtual, outside the prefix that is kept free. */
export const DEMO_NUMBER = '+899100100'
export const FIRST_USER = 'admin@localhost'
const NOTE = 'first-start'

export interface FirstStart {
  readonly customerId: string
  readonly demoNumber: string
  readonly extensions: readonly { readonly extension: string; readonly name: string; readonly password: string }[]
  /** Set on the first start only: it cannot be read again. */
  readonly accessKey: string | null
  readonly password: string | null
}

export class NotStored extends Error {}

/** Makes them, or finds what an earlier start made. */
export async function firstStart(deps: AccountDeps): Promise<FirstStart> {
  const [note] = await deps.store.find('settings', { name: NOTE }, 1)
  if (note) {
    const known = note.hidden as unknown as Pick<FirstStart, 'customerId' | 'demoNumber' | 'extensions'>
    return { ...known, accessKey: null, password: null }
  }
  const password = word(18)
  const account = await createAccount(deps, {
    username: FIRST_USER,
    email: FIRST_USER,
    name: 'First customer',
    password,
  })
  if (account === 'taken') throw new NotStored(`the user ${FIRST_USER} exists, yet the first start was not noted`)
  const customerId = account.customer.id
  const tmCreate = timestamp(deps.clock.wallMicros())
  const id = (): string => newUuid(deps.randomBytes)
  const actions: ActionDoc[] = [
    { id: id(), next_id: NIL_UUID, type: 'answer', option: {} },
    { id: id(), next_id: NIL_UUID, type: 'sleep', option: { duration: 3_600_000 } },
  ]
  const flow = newFlow({
    id: id(),
    customerId,
    name: 'Demo agent',
    detail: 'Answers; the agent does the rest by the API.',
    actions,
    tmCreate,
  } as Parameters<typeof newFlow>[0])
  const number = newNumber({
    id: id(),
    customerId,
    number: DEMO_NUMBER,
    name: 'Demo agent',
    callFlowId: flow.id,
    tmCreate,
  })
  const extensions = ['1001', '1002'].map((extension) => ({
    extension,
    name: `phone-${extension}`,
    password: word(20),
  }))
  const rows = [
    rowOf('flows', flow as unknown as JsonObject),
    rowOf('numbers', number as unknown as JsonObject, {}, { number: number.number }),
    ...extensions.map((one) => {
      const doc = newExtension({ id: id(), customerId, ...one, tmCreate })
      return rowOf('extensions', doc as unknown as JsonObject, {}, { extension: doc.extension, name: doc.name })
    }),
    setting(customerId, id(), NOTE, { customerId, demoNumber: DEMO_NUMBER, extensions }, tmCreate),
  ]
  const saved = await deps.records.save({ rows, events: [] })
  if (!saved.ok) throw new NotStored('the first records could not be stored')
  return { customerId, demoNumber: DEMO_NUMBER, extensions, accessKey: account.accesskey.token, password }
}

/** A key for one life of this process: a new one each start, the earlier one of that name is removed. */
export async function freshKey(
  deps: AccountDeps,
  customerId: string,
  name: string,
  expireSeconds: number,
): Promise<string> {
  const [old] = await deps.store.find('settings', { name: `key:${name}` }, 1)
  const removals = old ? [{ table: 'accesskeys' as const, id: String(old.hidden['keyId']) }] : []
  const key = await createAccessKey(deps, { customerId, name, detail: 'Made at each start.', expireSeconds })
  const tmCreate = timestamp(deps.clock.wallMicros())
  const note = setting(customerId, old?.id ?? newUuid(deps.randomBytes), `key:${name}`, { keyId: key.id }, tmCreate)
  await deps.records.save({ rows: [note], removals, events: [] })
  return key.token
}

/** A key that signs tokens: made once, kept in the store. */
export async function signingKey(deps: AccountDeps): Promise<Uint8Array> {
  const [kept] = await deps.store.find('settings', { name: 'signing-key' }, 1)
  if (kept) return Buffer.from(String(kept.hidden['hex']), 'hex')
  const key = deps.randomBytes(32)
  const tmCreate = timestamp(deps.clock.wallMicros())
  const row = setting(
    NIL_UUID,
    newUuid(deps.randomBytes),
    'signing-key',
    { hex: Buffer.from(key).toString('hex') },
    tmCreate,
  )
  const saved = await deps.records.save({ rows: [row], events: [] })
  if (!saved.ok) throw new NotStored('the signing key could not be stored')
  return key
}

function setting(
  customerId: string,
  id: string,
  name: string,
  hidden: JsonObject,
  tmCreate: string,
): ReturnType<typeof rowOf> {
  return rowOf('settings', { id, customer_id: customerId, tm_create: tmCreate }, hidden, { name })
}

const LETTERS = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789'

/** A password easy to read aloud: no l, 1, 0 or O. About 5.7 bits a character. */
function word(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 4 * LETTERS.length && text.length < length) text += LETTERS[byte % LETTERS.length]
    }
  }
  return text
}
