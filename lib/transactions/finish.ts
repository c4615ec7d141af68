/**
 * Tells everybody whom a decided transaction has touched how it ended: a marker for each partition, and each block of
 * staged offsets. All of it may be repeated, by any process, at any time: who was told already does nothing.
 */
import { inParallel } from '../base/index.ts'
import type { Groups } from '../groups/index.ts'
import { type Log, LogError } from '../log/index.ts'
import { MARKER_TIMEOUT_MS, MARKERS_AT_ONCE } from './settings.ts'
import type { TransactionDocument } from './transaction-document.ts'
import type { TransactionOutcome } from './transitions.ts'

export interface Told {
  readonly log: Pick<Log, 'topics' | 'endTransaction'>
  readonly groups: Pick<Groups, 'endTransaction'>
}

/** Partitions of deleted topics need not be told. @throws LogError, GroupError, StoreError where somebody was not told */
export async function tellEverybody(
  { producerId, epoch, transaction, topics, groups }: TransactionDocument,
  outcome: TransactionOutcome,
  told: Told,
): Promise<void> {
  const marker = { producerId, producerEpoch: epoch, transaction, outcome, timeoutMs: MARKER_TIMEOUT_MS }
  const partitions = topics.flatMap(({ topicId, partitions }) => partitions.map(partition => ({ topicId, partition })))
  const work = [
    ...partitions.map(({ topicId, partition }) => async () => {
      const topic = await told.log.topics.find({ id: topicId })
      if (topic) await unlessGone(told.log.endTransaction({ ...marker, topic, partition }))
    }),
    ...groups.map(({ groupId, blocks }) => () => {
      return told.groups.endTransaction({ groupId, blocks, producerId, transaction, outcome })
    }),
  ]
  const failures: unknown[] = []
  await inParallel(work, MARKERS_AT_ONCE, tell => tell().catch((error: unknown) => void failures.push(error)))
  if (failures.length > 0) throw failures[0]
}

/** A topic that is deleted needs no marker. */
async function unlessGone(marked: Promise<void>): Promise<void> {
  try {
    await marked
  } catch (error) {
    if (!(error instanceof LogError && error.code === 'UNKNOWN_TOPIC')) throw error
  }
}
