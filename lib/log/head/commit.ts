/**
 * A commit is one segment's entry in a shard: which ranges of the segment are part of which partitions, and at which
 * offsets. Or it ends transactions: then it has markers, and its id stands for no blob. A commit says all that a fold
 * needs (producers' sequences, transactions), so nobody reads a segment to catch up.
 */
import { ByteReader, ByteWriter, CorruptDataError } from '../../base/index.ts'
import { SEGMENT_ID_BYTES, segmentIdFromBytes, segmentIdToBytes } from '../segment/segment-id.ts'
import type { Medium, SegmentRef } from '../segment/segment-store.ts'

export interface Commit {
  readonly segment: SegmentRef
  /** By position in the segment; a partition may have several. */
  readonly slices: readonly Slice[]
  readonly markers: readonly Marker[]
}

/** The end of a transaction in one partition; takes one offset, and is served as a control batch. */
export interface Marker {
  readonly slot: number
  readonly offset: number
  readonly producerId: number
  /** From now on, lower epochs of the producer are refused. */
  readonly producerEpoch: number
  /** Which of the transactional id's transactions this was: a count that never goes back. */
  readonly transaction: number
  readonly outcome: 'commit' | 'abort'
  /** Offset of the transaction's first record in the partition; -1 where it has none. */
  readonly firstOffset: number
  /** When the transaction was decided, ms since 1970. */
  readonly timestamp: number
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
  /** Which of the transactional id's transactions the batches are part of; 0: of none. */
  readonly transaction: number
  /** First offset less the slice's. */
  readonly offsetDelta: number
  readonly baseSequence: number
  /** Records of each batch. */
  readonly counts: readonly number[]
}

const MEDIA: readonly Medium[] = ['item', 'object', 'none']
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
  const segment = readSegmentRef(reader)
  const commit = { segment, slices: reader.list(readSlice), markers: reader.list(readMarker) }
  encodedCommits.set(commit, bytes)
  return commit
}

export function writeSegmentRef(writer: ByteWriter, segment: SegmentRef): void {
  writer.raw(segmentIdToBytes(segment.id)).uint8(MEDIA.indexOf(segment.medium))
}

export function readSegmentRef(reader: ByteReader): SegmentRef {
  const id = segmentIdFromBytes(reader.raw(SEGMENT_ID_BYTES))
  const medium = MEDIA[reader.uint8()]
  if (!medium) throw new CorruptDataError(`segment ${id} in an unknown medium`)
  return { id, medium }
}

function writeCommit(commit: Commit): Uint8Array {
  const writer = new ByteWriter(64)
  writeSegmentRef(writer, commit.segment)
  writer.uint(commit.slices.length)
  for (const slice of commit.slices) {
    writer.uint(slice.slot).uint(slice.position).uint(slice.length).uint(slice.baseOffset).uint(slice.records)
    writer.int(slice.maxTimestamp).uint(slice.runs.length)
    for (const run of slice.runs) {
      writer.uint(run.producerId).uint(run.producerEpoch).uint(run.transaction)
      writer.uint(run.offsetDelta).uint(run.baseSequence).uint(run.counts.length)
      for (const count of run.counts) writer.uint(count)
    }
  }
  writer.uint(commit.markers.length)
  for (const marker of commit.markers) {
    writer.uint(marker.slot).uint(marker.offset).uint(marker.producerId).uint(marker.producerEpoch)
    writer.uint(marker.transaction).uint8(marker.outcome === 'commit' ? 1 : 0)
    writer.int(marker.firstOffset).uint(marker.timestamp)
  }
  return writer.finish()
}

function readMarker(reader: ByteReader): Marker {
  return {
    slot: reader.uint(),
    offset: reader.uint(),
    producerId: reader.uint(),
    producerEpoch: reader.uint(),
    transaction: reader.uint(),
    outcome: reader.uint8() === 1 ? 'commit' : 'abort',
    firstOffset: reader.int(),
    timestamp: reader.uint(),
  }
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
    transaction: reader.uint(),
    offsetDelta: reader.uint(),
    baseSequence: reader.uint(),
    counts: reader.list(counted => counted.uint()),
  }
}
