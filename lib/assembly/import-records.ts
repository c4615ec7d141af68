/**
 * Makes a topic of record batches that have offsets. Until all of it is there it has a name of its own (`__importing.…`) by which nobody
 * finds it, and then it is renamed, in one step. Whoever imports the same again goes on where it stopped; upkeep gives up what nobody
 * goes on with.
 */
import { IMPORTING, type Log, LogError, type Topic } from '../log/index.ts'
import type { BatchView } from '../records/index.ts'
import { BackupError } from './backup-format.ts'

export interface ImportSource {
  /** The same for the same records alone. */
  readonly mark: string
  readonly partitions: readonly ImportedPartition[]
  /** In offset order; throws at the end, at the latest, where they are not what they were. */
  batches(partition: number): AsyncIterable<BatchView>
  onBatch?(batch: BatchView): void
}

export interface ImportedPartition {
  readonly file: string
  readonly start: number
  readonly end: number
}

export interface ImportTarget {
  readonly name: string
  readonly configs: Topic['configs']
  /** What goes into one extent, and is held in memory. */
  readonly extentBytes?: number
}

const EXTENT_BYTES = 32 * 1_024 * 1_024
const TOPIC_NAME_MAX = 249

/** @throws BackupError, StoreError, CorruptDataError; LogError TOPIC_EXISTS, UNKNOWN_TOPIC where it was given up meanwhile, INVALID_… */
export async function importRecords(log: Log, source: ImportSource, target: ImportTarget): Promise<void> {
  const { name, configs } = target
  const partitions = source.partitions.length
  await log.topics.validate({ name, partitions, configs })
  const half = `${IMPORTING}${source.mark}.${name}`.slice(0, TOPIC_NAME_MAX)
  const { topic, hold } = await log.restoring.begin({ name: half, partitions })
  await hold(async signal => {
    const stands = await log.standings(topic)
    for (const [partition, wanted] of source.partitions.entries()) {
      const reached = stands[partition]!.end
      await importPartition(log, { topic, partition, reached, wanted, source, target, signal })
    }
    await log.restoring.rename(topic, { name, configs })
  })
}

interface Place {
  readonly topic: Topic
  readonly partition: number
  /** What was put into it before. */
  readonly reached: number
  readonly wanted: ImportedPartition
  readonly source: ImportSource
  readonly target: ImportTarget
  readonly signal: AbortSignal
}

async function importPartition(log: Log, place: Place): Promise<void> {
  const { topic, partition, reached, wanted, source, signal } = place
  const { extentBytes = EXTENT_BYTES } = place.target
  const { start, end, file } = wanted
  if (reached > end) throw new BackupError(`${topic.name}/${partition} has more than the export: delete ${topic.name}.`)
  let from = Math.max(start, reached)
  let held: Uint8Array[] = []
  let heldBytes = 0
  let next = from
  const attach = async (to: number) => {
    if (signal.aborted) throw new LogError('UNKNOWN_TOPIC', `${topic.name} was given up while it was made`)
    await log.restoring.attach({ topic, partition, from, to, batches: held })
    from = to
    held = []
    heldBytes = 0
  }
  for await (const batch of source.batches(partition)) {
    source.onBatch?.(batch)
    const after = batch.baseOffset + batch.lastOffsetDelta + 1
    if (after <= reached) continue
    if (after <= next || after > end) throw damaged(file, `a batch ends at offset ${after - 1}`)
    held.push(batch.bytes)
    heldBytes += batch.bytes.length
    next = after
    if (heldBytes >= extentBytes) await attach(next)
  }
  if (from < end || reached === 0) await attach(end)
}

export function damaged(file: string, why: string): BackupError {
  return new BackupError(`${file} is damaged (${why}): take another copy of the export, and import that.`)
}
