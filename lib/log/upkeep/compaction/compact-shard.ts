/**
 * Compacts a shard: the commits from its floor on become extents, one a partition.
 *
 *   read commits and their batches → put a snapshot, and an object for each partition → ONE write: extent items (expected absent) and the
 *   head (floor, extentsTo) → delete the chunks below the floor → the head's `removed` follows
 *
 * Races, and what holds:
 * - Another compactor, or this one twice: the write expects the head's floor and extents' ends as they were read; one wins. The loser
 *   leaves its objects where they are: it cannot know that its write has not happened. The sweep finds what nothing refers to.
 * - Commits made meanwhile: the change is planned anew on each head; it touches only what lies below the new floor.
 * - A sweep's fence above our ids: the change does not fit; the sweep may delete our objects. So ids are drawn only when all is read,
 *   which takes as long as the throttle says: else sweeps that come faster than a round would never let one come to its end.
 * - A process that knows an older head: it finds a chunk or segment gone and reads the head.
 * - Who opens the shard later needs the commits after the snapshot: the floor never passes that. Where the snapshot lags, a new one
 *   goes into the same write.
 * - The topic is deleted: a sealed head takes no change.
 */
import { drawToken, inParallel, type Logger, type Random } from '../../../base/index.ts'
import type { BatchView } from '../../../records/index.ts'
import type { ObjectStore, WriteOperation } from '../../../storage/index.ts'
import type { PlanRewrite } from '../../append/head-rewrites.ts'
import { ExtentBuilder } from '../../extent/extent-format.ts'
import { type Extent, encodeExtent, extentKey, extentObjectKey } from '../../extent/extent-item.ts'
import type { SnapshotRef } from '../../head/head.ts'
import { compactCommits } from '../../head/transitions.ts'
import { putSnapshot } from '../../producers/snapshot-writer.ts'
import { type SegmentIds, segmentTime } from '../../segment/segment-id.ts'
import type { SegmentStore } from '../../segment/segment-store.ts'
import type { OpenShard } from '../../shards.ts'
import { type ClassRule, classOf } from './class-rule.ts'
import { type CommitReadParts, readCommitBatches } from './commit-batches.ts'
import { type DueCommits, takeDueCommits } from './due-commits.ts'
import type { CompactionSettings } from './settings.ts'

export interface CompactShardParts extends Omit<CommitReadParts, 'readsMax'> {
  readonly objects: ObjectStore
  readonly segments: SegmentStore
  readonly segmentIds: SegmentIds
  readonly random: Random
  readonly logger: Logger
  readonly settings: CompactionSettings
}

export interface CompactedCommits {
  readonly commits: number
  readonly extents: number
  readonly bytes: number
  /** Those that got an extent. */
  readonly slots: readonly number[]
  /** More commits are due. */
  readonly more: boolean
}

/** Objects of extents that are put at a time. */
const PUTS_MAX = 2

/**
 * Compacts what one round takes; undefined where nothing is due. `first`: number of the shard's first partition; `now`: wall clock,
 * ms since 1970. 'lost': somebody else was faster, or the store had moved on.
 * @throws StoreError, LogError, CorruptDataError
 */
export async function compactCommitsOf(
  parts: CompactShardParts,
  { shard, committer }: OpenShard,
  { first, now, rule }: { readonly first: number; readonly now: number; readonly rule?: ClassRule | undefined },
): Promise<CompactedCommits | undefined | 'lost'> {
  const due = await takeDueCommits(shard, parts.settings, now)
  if (due === 'moved') return 'lost'
  if (!due) return undefined
  const batches = await readCommitBatches({ ...parts, readsMax: parts.settings.readsMax }, due.commits, {
    aborted: due.aborted,
    starts: due.head.partitions.map(({ start }) => start),
  })
  if (!batches) return 'lost'
  const snapshot = (due.head.snapshot?.commits ?? 0) < due.floor ? await putSnapshot(parts, shard) : undefined
  const slots = [...due.extentsTo.keys()].filter(slot => mustKeep(due, slot))
  const extents = await inParallel(slots, PUTS_MAX, async slot => {
    const partition = first + slot
    return {
      partition,
      extent: await putExtent(parts, { due, slot, partition, topicId: shard.topicId, rule }, batches.get(slot) ?? []),
    }
  })
  const operations = extents.map(
    ({ partition, extent }): WriteOperation => ({
      kind: 'put',
      key: extentKey(shard.topicId, partition, extent),
      expected: 'absent',
      version: drawToken(parts.random),
      value: encodeExtent(extent),
    }),
  )
  const written = await committer.rewrite(
    planCompaction(
      due,
      extents.map(({ extent }) => extent),
      { operations, snapshot },
    ),
  )
  if (!written) return 'lost'
  const bytes = extents.reduce((sum, { extent }) => sum + extent.bytes, 0)
  return { commits: due.commits.length, extents: extents.length, bytes, slots, more: due.more }
}

/** Whether the slot has offsets to be covered; what lies below `start` is read by nobody. */
function mustKeep({ head, extentsTo }: DueCommits, slot: number): boolean {
  const { start, extentsTo: from } = head.partitions[slot]!
  return extentsTo[slot]! > from && extentsTo[slot]! > start
}

function planCompaction(
  due: DueCommits,
  extents: readonly Extent[],
  { operations, snapshot }: { operations: readonly WriteOperation[]; snapshot: SnapshotRef | undefined },
): PlanRewrite {
  return head => {
    const isSame =
      head.floor === due.head.floor &&
      due.head.partitions.every(({ extentsTo }, slot) => head.partitions[slot]?.extentsTo === extentsTo)
    const isNewer = snapshot && snapshot.commits > (head.snapshot?.commits ?? 0)
    const ids = [...extents.map(({ id }) => id), ...(isNewer ? [snapshot.segment.id] : [])]
    if (!isSame || ids.some(id => segmentTime(id) < head.fence)) return undefined
    const { floor, extentsTo } = due
    return { head: compactCommits(head, { floor, extentsTo, snapshot: isNewer ? snapshot : undefined }), operations }
  }
}

interface ExtentPlace {
  readonly due: DueCommits
  readonly slot: number
  readonly partition: number
  readonly topicId: string
  readonly rule: ClassRule | undefined
}

async function putExtent(
  { objects, segmentIds }: CompactShardParts,
  { due, slot, partition, topicId, rule }: ExtentPlace,
  batches: readonly BatchView[],
): Promise<Extent> {
  const { start, extentsTo: from } = due.head.partitions[slot]!
  const to = due.extentsTo[slot]!
  const builder = new ExtentBuilder(from)
  const kept = batches.filter(({ baseOffset, lastOffsetDelta }) => baseOffset + lastOffsetDelta >= start)
  const bytes = kept.map(batch => builder.add(batch))
  const { parts, summary } = builder.finish(to)
  const id = segmentIds.next()
  const object = extentObjectKey(topicId, partition, from, id)
  const storageClass = classOf(rule, summary)
  await objects.put(object, [...bytes, ...parts], { storageClass })
  return { ...summary, from, to, id, object, shared: false, cleaned: false, ...(storageClass && { storageClass }) }
}
