/**
 * What the simulated caller says, in order, and what must come of each line. Data only: `caller.ts` acts it out.
 * Every accepted line is a whole sentence of the demo agent's vocabulary; the foreign one is in none of its states.
 */

export type Line = {
  /** As spoken; an accepted line's transcript must equal it when both are normalised. */
  readonly text: string
} & (
  | { readonly kind: 'ask' }
  /** Waits for the agent to be in the middle of a sentence and speaks over it; the agent must fall silent. */
  | { readonly kind: 'interrupt'; readonly afterVoicedMs: number }
  /** Outside the vocabulary: must give no transcript, and an answer that says so. */
  | { readonly kind: 'foreign' }
  /** The agent answers and hangs up. */
  | { readonly kind: 'last' }
)

export const SCRIPT: readonly Line[] = [
  { kind: 'ask', text: 'What are your opening hours?' },
  { kind: 'interrupt', text: 'Stop.', afterVoicedMs: 5_000 },
  { kind: 'ask', text: 'Go on.' },
  { kind: 'ask', text: 'I would like to book a table.' },
  { kind: 'ask', text: 'On Friday.' },
  { kind: 'ask', text: 'At seven.' },
  { kind: 'ask', text: 'For four people.' },
  { kind: 'ask', text: 'Yes please.' },
  { kind: 'ask', text: 'How fast are you?' },
  { kind: 'foreign', text: 'My grandmother keeps seven yellow parrots in the kitchen.' },
  { kind: 'last', text: 'Goodbye.' },
]

/** Lower case, words and digits only, single blanks: how spoken and understood are compared. */
export function normalised(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}' ]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
