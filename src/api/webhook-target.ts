/** A destination of a delivery, as it is stored: who is told, how, and in which dialect (contract §16, §17). */

/** standard: the envelope of §15. flat: the bodies of §17. */
export type Dialect = 'standard' | 'flat'

export interface WebhookTarget {
  readonly dialect: Dialect
  readonly method: string
  readonly url: string
}

const WORDS: Readonly<Record<Dialect, string>> = { standard: 'webhook', flat: 'flat' }

/** `webhook:<METHOD>:<url>` or `flat:<METHOD>:<url>` */
export function printDestination({ dialect, method, url }: WebhookTarget): string {
  return `${WORDS[dialect]}:${method}:${url}`
}

/** @returns null for what is no destination */
export function parseDestination(destination: string): WebhookTarget | null {
  const match = /^(webhook|flat):([A-Z]+):(.+)$/s.exec(destination)
  return match && { dialect: match[1] === 'flat' ? 'flat' : 'standard', method: match[2]!, url: match[3]! }
}
