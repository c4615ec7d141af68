/**
 * cleanup.policy=compact: of each key only the last record stays, as Kafka's LogCleaner does it. Extents are clean (no key has an
 * older record in them or before them) up to some offset, and dirty above. A run learns the last offset of each key in the dirty ones,
 * as many keys as its memory holds, and rewrites all extents up to there, from the oldest on: so whatever stops it, what is
 * called clean is clean.
 *
 * Offsets and order stay; a batch is written anew only where records go. A tombstone is marked with the time at which it may go
 * (KIP-534: the batch's delete horizon) by the first run that meets it, and goes in a later one. Records above `min.compaction.lag.ms` are
 * not looked at. Extents hold committed records only, so transactions need no thought here.
 */
import type { Clock, Random } from '../../../base/index.ts'
import { type BatchView, readRecords, withoutRecords } from '../../../records/index.ts'
import type { Extent, StoredExtent } from '../../extent/extent-item.ts'
import type { ExtentList } from '../../extent/extent-list.ts'
import type { OpenShard } from '../../shards.ts'
import { numberConfig } from '../../topics/topic-configs.ts'
import { type ExtentStreamParts, putExtentStream, readExtents, totalBytes } from './extent-stream.ts'
import { KeyOffsets } from './key-offsets.ts'
import { REPLACED_MAX, replaceExtents } from './replace-extents.ts'
import type { CompactionSettings } from './settings.ts'

export interface CleanParts extends ExtentStreamParts {
  readonly extentList: ExtentList
  readonly clock: Clock
  readonly random: Random
  readonly settings: CompactionSettings
}

export interface CleanPlace {
  readonly partition: number
  readonly start: number
  readonly configs: Readonly<Record<string, string>>
}

export interface Cleaned {
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Extents. */
  readonly replaced: number
}

/** undefined: nothing is due. 'lost': somebody else changed the extents. @throws StoreError, LogError, CorruptDataError, RecordError */
export async function cleanPartition(
  parts: CleanParts,
  open: OpenShard,
  place: CleanPlace,
): Promise<Cleaned | undefined | 'lost'> {
  const extents = await listExtents(parts, open, place)
  const now = parts.clock.now()
  const dirty = dueExtents(extents, place.configs, now)
  if (dirty.length === 0) return undefined
  const { keys, end } = await learnKeys(parts, dirty)
  const rule: Rule = { keys, end, now, keepTombstonesMs: numberConfig(place.configs, 'delete.retention.ms') }
  let bytesBefore = 0
  let bytesAfter = 0
  let count = 0
  for (const group of groupsOf(extents, end, parts.settings.extentBytesMax)) {
    const by = await rewrite(parts, open, place, { group, rule })
    if (!(await replaceExtents(open, parts.random, { partition: place.partition, replaced: group, by }))) return 'lost'
    parts.extentList.forget(open.shard.topicId, place.partition)
    bytesBefore += totalBytes(group)
    bytesAfter += by.reduce((sum, { bytes }) => sum + bytes, 0)
    count += group.length
  }
  return { bytesBefore, bytesAfter, replaced: count }
}

/** All of the partition's; only those before a hole, which another's write on its way may show. */
async function listExtents(
  { extentList }: CleanParts,
  { shard }: OpenShard,
  { partition, start }: CleanPlace,
): Promise<StoredExtent[]> {
  const extents: StoredExtent[] = []
  for await (const extent of extentList.scan(shard.topicId, partition, { from: start })) {
    const before = extents.at(-1)
    if (before && before.to !== extent.from) break
    extents.push(extent)
  }
  return extents
}

/** The dirty extents whose turn it is; none while there are too few. Pure. */
export function dueExtents(
  extents: readonly StoredExtent[],
  configs: Readonly<Record<string, string>>,
  now: number,
): StoredExtent[] {
  const first = extents.findIndex(({ cleaned }) => !cleaned)
  if (first < 0) return []
  const newest = now - numberConfig(configs, 'min.compaction.lag.ms')
  const tooNew = extents.findIndex(({ maxTimestamp }, at) => at >= first && maxTimestamp > newest)
  // Without a lag clocks do not matter: a record from the future is compacted too.
  const end = numberConfig(configs, 'min.compaction.lag.ms') === 0 || tooNew < 0 ? extents.length : tooNew
  const dirty = extents.slice(first, end)
  const ratio = totalBytes(dirty) / Math.max(1, totalBytes(extents.slice(0, end)))
  const oldest = now - numberConfig(configs, 'max.compaction.lag.ms')
  const isLate = dirty.some(({ maxTimestamp }) => maxTimestamp >= 0 && maxTimestamp < oldest)
  return isLate || ratio >= numberConfig(configs, 'min.cleanable.dirty.ratio') ? dirty : []
}

