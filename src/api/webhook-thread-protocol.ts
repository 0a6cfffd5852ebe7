/** What the main thread and the thread of the webhooks say to each other. Plain data, many at a time. */

import type { WebhookRequest } from './webhook-transport.ts'

export interface PostedRequest extends Omit<WebhookRequest, 'signal'> {
  /** Counts up: names the attempt. */
  readonly id: number
}

export type WebhookCommand =
  /** Started in this order. */
  | { readonly kind: 'post'; readonly requests: readonly PostedRequest[] }
  /** Nobody waits for these any more. */
  | { readonly kind: 'abort'; readonly ids: readonly number[] }
  | { readonly kind: 'shutDown' }

/** The status of the answer, or what went wrong in one word. */
export type Ended = readonly [id: number, outcome: number | string]

export type WebhookThreadEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'ended'; readonly outcomes: readonly Ended[] }
