/**
 * Reads everything that is stored and says what is wrong with it: checksums, references, offsets without a hole, orphans.
 * Changes nothing. Servers may write beside it: what looks wrong in a shard whose head has moved on meanwhile is looked
 * at again.
 */
import { type Clock, CorruptDataError, type Random } from '../../base/index.ts'
import type { ItemStore, ObjectStore } from '../../storage/index.ts'
import { listExtentObjects } from '../extent/extent-listing.ts'
import { decodeHead, headKey } from '../head/head.ts'
import { segmentTime } from '../segment/segment-id.ts'
import { listSegmentItems, listSegmentObjects } from '../segment/segment-listing.ts'
import { segmentItemKey } from '../segment/segment-store.ts'
import { StoredTopics } from '../topics/stored-topics.ts'
import type { StoredTopic } from '../topics/topic-item.ts'
import { checkShard } from './check-shard.ts'
import type { CheckedSoFar, CheckFinding } from './finding.ts'

export interface CheckOptions {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  /** Look at documents and at what they refer to, but not at the bytes of records. */
  readonly quick: boolean
  readonly onFinding: (finding: CheckFinding) => void
  readonly onProgress: (checked: CheckedSoFar) => void
}

const SHARD_ATTEMPTS_MAX = 3
const HOUR_MS = 3_600_000
/** Small segments that nothing refers to are looked for so far back, and in what clocks that are ahead have written. */
const ORPHAN_HOURS = { back: 60 * 24, ahead: 24 }

/** @throws StoreError where a store does not answer */
export async function checkLog(options: CheckOptions): Promise<CheckedSoFar> {
  const checked: CheckedSoFar = { topics: 0, partitions: 0, segments: 0, extents: 0, bytes: 0 }
  const needed = new Set<string>()
  const topics = new StoredTopics({ ...options, shardSize: 1 })
  const startedAt = options.clock.now()
  for await (const stored of topics.stored()) {
    checked.topics++
    for (let shard = 0; ; shard++) {
      const isThere = await checkOneShard(options, stored, shard, { needed, checked })
      if (!isThere && shard * stored.topic.shardSize >= stored.topic.partitions) break
    }
  }
  for await (const orphan of orphans(options, needed, startedAt)) options.onFinding(orphan)
  return checked
}

interface Marks {
  /** Ids of segments, snapshots and extents that something refers to. */
  readonly needed: Set<string>
  readonly checked: CheckedSoFar
}

async function checkOneShard(
  options: CheckOptions,
  { topic, state }: StoredTopic,
  shard: number,
  { needed, checked }: Marks,
): Promise<boolean> {
  const key = headKey(topic.id, shard)
  for (let attempt = 1; ; attempt++) {
    const item = await options.items.get(key)
    const isExpected = state !== 'deleting' && shard * topic.shardSize < topic.partitions
    if (!item) {
      if (isExpected)
        options.onFinding({ kind: 'missing', what: `${key.pk}/${key.sk}`, why: `a shard of ${topic.name}` })
      return false
    }
    const findings: CheckFinding[] = []
    try {
      const head = decodeHead(item.value)
      const place = { topic, shard, head }
      for await (const finding of checkShard(options, place, { needed, checked })) {
        // A fork that is being made has extents already, and no offsets yet.
        if (state !== 'forking' || finding.kind !== 'gap') findings.push(finding)
      }
      checked.partitions += head.partitions.length
    } catch (error) {
      if (!(error instanceof CorruptDataError)) throw error
      findings.push({ kind: 'damaged', what: `${key.pk}/${key.sk}`, why: error.message })
    }
    options.onProgress(checked)
    const now = findings.length === 0 ? item : await options.items.get(key)
    if (now?.version !== item.version && attempt < SHARD_ATTEMPTS_MAX) continue
    for (const finding of findings) options.onFinding(finding)
    return true
  }
}

/** What was put after the walk began may be referred to since. */
async function* orphans(
  { objects, items }: CheckOptions,
  needed: ReadonlySet<string>,
  startedAt: number,
): AsyncGenerator<CheckFinding> {
  const isOrphan = (id: string) => !needed.has(id) && segmentTime(id) < startedAt
  const why = 'nothing refers to it'
  for await (const { id, key } of listSegmentObjects(objects)) {
    if (isOrphan(id)) yield { kind: 'orphan', what: key, why }
  }
  for await (const { id, key } of listExtentObjects(objects)) {
    if (isOrphan(id)) yield { kind: 'orphan', what: key, why }
  }
  const hour = Math.floor(startedAt / HOUR_MS)
  for (let at = Math.max(0, hour - ORPHAN_HOURS.back); at <= hour + ORPHAN_HOURS.ahead; at++) {
    for (const { id } of await listSegmentItems(items, at)) {
      const { pk, sk } = segmentItemKey(id)
      if (isOrphan(id)) yield { kind: 'orphan', what: `${pk}/${sk}`, why }
    }
  }
}
