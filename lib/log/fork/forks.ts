/**
 * Makes a topic out of another as it is at some offsets, without copying a byte of its records: the fork's heads name the same segments, the
 * items of its extents the same objects. Then both live on alone.
 *
 *   name and topic item `forking`, empty heads (ONE write) → for each shard: extents' items → chunks → its head → all of it `live`
 *
 * The whole name is there before anything is shared, so a sweep that lists the heads finds the fork's. What a sweep relies on: from
 * the moment at which a head's fence is raised, nothing old comes to be named there. So every write that shares something checks
 * that the fork's head is still the empty one without a fence; once it has one, this begins anew with another topic.
 *
 * Races, and what holds:
 * - Appends to the source: commits below a cut do not change.
 * - The source is compacted after its commits were taken, or its records are deleted: the segments stay until a sweep. One that finds
 *   that the source needs them no more lists the heads after that. It finds the fork's, filled, and reads what it names; or empty, and raises
 *   its fence, and the fork is not filled any more. One that had read the source before has found them needed. So the source's
 *   head need not stand still, and commits to it do not hold a fork up.
 * - Its extents are replaced, or removed: see copy-extents.ts, remove-extents.ts.
 * - It is deleted: its sealed head is refused, and the fork given up; one whose commits were taken before that is made.
 * - A transaction is open: its records below the cut are in the fork, and a marker right behind the cut aborts it there. One that
 *   is aborted in the source behind the cut likewise. One that is committed there is committed here.
 * - This process dies: the name is `forking`. Upkeep deletes it when it was not renewed for long (fork-names.ts); a late write of ours finds no head.
 *
 * Not forked: producers' states (the fork has none), the offsets that groups have committed. Shards are forked one after the other, so
 * the end of one partition may be some milliseconds older than that of another.
 */
import { inParallel } from '../../base/index.ts'
import type { ForkRequest, Topic } from '../contract.ts'
import { LogError } from '../errors.ts'
import type { Shards } from '../shards.ts'
import type { StoredTopics } from '../topics/stored-topics.ts'
import { shardsOf } from '../topics/topic-shards.ts'
import { FORK_AT, FORK_FROM, formatForkPoint } from './fork-point.ts'
import { type ForkShardParts, forkShard } from './fork-shard.ts'
import { type ResolveCutsParts, resolveCuts } from './resolve-cuts.ts'

export interface ForksParts extends ForkShardParts, ResolveCutsParts {
  readonly topics: StoredTopics
  readonly shards: Shards
}

/** Sweeps are hours apart: one may come in between. */
const ATTEMPTS_MAX = 4
const SHARDS_AT_ONCE = 4
const ARCHIVE_CONFIGS = 'varve.archive'

export class Forks {
  readonly #parts: ForksParts

  constructor(parts: ForksParts) {
    this.#parts = parts
  }

  /** @throws LogError as Log.fork says; StoreError, CorruptDataError */
  async fork(request: ForkRequest): Promise<Topic> {
    const { source, cuts } = await this.#prepare(request)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const made = await this.#make(request, source, cuts)
      if (made) return made
    }
    throw new LogError('REQUEST_TIMED_OUT', `sweeps came between ${ATTEMPTS_MAX} attempts to fork ${source.name}`)
  }

  /** Checks what `fork` would refuse, and makes nothing: the topic as it would be. */
  async validate(request: ForkRequest): Promise<Topic> {
    const { source } = await this.#prepare(request)
    const topic = this.#draw(request, source)
    await this.#parts.topics.validate(topic)
    return topic
  }

  async #prepare({ from, at, partitions }: ForkRequest): Promise<{ source: Topic; cuts: readonly number[] }> {
    const source = await this.#parts.topics.read(from)
    if (!source) throw new LogError('UNKNOWN_TOPIC', `there is no topic '${from}' to be forked`)
    if (partitions !== undefined && partitions !== source.partitions) {
      const why = `a fork of ${from} has its ${source.partitions} partition(s), not ${partitions}`
      throw new LogError('INVALID_PARTITIONS', why)
    }
    return { source, cuts: await resolveCuts(this.#parts, source, at) }
  }

  #draw({ name, from, at, configs }: ForkRequest, source: Topic): Topic {
    const origin = { [FORK_FROM]: from, [FORK_AT]: formatForkPoint(at) }
    const { partitions, shardSize } = source
    // What is tried out in a fork is not to be archived unless somebody says so.
    const inherited = Object.entries(source.configs).filter(([config]) => !config.startsWith(ARCHIVE_CONFIGS))
    return this.#parts.topics.draw(
      { name, partitions, configs: { ...Object.fromEntries(inherited), ...configs, ...origin } },
      shardSize,
    )
  }

  /** undefined: a sweep came in between. */
  async #make(request: ForkRequest, source: Topic, cuts: readonly number[]): Promise<Topic | undefined> {
    const name = await this.#parts.topics.beginFork(this.#draw(request, source))
    const fork = name.topic
    return name.hold(async signal => {
      let isMade = false
      try {
        if (!(await this.#fill(source, fork, cuts, signal))) return undefined
        await name.complete()
        isMade = true
        return fork
      } finally {
        // Nothing happens where it is complete after all.
        if (!isMade) await name.giveUp()
      }
    })
  }

  async #fill(source: Topic, fork: Topic, cuts: readonly number[], lost: AbortSignal): Promise<boolean> {
    const failed = new AbortController()
    const signal = AbortSignal.any([lost, failed.signal])
    const { shardSize } = source
    try {
      const outcomes = await inParallel(shardsOf(fork), SHARDS_AT_ONCE, async ({ shard }) => {
        if (signal.aborted) return 'fenced'
        const open = await this.#parts.shards.get(source.id, shard)
        const own = cuts.slice(shard * shardSize, (shard + 1) * shardSize)
        open.appends++
        try {
          const outcome = await forkShard(this.#parts, open.shard, { source, fork, shard, cuts: own, signal })
          if (outcome === 'fenced') failed.abort()
          return outcome
        } finally {
          open.appends--
        }
      })
      return outcomes.every(outcome => outcome === 'filled')
    } catch (error) {
      // Another shard, forked at the same time, was only told to stop.
      failed.abort()
      throw error
    }
  }
}
