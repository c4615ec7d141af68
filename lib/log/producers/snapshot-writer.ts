/**
 * Writes a shard's fold as a snapshot now and then, so that opening a shard reads few commits. The blob is put beside the
 * appends; the head comes to refer to it in the next commit's write, never in a write of its own (idle means idle).
 */
import type { Logger } from '../../base/index.ts'
import type { Head, SnapshotRef } from '../head/head.ts'
import type { Shard } from '../head/shard.ts'
import type { ShardLimits } from '../head/shard-limits.ts'
import { type SegmentIds, segmentTime } from '../segment/segment-id.ts'
import type { SegmentStore } from '../segment/segment-store.ts'
import type { Fold } from './fold.ts'
import { encodeFold } from './snapshot.ts'

interface SnapshotStoreParts {
  readonly segments: SegmentStore
  readonly segmentIds: SegmentIds
}

export interface SnapshotWriterParts extends SnapshotStoreParts {
  readonly logger: Logger
  readonly limits: ShardLimits
}

export class SnapshotWriter {
  readonly #shard: Shard
  readonly #parts: SnapshotWriterParts
  #putting = false
  #ready: SnapshotRef | undefined

  constructor(shard: Shard, parts: SnapshotWriterParts) {
    this.#shard = shard
    this.#parts = parts
  }

  /** A stored snapshot that may go into the next write of `head`, if there is one newer than its own. */
  take(head: Head): SnapshotRef | undefined {
    if (!this.#ready) return undefined
    const isNewer = this.#ready.commits > (head.snapshot?.commits ?? 0)
    if (!isNewer || segmentTime(this.#ready.segment.id) < head.fence) this.#ready = undefined
    return this.#ready
  }

  /** A snapshot of the loaded fold, durable and ready to be taken when this answers; not where the head has one as new. @throws StoreError */
  async putNow(): Promise<void> {
    const { state, fold } = this.#shard
    if (!state || !fold || state.head.snapshot?.commits === state.head.commits) return
    const { commits } = state.head
    const { time } = fold
    const segment = await this.#parts.segments.put(this.#parts.segmentIds.next(), [encodeFold(fold, time)])
    if (!this.#ready || this.#ready.commits < commits) this.#ready = { commits, segment, time }
  }

  /** Starts a snapshot if enough was committed since the last. */
  consider(): void {
    const { state, fold } = this.#shard
    if (!state || !fold || this.#putting || this.#ready) return
    const { commits } = state.head
    if (commits - (state.head.snapshot?.commits ?? 0) < this.#parts.limits.snapshotIntervalCommits) return
    void this.#put(commits, fold)
  }

  async #put(commits: number, fold: Fold): Promise<void> {
    this.#putting = true
    try {
      this.#ready = await putFold(this.#parts, commits, fold)
    } catch (error) {
      this.#parts.logger.warn('snapshot not written', { topicId: this.#shard.topicId, error: String(error) })
    } finally {
      this.#putting = false
    }
  }
}

/** Stores the fold of the shard as this process knows it. @throws LogError UNKNOWN_TOPIC, StoreError, CorruptDataError */
export async function putSnapshot(parts: SnapshotStoreParts, shard: Shard): Promise<SnapshotRef> {
  for (;;) {
    await shard.loadFold()
    const { state, fold } = shard
    if (state && fold) return putFold(parts, state.head.commits, fold)
  }
}

/** `commits`: how many the fold adds up. It is encoded at once, for it goes on changing. */
async function putFold(
  { segments, segmentIds }: SnapshotStoreParts,
  commits: number,
  fold: Fold,
): Promise<SnapshotRef> {
  const { time } = fold
  const segment = await segments.put(segmentIds.next(), [encodeFold(fold, time)])
  return { segment, commits, time }
}
