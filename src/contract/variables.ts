/** Variables of a run, as `POST /calls` takes them (contract §7.5). */

export const MAX_VARIABLES = 100
export const MAX_VARIABLES_BYTES = 64 * 1024
export const MAX_VALUE_BYTES = 32 * 1024
export const RESERVED_PREFIX = 'voipbin.'

/** UTF-8 bytes of a text. */
function sizeBytes(text: string): number {
  return new TextEncoder().encode(text).length
}

/** @returns what is wrong with a map of variables, or null */
export function variablesFault(variables: Readonly<Record<string, unknown>>): string | null {
  const entries = Object.entries(variables)
  if (entries.length > MAX_VARIABLES) return `more than ${MAX_VARIABLES} variables`
  let total = 0
  for (const [name, value] of entries) {
    if (name === '') return 'a variable has no name'
    if (name.startsWith(RESERVED_PREFIX)) return `names that start with "${RESERVED_PREFIX}" are reserved`
    if (typeof value !== 'string') return 'the value of a variable must be a string'
    const bytes = sizeBytes(value)
    if (bytes > MAX_VALUE_BYTES) return `a value is longer than ${MAX_VALUE_BYTES} bytes`
    total += sizeBytes(name) + bytes
  }
  return total > MAX_VARIABLES_BYTES ? `all variables together are longer than ${MAX_VARIABLES_BYTES} bytes` : null
}
