/** Extensions of SIP this core knows, by their option tags (RFC 3261 §19.2): what Supported says and Require may ask. */

import { listOf, type SipMessage } from '../message/message.ts'

export const OPTION_TAGS = ['100rel', 'timer', 'replaces', 'norefersub'] as const
export type OptionTag = (typeof OPTION_TAGS)[number]

export const SUPPORTED: readonly [string, string] = ['Supported', OPTION_TAGS.join(', ')]

const KNOWN: ReadonlySet<string> = new Set(OPTION_TAGS)

/** The sender knows it (Supported), or insists on it (Require). */
export function supports(message: SipMessage, tag: OptionTag): boolean {
  return isIn(message, 'supported', tag) || requires(message, tag)
}

export function requires(message: SipMessage, tag: OptionTag): boolean {
  return isIn(message, 'require', tag)
}

/** What is required and not known here: for the Unsupported header of a 420. */
export function unknownTags(message: SipMessage): readonly string[] {
  return (listOf(message, 'require') ?? []).filter((tag) => !KNOWN.has(tag.toLowerCase()))
}

function isIn(message: SipMessage, key: 'supported' | 'require', tag: OptionTag): boolean {
  return (listOf(message, key) ?? []).some((each) => each.toLowerCase() === tag)
}
