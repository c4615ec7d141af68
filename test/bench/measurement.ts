/** What one run of a client against one server came to; what the client does not tell is undefined. */
export interface Measurement {
  readonly recordsPerSecond?: number
  readonly megabytesPerSecond?: number
  /** Latency in ms. */
  readonly p50?: number
  readonly p95?: number
  readonly p99?: number
}

/** What the server asked of its stores, and its list price in $; undefined where the server does not tell. */
export interface StoreRequests {
  readonly requests: number
  readonly dollars: number
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** Nearest rank. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN
}
