/**
 * Puts record batches with the offsets that they have behind the end of a partition, as extents. Each extent comes to be referred to
 * in one write with the head, whose fence is not above its id: so a sweep, and a crash at any step, do as they would with
 * compaction. A head that is not where it is expected to be is left alone.
 */
import { type Clock, drawToken, type Random } from '../../base/index.ts'
import { type BatchView, splitBatches } from '../../records/index.ts'
import type { ItemStore, ObjectStore } from '../../storage/index.ts'
import type { Topic } from '../contract.ts'
import { LogError } from '../errors.ts'
import { type Extent, encodeExtent, extentKey } from '../extent/extent-item.ts'
import { changeHead } from '../head/transitions.ts'
import { type SegmentIds, segmentTime } from '../segment/segment-id.ts'
import type { Shards } from '../shards.ts'
import { putExtentStream } from '../upkeep/compaction/extent-stream.ts'
import { Throttle } from '../upkeep/compaction/throttle.ts'

export interface AttachParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly segmentIds: SegmentIds
  readonly shards: Shards
  readonly clock: Clock
  readonly random: Random
}

export interface Attachment {
  readonly topic: Topic
  readonly partition: number
  /** Where the partition ends now; of a new one, where it shall begin. */
  readonly from: number
  /** Where it ends afterwards, whether or not there are records up to it. */
  readonly to: number
  /** Whole batches, in offset order; all of [from, to) that there is. */
  readonly batches: readonly Uint8Array[]
}

/** @throws LogError UNKNOWN_TOPIC, REQUEST_TIMED_OUT where the partition is not where it is expected; StoreError, RecordError */
export async function attachBatches(parts: AttachParts, attachment: Attachment): Promise<void> {
  const { topic, partition, from, to } = attachment
  const { open, slot } = await parts.shards.find(topic, partition)
  await open.shard.refresh()
  const extent = to > from ? await putExtent(parts, attachment) : undefined
  const puts = extent ? [putOf(extent, attachment, parts.random)] : []
  const written = await open.committer.rewrite(head => {
    const state = head.partitions[slot]
    const isNew = state?.next === 0 && head.commits === 0
    if (!state || (state.next !== from && !isNew) || state.stable !== state.next) return undefined
    if (extent && segmentTime(extent.id) < head.fence) return undefined
    const moved = { start: isNew ? from : state.start, next: to, stable: to, extentsTo: to }
    return { head: changeHead(head, { partitions: head.partitions.with(slot, moved) }), operations: puts }
  })
  // A write whose answer was lost does not fit a second time.
  if (written || (await isThere(parts.items, puts))) return
  throw new LogError(
    'REQUEST_TIMED_OUT',
    `${topic.name}/${partition} does not end at ${from}: somebody else writes there`,
  )
}

async function putExtent(parts: AttachParts, { topic, partition, from, to, batches }: Attachment): Promise<Extent> {
  const views = batches.flatMap(bytes => splitBatches(bytes))
  const source = async function* (): AsyncGenerator<BatchView> {
    yield* views
  }
  const throttle = new Throttle(parts.clock, Number.POSITIVE_INFINITY)
  const place = { topicId: topic.id, partition, from, to, cleaned: false }
  return putExtentStream({ ...parts, throttle }, { ...place, batches: source })
}

function putOf(extent: Extent, { topic, partition }: Attachment, random: Random) {
  const key = extentKey(topic.id, partition, extent)
  return { kind: 'put', key, expected: 'absent', version: drawToken(random), value: encodeExtent(extent) } as const
}

async function isThere(items: ItemStore, puts: readonly ReturnType<typeof putOf>[]): Promise<boolean> {
  const put = puts[0]
  return put !== undefined && (await items.get(put.key))?.version === put.version
}
