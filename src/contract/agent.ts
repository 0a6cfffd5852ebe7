/** Agents: who signs in (contract §2.3). */

import { z } from 'zod'
import { addressSchema } from './address.ts'
import { recordTimes, uuid } from './fields.ts'

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

export interface NewAgent {
  readonly id: string
  readonly customerId: string
  readonly username: string
  readonly name?: string
  readonly permission: number
  /** Timestamp of the wire. */
  readonly tmCreate: string
}

export function newAgent(agent: NewAgent): AgentDoc {
  return {
    id: agent.id,
    customer_id: agent.customerId,
    username: agent.username,
    name: agent.name ?? '',
    detail: '',
    ring_method: 'ringall',
    status: 'available',
    permission: agent.permission,
    tag_ids: [],
    addresses: [],
    direct_hash: '',
    tm_create: agent.tmCreate,
    tm_update: agent.tmCreate,
    tm_delete: null,
  }
}
