/** Percentiles as printed: of what was measured, never interpolated. */

export interface Spread {
  readonly p50: number | null
  readonly p95: number | null
}

/** Nearest-rank percentile, rounded to whole ms; null of nothing. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const rank = Math.max(1, Math.ceil(share * sorted.length))
  return Math.round(sorted[rank - 1]!)
}

export function spread(values: readonly number[]): Spread {
  return { p50: percentile(values, 0.5), p95: percentile(values, 0.95) }
}
