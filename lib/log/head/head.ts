/**
 * The head: a shard's one mutable document and its sequencer. Whoever changes it by compare-and-swap has committed.
 * Key: `s#<topicId>#<shard>` / `head`. Bounded in bytes: the tail above 2 KiB moves to chunks (see transitions.ts).
 */
import { ByteReader, ByteWriter, checkFormat } from '../../base/index.ts'
import type { ItemKey } from '../../storage/index.ts'
import type { SegmentRef } from '../segment/segment-store.ts'
import { type Commit, decodeCommit, encodeCommit, readSegmentRef, writeSegmentRef } from './commit.ts'

export interface Head {
  /** A sealed shard's topic is being deleted: it takes no commit. */
  readonly state: 'open' | 'sealed'
  /** Counts the changes of this head, so that of two answers the newer is known. (Who wrote it is the item's version.) */
  readonly edition: number
  /** Commits so far; the tail's first is number `commits - tail.length`. */
  readonly commits: number
  /** Chunks below this commit number are no longer needed. */
  readonly floor: number
  /** Chunks below this commit number are deleted. */
  readonly removed: number
  /** Segment ids with a time below this (ms) may not be committed. */
  readonly fence: number
  readonly snapshot: SnapshotRef | undefined
  readonly partitions: readonly PartitionState[]
  readonly tail: readonly Commit[]
}

export interface PartitionState {
  /** Offset of the next record. */
  readonly next: number
  /** First kept offset. */
  readonly start: number
  /** Last stable offset: no open transaction has a record below it. */
  readonly stable: number
  /** Extents serve the offsets below. */
  readonly extentsTo: number
}

/**
 * A stored fold of the commits below number `commits`. Medium `none`: nothing is stored, the fold is empty, as in a fork,
 * which knows no producer of the commits that it took over.
 */
export interface SnapshotRef {
  readonly segment: SegmentRef
  readonly commits: number
  /** Time (of its segment id, ms) of the last commit that it covers: producers idle for long before it are dropped. */
  readonly time: number
}

/** Of heads whose snapshot is not stored; else the first release's. */
const FORMAT_VERSION = 2
const FIRST_VERSION = 1

export function shardKey(topicId: string, shard: number): string {
  return `s#${topicId}#${shard}`
}

export function headKey(topicId: string, shard: number): ItemKey {
  return { pk: shardKey(topicId, shard), sk: 'head' }
}

/** Which shard's head it is, where the key is that of a head. */
export function placeOfHead({ pk, sk }: ItemKey): { readonly topicId: string; readonly shard: number } | undefined {
  const [, topicId, shard] = /^s#([0-9a-f]{32})#(\d+)$/.exec(pk) ?? []
  return topicId !== undefined && sk === 'head' ? { topicId, shard: Number(shard) } : undefined
}

export function newHead(partitions: number): Head {
  return {
    state: 'open',
    edition: 0,
    commits: 0,
    floor: 0,
    removed: 0,
    fence: 0,
    snapshot: undefined,
    partitions: Array.from({ length: partitions }, () => NEW_PARTITION),
    tail: [],
  }
}

export const NEW_PARTITION: PartitionState = { next: 0, start: 0, stable: 0, extentsTo: 0 }

/** Number of the tail's first commit: everything below is in chunks, or gone. */
export function tailStart(head: Head): number {
  return head.commits - head.tail.length
}

const encodedHeads = new WeakMap<Head, Uint8Array>()

/** Encoded once: it is measured, and then written. */
export function encodeHead(head: Head): Uint8Array {
  let bytes = encodedHeads.get(head)
  if (!bytes) {
    bytes = writeHead(head)
    encodedHeads.set(head, bytes)
  }
  return bytes
}

function writeHead(head: Head): Uint8Array {
  const writer = new ByteWriter(2_048)
  writer
    .uint8(head.snapshot?.segment.medium === 'none' ? FORMAT_VERSION : FIRST_VERSION)
    .uint8(head.state === 'open' ? 0 : 1)
  writer.uint(head.edition).uint(head.commits).uint(head.floor).uint(head.removed).uint(head.fence)
  writer.uint8(head.snapshot ? 1 : 0)
  if (head.snapshot) {
    writeSegmentRef(writer, head.snapshot.segment)
    writer.uint(head.snapshot.commits).uint(head.snapshot.time)
  }
  writer.uint(head.partitions.length)
  for (const { next, start, stable, extentsTo } of head.partitions) {
    writer
      .uint(next)
      .uint(start)
      .uint(next - stable)
      .uint(extentsTo)
  }
  writer.uint(head.tail.length)
  for (const commit of head.tail) writer.bytes(encodeCommit(commit))
  return writer.finish()
}

/** @throws CorruptDataError */
export function decodeHead(bytes: Uint8Array): Head {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('head', version, FORMAT_VERSION, FIRST_VERSION)
  return {
    state: reader.uint8() === 0 ? 'open' : 'sealed',
    edition: reader.uint(),
    commits: reader.uint(),
    floor: reader.uint(),
    removed: reader.uint(),
    fence: reader.uint(),
    snapshot: reader.uint8() === 1 ? readSnapshotRef(reader) : undefined,
    partitions: reader.list(readPartition),
    tail: reader.list(item => decodeCommit(item.bytes())),
  }
}

function readSnapshotRef(reader: ByteReader): SnapshotRef {
  return { segment: readSegmentRef(reader), commits: reader.uint(), time: reader.uint() }
}

function readPartition(reader: ByteReader): PartitionState {
  const next = reader.uint()
  const start = reader.uint()
  const stable = next - reader.uint()
  return { next, start, stable, extentsTo: reader.uint() }
}
