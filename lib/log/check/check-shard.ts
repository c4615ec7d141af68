/** What is wrong with one shard: its head, chunks, snapshot, extents, and the segments that readers may still ask for. */
import { CorruptDataError } from '../../base/index.ts'
import type { ItemStore, ObjectStore } from '../../storage/index.ts'
import { listExtents } from '../extent/extent-listing.ts'
import { chunkSortKey, decodeChunk } from '../head/chunk.ts'
import type { Commit } from '../head/commit.ts'
import { shardKey, tailStart } from '../head/head.ts'
import { decodeFold } from '../producers/snapshot.ts'
import { type SegmentRef, segmentItemKey, segmentObjectKey } from '../segment/segment-store.ts'
import { isNeeded } from '../upkeep/needed-segments.ts'
import { flawOfExtent, flawOfSegment } from './check-blobs.ts'
import type { CheckedShard, CheckedSoFar, CheckFinding } from './finding.ts'

export interface CheckShardParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly quick: boolean
}

interface Marks {
  readonly needed: Set<string>
  readonly checked: CheckedSoFar
}

/** @throws CorruptDataError for documents that do not decode; StoreError */
export async function* checkShard(
  parts: CheckShardParts,
  place: CheckedShard,
  marks: Marks,
): AsyncGenerator<CheckFinding> {
  yield* checkHead(place)
  yield* checkSnapshot(parts, place, marks)
  yield* checkExtents(parts, place, marks)
  yield* checkCommits(parts, place, marks)
}

function* checkHead(place: CheckedShard): Generator<CheckFinding> {
  const { head } = place
  for (const [slot, { start, stable, next, extentsTo }] of head.partitions.entries()) {
    if (start <= stable && stable <= next && extentsTo <= next) continue
    const why = `start ${start}, stable ${stable}, next ${next}, extents to ${extentsTo}`
    yield { kind: 'damaged', what: nameOf(place, slot), why }
  }
  if (head.removed <= head.floor && head.floor <= head.commits && (head.snapshot?.commits ?? 0) >= head.floor) return
  const why = `removed ${head.removed}, floor ${head.floor}, commits ${head.commits}, snapshot ${head.snapshot?.commits}`
  yield { kind: 'damaged', what: nameOf(place), why }
}

async function* checkSnapshot(
  { objects, items }: CheckShardParts,
  place: CheckedShard,
  { needed }: Marks,
): AsyncGenerator<CheckFinding> {
  const { snapshot } = place.head
  if (!snapshot || snapshot.segment.medium === 'none') return
  needed.add(snapshot.segment.id)
  const bytes = await readBlob({ objects, items }, snapshot.segment)
  if (!bytes) return yield { kind: 'missing', what: keyOf(snapshot.segment), why: `the snapshot of ${nameOf(place)}` }
  const flaw = flawIn(() => decodeFold(bytes))
  if (flaw) yield { kind: 'damaged', what: keyOf(snapshot.segment), why: flaw }
}

/** From where a partition starts to where its chunks begin, without a hole. */
async function* checkExtents(
  { objects, items, quick }: CheckShardParts,
  place: CheckedShard,
  { needed, checked }: Marks,
): AsyncGenerator<CheckFinding> {
  const { topic, shard, head } = place
  for (const [slot, { start, extentsTo }] of head.partitions.entries()) {
    let next = start
    for await (const extent of listExtents(items, topic.id, shard * topic.shardSize + slot)) {
      needed.add(extent.id)
      if (extent.to <= start) continue
      if (extent.from > next) {
        yield { kind: 'gap', what: nameOf(place, slot), why: `no extent has offsets ${next} to ${extent.from - 1}` }
      }
      next = extent.to
      checked.extents++
      checked.bytes += extent.bytes
      const flaw = await flawOfExtent(objects, extent, { quick })
      if (flaw) yield { ...flaw, what: extent.object }
    }
    if (next >= extentsTo || extentsTo <= start) continue
    yield { kind: 'gap', what: nameOf(place, slot), why: `extents end at ${next}, not at ${extentsTo}` }
  }
}

