/**
 * Commits segments into one shard, in the order in which they were built: the only place where offsets are given.
 *
 * States of a pending commit: being put → stored → (in a plan, sent by compare-and-swap) → answered. Races, and what holds:
 * - Another process commits first: the swap fails with its head; every commit in between is applied, then planned anew.
 * - The answer is lost, and the write may have happened or may still: the head is read, and our segment looked for. If it
 *   is not there and the head has moved, the write can never happen (its expected version is gone). If the head has not
 *   moved, the next attempt expects the same version, so at most one of the two happens, and the other's conflict shows it.
 * - Commits that we never saw are gone (the shard's epoch moved): the fate of what was sent is unknown; it is answered
 *   REQUEST_TIMED_OUT and never sent again.
 * - The head's fence rose above our segment (we slept): it is put again under a new id, and later ones wait for it.
 * - A refusal is given only by a plan whose swap succeeded, or after a strong read that found the head unchanged.
 * - Changes of the head that are no commits (head-change.ts) go with the next write, and are made anew on every head.
 */
import { type Clock, drawFraction, drawToken, type Logger, type PooledBytes, type Random } from '../../base/index.ts'
import { type ItemStore, StoreError, type WriteOperation } from '../../storage/index.ts'
import { LogError, timedOut } from '../errors.ts'
import { type Chunk, chunkKey, encodeChunk } from '../head/chunk.ts'
import type { Commit } from '../head/commit.ts'
import { encodeHead, type Head, headKey } from '../head/head.ts'
import type { HeadState, Shard } from '../head/shard.ts'
import type { ShardLimits } from '../head/shard-limits.ts'
import { appendCommits } from '../head/transitions.ts'
import { SnapshotWriter } from '../producers/snapshot-writer.ts'
import type { SegmentId, SegmentIds } from '../segment/segment-id.ts'
import type { Carriage, SegmentRef, SegmentStore } from '../segment/segment-store.ts'
import { answerBatch, answerMarker, outcomeInCommit, refuse, unanswered } from './answers.ts'
import { type CommitPlan, planCommits } from './commit-plan.ts'
import { type HeadChange, type MadeChanges, PendingChanges } from './head-change.ts'
import { HeadRewrites, type PlanRewrite } from './head-rewrites.ts'
import { layOutSegment, type PendingCommit, type PlacedBatch } from './pending-segment.ts'

export interface CommitterParts {
  readonly items: ItemStore
  readonly segments: SegmentStore
  readonly segmentIds: SegmentIds
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly limits: ShardLimits
  /**
   * Told of each batch as soon as it is readable, with its offset, before its answer. `stored`: the segment's bytes as the item
   * store took them, where they lie in memory that may be held on to.
   */
  readonly onCommitted: (commit: Commit, placed: readonly PlacedBatch[], stored: PooledBytes | undefined) => void
}

const BACKOFF_BASE_MS = 4
const BACKOFF_CAP_MS = 2_000

export class Committer {
  readonly #shard: Shard
  readonly #parts: CommitterParts
  readonly #snapshots: SnapshotWriter
  readonly #rewrites: HeadRewrites
  readonly #queue: PendingCommit[] = []
  readonly #changes: PendingChanges
  #running = false
  #arrivals = 0
  /** The head was read after the commits below this arrival came: what it refuses of them is refused. */
  #confirmed = 0
  /** Attempts in a row that came to nothing. */
  #setbacks = 0

  constructor(shard: Shard, parts: CommitterParts) {
    this.#shard = shard
    this.#parts = parts
    this.#snapshots = new SnapshotWriter(shard, parts)
    this.#rewrites = new HeadRewrites(shard, parts)
    this.#changes = new PendingChanges(parts.clock)
  }

  get idle(): boolean {
    return !this.#running
  }

