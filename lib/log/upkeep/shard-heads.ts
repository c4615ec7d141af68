/**
 * The heads of all shards as they are in the store, and changes of them: through the shard's committer where this process
 * has it open, by compare-and-swap else.
 */
import { type Clock, drawFraction, drawToken, type Random } from '../../base/index.ts'
import { type Item, type ItemStore, queryAll, StoreError } from '../../storage/index.ts'
import type { HeadChange } from '../append/head-change.ts'
import type { Topic } from '../contract.ts'
import { LogError } from '../errors.ts'
import { decodeHead, encodeHead, type Head, headKey } from '../head/head.ts'
import type { Shards } from '../shards.ts'
import type { StoredTopics } from '../topics/stored-topics.ts'
import { decodeTopicName, type StoredTopic, TOPIC_NAMES } from '../topics/topic-item.ts'

export interface ShardPlace {
  readonly topic: Topic
  /** `deleting`: nobody uses it any more; `forking`: not yet. */
  readonly state: StoredTopic['state']
  readonly shard: number
}

export interface ShardHeadsParts {
  readonly items: ItemStore
  readonly topics: StoredTopics
  readonly shards: Shards
  readonly clock: Clock
  readonly random: Random
}

/** A head that others commit to changes between every look and write. */
const ATTEMPTS_MAX = 50
const PAUSE_MS = 10
const PAUSE_MS_MAX = 1_000
const CHANGE_MS_MAX = 60_000

export class ShardHeads {
  readonly #parts: ShardHeadsParts

  constructor(parts: ShardHeadsParts) {
    this.#parts = parts
  }

  /** Every shard of every topic that has a head, those too of topics that are being forked or deleted. Read strongly. */
  async *all(): AsyncGenerator<ShardPlace> {
    for await (const { topic, state } of this.#parts.topics.stored()) {
      const known = Math.ceil(topic.partitions / topic.shardSize)
      for (let shard = 0; shard < known; shard++) yield { topic, state, shard }
      // Partitions that are being added have their head before the topic knows of them.
      for (let shard = known; await this.#parts.items.get(headKey(topic.id, shard)); shard++) {
        yield { topic, state, shard }
      }
    }
  }

  /** Whether there was a topic that there is no more. */
  async anyTopicDeleted(): Promise<boolean> {
    for await (const { value } of queryAll(this.#parts.items, TOPIC_NAMES)) {
      if (decodeTopicName(value).state === 'deleted') return true
    }
    return false
  }

  /** Undefined where there is none. */
  async read({ topic, shard }: ShardPlace): Promise<Head | undefined> {
    const item = await this.#parts.items.get(headKey(topic.id, shard))
    return item && decodeHead(item.value)
  }

  /**
   * The head with the change in it; undefined where there is none. For heads that are sealed, changes have nothing to do.
   * @throws LogError REQUEST_TIMED_OUT, StoreError
   */
  async change(place: ShardPlace, change: HeadChange): Promise<Head | undefined> {
    const unlessSealed: HeadChange = head => (head.state === 'sealed' ? head : change(head))
    const open = this.#parts.shards.peek(place.topic.id, place.shard)
    if (!open) return this.#swap(place, unlessSealed)
    try {
      // The change may rest on a head that was read, and this process know an older one.
      await open.shard.refresh()
      return await open.committer.change(unlessSealed, this.#parts.clock.monotonic() + CHANGE_MS_MAX)
    } catch (error) {
      if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') return this.#swap(place, unlessSealed)
      throw error
    }
  }

  async #swap(place: ShardPlace, change: HeadChange): Promise<Head | undefined> {
    const { items, clock, random } = this.#parts
    const key = headKey(place.topic.id, place.shard)
    let item: Item | undefined = await items.get(key)
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      if (!item) return undefined
      const head = decodeHead(item.value)
      const changed = change(head)
      if (changed === head) return head
      const version = drawToken(random)
      try {
        const put = { kind: 'put', key, expected: item.version, version, value: encodeHead(changed) } as const
        const outcome = await items.write([put])
        if (outcome.written) return changed
      } catch (error) {
        if (!(error instanceof StoreError) || error.code === 'STORE_REFUSED') throw error
      }
      await clock.sleep(Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** attempt) * drawFraction(random))
      item = await items.get(key)
    }
    throw new LogError('REQUEST_TIMED_OUT', `the head ${key.pk} changed ${ATTEMPTS_MAX} times in a row`)
  }
}
