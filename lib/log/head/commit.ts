/**
 * A commit is one segment's entry in a shard: which ranges of the segment are part of which partitions, and at which
 * offsets. A commit says all that a fold needs (producers' sequences), so nobody reads a segment to catch up.
 */
import { ByteReader, ByteWriter } from '../../base/index.ts'
import { SEGMENT_ID_BYTES, segmentIdFromBytes, segmentIdToBytes } from '../segment/segment-id.ts'
import type { Medium, SegmentRef } from '../segment/segment-store.ts'

export interface Commit {
  readonly segment: SegmentRef
  /** By position in the segment; a partition may have several. */
  readonly slices: readonly Slice[]
}

/** Adjacent batches of one partition in a segment. */
export interface Slice {
  /** Partition number less the shard's first. */
  readonly slot: number
  readonly position: number
  readonly length: number
  readonly baseOffset: number
  readonly records: number
  /** Largest timestamp of its records, in ms; -1 where they have none. */
  readonly maxTimestamp: number
  /** Batches of idempotent producers, in order; the rest of the slice is of plain producers. */
  readonly runs: readonly ProducerRun[]
}

/** Batches of one idempotent producer with consecutive sequences and offsets. */
export interface ProducerRun {
  readonly producerId: number
  readonly producerEpoch: number
  /** First offset less the slice's. */
  readonly offsetDelta: number
  readonly baseSequence: number
  /** Records of each batch. */
  readonly counts: readonly number[]
}

const KIND_DATA = 0
const encodedCommits = new WeakMap<Commit, Uint8Array>()

/** Encoded once and kept, since a commit is written again with every head until it moves to a chunk. */
export function encodeCommit(commit: Commit): Uint8Array {
  let bytes = encodedCommits.get(commit)
  if (!bytes) {
    bytes = writeCommit(commit)
    encodedCommits.set(commit, bytes)
  }
  return bytes
}

/** @throws CorruptDataError */
export function decodeCommit(bytes: Uint8Array): Commit {
  const reader = new ByteReader(bytes)
  reader.uint8()
  const segment = readSegmentRef(reader)
  const slices = reader.list(readSlice)
  const commit = { segment, slices }
  encodedCommits.set(commit, bytes)
  return commit
}

export function writeSegmentRef(writer: ByteWriter, segment: SegmentRef): void {
  writer.raw(segmentIdToBytes(segment.id)).uint8(segment.medium === 'item' ? 0 : 1)
}

export function readSegmentRef(reader: ByteReader): SegmentRef {
  const id = segmentIdFromBytes(reader.raw(SEGMENT_ID_BYTES))
  const medium: Medium = reader.uint8() === 0 ? 'item' : 'object'
  return { id, medium }
}

function writeCommit(commit: Commit): Uint8Array {
  const writer = new ByteWriter(64)
  writer.uint8(KIND_DATA)
  writeSegmentRef(writer, commit.segment)
  writer.uint(commit.slices.length)
  for (const slice of commit.slices) {
    writer.uint(slice.slot).uint(slice.position).uint(slice.length).uint(slice.baseOffset).uint(slice.records)
    writer.int(slice.maxTimestamp).uint(slice.runs.length)
    for (const run of slice.runs) {
      writer.uint(run.producerId).uint(run.producerEpoch).uint(run.offsetDelta).uint(run.baseSequence)
      writer.uint(run.counts.length)
      for (const count of run.counts) writer.uint(count)
    }
  }
  return writer.finish()
}

function readSlice(reader: ByteReader): Slice {
  return {
    slot: reader.uint(),
    position: reader.uint(),
    length: reader.uint(),
    baseOffset: reader.uint(),
    records: reader.uint(),
    maxTimestamp: reader.int(),
    runs: reader.list(readRun),
  }
}

function readRun(reader: ByteReader): ProducerRun {
  return {
    producerId: reader.uint(),
    producerEpoch: reader.uint(),
    offsetDelta: reader.uint(),
    baseSequence: reader.uint(),
    counts: reader.list(counted => counted.uint()),
  }
}
