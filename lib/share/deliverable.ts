/**
 * What of fetched batches can be delivered: no control records, nothing of the empty batches that compaction leaves, and with `read_committed` nothing of aborted transactions.
 */
import { readEndTransactionMarker, viewBatch } from '../records/index.ts'
import type { Span } from './share-partition.ts'

export interface Fetched {
  /** Whole batches in offset order. */
  readonly batches: readonly Uint8Array[]
  /** Transactions aborted in the range (empty unless read committed), with their first offsets. */
  readonly abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[]
}

export interface Deliverable {
  readonly spans: readonly Span[]
  /** Every batch's offsets, in order, with its bytes. */
  readonly batches: readonly (Span & { readonly bytes: Uint8Array })[]
}

export function findDeliverable({ batches, abortedTransactions }: Fetched): Deliverable {
  const views = batches.map(bytes => viewBatch(bytes))
  const pending = [...abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<number>()
  const spans: Span[] = []
  for (const view of views) {
    const last = view.baseOffset + view.lastOffsetDelta
    while (pending[0] && pending[0].firstOffset <= last) aborting.add(pending.shift()!.producerId)
    if (view.isControl) {
      if (readEndTransactionMarker(view)?.outcome === 'abort') aborting.delete(view.producerId)
      continue
    }
    if (view.recordCount === 0) continue
    if (view.isTransactional && aborting.has(view.producerId)) continue
    spans.push({ first: view.baseOffset, last })
  }
  return {
    spans: joined(spans),
    batches: views.map(view => ({
      first: view.baseOffset,
      last: view.baseOffset + view.lastOffsetDelta,
      bytes: view.bytes,
    })),
  }
}

function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = []
  for (const span of spans) {
    const before = result.at(-1)
    if (before && before.last + 1 === span.first) result[result.length - 1] = { first: before.first, last: span.last }
    else result.push(span)
  }
  return result
}
