/**
 * The stored document of committed offsets: `group#<id>` / `o#<topicId>#<block>`, one for each group, topic id and block
 * of 16 partitions. It changes by compare-and-swap, and is removed only with its group or its topic: an empty block
 * stays, so that no write delayed from before can make an offset come back.
 */
import { ByteReader, ByteWriter, CorruptDataError, hexOf } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'
import { groupPartitionKey } from './group-document.ts'
import { OFFSETS_BLOCK_SIZE } from './settings.ts'

export interface OffsetsBlock {
  /** Of the group's document; a block of another life of the group counts as empty. */
  readonly incarnation: number
  readonly offsets: ReadonlyMap<number, StoredOffset>
}

export interface StoredOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly committedAt: number
}

const FORMAT_VERSION = 1
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
  const writer = new ByteWriter(32 + 24 * block.offsets.size).uint8(FORMAT_VERSION).uint(block.incarnation)
  writer.uint(block.offsets.size)
  for (const [partition, stored] of block.offsets) {
    writer
      .uint(partition)
      .uint8(stored.offset < 0 ? 1 : 0)
      .uint(Math.abs(stored.offset))
      .int(stored.leaderEpoch)
      .string(stored.metadata)
      .uint(Math.max(0, Math.floor(stored.committedAt)))
  }
  return writer.finish()
}

/** @throws CorruptDataError also for an unknown format */
export function decodeOffsetsBlock(bytes: Uint8Array): OffsetsBlock {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  if (version !== FORMAT_VERSION) throw new CorruptDataError(`offsets block of unknown format ${version}`)
  const incarnation = reader.uint()
  const entries = reader.list((r): [number, StoredOffset] => [
    r.uint(),
    {
      offset: r.uint8() === 1 ? -r.uint() : r.uint(),
      leaderEpoch: r.int(),
      metadata: r.string(),
      committedAt: r.uint(),
    },
  ])
  return { incarnation, offsets: new Map(entries) }
}
