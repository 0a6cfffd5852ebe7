/** Tokens (contract §2.1, §2.2), HS256: of a sign-in, seven days; of a direct hash, four hours and one resource. */

import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { AgentDoc } from '../contract/agent.ts'
import type { Micros } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'

export const JWT_LIFE_SECONDS = 7 * 24 * 60 * 60
export const DIRECT_LIFE_SECONDS = 4 * 60 * 60

/** The one resource that a direct token reaches. */
export interface DirectAccess {
  readonly customerId: string
  readonly resourceType: 'extension' | 'flow'
  readonly resourceId: string
  /** The hash the token was made for: a new hash ends the token. */
  readonly hash: string
}

export type TokenClaims = (
  | { readonly kind: 'agent'; readonly agentId: string; readonly customerId: string }
  | { readonly kind: 'direct'; readonly direct: DirectAccess }
) & { readonly expires: Micros }

export async function signAgentToken(agent: AgentDoc, key: Uint8Array, wall: Micros): Promise<string> {
  return (await sign({ type: 'agent', agent }, JWT_LIFE_SECONDS, key, wall)).token
}

/** `expire` in the form of the wire. */
export async function signDirectToken(
  direct: DirectAccess,
  key: Uint8Array,
  wall: Micros,
): Promise<{ readonly token: string; readonly expire: string }> {
  return sign({ type: 'direct', direct }, DIRECT_LIFE_SECONDS, key, wall)
}

async function sign(claims: JWTPayload, lifeSeconds: number, key: Uint8Array, wall: Micros) {
  const issued = Math.floor(wall / 1_000_000)
  const expires = issued + lifeSeconds
  const expire = timestamp(expires * 1_000_000)
  const token = await new SignJWT({ ...claims, expire })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(issued)
    .setExpirationTime(expires)
    .sign(key)
  return { token, expire }
}

/** @returns whom or what the token names, or null when it is malformed, forged or expired */
export async function readToken(token: string, key: Uint8Array, wall: Micros): Promise<TokenClaims | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      currentDate: new Date(Math.floor(wall / 1000)),
      requiredClaims: ['exp'],
    })
    return claimsOf(payload)
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return null
    throw error
  }
}

/** We signed it, so its form is ours; a token of an older release may still lack something. */
function claimsOf(payload: JWTPayload): TokenClaims | null {
  const expires = (payload.exp ?? 0) * 1_000_000
  if (payload['type'] === 'direct') {
    const direct = payload['direct'] as DirectAccess | undefined
    return direct ? { kind: 'direct', direct, expires } : null
  }
  const agent = payload['agent'] as Partial<AgentDoc> | null | undefined
  if (payload['type'] !== 'agent' || typeof agent?.id !== 'string' || typeof agent.customer_id !== 'string') return null
  return { kind: 'agent', agentId: agent.id, customerId: agent.customer_id, expires }
}