async function* checkCommits(
  { objects, items, quick }: CheckShardParts,
  place: CheckedShard,
  { needed, checked }: Marks,
): AsyncGenerator<CheckFinding> {
  const { head } = place
  const offsets = head.partitions.map(({ extentsTo }) => extentsTo)
  let number = head.floor
  for await (const { commit, number: at } of commitsOf(items, place)) {
    if (at !== number) yield { kind: 'gap', what: nameOf(place), why: `commits ${number} to ${at - 1} are missing` }
    number = at + 1
    yield* checkOffsets(place, commit, offsets)
    if (!isNeeded(commit, head)) continue
    needed.add(commit.segment.id)
    checked.segments++
    const bytes = await readBlob({ objects, items }, commit.segment, quick ? 1 : undefined)
    if (!bytes) {
      yield { kind: 'missing', what: keyOf(commit.segment), why: `a segment of ${nameOf(place)}` }
      continue
    }
    checked.bytes += bytes.length
    const flaw = quick ? undefined : flawOfSegment(bytes, commit, place)
    if (flaw) yield { kind: 'damaged', what: keyOf(commit.segment), why: flaw }
  }
  if (number !== head.commits)
    yield { kind: 'gap', what: nameOf(place), why: `commits ${number} to ${head.commits - 1} are missing` }
  for (const [slot, { next }] of head.partitions.entries()) {
    if (offsets[slot] !== next)
      yield { kind: 'gap', what: nameOf(place, slot), why: `commits end at offset ${offsets[slot]}, not at ${next}` }
  }
}

function* checkOffsets(place: CheckedShard, { slices, markers }: Commit, offsets: number[]): Generator<CheckFinding> {
  const pieces = [
    ...slices.map(({ slot, baseOffset, records }) => ({ slot, from: baseOffset, to: baseOffset + records })),
    ...markers.map(({ slot, offset }) => ({ slot, from: offset, to: offset + 1 })),
  ]
  for (const { slot, from, to } of pieces) {
    if (offsets[slot] !== from)
      yield {
        kind: 'gap',
        what: nameOf(place, slot),
        why: `a commit begins at ${from}, where ${offsets[slot]} is next`,
      }
    offsets[slot] = to
  }
}

/** From the floor to the end, each with its number. */
async function* commitsOf(
  items: ItemStore,
  { topic, shard, head }: CheckedShard,
): AsyncGenerator<{ commit: Commit; number: number }> {
  const to = tailStart(head)
  let cursor: string | undefined
  do {
    if (to === 0) break
    const page = await items.query(shardKey(topic.id, shard), {
      from: chunkSortKey(head.removed),
      to: chunkSortKey(to - 1),
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const item of page.items) {
      const { firstCommit, commits } = decodeChunk(item.value)
      for (const [index, commit] of commits.entries()) {
        if (firstCommit + index >= head.floor) yield { commit, number: firstCommit + index }
      }
    }
    cursor = page.cursor
  } while (cursor !== undefined)
  for (const [index, commit] of head.tail.entries()) yield { commit, number: to + index }
}

/** All of it, or its first `length` bytes. */
async function readBlob(
  { objects, items }: Pick<CheckShardParts, 'objects' | 'items'>,
  { id, medium }: SegmentRef,
  length?: number,
): Promise<Uint8Array | undefined> {
  if (medium === 'item') return (await items.get(segmentItemKey(id)))?.value
  return objects.get(segmentObjectKey(id), length === undefined ? undefined : { from: 0, length })
}

function keyOf({ id, medium }: SegmentRef): string {
  const { pk, sk } = segmentItemKey(id)
  return medium === 'object' ? segmentObjectKey(id) : `${pk}/${sk}`
}

function nameOf({ topic, shard }: CheckedShard, slot?: number): string {
  return slot === undefined ? `${topic.name}, shard ${shard}` : `${topic.name}/${shard * topic.shardSize + slot}`
}

function flawIn(decode: () => unknown): string | undefined {
  try {
    decode()
    return undefined
  } catch (error) {
    if (!(error instanceof CorruptDataError)) throw error
    return error.message
  }
}
