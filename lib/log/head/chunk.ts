/**
 * A chunk is an immutable item with commits that left the head's tail. Its key is the number of its first commit, so
 * the chunks of a shard sort in commit order, each beginning where the one before ends.
 */
import { ByteReader, ByteWriter, checkFormat, hexOf } from '../../base/index.ts'
import type { ItemKey } from '../../storage/index.ts'
import { type Commit, decodeCommit, encodeCommit } from './commit.ts'
import { shardKey } from './head.ts'

const FORMAT_VERSION = 1
const COMMIT_NUMBER_DIGITS = 13

export interface Chunk {
  /** Number of the first commit; the shard's first ever is 0. */
  readonly firstCommit: number
  readonly commits: readonly Commit[]
}

export function chunkKey(topicId: string, shard: number, firstCommit: number): ItemKey {
  return { pk: shardKey(topicId, shard), sk: chunkSortKey(firstCommit) }
}

export function chunkSortKey(firstCommit: number): string {
  return `c#${hexOf(firstCommit, COMMIT_NUMBER_DIGITS)}`
}

export function encodeChunk(chunk: Chunk): Uint8Array {
  const writer = new ByteWriter(2_048)
  writer.uint8(FORMAT_VERSION).uint(chunk.firstCommit).uint(chunk.commits.length)
  for (const commit of chunk.commits) writer.bytes(encodeCommit(commit))
  return writer.finish()
}

/** @throws CorruptDataError */
export function decodeChunk(bytes: Uint8Array): Chunk {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('chunk', version, FORMAT_VERSION)
  return { firstCommit: reader.uint(), commits: reader.list(item => decodeCommit(item.bytes())) }
}
