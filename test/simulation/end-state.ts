/** What the stores hold in the end: whatever a head refers to is there, and its commits have no hole (I7). */
import { type Chunk, decodeChunk } from '../../lib/log/head/chunk.ts'
import { decodeHead, type Head, tailStart } from '../../lib/log/head/head.ts'
import { type SegmentRef, segmentItemKey, segmentObjectKey } from '../../lib/log/segment/segment-store.ts'
import type { Item } from '../../lib/storage/index.ts'
import type { Violation } from './checker/index.ts'
import type { Truth } from './world/stores.ts'

const SHARD_PREFIX = 's#'
const CHUNK_PREFIX = 'c#'

export function checkEndState(truth: Truth): Violation[] {
  const shards = Map.groupBy(truth.items.all(), ({ key }) => key.pk)
  return [...shards].flatMap(([pk, items]) => (pk.startsWith(SHARD_PREFIX) ? checkShard(pk, items, truth) : []))
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
