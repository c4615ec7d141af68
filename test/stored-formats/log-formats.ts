/** Formats of the log: sample values with every field in use. */
import { crc32c } from '@node-rs/crc32'
import { CorruptDataError } from '../../lib/base/index.ts'
import { decodeExtentIndex, ExtentBuilder } from '../../lib/log/extent/extent-format.ts'
import { decodeExtent, type Extent, encodeExtent } from '../../lib/log/extent/extent-item.ts'
import { type Chunk, decodeChunk, encodeChunk } from '../../lib/log/head/chunk.ts'
import type { Commit } from '../../lib/log/head/commit.ts'
import { decodeHead, encodeHead, type Head, newHead } from '../../lib/log/head/head.ts'
import { Fold } from '../../lib/log/producers/fold.ts'
import { decodeCounter, encodeCounter } from '../../lib/log/producers/producer-ids.ts'
import { decodeFold, encodeFold } from '../../lib/log/producers/snapshot.ts'
import { decodeSegmentIndex, encodeSegmentIndex } from '../../lib/log/segment/segment-format.ts'
import {
  decodeTopic,
  decodeTopicName,
  encodeTopic,
  encodeTopicName,
  type StoredTopic,
  type TopicName,
} from '../../lib/log/topics/topic-item.ts'
import { decodeHour, encodeHour } from '../../lib/log/upkeep/sweep-state.ts'
import { buildBatch, splitBatches, writeOffset } from '../../lib/records/index.ts'
import { type StoredFormat, storedFormat } from './stored-format.ts'

export const TOPIC_ID = '0f1e2d3c4b5a69788796a5b4c3d2e1f0'
export const OTHER_TOPIC_ID = 'aa11bb22cc33dd44ee55ff6600778899'
export const SEGMENT_ID = '01JCXK7Q9V3M5N8P0R2T4W6Y8Z'
const MARKERS_ID = '01JCXK7QA0ZZZZZZZZZZZZZZZZ'
export const TIME = 1_732_500_000_123

