/**
 * A shard as this process knows it: a cached head, the directory of its chunks, and (once something is appended here)
 * its fold. What is cached is true of some moment; a head that changed is noticed by `refresh` or by a lost
 * compare-and-swap, and then every commit in between is applied in order, chunks included, before the new head is used.
 *
 * Races, and what holds:
 * - Two answers may arrive in the wrong order: the head's `edition` says which is newer; the older is ignored.
 * - A head and its chunks are not read at one moment: chunks beyond the head are ignored, and a hole means that a
 *   compaction moved on, so the head is read again.
 * - Commits that this process never saw may be gone for good (below `floor`): then it begins anew (`epoch` moves on),
 *   and whoever had a commit under way must call its fate unknown.
 */
import type { LRUCache } from 'lru-cache'
import { type Clock, CorruptDataError, Mailbox } from '../../base/index.ts'
import type { Item, ItemStore, Version } from '../../storage/index.ts'
import { LogError } from '../errors.ts'
import { Fold } from '../producers/fold.ts'
import { decodeFold } from '../producers/snapshot.ts'
import type { SegmentId, SegmentIds } from '../segment/segment-id.ts'
import type { SegmentStore } from '../segment/segment-store.ts'
import { type Chunk, chunkKey, chunkSortKey, decodeChunk } from './chunk.ts'
import { ChunkDirectory, type ChunkEntry } from './chunk-directory.ts'
import type { Commit } from './commit.ts'
import { decodeHead, type Head, headKey, shardKey, tailStart } from './head.ts'

export interface ShardParts {
  readonly items: ItemStore
  readonly segments: SegmentStore
  readonly segmentIds: SegmentIds
  readonly clock: Clock
  /** Decoded chunks of all shards. */
  readonly chunks: LRUCache<string, Chunk>
}

/** A head as it was read or written. */
export interface HeadState {
  readonly head: Head
  readonly version: Version
}

const RELOAD_ATTEMPTS_MAX = 10

export class Shard {
  readonly topicId: string
  readonly number: number
  readonly #parts: ShardParts
  readonly #mailbox = new Mailbox()
  readonly #listeners = new Set<() => void>()
  /** Segments that somebody waits to see committed; the commit, once it was seen. */
  readonly #awaited = new Map<SegmentId, Commit | undefined>()
  #state: HeadState | undefined
  #directory = new ChunkDirectory(0, [])
  #fold: Fold | undefined
  #epoch = 0
  #changedAt: number
  #confirmedAt: number
  #refreshing: Promise<void> | undefined
  #nextRefresh: Promise<void> | undefined

  private constructor(parts: ShardParts, topicId: string, number: number) {
    this.#parts = parts
    this.topicId = topicId
    this.number = number
    this.#changedAt = parts.clock.monotonic()
    this.#confirmedAt = this.#changedAt
  }

  /** undefined where there is no such shard. @throws StoreError, CorruptDataError */
  static async open(parts: ShardParts, topicId: string, number: number): Promise<Shard | undefined> {
    const shard = new Shard(parts, topicId, number)
    await shard.#mailbox.run(() => shard.#reload())
    return shard.#state && shard
  }

  /** undefined: the topic was deleted. */
  get state(): HeadState | undefined {
    return this.#state
  }

  /** Moves when commits may have been missed. */
  get epoch(): number {
    return this.#epoch
  }

  get directory(): ChunkDirectory {
    return this.#directory
  }

  /** When a change of the head was last noticed, on this process's monotonic clock. */
  get changedAt(): number {
    return this.#changedAt
  }

  /** The cached head was the stored one at this moment of this process's monotonic clock, or later. */
  get confirmedAt(): number {
    return this.#confirmedAt
  }