  /** The batches of `commit` get their answers in time; commits are made in the order of these calls. */
  enqueue(commit: PendingCommit): void {
    commit.arrival = this.#arrivals++
    this.#queue.push(commit)
    if (!this.#running) void this.#run()
  }

  /**
   * Changes the head with its next write, and answers the head in which the change is; `deadline`: monotonic, ms.
   * @throws LogError UNKNOWN_TOPIC, REQUEST_TIMED_OUT; what the change throws
   */
  change(change: HeadChange, deadline: number): Promise<Head> {
    const changed = this.#changes.add(change, deadline)
    if (!this.#running) void this.#run()
    return changed
  }

  /** Puts a snapshot of all commits, which the next write comes to refer to. @throws LogError UNKNOWN_TOPIC, StoreError */
  async takeSnapshot(): Promise<void> {
    await this.#shard.loadFold()
    await this.#snapshots.putNow()
  }

  /**
   * Writes the head together with other items, between two commits of this process. Resolves with false where the plan does
   * not fit.
   * @throws LogError REQUEST_TIMED_OUT, OVERLOADED; StoreError
   */
  rewrite(plan: PlanRewrite): Promise<boolean> {
    const written = this.#rewrites.add(plan)
    if (!this.#running) void this.#run()
    return written
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#queue.length > 0 || !this.#changes.empty || this.#rewrites.waiting) {
      if (this.#rewrites.waiting && (await this.#rewrites.attempt()) === 'setback') await this.#backOff()
      if (this.#queue.length === 0 && this.#changes.empty) continue
      try {
        if (this.#changes.empty) await this.#queue[0]!.stored
        await this.#step()
      } catch (error) {
        await this.#recover(error)
      }
    }
    this.#running = false
  }

  /** One attempt to commit what is stored, or one finding about it. */
  async #step(): Promise<void> {
    this.#settleHopeless()
    if (!this.#shard.state) return this.#refuseAll(new LogError('UNKNOWN_TOPIC', 'the topic was deleted'))
    const { fold, state: base } = this.#shard
    if (!fold && this.#queue.length > 0) return this.#shard.loadFold()
    // Nothing may be awaited from here to the write: the plan must rest on a head in which our segments were looked for.
    this.#settleSeen()
    const ready = this.#readyCommits()
    const changes = this.#changes.make({
      ...base.head,
      snapshot: this.#snapshots.take(base.head) ?? base.head.snapshot,
    })
    if (!fold || ready.length === 0)
      return changes.made.length > 0 ? this.#write(base, changes, undefined, []) : undefined
    const plan = planCommits(changes.head, fold, ready)
    if (plan.commits.length > 0) return this.#write(base, changes, plan, ready.slice(0, plan.covered))
    if (changes.made.length > 0) return this.#write(base, changes, undefined, [])
    if (plan.covered === 0) return this.#putAgain(ready[0]!)
    await this.#settleUnwritten(ready.slice(0, plan.covered), plan)
  }

  /** A plan without commits: duplicates are facts; refusals are, if the head was read after their batches came. */
  async #settleUnwritten(covered: readonly PendingCommit[], plan: CommitPlan): Promise<void> {
    const isFact = (commit: PendingCommit) =>
      commit.arrival < this.#confirmed ||
      [...commit.placed.map(({ pending }) => pending), ...commit.markers].every(
        pending => plan.outcomes.get(pending)?.kind !== 'refused',
      )
    const facts = covered.filter(isFact)
    this.#settlePlanned(facts, plan)
    if (facts.length === covered.length) return
    const confirmed = this.#arrivals
    await this.#shard.refresh()
    this.#confirmed = confirmed
  }

  async #write(
    base: HeadState,
    changes: MadeChanges,
    plan: CommitPlan | undefined,
    covered: readonly PendingCommit[],
  ): Promise<void> {
    if (base.head.state === 'sealed') {
      await this.#shard.refresh()
      if (this.#shard.state?.head.state === 'sealed')
        this.#refuseAll(new LogError('UNKNOWN_TOPIC', 'the topic is being deleted'))
      return
    }
    const { limits } = this.#parts
    const { snapshot } = changes.head
    const { head, chunks } = plan
      ? appendCommits(changes.head, { ...plan, snapshot, limits })
      : { head: changes.head, chunks: [] }
    const state = { head, version: drawToken(this.#parts.random) }
    const firstTried = covered.filter(({ attemptedInEpoch }) => attemptedInEpoch === undefined)
    for (const commit of firstTried) commit.attemptedInEpoch = this.#shard.epoch
    for (const { id } of covered) this.#shard.awaitCommit(id)
    const carried = new Map<SegmentId, Carriage>()
    for (const { id, carried: parts } of plan ? carriedBy(plan, covered) : [])
      carried.set(id, this.#parts.segments.carry(id, parts ?? []))
    const sentAt = this.#parts.clock.monotonic()
    const outcome = await this.#parts.items.write(this.#operations(base, state, chunks, carried))
    if (outcome.written) {
      await this.#shard.adoptWritten(state, chunks, sentAt)
      this.#setbacks = 0
      this.#changes.settle(changes.made, head)
      if (plan) this.#settleWritten(covered, plan, carried)
      release(carried)
      this.#snapshots.consider()
      return
    }
    release(carried)
    // This write surely did nothing and never will: what only it was tried with may be tried again, whatever is gone.
    for (const commit of firstTried) commit.attemptedInEpoch = undefined
    const inTheWay = outcome.conflicts.find(conflict => conflict.index === 0)
    await (inTheWay ? this.#shard.adopt(inTheWay.item) : this.#shard.refresh())
    this.#settleSeen()
    await this.#backOff()
  }

  #operations(
    base: HeadState,
    { head, version }: HeadState,
    chunks: readonly Chunk[],
    carried: Pick<ReadonlyMap<SegmentId, Carriage>, 'values'>,
  ): WriteOperation[] {
    const { topicId, number } = this.#shard
    return [
      { kind: 'put', key: headKey(topicId, number), expected: base.version, version, value: encodeHead(head) },
      ...chunks.map(
        (chunk): WriteOperation => ({
          kind: 'put',
          key: chunkKey(topicId, number, chunk.firstCommit),
          expected: 'absent',
          version: drawToken(this.#parts.random),
          value: encodeChunk(chunk),
        }),
      ),
      ...Array.from(carried.values(), ({ operation }) => operation),
    ]
  }

  /** After a failed store call: what happened is unknown until the head has been read. */
  async #recover(error: unknown): Promise<void> {
    if (!(error instanceof StoreError) || error.code === 'STORE_REFUSED') {
      if (!(error instanceof LogError)) {
        const { topicId, number } = this.#shard
        this.#parts.logger.error('commit failed', { topicId, shard: number, error: String(error) })
      }
      return this.#refuseAll(error)
    }
    await this.#backOff()
    if (error.effect === 'none') return
    await this.#shard
      .refresh()
      .catch(refreshError => this.#parts.logger.warn('head unreadable', { error: String(refreshError) }))
  }

  async #backOff(): Promise<void> {
    this.#setbacks++
    if (this.#setbacks < 2) return
    const span = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(this.#setbacks, 20))
    await this.#parts.clock.sleep(span * drawFraction(this.#parts.random))
  }

  /** The segment is below the fence: its unanswered batches go into a new one, which takes its place in the queue. */
  async #putAgain(commit: PendingCommit): Promise<void> {
    this.#shard.forgetAwaited(commit.id)
    commit.formerIds = [...commit.formerIds, commit.id]
    commit.id = this.#parts.segmentIds.next()
    if (commit.markers.length > 0) {
      commit.segment = { id: commit.id, medium: 'none' }
      return
    }
    const fenced = commit.alone && !commit.carried ? commit.segment : undefined
    const batches = commit.placed.map(({ pending }) => pending).filter(({ answer }) => !answer.hasEnded)
    const { parts, placed } = layOutSegment(batches)
    commit.placed = placed
    commit.segment = undefined
    commit.carried = undefined
    commit.alone = true
    try {
      commit.segment = await this.#parts.segments.put(commit.id, parts)
      // No write that names it can succeed any more: each expects a head from before the fence.
      if (fenced) void this.#removeFenced(fenced)
    } catch (error) {
      commit.failure = error
    }
  }

  /** What stays is left to the sweep. */
  async #removeFenced(segment: SegmentRef): Promise<void> {
    try {
      await this.#parts.segments.remove(segment)
    } catch (error) {
      this.#parts.logger.warn('fenced segment not removed', { id: segment.id, error: String(error) })
    }
  }

  // ------------------------------------------------------------ answers

  /** Commits from the front whose puts have ended well. */
  #readyCommits(): StoredCommit[] {
    const ready: StoredCommit[] = []
    for (const commit of this.#queue) {
      if (!isStored(commit)) break
      ready.push(commit)
    }
    return ready
  }

  /** Answers what can no longer be committed: failed puts, callers that stopped waiting, fates that cannot be known. */
  #settleHopeless(): void {
    const now = this.#parts.clock.monotonic()
    this.#changes.expire(timedOut)
    for (const commit of this.#queue) {
      if (commit.failure !== undefined) this.#refuse(commit, commit.failure)
      if (commit.attemptedInEpoch !== undefined && commit.attemptedInEpoch !== this.#shard.epoch) {
        if (this.#shard.awaitedCommit(commit.id)) continue
        this.#refuse(commit, timedOut())
      }
      for (const pending of unanswered(commit)) {
        if (pending.deadline <= now) refuse(pending, timedOut())
      }
    }
    this.#dropSettled()
  }

  /** Answers what an earlier attempt, whose answer was lost, did commit. */
  #settleSeen(): void {
    for (const commit of this.#queue) {
      const seen = this.#shard.awaitedCommit(commit.id)
      if (!seen) continue
      for (const placed of commit.placed) {
        const outcome = outcomeInCommit(seen, commit.placed, placed, this.#shard.fold)
        answerBatch(placed.pending, outcome, this.#startOffset(placed.slot))
      }
      // A marker that the commit does not have was not needed: its transaction had ended.
      for (const pending of commit.markers) answerMarker(pending, { kind: 'appended', baseOffset: -1 })
      this.#tellCommitted(seen, commit, undefined)
    }
    this.#dropSettled()
  }

  #settleWritten(covered: readonly PendingCommit[], plan: CommitPlan, carried: ReadonlyMap<SegmentId, Carriage>): void {
    const commits = new Map(plan.commits.map(commit => [commit.segment.id, commit]))
    for (const pending of covered) {
      const commit = commits.get(pending.id)
      if (commit) this.#tellCommitted(commit, pending, carried.get(pending.id)?.memory)
    }
    this.#settlePlanned(covered, plan)
  }

  /** Who is told writes offsets into the batches, which a slow put under a former id may still be reading. */
  #tellCommitted(commit: Commit, { placed, formerIds }: PendingCommit, stored: PooledBytes | undefined): void {
    if (formerIds.some(id => this.#parts.segments.isUnderWay(id))) return
    this.#parts.onCommitted(commit, placed, stored)
  }

  #settlePlanned(covered: readonly PendingCommit[], plan: CommitPlan): void {
    for (const commit of covered) {
      for (const { pending, slot } of commit.placed) {
        const outcome = plan.outcomes.get(pending)
        if (outcome) answerBatch(pending, outcome, this.#startOffset(slot))
      }
      for (const pending of commit.markers) {
        const outcome = plan.outcomes.get(pending)
        if (outcome) answerMarker(pending, outcome)
      }
    }
    this.#dropSettled()
  }

  #startOffset(slot: number): number {
    return this.#shard.state?.head.partitions[slot]?.start ?? 0
  }

  #refuseAll(error: unknown): void {
    this.#changes.refuse(error)
    for (const commit of this.#queue) this.#refuse(commit, error)
    this.#dropSettled()
  }

  #refuse(commit: PendingCommit, error: unknown): void {
    for (const pending of unanswered(commit)) refuse(pending, error)
  }

  #dropSettled(): void {
    for (let i = this.#queue.length - 1; i >= 0; i--) {
      const commit = this.#queue[i]!
      if (unanswered(commit).length > 0) continue
      this.#shard.forgetAwaited(commit.id)
      this.#queue.splice(i, 1)
    }
  }
}

type StoredCommit = PendingCommit & { readonly segment: SegmentRef }

function isStored(commit: PendingCommit): commit is StoredCommit {
  return commit.segment !== undefined
}

/** The store has said what became of their write. */
function release(carried: ReadonlyMap<SegmentId, Carriage>): void {
  for (const { memory } of carried.values()) memory?.release()
}

/** The segments that the plan commits and that are not stored yet. */
function carriedBy(plan: CommitPlan, covered: readonly PendingCommit[]): PendingCommit[] {
  const committed = new Set(plan.commits.map(({ segment }) => segment.id))
  return covered.filter(({ id, carried }) => carried && committed.has(id))
}
