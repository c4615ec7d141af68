/** Reads a topic's committed records from where a table ends, partition after partition. */
import type { Logger } from '../base/index.ts'
import { type Log, LogError, readPage, type Topic } from '../log/index.ts'
import type { BatchRecord } from '../records/index.ts'

export interface RecordsWanted {
  readonly topic: Topic
  /** By partition, where to begin; beyond: at the first record that is kept. */
  readonly offsets: readonly number[]
  /** By partition, where to stop. */
  readonly ends: readonly number[]
  readonly signal: AbortSignal
  /** Between one page and the next. */
  readonly pause: () => Promise<void>
  readonly onRecord: (partition: number, record: BatchRecord) => Promise<void>
  /** Whether to stop after so many bytes of records. */
  readonly isFull: (bytes: number) => boolean
}

/** What is read between two pauses: as long as it takes to decode holds up the process. */
const PAGE_BYTES = 256 * 1_024
const PAGE_RECORDS = 1_000

/** By partition, the next offset after what was read. @throws StoreError, CorruptDataError, LogError UNKNOWN_TOPIC */
export async function readRecords(
  { log, logger }: { readonly log: Log; readonly logger: Logger },
  { topic, ends, signal, pause, onRecord, isFull, ...wanted }: RecordsWanted,
): Promise<{ readonly offsets: number[]; readonly isFull: boolean }> {
  const stands = await log.standings(topic)
  const offsets = stands.map((_, partition) => wanted.offsets[partition] ?? 0)
  let bytes = 0
  for (const [partition, { start, stable }] of stands.entries()) {
    const end = Math.min(ends[partition] ?? 0, stable)
    const from = offsets[partition]!
    if (from > 0 && from < start)
      logger.warn('deleted before it was archived', { topic: topic.name, partition, from, to: start })
    let offset = Math.max(from, start)
    while (offset < end && !isFull(bytes) && !signal.aborted) {
      const page = await pageAt(log, topic, partition, offset)
      if (!page || page.nextOffset === offset) break
      for (const record of page.records) if (record.offset < end) await onRecord(partition, record)
      bytes += page.bytes
      offset = Math.min(page.nextOffset, end)
      await pause()
    }
    offsets[partition] = Math.max(from, offset)
  }
  return { offsets, isFull: isFull(bytes) }
}

/** Undefined where the records were deleted meanwhile. */
async function pageAt(log: Log, topic: Topic, partition: number, offset: number) {
  try {
    const limits = { recordsMax: PAGE_RECORDS, bytesMax: PAGE_BYTES, isolation: 'read_committed' } as const
    return await readPage(log, { topic, partition, offset, ...limits })
  } catch (error) {
    if (error instanceof LogError && error.code === 'OFFSET_OUT_OF_RANGE') return undefined
    throw error
  }
}
