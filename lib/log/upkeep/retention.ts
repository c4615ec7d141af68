/**
 * Retention moves the starts of partitions up, as their topics' configs say, by this process's wall clock, and no further than others
 * let it (an archive that has not taken the records yet). The head is looked at
 * first; chunks are read from the front, and by time no further than to the first that stays.
 */
import type { Clock } from '../../base/index.ts'
import type { ItemStore, ObjectStore } from '../../storage/index.ts'
import type { LogUsers } from '../contract.ts'
import { listExtents } from '../extent/extent-listing.ts'
import { removeExtents } from '../extent/remove-extents.ts'
import { chunkSortKey, decodeChunk } from '../head/chunk.ts'
import type { Commit } from '../head/commit.ts'
import { type Head, shardKey, tailStart } from '../head/head.ts'
import { moveStart } from '../head/transitions.ts'
import { piecesOf, type RetentionLimits, RetentionWalk, retentionLimits } from './retention-rule.ts'
import type { ShardHeads, ShardPlace } from './shard-heads.ts'
import type { UpkeepPass } from './upkeep.ts'

export interface RetentionParts extends Pick<LogUsers, 'neededFrom'> {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly heads: ShardHeads
  readonly clock: Clock
}

export class Retention {
  readonly #parts: RetentionParts

  constructor(parts: RetentionParts) {
    this.#parts = parts
  }

