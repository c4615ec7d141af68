/**
 * What the stores hold in the end: whatever a head refers to and a reader may ask for is there, and its commits have no hole;
 * after the last sweep nothing else is there (I7).
 */
import { decodeExtent, type Extent, extentPartitionKey } from '../../lib/log/extent/extent-item.ts'
import { type Chunk, decodeChunk } from '../../lib/log/head/chunk.ts'
import type { Commit } from '../../lib/log/head/commit.ts'
import { decodeHead, type Head, tailStart } from '../../lib/log/head/head.ts'
import { type SegmentRef, segmentItemKey, segmentObjectKey } from '../../lib/log/segment/segment-store.ts'
import { decodeTopic, decodeTopicName, TOPIC_NAMES, topicKey } from '../../lib/log/topics/topic-item.ts'
import type { Item } from '../../lib/storage/index.ts'
import type { Violation } from './checker/index.ts'
import type { Truth } from './world/stores.ts'

const SHARD_PREFIX = 's#'
const CHUNK_PREFIX = 'c#'

export function checkEndState(truth: Truth, { swept }: { readonly swept: boolean }): Violation[] {
  const all = truth.items.all()
  const needed = new Set<string>()
  const violations = [...Map.groupBy(all, ({ key }) => key.pk)].flatMap(([pk, items]) =>
    pk.startsWith(SHARD_PREFIX)
      ? [...checkShard(pk, items, truth, needed), ...checkExtents(pk, items, truth, needed)]
      : [],
  )
  return swept ? [...violations, ...checkGarbage(all, truth, needed)] : violations
}

/** Extents follow each other from where a partition starts to where the head says, and their objects are whole. */
function checkExtents(shard: string, items: readonly Item[], truth: Truth, needed: Set<string>): Violation[] {
  const stored = items.find(({ key }) => key.sk === 'head')
  const [, topicId = '', number] = shard.split('#')
  const topicItem = truth.items.get(topicKey(topicId))
  if (!stored || !topicItem) return []
  const { shardSize } = decodeTopic(topicItem.value).topic
  return decodeHead(stored.value).partitions.flatMap(({ start, extentsTo }, slot) => {
    const partition = Number(number) * shardSize + slot
    const extents = extentsOf(topicId, partition, truth)
    for (const { object, to } of extents) if (to > start) needed.add(object)
    const flaw = flawOfExtents(extents, { start, extentsTo }, truth)
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
  for (const { from, to, object, bytes, indexBytes, objectBytes = bytes } of extents) {
    if (next !== undefined && from !== next && Math.max(next, from) > start) return `an extent at ${from}, not ${next}`
    if (next === undefined && from > start) return `the first extent at ${from}, the start at ${start}`
    if (objects.get(object)?.length !== objectBytes + indexBytes && to > start) return `${object} is not whole`
    next = to
  }
  const end = next ?? Math.min(start, extentsTo)
  return end === extentsTo || (end < extentsTo && extentsTo <= start)
    ? undefined
    : `extents to ${end}, not ${extentsTo}`
}

/** `needed`: keys of segments in both stores. */
function checkGarbage(all: readonly Item[], truth: Truth, needed: ReadonlySet<string>): Violation[] {
  const names = all.filter(({ key }) => key.pk === TOPIC_NAMES).map(({ value }) => decodeTopicName(value))
  const live = new Set(names.filter(({ state }) => state === 'live').map(({ id }) => id))
  const isGarbage = ({ key }: Item) => {
    const [kind, id] = key.pk.split('#')
    if (kind === 'g') return !needed.has(`${key.pk}/${key.sk}`)
    if (kind === 's' || kind === 't' || kind === 'x') return !live.has(id!)
    return false
  }
  const items = all.filter(isGarbage).map(({ key }) => `${key.pk}/${key.sk}`)
  const objects = truth.objects.keys().filter(key => !needed.has(key))
  const halfDeleted = names.filter(({ state }) => state !== 'live').map(({ id }) => `topic ${id}`)
  return [...items, ...objects, ...halfDeleted].map(what => ({ property: 'garbage', what }))
}

function checkShard(shard: string, items: readonly Item[], truth: Truth, needed: Set<string>): Violation[] {
  const missing = (what: string): Violation => ({ property: 'missing-object', what: `${shard}: ${what}` })
  const stored = items.find(({ key }) => key.sk === 'head')
  const chunks = items.filter(({ key }) => key.sk.startsWith(CHUNK_PREFIX)).map(({ value }) => decodeChunk(value))
  if (!stored) return chunks.length > 0 ? [missing(`${chunks.length} chunks without a head`)] : []
  const head = decodeHead(stored.value)
  const live = liveChunks(head, chunks)
  if (!live) return [missing(`a hole in the chunks ${chunks.map(({ firstCommit }) => firstCommit)}`)]
  const commits = [...live.flatMap(chunk => chunk.commits), ...head.tail]
  const read = commits.filter(commit => isRead(commit, head)).map(({ segment }) => segment)
  const segments = [...(head.snapshot ? [head.snapshot.segment] : []), ...read]
  for (const { id } of segments) {
    const { pk, sk } = segmentItemKey(id)
    needed.add(`${pk}/${sk}`).add(segmentObjectKey(id))
  }
  return segments.filter(segment => !isThere(segment, truth)).map(({ id, medium }) => missing(`${medium} ${id}`))
}

/** Some of its records are not deleted. */
function isRead({ slices }: Commit, { partitions }: Head): boolean {
  return slices.some(({ slot, baseOffset, records }) => baseOffset + records > partitions[slot]!.start)
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
