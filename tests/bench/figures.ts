/** Percentiles as measured, never interpolated, and how they are printed. */

/** One line of the table. `target` is the most that is wanted; without one the figure only informs. */
export interface Figure {
  readonly name: string
  readonly unit: string
  /** Null: not measured. */
  readonly value: number | null
  readonly target?: number
  /** Values behind it. */
  readonly count?: number
}

export interface BenchResult {
  readonly bench: string
  readonly figures: readonly Figure[]
  /** Sentences for the reader: how it was done this time, what went wrong. */
  readonly notes: readonly string[]
}

/** Nearest rank; null of nothing. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!
}

const SHARES: Readonly<Record<string, number>> = { p50: 0.5, p95: 0.95, p99: 0.99, 'p99.9': 0.999, max: 1 }

/** One figure for each wanted percentile. `wanted` maps its name (p50, p99.9, max) to a target or null. */
export function spread(
  what: string,
  values: readonly number[],
  wanted: Readonly<Record<string, number | null>>,
  unit = 'ms',
): Figure[] {
  return Object.entries(wanted).map(([name, target]) => ({
    name: `${what}, ${name}`,
    unit,
    value: rounded(percentile(values, SHARES[name]!)),
    count: values.length,
    ...(target === null ? {} : { target }),
  }))
}

export function figure(name: string, unit: string, value: number | null, target?: number): Figure {
  return { name, unit, value: rounded(value), ...(target === undefined ? {} : { target }) }
}

export function rounded(value: number | null): number | null {
  if (value === null || !Number.isFinite(value)) return null
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return Number(value.toFixed(digits))
}

/** `met`, `missed`, or '' without a target. */
export function verdict({ value, target }: Figure): string {
  if (target === undefined) return ''
  if (value === null) return 'not measured'
  return value <= target ? 'met' : 'missed'
}
