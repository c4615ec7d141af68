/**
 * The stored document of committed offsets: `group#<id>` / `o#<topicId>#<block>`, one for each group, topic id and block
 * of 16 partitions. It changes by compare-and-swap, and is removed only with its group or its topic: an empty block
 * stays, so that no write delayed from before can make an offset come back.
 */
import { ByteReader, ByteWriter, checkFormat, hexOf } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'
import { groupPartitionKey } from './group-document.ts'
import { OFFSETS_BLOCK_SIZE } from './settings.ts'

export interface OffsetsBlock {
  /** Of the group's document; a block of another life of the group has no offsets that count. 0: there was no group. */
  readonly incarnation: number
  readonly offsets: ReadonlyMap<number, StoredOffset>
  /** What open transactions will commit, in the order staged. */
  readonly staged: readonly StagedOffset[]
  /** The last transaction of each producer that ended here, the most recent last; whatever the group's life. */
  readonly ended: ReadonlyMap<number, number>
}

export interface StagedOffset {
  readonly producerId: number
  /** Which of its transactional id's transactions. */
  readonly transaction: number
  readonly partition: number
  readonly stored: StoredOffset
}

export interface StoredOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly committedAt: number
}

/** Version 1 had no transactions. */
const FORMAT_VERSION = 2
const TOPIC_ID_DIGITS = 32

export const OFFSETS_SORT_KEY_FIRST = 'o#'
export const OFFSETS_SORT_KEY_LAST = 'o$'

export function blockOf(partition: number): number {
  return Math.floor(partition / OFFSETS_BLOCK_SIZE)
}

export function offsetsBlockKey(groupId: string, topicId: string, block: number): ItemKey {
  return { pk: groupPartitionKey(groupId), sk: `o#${topicId}#${hexOf(block, 6)}` }
}

export function topicIdOfSortKey(sk: string): string {
  return sk.slice(OFFSETS_SORT_KEY_FIRST.length, OFFSETS_SORT_KEY_FIRST.length + TOPIC_ID_DIGITS)
}

export function encodeOffsetsBlock(block: OffsetsBlock): Uint8Array {
  const writer = new ByteWriter(32 + 24 * (block.offsets.size + block.staged.length) + 8 * block.ended.size)
  writer.uint8(FORMAT_VERSION).uint(block.incarnation).uint(block.offsets.size)
  for (const [partition, stored] of block.offsets) writeStored(writer.uint(partition), stored)
  writer.uint(block.staged.length)
  for (const { producerId, transaction, partition, stored } of block.staged) {
    writeStored(writer.uint(producerId).uint(transaction).uint(partition), stored)
  }
  writer.uint(block.ended.size)
  for (const [producerId, transaction] of block.ended) writer.uint(producerId).uint(transaction)
  return writer.finish()
}

/** @throws CorruptDataError also for an unknown format */
export function decodeOffsetsBlock(bytes: Uint8Array): OffsetsBlock {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('offsets block', version, FORMAT_VERSION, 1)
  const incarnation = reader.uint()
  const offsets = new Map(reader.list((r): [number, StoredOffset] => [r.uint(), readStored(r)]))
  if (version === 1) return { incarnation, offsets, staged: [], ended: new Map() }
  const staged = reader.list(r => ({
    producerId: r.uint(),
    transaction: r.uint(),
    partition: r.uint(),
    stored: readStored(r),
  }))
  return { incarnation, offsets, staged, ended: new Map(reader.list((r): [number, number] => [r.uint(), r.uint()])) }
}

function writeStored(writer: ByteWriter, { offset, leaderEpoch, metadata, committedAt }: StoredOffset): void {
  writer
    .uint8(offset < 0 ? 1 : 0)
    .uint(Math.abs(offset))
    .int(leaderEpoch)
    .string(metadata)
    .uint(Math.max(0, Math.floor(committedAt)))
}

function readStored(reader: ByteReader): StoredOffset {
  return {
    offset: reader.uint8() === 1 ? -reader.uint() : reader.uint(),
    leaderEpoch: reader.int(),
    metadata: reader.string(),
    committedAt: reader.uint(),
  }
}
