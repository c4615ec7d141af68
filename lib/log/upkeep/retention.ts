/**
 * Retention moves the starts of partitions up, as their topics' configs say, by this process's wall clock. The head is looked at
 * first; chunks are read from the front, and by time no further than to the first that stays.
 */
import type { Clock } from '../../base/index.ts'
import type { ItemStore } from '../../storage/index.ts'
import { chunkSortKey, decodeChunk } from '../head/chunk.ts'
import type { Commit } from '../head/commit.ts'
import { type Head, shardKey, tailStart } from '../head/head.ts'
import { moveStart } from '../head/transitions.ts'
import { piecesOf, type RetentionLimits, RetentionWalk, retentionLimits } from './retention-rule.ts'
import type { ShardHeads, ShardPlace } from './shard-heads.ts'
import type { UpkeepPass } from './upkeep.ts'

export interface RetentionParts {
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
      const limits = place.state === 'live' ? retentionLimits(place.topic.configs) : undefined
      if (!limits || !pass.isMine(`${place.topic.id}/${place.shard}`)) continue
      if (await this.#retain(place, limits, pass)) moved = true
      await pass.pause()
    }
    return moved
  }

  async #retain(place: ShardPlace, limits: RetentionLimits, pass: UpkeepPass): Promise<boolean> {
    const { heads, clock } = this.#parts
    const head = await heads.read(place)
    if (!head || head.state === 'sealed') return false
    const starts = await this.#startsOf(place, head, limits, clock.now())
    if (starts.size === 0) return false
    for (const [slot, start] of starts) {
      const partition = place.shard * place.topic.shardSize + slot
      pass.tell(
        `${place.topic.name}/${partition}: records ${head.partitions[slot]!.start} to ${start - 1}`,
        `older than retention.ms=${limits.ms}, or more than retention.bytes=${limits.bytes}`,
      )
    }
    if (pass.dry) return true
    // Two processes that move a start end at the higher of the two, so there is nothing to lease.
    await heads.change(place, current => {
      let changed = current
      for (const [slot, start] of starts) changed = moveStart(changed, slot, start)
      return changed
    })
    return true
  }

  /** By slot, where a start moves. */
  async #startsOf(
    place: ShardPlace,
    head: Head,
    limits: RetentionLimits,
    now: number,
  ): Promise<ReadonlyMap<number, number>> {
    const walks = head.partitions.map(partition => new RetentionWalk(limits, partition, now))
    for await (const commit of this.#commits(place, head)) {
      for (const { slot, piece } of piecesOf(commit)) walks[slot]?.add(piece)
      if (walks.every(({ settled }) => settled)) break
    }
    const starts = walks.map((walk, slot) => [slot, walk.finish()] as const)
    return new Map(starts.filter(([slot, start]) => start > head.partitions[slot]!.start))
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
        yield* chunk.commits
        next = chunk.firstCommit + chunk.commits.length
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    if (next < 0 ? head.floor >= to : next === to) yield* head.tail
  }
}