interface Rule {
  readonly keys: KeyOffsets
  /** Records from here on are not in `keys`, and stay. */
  readonly end: number
  readonly now: number
  readonly keepTombstonesMs: number
}

/** The last offset of each key up to `end`: whole batches, at least one, as many as `keysMax` keys allow. */
async function learnKeys(parts: CleanParts, dirty: readonly StoredExtent[]): Promise<Pick<Rule, 'keys' | 'end'>> {
  const { keysMax } = parts.settings
  const records = dirty.reduce((sum, extent) => sum + extent.records, 0)
  let keys = new KeyOffsets(Math.min(keysMax, records))
  for await (const batch of readExtents(parts, dirty)) {
    if (keys.size === 0 && batch.recordCount > keysMax) keys = new KeyOffsets(batch.recordCount)
    if (keys.size > 0 && keys.size + batch.recordCount > keysMax) return { keys, end: batch.baseOffset }
    for (const { key, offset } of readRecords(batch)) if (key) keys.set(key, offset)
  }
  return { keys, end: dirty.at(-1)!.to }
}

/** The extents that begin below `end`, in groups that make one new extent each. An extent that `end` parts is a group of its own. */
function groupsOf(extents: readonly StoredExtent[], end: number, bytesMax: number): StoredExtent[][] {
  const groups: StoredExtent[][] = []
  for (const extent of extents) {
    if (extent.from >= end) break
    const group = groups.at(-1)
    const fits = group && group.length < REPLACED_MAX && totalBytes(group) + extent.bytes <= bytesMax
    if (fits && extent.to <= end) group.push(extent)
    else groups.push([extent])
  }
  return groups
}

async function rewrite(
  parts: CleanParts,
  { shard }: OpenShard,
  { partition, start }: CleanPlace,
  { group, rule }: { readonly group: readonly StoredExtent[]; readonly rule: Rule },
): Promise<Extent[]> {
  const { topicId } = shard
  const [from, to] = [group[0]!.from, group.at(-1)!.to]
  const put = (span: { from: number; to: number; cleaned: boolean }) =>
    putExtentStream(parts, {
      ...span,
      topicId,
      partition,
      batches: () => keptBatches(parts, group, { ...span, start, rule }),
    })
  const middle = Math.min(to, rule.end)
  const clean = await put({ from, to: middle, cleaned: true })
  return middle === to ? [clean] : [clean, await put({ from: middle, to, cleaned: false })]
}

async function* keptBatches(
  parts: CleanParts,
  group: readonly StoredExtent[],
  { from, to, start, rule }: { from: number; to: number; start: number; rule: Rule },
): AsyncGenerator<BatchView> {
  for await (const batch of readExtents(parts, group)) {
    const last = batch.baseOffset + batch.lastOffsetDelta
    if (last < Math.max(from, start) || batch.baseOffset >= to) continue
    const kept = batch.baseOffset >= rule.end ? batch : cleanBatch(batch, rule)
    if (kept) yield kept
  }
}

/** What stays of a batch; undefined: nothing. */
function cleanBatch(batch: BatchView, { keys, now, keepTombstonesMs }: Rule): BatchView | undefined {
  const tombstonesGo = batch.hasDeleteHorizon && batch.baseTimestamp <= now
  let hasTombstone = false
  const goes = new Set<number>()
  for (const { key, value, offset } of readRecords(batch)) {
    if (!key || keys.get(key) > offset || (value === null && tombstonesGo)) goes.add(offset)
    else if (value === null) hasTombstone = true
  }
  const deleteHorizon = hasTombstone && !batch.hasDeleteHorizon ? now + keepTombstonesMs : undefined
  if (goes.size === 0 && deleteHorizon === undefined) return batch
  return withoutRecords(batch, goes, deleteHorizon)
}
