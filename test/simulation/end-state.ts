/** What the stores hold in the end: whatever a head refers to is there, and its commits have no hole (I7). */
import { decodeExtent, type Extent, extentPartitionKey } from '../../lib/log/extent/extent-item.ts'
import { type Chunk, decodeChunk } from '../../lib/log/head/chunk.ts'
import { decodeHead, type Head, tailStart } from '../../lib/log/head/head.ts'
import { type SegmentRef, segmentItemKey, segmentObjectKey } from '../../lib/log/segment/segment-store.ts'
import { decodeTopic, topicKey } from '../../lib/log/topics/topic-item.ts'
import type { Item } from '../../lib/storage/index.ts'
import type { Violation } from './checker/index.ts'
import type { Truth } from './world/stores.ts'

const SHARD_PREFIX = 's#'
const CHUNK_PREFIX = 'c#'

export function checkEndState(truth: Truth): Violation[] {
  const shards = Map.groupBy(truth.items.all(), ({ key }) => key.pk)
  return [...shards].flatMap(([pk, items]) =>
    pk.startsWith(SHARD_PREFIX) ? [...checkShard(pk, items, truth), ...checkExtents(pk, items, truth)] : [],
  )
}

/** Extents follow each other from where a partition starts to where the head says, and their objects are whole. */
function checkExtents(shard: string, items: readonly Item[], truth: Truth): Violation[] {
  const stored = items.find(({ key }) => key.sk === 'head')
  const [, topicId = '', number] = shard.split('#')
  const topicItem = truth.items.get(topicKey(topicId))
  if (!stored || !topicItem) return []
  const { shardSize } = decodeTopic(topicItem.value).topic
  return decodeHead(stored.value).partitions.flatMap(({ start, extentsTo }, slot) => {
    const partition = Number(number) * shardSize + slot
    const flaw = flawOfExtents(extentsOf(topicId, partition, truth), { start, extentsTo }, truth)
    return flaw ? [{ property: 'missing-object', what: `${topicId}/${partition}: ${flaw}` }] : []
  })
}

function extentsOf(topicId: string, partition: number, { items }: Truth): Extent[] {
  const pk = extentPartitionKey(topicId, partition)
  const found = items.all().filter(({ key }) => key.pk === pk)
  return found.toSorted((a, b) => (a.key.sk < b.key.sk ? -1 : 1)).map(({ value }) => decodeExtent(value))
}

function flawOfExtents(
  extents: readonly Extent[],
  { start, extentsTo }: { start: number; extentsTo: number },
  { objects }: Truth,
): string | undefined {
  let next: number | undefined
  for (const { from, to, object, bytes, indexBytes } of extents) {
    if (next !== undefined && from !== next && Math.max(next, from) > start) return `an extent at ${from}, not ${next}`
    if (next === undefined && from > start) return `the first extent at ${from}, the start at ${start}`
    if (objects.get(object)?.length !== bytes + indexBytes && to > start) return `${object} is not whole`
    next = to
  }
  const end = next ?? Math.min(start, extentsTo)
  return end === extentsTo || (end < extentsTo && extentsTo <= start)
    ? undefined
    : `extents to ${end}, not ${extentsTo}`
}

function checkShard(shard: string, items: readonly Item[], truth: Truth): Violation[] {
  const missing = (what: string): Violation => ({ property: 'missing-object', what: `${shard}: ${what}` })
  const stored = items.find(({ key }) => key.sk === 'head')
  const chunks = items.filter(({ key }) => key.sk.startsWith(CHUNK_PREFIX)).map(({ value }) => decodeChunk(value))
  if (!stored) return chunks.length > 0 ? [missing(`${chunks.length} chunks without a head`)] : []
  const head = decodeHead(stored.value)
  const live = liveChunks(head, chunks)
  if (!live) return [missing(`a hole in the chunks ${chunks.map(({ firstCommit }) => firstCommit)}`)]
  const commits = [...live.flatMap(chunk => chunk.commits), ...head.tail]
  const segments = [...(head.snapshot ? [head.snapshot.segment] : []), ...commits.map(({ segment }) => segment)]
  return segments.filter(segment => !isThere(segment, truth)).map(({ id, medium }) => missing(`${medium} ${id}`))
}

/** From `floor` to the tail; undefined where one is missing. */
function liveChunks(head: Head, chunks: readonly Chunk[]): Chunk[] | undefined {
  const live = chunks.filter(chunk => chunk.firstCommit + chunk.commits.length > head.floor)
  const first = live[0]?.firstCommit ?? head.floor
  let end = first
  for (const { firstCommit, commits } of live) {
    if (firstCommit !== end) return undefined
    end = firstCommit + commits.length
  }
  return first <= head.floor && end === tailStart(head) ? live : undefined
}

function isThere({ id, medium }: SegmentRef, { items, objects }: Truth): boolean {
  if (medium === 'none') return true
  if (medium === 'item') return items.get(segmentItemKey(id)) !== undefined
  return objects.get(segmentObjectKey(id)) !== undefined
}