export function logFormats(): StoredFormat[] {
  return [
    storedFormat<Head>({ ...head, name: 'head', sample: sampleHead }),
    storedFormat<Head>({ ...head, name: 'head-new', sample: () => newHead(3) }),
    storedFormat<Head>({ ...head, name: 'head-sealed', sample: () => ({ ...newHead(1), state: 'sealed' }) }),
    storedFormat<Head>({ ...head, name: 'head-forked', sample: sampleForkedHead }),
    storedFormat<Chunk>({
      name: 'chunk',
      source: 'lib/log/head/chunk.ts',
      sample: () => ({ firstCommit: 70_000, commits: sampleCommits() }),
      encode: encodeChunk,
      decode: decodeChunk,
    }),
    storedFormat({
      name: 'snapshot',
      source: 'lib/log/producers/snapshot.ts',
      sample: sampleFold,
      encode: fold => encodeFold(foldOf(fold), TIME),
      decode: bytes => {
        const fold = decodeFold(bytes)
        return { time: fold.time, entries: [...fold.entries()] }
      },
    }),
    storedFormat({
      name: 'segment',
      source: 'lib/log/segment/segment-format.ts',
      sample: () => [
        { topicId: TOPIC_ID, partition: 0, bytes: sampleBatch() },
        { topicId: OTHER_TOPIC_ID, partition: 300, bytes: Buffer.concat([sampleBatch(), transactionalBatch()]) },
      ],
      encode: encodeSegment,
      decode: decodeSegment,
      versionAt: -5,
    }),
    storedFormat({
      name: 'extent',
      source: 'lib/log/extent/extent-format.ts',
      sample: () => ({ to: 10, batches: [at(0, sampleBatch()), at(2, transactionalBatch())] }),
      encode: encodeExtentObject,
      decode: decodeExtentObject,
      versionAt: -5,
    }),
    storedFormat<Extent>({
      name: 'extent-item',
      source: 'lib/log/extent/extent-item.ts',
      sample: () => ({
        from: 128,
        to: 70_000,
        id: SEGMENT_ID,
        object: `topics/${TOPIC_ID}/3/128-${SEGMENT_ID}`,
        records: 60_000,
        bytes: 12_345_678,
        indexBytes: 321,
        maxTimestamp: TIME,
        shared: true,
        cleaned: true,
      }),
      encode: encodeExtent,
      decode: decodeExtent,
    }),
    storedFormat<Extent>({
      name: 'extent-item-without-records',
      source: 'lib/log/extent/extent-item.ts',
      sample: () => ({
        from: 0,
        to: 1,
        id: SEGMENT_ID,
        object: `topics/${TOPIC_ID}/0/0-${SEGMENT_ID}`,
        records: 0,
        bytes: 61,
        indexBytes: 20,
        maxTimestamp: -1,
        shared: false,
        cleaned: false,
      }),
      encode: encodeExtent,
      decode: decodeExtent,
    }),
    storedFormat<Extent>({
      name: 'extent-item-cut',
      source: 'lib/log/extent/extent-item.ts',
      sample: () => ({
        from: 128,
        to: 40_000,
        id: SEGMENT_ID,
        object: `topics/${OTHER_TOPIC_ID}/3/128-${SEGMENT_ID}`,
        records: 39_872,
        bytes: 7_654_321,
        indexBytes: 321,
        maxTimestamp: TIME,
        shared: true,
        cleaned: false,
        objectBytes: 12_345_678,
      }),
      encode: encodeExtent,
      decode: decodeExtent,
    }),
    storedFormat<Extent>({
      name: 'extent-item-in-class',
      source: 'lib/log/extent/extent-item.ts',
      sample: () => ({
        from: 128,
        to: 70_000,
        id: SEGMENT_ID,
        object: `topics/${TOPIC_ID}/3/128-${SEGMENT_ID}`,
        records: 60_000,
        bytes: 12_345_678,
        indexBytes: 321,
        maxTimestamp: TIME,
        shared: false,
        cleaned: false,
        storageClass: 'STANDARD_IA',
      }),
      encode: encodeExtent,
      decode: decodeExtent,
    }),
    storedFormat<Extent>({
      name: 'extent-item-cut-in-class',
      source: 'lib/log/extent/extent-item.ts',
      sample: () => ({
        from: 128,
        to: 40_000,
        id: SEGMENT_ID,
        object: `topics/${OTHER_TOPIC_ID}/3/128-${SEGMENT_ID}`,
        records: 39_872,
        bytes: 7_654_321,
        indexBytes: 321,
        maxTimestamp: TIME,
        shared: true,
        cleaned: false,
        objectBytes: 12_345_678,
        storageClass: 'GLACIER_IR',
      }),
      encode: encodeExtent,
      decode: decodeExtent,
    }),
    storedFormat<TopicName>({
      name: 'topic-name-forking',
      source: 'lib/log/topics/topic-item.ts',
      sample: () => ({ id: TOPIC_ID, state: 'forking', renewedAt: TIME }),
      encode: encodeTopicName,
      decode: decodeTopicName,
    }),
    ...(['live', 'deleting', 'deleted'] as const).map(state =>
      storedFormat<TopicName>({
        name: `topic-name-${state}`,
        source: 'lib/log/topics/topic-item.ts',
        sample: () => ({ id: TOPIC_ID, state }),
        encode: encodeTopicName,
        decode: decodeTopicName,
      }),
    ),
    ...(['live', 'deleting', 'forking'] as const).map(state =>
      storedFormat<StoredTopic>({
        name: `topic-${state}`,
        source: 'lib/log/topics/topic-item.ts',
        sample: () => ({
          topic: {
            id: TOPIC_ID,
            name: 'orders',
            partitions: 300,
            shardSize: 16,
            configs: { 'cleanup.policy': 'compact,delete', 'retention.ms': '86400000' },
          },
          state,
        }),
        encode: encodeTopic,
        decode: decodeTopic,
      }),
    ),
    storedFormat({
      name: 'producer-id-counter',
      source: 'lib/log/producers/producer-ids.ts',
      sample: () => 7_001_000,
      encode: encodeCounter,
      decode: decodeCounter,
    }),
    storedFormat({
      name: 'sweep-state',
      source: 'lib/log/upkeep/sweep-state.ts',
      sample: () => 481_250,
      encode: encodeHour,
      decode: decodeHour,
    }),
  ]
}

const head = { source: 'lib/log/head/head.ts', encode: encodeHead, decode: decodeHead }

function sampleHead(): Head {
  return {
    state: 'open',
    edition: 2 ** 40 + 1,
    commits: 70_002,
    floor: 69_000,
    removed: 68_000,
    fence: TIME - 60_000,
    snapshot: { segment: { id: SEGMENT_ID, medium: 'object' }, commits: 69_500, time: TIME - 1_000 },
    partitions: [
      { next: 1_000_000, start: 128, stable: 999_990, extentsTo: 500_000 },
      { next: 0, start: 0, stable: 0, extentsTo: 0 },
    ],
    tail: sampleCommits(),
  }
}

/** Its snapshot is not stored. */
function sampleForkedHead(): Head {
  const snapshot = { segment: { id: SEGMENT_ID, medium: 'none' as const }, commits: 70_002, time: TIME }
  return { ...sampleHead(), snapshot }
}

