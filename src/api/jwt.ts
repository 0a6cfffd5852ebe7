/** The token of a sign-in (contract §2.1): HS256, seven days. */

import { errors, jwtVerify, SignJWT } from 'jose'
import type { AgentDoc } from '../contract/agent.ts'
import type { Micros } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'

export const JWT_LIFE_SECONDS = 7 * 24 * 60 * 60

export async function signAgentToken(agent: AgentDoc, key: Uint8Array, wall: Micros): Promise<string> {
  const issued = Math.floor(wall / 1_000_000)
  const expires = issued + JWT_LIFE_SECONDS
  return new SignJWT({ type: 'agent', agent, expire: timestamp(expires * 1_000_000) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(issued)
    .setExpirationTime(expires)
    .sign(key)
}

/** @returns whom the token names, or null when it is malformed, forged or expired */
export async function readAgentToken(
  token: string,
  key: Uint8Array,
  wall: Micros,
): Promise<{ readonly agentId: string; readonly customerId: string } | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      currentDate: new Date(Math.floor(wall / 1000)),
      requiredClaims: ['exp', 'agent'],
    })
    const agent = payload['agent'] as Partial<AgentDoc> | null
    if (payload['type'] !== 'agent' || typeof agent?.id !== 'string' || typeof agent.customer_id !== 'string')
      return null
    return { agentId: agent.id, customerId: agent.customer_id }
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return null
    throw error
  }
}
