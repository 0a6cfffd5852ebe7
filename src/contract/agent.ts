/** Agents: who signs in (contract §2.3). */

import { z } from 'zod'
import { addressIn, addressSchema } from './address.ts'
import { clearableText, optional, recordTimes, text, uuid, uuidIn } from './fields.ts'

/** Permission bits. */
export const PERMISSION = { projectAdmin: 1, customerAgent: 16, customerAdmin: 32, customerManager: 64 } as const

export const agentSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    username: z.string(),
    name: z.string(),
    detail: z.string(),
    ring_method: z.enum(['ringall', 'linear']),
    status: z.enum(['', 'available', 'away', 'busy', 'offline', 'ringing']),
    permission: z.int(),
    tag_ids: z.array(uuid),
    addresses: z.array(addressSchema),
    direct_hash: z.string(),
    ...recordTimes,
  })
  .meta({ id: 'Agent' })

export type AgentDoc = z.infer<typeof agentSchema>

/** Everything that has a bit in 240 and 15: the unions of the contract. */
const MAX_PERMISSION = 65_535
const MAX_LISTED = 100

const password = z.string().min(1).max(1024)
const permission = z.int().min(0).max(MAX_PERMISSION)
const ringMethod = optional(z.enum(['ringall', 'linear']))
const addresses = z.array(addressIn).max(MAX_LISTED)
const tagIds = z.array(uuidIn).max(MAX_LISTED)

export const agentRequest = z.object({
  username: z
    .string()
    .trim()
    .min(1)
    .max(255)
    .refine((name) => !/\p{Cc}/u.test(name), 'must not hold control characters'),
  password,
  name: text,
  detail: text,
  ring_method: ringMethod,
  permission: optional(permission).describe('Bits: 16 agent, 32 admin, 64 manager. None: 16'),
  tag_ids: optional(tagIds),
  addresses: optional(addresses),
})

export const agentChange = z.object({ name: clearableText, detail: clearableText, ring_method: ringMethod })
export const agentAddressesChange = z.object({ addresses })
export const agentTagsChange = z.object({ tag_ids: tagIds })
export const agentPermissionChange = z.object({ permission })
export const agentStatusChange = z.object({ status: z.enum(['available', 'away', 'busy', 'offline', 'ringing']) })
export const agentPasswordChange = z.object({ password })

const { projectAdmin, customerAdmin, customerManager } = PERMISSION

/** Bits that somebody with `permission` may give to others: never one that would let them do more than the giver. */
export function grantable(permissionBits: number): number {
  if (permissionBits & projectAdmin) return MAX_PERMISSION
  if (permissionBits & customerAdmin) return 0xf0
  return permissionBits & customerManager ? 0xf0 & ~customerAdmin : 0
}

/** May change what all of the customer's agents share: access keys, the account itself. */
export function isAdmin(permissionBits: number): boolean {
  return (permissionBits & (projectAdmin | customerAdmin)) !== 0
}

/** May change an agent other than oneself: an administrator or manager who may give all that the other has. */
export function mayChange(asker: number, other: number): boolean {
  const bits = projectAdmin | customerAdmin | customerManager
  return (asker & bits) !== 0 && (other & ~grantable(asker)) === 0
}

export interface NewAgent {
  readonly id: string
  readonly customerId: string
  readonly username: string
  readonly name?: string
  readonly detail?: string
  readonly ringMethod?: AgentDoc['ring_method'] | undefined
  readonly permission: number
  readonly tagIds?: readonly string[] | undefined
  readonly addresses?: AgentDoc['addresses'] | undefined
  /** Timestamp of the wire. */
  readonly tmCreate: string
}

export function newAgent(agent: NewAgent): AgentDoc {
  return {
    id: agent.id,
    customer_id: agent.customerId,
    username: agent.username,
    name: agent.name ?? '',
    detail: agent.detail ?? '',
    ring_method: agent.ringMethod ?? 'ringall',
    status: 'available',
    permission: agent.permission,
    tag_ids: [...(agent.tagIds ?? [])],
    addresses: agent.addresses ?? [],
    direct_hash: '',
    tm_create: agent.tmCreate,
    tm_update: agent.tmCreate,
    tm_delete: null,
  }
}