  /** Whether a start moved, or (dry) would. @throws StoreError, CorruptDataError, LogError */
  async run(pass: UpkeepPass): Promise<boolean> {
    let moved = false
    for await (const place of this.#parts.heads.all()) {
      if (pass.signal.aborted) return moved
      if (place.state !== 'live' || !pass.isMine(`${place.topic.id}/${place.shard}`)) continue
      const limits = retentionLimits(place.topic.configs)
      if (await this.#retain(place, limits, pass)) moved = true
      await pass.pause()
    }
    return moved
  }

  async #retain(place: ShardPlace, limits: RetentionLimits | undefined, pass: UpkeepPass): Promise<boolean> {
    const { heads, clock } = this.#parts
    const head = await heads.read(place)
    if (!head || head.state === 'sealed') return false
    const starts = limits ? await this.#startsOf(place, head, limits, clock.now()) : new Map<number, number>()
    const moved = await this.#move(place, head, starts, limits, pass)
    return (await this.#removeExtents(place, moved, pass)) || starts.size > 0
  }

  /** The head after the starts moved. */
  async #move(
    place: ShardPlace,
    head: Head,
    starts: ReadonlyMap<number, number>,
    limits: RetentionLimits | undefined,
    pass: UpkeepPass,
  ): Promise<Head> {
    if (starts.size === 0) return head
    for (const [slot, start] of starts) {
      const partition = place.shard * place.topic.shardSize + slot
      pass.tell(
        `${place.topic.name}/${partition}: records ${head.partitions[slot]!.start} to ${start - 1}`,
        `older than retention.ms=${limits?.ms}, or more than retention.bytes=${limits?.bytes}`,
      )
    }
    if (pass.dry) return head
    // Two processes that move a start end at the higher of the two, so there is nothing to lease.
    const moved = await this.#parts.heads.change(place, current => {
      let changed = current
      for (const [slot, start] of starts) changed = moveStart(changed, slot, start)
      return changed
    })
    return moved ?? head
  }

  /** Extents wholly below a start; readers are refused there. */
  async #removeExtents(place: ShardPlace, head: Head, pass: UpkeepPass): Promise<boolean> {
    const { topic, shard } = place
    let found = false
    for (const [slot, { start, extentsTo }] of head.partitions.entries()) {
      if (start === 0 || extentsTo === 0 || pass.signal.aborted) continue
      const partition = shard * topic.shardSize + slot
      let isThere = false
      for await (const { object } of listExtents(this.#parts.items, topic.id, partition, { upTo: start })) {
        isThere = true
        pass.tell(object, `an extent of records that are deleted: ${topic.name}/${partition} begins at ${start}`)
      }
      if (!isThere) continue
      found = true
      if (!pass.dry) await removeExtents(this.#parts, topic.id, partition, { upTo: start })
    }
    return found
  }

  /** By slot, where a start moves. */
  async #startsOf(
    place: ShardPlace,
    head: Head,
    limits: RetentionLimits,
    now: number,
  ): Promise<ReadonlyMap<number, number>> {
    const walks = head.partitions.map(partition => new RetentionWalk(limits, partition, now))
    for (const [slot, walk] of walks.entries()) await this.#walkExtents(place, slot, head, walk)
    for await (const commit of this.#commits(place, head)) {
      for (const { slot, piece } of piecesOf(commit)) walks[slot]?.add(piece)
      if (walks.every(({ settled }) => settled)) break
    }
    const starts = walks.map((walk, slot) => [slot, walk.finish()] as const)
    return this.#withoutNeeded(
      place,
      head,
      new Map(starts.filter(([slot, start]) => start > head.partitions[slot]!.start)),
    )
  }

  /** What others still need stays, however old: they say so after the head was read, and go no way back. */
  async #withoutNeeded(
    { topic, shard }: ShardPlace,
    head: Head,
    starts: ReadonlyMap<number, number>,
  ): Promise<ReadonlyMap<number, number>> {
    const needed = starts.size === 0 ? undefined : await this.#parts.neededFrom?.(topic)
    if (!needed) return starts
    const allowed = [...starts].map(([slot, start]) => {
      return [slot, Math.min(start, needed[shard * topic.shardSize + slot] ?? 0)] as const
    })
    return new Map(allowed.filter(([slot, start]) => start > head.partitions[slot]!.start))
  }

  async #walkExtents({ topic, shard }: ShardPlace, slot: number, head: Head, walk: RetentionWalk): Promise<void> {
    const { start, extentsTo } = head.partitions[slot]!
    if (extentsTo <= start) return
    const partition = shard * topic.shardSize + slot
    let next = start
    for await (const { from, to, bytes, maxTimestamp } of listExtents(this.#parts.items, topic.id, partition, {
      above: start,
    })) {
      // A compaction or merge went on meanwhile: bytes would count twice. The next run looks again.
      if (next === start ? from > next : from !== next) return walk.leave()
      if (to > extentsTo) return walk.leave()
      // Nothing has a timestamp where compaction left no record: it goes with what follows.
      walk.add({ to, bytes, timestamp: maxTimestamp < 0 ? Number.NEGATIVE_INFINITY : maxTimestamp })
      if (walk.settled || to === extentsTo) return
      next = to
    }
    walk.leave()
  }

  /** In order. A chunk that is gone was compacted meanwhile: what lies behind it is left for the next time. */
  async *#commits({ topic, shard }: ShardPlace, head: Head): AsyncGenerator<Commit> {
    const to = tailStart(head)
    let next = Number.NEGATIVE_INFINITY
    let cursor: string | undefined
    do {
      if (to === 0) break
      const page = await this.#parts.items.query(shardKey(topic.id, shard), {
        from: chunkSortKey(head.removed),
        to: chunkSortKey(to - 1),
        ...(cursor === undefined ? {} : { cursor }),
      })
      for (const item of page.items) {
        const chunk = decodeChunk(item.value)
        if (chunk.firstCommit + chunk.commits.length <= head.floor) continue
        if (next >= 0 ? chunk.firstCommit !== next : chunk.firstCommit > head.floor) return
        // Those below the floor are in extents.
        yield* chunk.commits.slice(Math.max(0, head.floor - chunk.firstCommit))
        next = chunk.firstCommit + chunk.commits.length
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    if (next < 0 ? head.floor >= to : next === to) yield* head.tail
  }
}
