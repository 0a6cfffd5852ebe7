/** The headers of a webhook (contract §16), and those of the Standard Webhooks specification beside them. */

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { Micros } from '../kernel/clock.ts'

const BASE64_SECRET = 'whsec_'

export interface Signed {
  readonly eventId: string
  /** From 1. */
  readonly attempt: number
  readonly body: string
  /** Without one ("") nothing is signed. */
  readonly secret: string
  /** Wall time of this attempt. */
  readonly now: Micros
}

export function webhookHeaders(what: Signed): Readonly<Record<string, string>> {
  const seconds = String(Math.floor(what.now / 1_000_000))
  return {
    'content-type': 'application/json',
    'x-voipbin-event-id': what.eventId,
    'x-voipbin-attempt': String(what.attempt),
    'webhook-id': what.eventId,
    'webhook-timestamp': seconds,
    ...(what.secret === '' ? {} : signatures(what, seconds)),
  }
}

/** The first signs the raw body, the second also id and time, so that a recorded request cannot be sent again later. */
function signatures({ eventId, body, secret }: Signed, seconds: string): Record<string, string> {
  const { plain, standard: key } = keysOf(secret)
  const standard = createHmac('sha256', key).update(`${eventId}.${seconds}.${body}`).digest('base64')
  return {
    'x-voipbin-signature': `sha256=${createHmac('sha256', plain).update(body).digest('hex')}`,
    'webhook-signature': `v1,${standard}`,
  }
}

interface Keys {
  readonly plain: KeyObject
  readonly standard: KeyObject
}

/** Keys of secrets in use, the oldest first: to make one costs as much as to use it. */
const known = new Map<string, Keys>()
const MAX_KNOWN = 1_000

function keysOf(secret: string): Keys {
  const found = known.get(secret)
  if (found) return found
  const keys = { plain: createSecretKey(secret, 'utf8'), standard: createSecretKey(standardKey(secret)) }
  known.set(secret, keys)
  if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!)
  return keys
}

/** A secret in the form of the specification holds its bytes as base64; any other is its own bytes. */
function standardKey(secret: string): Buffer {
  return secret.startsWith(BASE64_SECRET)
    ? Buffer.from(secret.slice(BASE64_SECRET.length), 'base64')
    : Buffer.from(secret, 'utf8')
}
