/** Fills one shard of a fork: extents' items, chunks, and then the head. See forks.ts for what may happen meanwhile. */
import { type Clock, drawFraction, drawToken, type Random } from '../../base/index.ts'
import { type Item, type ItemStore, type ObjectStore, StoreError, type WriteOperation } from '../../storage/index.ts'
import type { Topic } from '../contract.ts'
import { LogError } from '../errors.ts'
import { type Chunk, chunkKey, chunkSortKey, decodeChunk, encodeChunk } from '../head/chunk.ts'
import { decodeHead, encodeHead, headKey, shardKey } from '../head/head.ts'
import type { Shard } from '../head/shard.ts'
import type { ShardLimits } from '../head/shard-limits.ts'
import { copyExtents } from './copy-extents.ts'
import { forkedHead, isUnfilled } from './forked-head.ts'
import { type TakeCommitsParts, takeCommits } from './take-commits.ts'

export interface ForkShardParts extends TakeCommitsParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  readonly limits: ShardLimits
}

export interface ShardToFork {
  readonly source: Topic
  readonly fork: Topic
  readonly shard: number
  /** By slot. */
  readonly cuts: readonly number[]
  /** Aborts when the work should come to an end. */
  readonly signal: AbortSignal
}

const ATTEMPTS_MAX = 100
const PAUSE_MS = 20
const PAUSE_MS_MAX = 2_000
/** At 64 KiB each, a write may have 4 MB. */
const CHUNKS_IN_WRITE_MAX = 16
const COMMIT_NUMBER_MAX = 2 ** 52 - 1

/**
 * `fenced`: a sweep has raised the fence of the fork's head before it was filled; what it came to name since might be taken, so begin
 * anew with another topic.
 * @throws LogError UNKNOWN_TOPIC, REQUEST_TIMED_OUT; StoreError, CorruptDataError
 */
export async function forkShard(parts: ForkShardParts, shard: Shard, work: ShardToFork): Promise<'filled' | 'fenced'> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX && !work.signal.aborted; attempt++) {
    if (attempt > 0) {
      const span = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** attempt)
      await parts.clock.sleep(span * drawFraction(parts.random), work.signal)
    }
    try {
      const outcome = await attemptOnce(parts, shard, work)
      if (outcome !== 'again') return outcome
    } catch (error) {
      if (!(error instanceof StoreError) || error.code === 'STORE_REFUSED') throw error
    }
  }
  throw new LogError('REQUEST_TIMED_OUT', `${work.source.name} was not forked in time`)
}

async function attemptOnce(
  parts: ForkShardParts,
  shard: Shard,
  { source, fork, shard: number, cuts }: ShardToFork,
): Promise<'filled' | 'fenced' | 'again'> {
  const item = await parts.items.get(headKey(fork.id, number))
  const empty = item && decodeHead(item.value)
  if (!item || empty?.state !== 'open')
    throw new LogError('UNKNOWN_TOPIC', `${fork.name} was deleted while it was made`)
  if (!isUnfilled(empty)) return 'filled'
  if (empty.fence > 0) return 'fenced'
  const taken = await takeCommits(parts, shard, cuts)
  if (!shard.state || shard.state.head.state === 'sealed')
    throw new LogError('UNKNOWN_TOPIC', `${source.name} was deleted while it was forked`)
  if (taken === 'moved') return 'again'
  for (const [slot, { start, extentsTo: upTo, isEmpty }] of taken.slots.entries()) {
    const place = { source: source.id, fork: fork.id, shard: number, headVersion: item.version }
    const partition = number * source.shardSize + slot
    const copied = await copyExtents(parts, { ...place, partition, start, upTo: isEmpty ? start : upTo })
    if (copied !== 'copied') return 'again'
  }
  const { head, chunks } = forkedHead(taken, parts.drawId(), parts.limits)
  if (!(await putChunks(parts, { fork, shard: number, item }, chunks))) return 'again'
  const value = encodeHead(head)
  const version = drawToken(parts.random)
  const { written } = await parts.items.write([{ kind: 'put', key: item.key, expected: item.version, version, value }])
  // Where it was not written, or nobody knows, the head says more.
  return written ? 'filled' : 'again'
}

interface EmptyShard {
  readonly fork: Topic
  readonly shard: number
  /** Its head. */
  readonly item: Item
}

/** In the place of those that an earlier attempt has left. False where the fork's head has changed, or nobody knows. */
async function putChunks(
  { items, random }: ForkShardParts,
  { fork, shard, item }: EmptyShard,
  chunks: readonly Chunk[],
): Promise<boolean> {
  const left = new Map<number, Item>()
  let cursor: string | undefined
  do {
    const page = await items.query(shardKey(fork.id, shard), {
      from: chunkSortKey(0),
      to: chunkSortKey(COMMIT_NUMBER_MAX),
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const chunk of page.items) left.set(decodeChunk(chunk.value).firstCommit, chunk)
    cursor = page.cursor
  } while (cursor !== undefined)
  const operations = chunks.map((chunk): WriteOperation => {
    const expected = left.get(chunk.firstCommit)?.version ?? 'absent'
    left.delete(chunk.firstCommit)
    const key = chunkKey(fork.id, shard, chunk.firstCommit)
    return { kind: 'put', key, expected, version: drawToken(random), value: encodeChunk(chunk) }
  })
  for (const { key, version } of left.values()) operations.push({ kind: 'delete', key, expected: version })
  for (let at = 0; at < operations.length; at += CHUNKS_IN_WRITE_MAX) {
    const check: WriteOperation = { kind: 'check', key: item.key, expected: item.version }
    const { written } = await items.write([check, ...operations.slice(at, at + CHUNKS_IN_WRITE_MAX)])
    if (!written) return false
  }
  return true
}