  /** After this the cached head is at least as new as the call. @throws StoreError, CorruptDataError */
  refresh(): Promise<void> {
    if (this.#nextRefresh) return this.#nextRefresh
    if (!this.#refreshing) return this.#startRefresh()
    const next = () => {
      this.#nextRefresh = undefined
      return this.#startRefresh()
    }
    this.#nextRefresh = this.#refreshing.then(next, next)
    return this.#nextRefresh
  }

  /** Takes over a head that was read, or found in the way of a write (undefined: deleted). @throws StoreError, CorruptDataError */
  adopt(item: Item | undefined): Promise<void> {
    return this.#mailbox.run(() => {
      if (!item) return this.#forget()
      if (item.version === this.#state?.version) return
      return this.#adopt({ head: decodeHead(item.value), version: item.version }, [])
    })
  }

  /** Takes over a head that this process wrote, with the chunks written with it; `sentAt`: monotonic, ms. */
  async adoptWritten(state: HeadState, chunks: readonly Chunk[], sentAt: number): Promise<void> {
    await this.#mailbox.run(() => this.#adopt(state, chunks))
    this.#confirmedAt = Math.max(this.#confirmedAt, sentAt)
  }

  /** The fold at the cached head, if it was loaded since the last reload. */
  get fold(): Fold | undefined {
    return this.#fold
  }

  /** @throws LogError UNKNOWN_TOPIC, StoreError, CorruptDataError */
  loadFold(): Promise<void> {
    return this.#mailbox.run(() => this.#loadFold())
  }

  /** From now on the commit of this segment is kept when it is seen, until `forgetAwaited`. */
  awaitCommit(id: SegmentId): void {
    this.#awaited.set(id, undefined)
  }

  awaitedCommit(id: SegmentId): Commit | undefined {
    return this.#awaited.get(id)
  }

  forgetAwaited(id: SegmentId): void {
    this.#awaited.delete(id)
  }

  /** Calls `listener` after every change of the cached head, until the function that it returns is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** The commits of a chunk; undefined where it is gone: read the head again. @throws StoreError, CorruptDataError */
  async readChunk(entry: ChunkEntry, options: { readonly keep: boolean } = { keep: true }): Promise<Chunk | undefined> {
    const cacheKey = `${shardKey(this.topicId, this.number)}/${entry.firstCommit}`
    const cached = this.#parts.chunks.get(cacheKey)
    if (cached) return cached
    const item = await this.#parts.items.get(chunkKey(this.topicId, this.number, entry.firstCommit))
    if (!item) return undefined
    const chunk = decodeChunk(item.value)
    if (options.keep) this.#parts.chunks.set(cacheKey, chunk, { size: item.value.length })
    return chunk
  }

  #startRefresh(): Promise<void> {
    const askedAt = this.#parts.clock.monotonic()
    const refresh = async () => {
      await this.adopt(await this.#parts.items.get(headKey(this.topicId, this.number)))
      this.#confirmedAt = Math.max(this.#confirmedAt, askedAt)
    }
    this.#refreshing = refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #adopt(state: HeadState, written: readonly Chunk[]): Promise<void> {
    const known = this.#state
    if (!known || state.head.edition <= known.head.edition) return
    const { floor, tail } = state.head
    if (floor > known.head.commits) return this.#reload()
    const from = tailStart(known.head)
    const chunks = written.length > 0 ? written : await this.#queryChunks(Math.max(from, floor), state.head, from)
    if (!chunks) return this.#reload()
    this.#directory.dropBelow(floor, extentEnds(state.head))
    for (const chunk of chunks) this.#directory.add(chunk)
    this.#state = state
    const first = chunks[0]?.firstCommit ?? tailStart(state.head)
    const missed = [...chunks.flatMap(chunk => chunk.commits), ...tail].slice(Math.max(0, known.head.commits - first))
    for (const commit of missed) {
      this.#fold?.apply(commit)
      this.#see(commit)
    }
    const { snapshot } = state.head
    if (snapshot && snapshot.commits !== known.head.snapshot?.commits) this.#fold?.expire(snapshot.time)
    this.#changed(state.head)
  }

  /** Begins anew from the stored head and all of its live chunks. */
  async #reload(): Promise<void> {
    for (let attempt = 0; attempt < RELOAD_ATTEMPTS_MAX; attempt++) {
      const item = await this.#parts.items.get(headKey(this.topicId, this.number))
      if (!item) return this.#forget()
      const head = decodeHead(item.value)
      const found = await this.#scanChunks(head)
      if (!found) continue
      this.#directory = found.directory
      this.#state = { head, version: item.version }
      this.#fold = undefined
      this.#epoch++
      for (const commit of [...found.awaited, ...head.tail]) this.#see(commit)
      return this.#changed(head)
    }
    throw new CorruptDataError(`the chunks of shard ${this.topicId}/${this.number} have a hole`)
  }

