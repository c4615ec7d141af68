/**
 * A page of a partition's records for those who do not want batches: markers and aborted transactions left out
 * (as Kafka's consumers do it), cut by count and bytes, waited for.
 */
import type { Clock } from '../../base/index.ts'
import {
  type BatchRecord,
  type BatchView,
  readEndTransactionMarker,
  readRecords,
  viewBatch,
} from '../../records/index.ts'
import type { Isolation, Log, ReadResult, Topic } from '../contract.ts'

export interface PageRequest {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
  readonly recordsMax: number
  /** Of keys and values; the first record comes whatever its size. */
  readonly bytesMax: number
  readonly isolation: Isolation
}

export interface Page {
  readonly records: readonly BatchRecord[]
  readonly bytes: number
  /** Where the next page begins. */
  readonly nextOffset: number
  readonly startOffset: number
  readonly endOffset: number
}

export interface Waiting {
  readonly waitMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** @throws LogError UNKNOWN_TOPIC, OFFSET_OUT_OF_RANGE; RecordError */
export async function readPage(log: Log, request: PageRequest): Promise<Page> {
  const { topic, partition, offset, isolation, bytesMax } = request
  const read = await log.read({ topic, partition, offset, isolation, maxBytes: bytesMax, atLeastOneBatch: true })
  return { ...cut(read, request), startOffset: read.startOffset, endOffset: read.endOffset }
}

/** Waits for a first record, or until the time is over. `read`: reads pages in its own way. */
export async function awaitPage(
  log: Log,
  request: PageRequest,
  { waitMs, clock, signal }: Waiting,
  read: (request: PageRequest) => Promise<Page> = one => readPage(log, one),
): Promise<Page> {
  const deadline = clock.monotonic() + waitMs
  let from = request
  for (;;) {
    const page = await read(from)
    const leftMs = deadline - clock.monotonic()
    if (page.records.length > 0 || leftMs <= 0 || signal.aborted) return page
    // Past what nobody may see there may be more at once.
    if (page.nextOffset === from.offset) {
      const { topic, partition } = request
      await log.waitForRecords([{ topic, partition, offset: page.endOffset }], leftMs, signal)
    }
    from = { ...request, offset: page.nextOffset }
  }
}

function cut(
  read: ReadResult,
  { offset, recordsMax, bytesMax }: PageRequest,
): Pick<Page, 'records' | 'bytes' | 'nextOffset'> {
  const records: BatchRecord[] = []
  let bytes = 0
  let nextOffset = offset
  for (const batch of visibleBatches(read)) {
    for (const record of readRecords(batch)) {
      if (record.offset < offset) continue
      const size = sizeOf(record)
      if (records.length >= recordsMax || (records.length > 0 && bytes + size > bytesMax)) {
        return { records, bytes, nextOffset }
      }
      records.push(record)
      bytes += size
      nextOffset = record.offset + 1
    }
    nextOffset = Math.max(nextOffset, endOf(batch))
  }
  const last = read.batches.at(-1)
  return { records, bytes, nextOffset: last ? Math.max(nextOffset, endOf(viewBatch(last))) : nextOffset }
}

/** Without markers, and without the batches of aborted transactions (those that the read names). */
export function* visibleBatches({ batches, abortedTransactions }: ReadResult): Generator<BatchView> {
  const upcoming = [...abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset)
  const aborted = new Set<number>()
  for (const bytes of batches) {
    const batch = viewBatch(bytes)
    while (upcoming[0] && upcoming[0].firstOffset <= endOf(batch) - 1) aborted.add(upcoming.shift()!.producerId)
    if (batch.isControl) {
      if (readEndTransactionMarker(batch)?.outcome === 'abort') aborted.delete(batch.producerId)
    } else if (!(batch.isTransactional && aborted.has(batch.producerId))) yield batch
  }
}

function endOf({ baseOffset, lastOffsetDelta }: BatchView): number {
  return baseOffset + lastOffsetDelta + 1
}

function sizeOf({ key, value, headers }: BatchRecord): number {
  return (
    (key?.length ?? 0) +
    (value?.length ?? 0) +
    headers.reduce((sum, header) => sum + header.key.length + (header.value?.length ?? 0), 32)
  )
}
