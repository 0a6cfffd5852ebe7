/** Keys in INFO requests: `application/dtmf-relay` (Signal=5, Duration=160) and `application/dtmf` (5). */

export interface KeyByInfo {
  readonly digit: string
  readonly durationMs: number
}

/** When the phone does not say, or says nonsense: about how long people press. */
const USUAL_MS = 100
const MOST_MS = 10_000

/** Numbers of RFC 4733 events beside the keys themselves. */
const NUMBERED: Readonly<Record<string, string>> = { '10': '*', '11': '#', '12': 'A', '13': 'B', '14': 'C', '15': 'D' }

/** @returns null when no key is named (a hook flash, say) */
export function keyOfInfo(contentType: string, body: string): KeyByInfo | null {
  if (contentType === 'application/dtmf') return key(body.trim(), USUAL_MS)
  const values = new Map<string, string>()
  for (const line of body.split(/\r\n|\r|\n/)) {
    const equals = line.indexOf('=')
    if (equals > 0) values.set(line.slice(0, equals).trim().toLowerCase(), line.slice(equals + 1).trim())
  }
  const durationMs = Number(values.get('duration'))
  const isSaid = Number.isFinite(durationMs) && durationMs > 0 && durationMs <= MOST_MS
  return key(values.get('signal') ?? '', isSaid ? durationMs : USUAL_MS)
}

function key(text: string, durationMs: number): KeyByInfo | null {
  const digit = NUMBERED[text] ?? text.toUpperCase()
  return /^[0-9A-D*#]$/.test(digit) ? { digit, durationMs } : null
}