  /**
   * Walks the live chunks from the first to the last, a page at a time, for there may be very many: their directory, and
   * the commits in them that somebody waits for. undefined where some are gone.
   */
  async #scanChunks(head: Head): Promise<{ directory: ChunkDirectory; awaited: Commit[] } | undefined> {
    const to = tailStart(head)
    const offsets = extentEnds(head)
    let directory: ChunkDirectory | undefined
    const awaited: Commit[] = []
    let cursor: string | undefined
    do {
      const page = await this.#parts.items.query(shardKey(this.topicId, this.number), {
        from: chunkSortKey(head.removed),
        to: chunkSortKey(Math.max(to - 1, 0)),
        ...(cursor === undefined ? {} : { cursor }),
      })
      for (const item of page.items) {
        const chunk = decodeChunk(item.value)
        if (chunk.firstCommit >= to || chunk.firstCommit + chunk.commits.length <= head.floor) continue
        if (chunk.firstCommit > (directory?.end ?? head.floor)) return undefined
        directory ??= new ChunkDirectory(chunk.firstCommit, offsets)
        directory.add(chunk)
        awaited.push(...chunk.commits.filter(commit => this.#awaited.has(commit.segment.id)))
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    directory ??= new ChunkDirectory(head.floor, offsets)
    return directory.end >= to ? { directory, awaited } : undefined
  }

  #see(commit: Commit): void {
    if (this.#awaited.has(commit.segment.id)) this.#awaited.set(commit.segment.id, commit)
  }

  #forget(): void {
    this.#state = undefined
    this.#fold = undefined
    this.#notify()
  }

  #changed(head: Head): void {
    this.#parts.segmentIds.observeFence(head.fence)
    this.#notify()
  }

  #notify(): void {
    this.#changedAt = this.#parts.clock.monotonic()
    for (const listener of [...this.#listeners]) listener()
  }

  /**
   * The chunks that hold the commits from number `from` to where the tail of `head` begins, in order; the first may begin
   * earlier, but not before number `lowest`. undefined where some are gone.
   */
  async #queryChunks(from: number, head: Head, lowest: number): Promise<Chunk[] | undefined> {
    const to = tailStart(head)
    if (from >= to) return []
    const chunks: Chunk[] = []
    let cursor: string | undefined
    do {
      const page = await this.#parts.items.query(shardKey(this.topicId, this.number), {
        from: chunkSortKey(lowest),
        to: chunkSortKey(to - 1),
        descending: true,
        ...(cursor === undefined ? {} : { cursor }),
      })
      for (const item of page.items) {
        const chunk = decodeChunk(item.value)
        const next = chunks.at(-1)?.firstCommit ?? to
        if (chunk.firstCommit + chunk.commits.length !== next) return undefined
        chunks.push(chunk)
        if (chunk.firstCommit <= from) return chunks.reverse()
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    return undefined
  }

  async #loadFold(): Promise<void> {
    if (this.#fold) return
    for (let attempt = 0; attempt < RELOAD_ATTEMPTS_MAX; attempt++) {
      if (!this.#state) throw new LogError('UNKNOWN_TOPIC', 'the topic was deleted')
      const { head } = this.#state
      const fold = await this.#readSnapshot(head)
      const from = head.snapshot?.commits ?? 0
      const chunks =
        fold && (await this.#queryChunks(from, head, this.#directory.findCommit(from)?.firstCommit ?? from))
      if (!chunks) {
        await this.#reload()
        continue
      }
      const first = chunks[0]?.firstCommit ?? tailStart(head)
      for (const commit of [...chunks.flatMap(chunk => chunk.commits), ...head.tail].slice(Math.max(0, from - first))) {
        fold.apply(commit)
      }
      this.#fold = fold
      return
    }
    throw new CorruptDataError(`the snapshot of shard ${this.topicId}/${this.number} is missing`)
  }

  /** undefined where the blob is gone. */
  async #readSnapshot(head: Head): Promise<Fold | undefined> {
    if (!head.snapshot) return new Fold()
    if (head.snapshot.segment.medium === 'none') return new Fold(head.snapshot.time)
    const bytes = await this.#parts.segments.readWhole(head.snapshot.segment)
    return bytes && decodeFold(bytes)
  }
}

/** Where each partition stands at the head's floor. */
function extentEnds(head: Head): number[] {
  return head.partitions.map(({ extentsTo }) => extentsTo)
}
