/**
 * The shards that this process has open, each with its committer and watcher. One that nobody has used for long is
 * closed when there are many; a closed one is only memory, and is opened anew when it is needed.
 */
import { Mailbox, SingleFlight } from '../base/index.ts'
import { Committer, type CommitterParts } from './append/committer.ts'
import type { Topic } from './contract.ts'
import { LogError } from './errors.ts'
import { Shard, type ShardParts } from './head/shard.ts'
import { ShardWatcher, type WatcherParts } from './read/watch.ts'

export interface OpenShard {
  readonly shard: Shard
  readonly committer: Committer
  readonly watcher: ShardWatcher
  /** Appends that have no answer yet: the shard may not be closed. */
  appends: number
}

/** More only while all of them are at work. */
const OPEN_SHARDS_MAX = 4_096
const IDLE_LOOKS_MAX = 64

export class Shards {
  readonly #parts: ShardParts & CommitterParts & WatcherParts
  readonly #opening = new SingleFlight<string, OpenShard>()
  /** Least recently used first. */
  readonly #open = new Map<string, OpenShard>()
  /** The one that was used last: most likely the next one too. */
  #latest: { readonly topicId: string; readonly number: number; readonly open: OpenShard } | undefined
  /** Appends to shards that are being opened, in the order of the calls. */
  readonly #admissions = new Map<string, Mailbox>()

  constructor(parts: ShardParts & CommitterParts & WatcherParts) {
    this.#parts = parts
  }

  /** The shard of a partition, and the partition's slot in it. @throws LogError UNKNOWN_TOPIC, StoreError */
  async find(topic: Topic, partition: number): Promise<{ open: OpenShard; slot: number }> {
    const number = Math.floor(partition / topic.shardSize)
    return { open: await this.get(topic.id, number), slot: partition % topic.shardSize }
  }

  /**
   * Calls `use` with the shard: for each shard in the order of these calls, at once, and with nothing to wait for, where it is open.
   * @throws LogError UNKNOWN_TOPIC, StoreError
   */
  admit(topic: Topic, partition: number, use: (open: OpenShard, slot: number) => void): Promise<void> | undefined {
    const number = Math.floor(partition / topic.shardSize)
    const slot = partition % topic.shardSize
    const open = this.#use(topic.id, number)
    if (open?.shard.state && !this.#isAdmitting(topic.id, number)) {
      use(open, slot)
      return undefined
    }
    const key = keyOf(topic.id, number)
    const mailbox = this.#admissions.get(key) ?? new Mailbox()
    this.#admissions.set(key, mailbox)
    const admitted = mailbox.run(async () => {
      const opened = await this.get(topic.id, number)
      this.#keep(topic.id, number, opened)
      use(opened, slot)
    })
    return admitted.finally(() => {
      if (mailbox.idle) this.#admissions.delete(key)
    })
  }

  /** The shard if this process has it open. */
  peek(topicId: string, number: number): OpenShard | undefined {
    const open = this.#open.get(keyOf(topicId, number))
    return open?.shard.state && open
  }

  /** @throws LogError UNKNOWN_TOPIC, StoreError */
  async get(topicId: string, number: number): Promise<OpenShard> {
    const open = this.#use(topicId, number)
    if (open?.shard.state) return open
    const key = keyOf(topicId, number)
    const mayBeLate = this.#opening.has(key)
    try {
      return await this.#opening.run(key, () => this.#openShard(topicId, number))
    } catch (error) {
      // Whoever asked first may have looked before the shard was there.
      if (!mayBeLate || !(error instanceof LogError)) throw error
      return this.#opening.run(key, () => this.#openShard(topicId, number))
    }
  }

  async #openShard(topicId: string, number: number): Promise<OpenShard> {
    const shard = await Shard.open(this.#parts, topicId, number)
    if (!shard) throw new LogError('UNKNOWN_TOPIC', `there is no shard ${number} of topic ${topicId}`)
    const committer = new Committer(shard, this.#parts)
    const open = { shard, committer, watcher: new ShardWatcher(shard, this.#parts), appends: 0 }
    this.#closeIdle()
    this.#keep(topicId, number, open)
    return open
  }

  #keep(topicId: string, number: number, open: OpenShard): void {
    this.#open.set(keyOf(topicId, number), open)
    this.#latest = { topicId, number, open }
  }

  #isAdmitting(topicId: string, number: number): boolean {
    return this.#admissions.size > 0 && this.#admissions.has(keyOf(topicId, number))
  }

  #use(topicId: string, number: number): OpenShard | undefined {
    const latest = this.#latest
    if (latest?.topicId === topicId && latest.number === number) return latest.open
    const key = keyOf(topicId, number)
    const open = this.#open.get(key)
    if (!open) return undefined
    this.#open.delete(key)
    this.#keep(topicId, number, open)
    return open
  }

  /** Makes room, if any of the shards that were not used for longest is idle. */
  #closeIdle(): void {
    if (this.#open.size < OPEN_SHARDS_MAX) return
    let looked = 0
    for (const [key, { appends, shard }] of this.#open) {
      if (appends === 0 && shard.listeners === 0) {
        this.#open.delete(key)
        if (this.#latest?.open.shard === shard) this.#latest = undefined
        return
      }
      if (++looked === IDLE_LOOKS_MAX) return
    }
  }
}

function keyOf(topicId: string, number: number): string {
  return `${topicId}/${number}`
}
