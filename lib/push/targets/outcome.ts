/** What functions and web addresses may answer: as Lambda's event source mappings have it, `batchItemFailures` by offset. */
import type { Delivery, PushBatch } from '../contract.ts'

const REASON_LENGTH_MAX = 200

/** An answer without `batchItemFailures` took everything. */
export function deliveryOf(answer: unknown, { records }: PushBatch): Delivery {
  const failures = isObject(answer) ? answer.batchItemFailures : undefined
  if (!Array.isArray(failures) || failures.length === 0) return { outcome: 'delivered' }
  const offsets = failures.map(one => Number(isObject(one) ? one.itemIdentifier : Number.NaN))
  // As with Lambda: an identifier that is none of the delivery's fails all of it.
  const known = new Set(records.map(({ offset }) => offset))
  const from = offsets.every(offset => known.has(offset)) ? Math.min(...offsets) : undefined
  return { outcome: 'failed', reason: `the receiver refused ${failures.length} records`, from }
}

export function failed(reason: string, more: { retryAfterMs?: number | undefined } = {}): Delivery {
  return { outcome: 'failed', reason, ...more }
}

export function briefly(text: string): string {
  return text.slice(0, REASON_LENGTH_MAX).replaceAll(/\s+/g, ' ')
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null
}