function sampleCommits(): Commit[] {
  return [
    {
      segment: { id: SEGMENT_ID, medium: 'item' },
      slices: [
        {
          slot: 0,
          position: 0,
          length: 400,
          baseOffset: 999_980,
          records: 10,
          maxTimestamp: TIME,
          runs: [
            {
              producerId: 7_000_001,
              producerEpoch: 3,
              transaction: 12,
              offsetDelta: 2,
              baseSequence: 2 ** 31 - 4,
              counts: [3, 5],
            },
          ],
        },
        { slot: 1, position: 400, length: 90, baseOffset: 0, records: 1, maxTimestamp: -1, runs: [] },
      ],
      markers: [],
    },
    {
      segment: { id: MARKERS_ID, medium: 'none' },
      slices: [],
      markers: [
        {
          slot: 0,
          offset: 999_990,
          producerId: 7_000_001,
          producerEpoch: 4,
          transaction: 12,
          outcome: 'commit',
          firstOffset: 999_982,
          timestamp: TIME,
        },
        {
          slot: 1,
          offset: 1,
          producerId: 7_000_002,
          producerEpoch: 0,
          transaction: 1,
          outcome: 'abort',
          firstOffset: -1,
          timestamp: TIME + 1,
        },
      ],
    },
  ]
}

type FoldEntries = { time: number; entries: (ReturnType<Fold['entries']> extends Generator<infer E> ? E : never)[] }

function sampleFold(): FoldEntries {
  const batch = { baseSequence: 5, lastSequence: 9, baseOffset: 300, time: TIME - 1_000 }
  return {
    time: TIME,
    entries: [
      {
        slot: 0,
        producerId: 7_000_001,
        state: {
          epoch: 3,
          lastTime: TIME,
          ended: 11,
          open: { transaction: 12, firstOffset: 305 },
          batches: [batch, { baseSequence: 10, lastSequence: 2 ** 31 - 1, baseOffset: 305, time: TIME }],
        },
      },
      {
        slot: 2,
        producerId: 7_000_002,
        state: { epoch: 0, lastTime: TIME - 5, ended: 0, open: undefined, batches: [] },
      },
    ],
  }
}

function foldOf({ time, entries }: FoldEntries): Fold {
  const fold = new Fold(time)
  for (const { slot, producerId, state } of entries) fold.set(slot, producerId, state)
  return fold
}

function sampleBatch(): Buffer {
  return buildBatch({
    records: [
      { timestamp: TIME, key: Buffer.from('key'), value: Buffer.from('value') },
      { timestamp: TIME + 7, key: null, value: null, headers: [{ key: 'h', value: Buffer.of(0xff) }] },
    ],
  })
}

/** With its offset written in. */
function at(offset: number, batch: Buffer): Buffer {
  writeOffset(batch, offset)
  return batch
}

function transactionalBatch(): Buffer {
  return buildBatch({
    records: [{ timestamp: TIME, key: null, value: Buffer.from('in a transaction') }],
    producerId: 7_000_001,
    producerEpoch: 3,
    baseSequence: 5,
    isTransactional: true,
  })
}

interface SegmentPart {
  readonly topicId: string
  readonly partition: number
  readonly bytes: Buffer
}

function encodeSegment(parts: readonly SegmentPart[]): Uint8Array {
  let position = 0
  const slices = parts.map(({ topicId, partition, bytes }) => {
    const slice = { topicId, partition, position, length: bytes.length, crc: crc32c(bytes) }
    position += bytes.length
    return slice
  })
  return Buffer.concat([...parts.map(({ bytes }) => bytes), encodeSegmentIndex(slices)])
}

/** The slices, each checked by its CRC. */
function decodeSegment(segment: Uint8Array): SegmentPart[] {
  return decodeSegmentIndex(segment).map(({ topicId, partition, position, length, crc }) => {
    const bytes = Buffer.from(segment.subarray(position, position + length))
    if (crc32c(bytes) !== crc) throw new CorruptDataError(`the CRC of the slice at ${position} does not match`)
    return { topicId, partition, bytes }
  })
}

interface ExtentObject {
  /** Offset after the last: an empty batch reaches up to it. */
  readonly to: number
  readonly batches: readonly Buffer[]
}

function encodeExtentObject({ to, batches }: ExtentObject): Uint8Array {
  const builder = new ExtentBuilder(0)
  const parts: Uint8Array[] = []
  for (const bytes of batches) {
    for (const batch of splitBatches(bytes)) parts.push(builder.add(batch))
  }
  return Buffer.concat([...parts, ...builder.finish(to).parts])
}

/** What the blocks of the index say, less the empty batch. */
function decodeExtentObject(object: Uint8Array): ExtentObject {
  const batches: Buffer[] = []
  let to = 0
  for (const { position, length, crc } of decodeExtentIndex(object)) {
    const block = Buffer.from(object.subarray(position, position + length))
    if (crc32c(block) !== crc) throw new CorruptDataError(`the CRC of the block at ${position} does not match`)
    for (const batch of splitBatches(block)) {
      if (batch.recordCount > 0) batches.push(Buffer.from(batch.bytes))
      else to = batch.baseOffset + batch.lastOffsetDelta + 1
    }
  }
  return { to, batches }
}
