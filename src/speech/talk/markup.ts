/** Text may come as SSML. Only its words are spoken; a `break` becomes a short pause. */

const LOOKS_LIKE_SSML = /<\s*(?:speak|break|prosody|say-as|emphasis|voice|p|s|sub|phoneme|mark|audio)\b[^>]*>/i
const TAG_OR_ENTITY = /<[^<>]*>|&(?:amp|lt|gt|quot|apos);/g
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
}

/** The text to be spoken, of the same length, so that a word's place stays its place in the text as sent. */
export function withoutMarkup(text: string): string {
  if (!LOOKS_LIKE_SSML.test(text)) return text
  return text.replace(TAG_OR_ENTITY, (found) => {
    const meaning = ENTITIES[found] ?? (/^<\s*break\b/i.test(found) ? ',' : '')
    return meaning.padEnd(found.length, ' ')
  })
}
