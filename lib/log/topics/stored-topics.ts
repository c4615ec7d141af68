/**
 * Topics over the item store. A topic is there when its name item says so; the order of steps keeps that true whatever
 * stops: shards' heads before (or with) the name at creation, the tombstone first and last at deletion. A
 * deletion that stopped half way is finished by whoever wants the name next.
 */
import { LRUCache } from 'lru-cache'
import { type Clock, drawToken, drawUuid, type Random } from '../../base/index.ts'
import {
  type Item,
  type ItemKey,
  type ItemStore,
  StoreError,
  WRITE_OPERATIONS_MAX,
  type WriteOperation,
} from '../../storage/index.ts'
import type { NewTopic, Topic, Topics } from '../contract.ts'
import { LogError } from '../errors.ts'
import { decodeHead, encodeHead, type Head, headKey, newHead, shardKey } from '../head/head.ts'
import { changeHead, growPartitions } from '../head/transitions.ts'
import { validateNewTopic, validatePartitions } from './new-topic.ts'
import {
  decodeTopic,
  decodeTopicName,
  encodeTopic,
  encodeTopicName,
  TOPIC_NAMES,
  topicKey,
  topicNameKey,
} from './topic-item.ts'

/** How long a topic is believed without asking. */
const CACHE_MS = 3_000
/** By size, not `max`, which would allocate for all of them at once. */
const CACHE_OPTIONS = { maxSize: 10_000, sizeCalculation: () => 1 }
const ATTEMPTS_MAX = 20

export interface StoredTopicsParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  /** Of new topics; the item format allows any. */
  readonly shardSize: number
}

interface CachedTopic {
  readonly topic: Topic
  /** On this process's monotonic clock. */
  readonly askedAt: number
}

export class StoredTopics implements Topics {
  readonly #parts: StoredTopicsParts
  readonly #byName = new LRUCache<string, CachedTopic>(CACHE_OPTIONS)
  readonly #byId = new LRUCache<string, CachedTopic>(CACHE_OPTIONS)

  constructor(parts: StoredTopicsParts) {
    this.#parts = parts
  }

  async find(key: { readonly name: string } | { readonly id: string }): Promise<Topic | undefined> {
    const cached = 'name' in key ? this.#byName.get(key.name) : this.#byId.get(key.id)
    if (cached && this.#parts.clock.monotonic() - cached.askedAt < CACHE_MS) return cached.topic
    return 'name' in key ? this.#readByName(key.name) : this.#readById(key.id)
  }

  async list(): Promise<Topic[]> {
    const topics: Topic[] = []
    let cursor: string | undefined
    do {
      const page = await this.#parts.items.query(TOPIC_NAMES, cursor === undefined ? {} : { cursor })
      const live = page.items.map(item => decodeTopicName(item.value)).filter(name => name.state === 'live')
      const found = await Promise.all(live.map(({ id }) => this.find({ id })))
      topics.push(...found.filter(topic => topic !== undefined))
      cursor = page.cursor
    } while (cursor !== undefined)
    return topics
  }

  async validate(topic: NewTopic): Promise<void> {
    validateNewTopic(topic)
    if (await this.#readByName(topic.name)) throw alreadyExists(topic.name)
  }

  async create(wanted: NewTopic): Promise<Topic> {
    validateNewTopic(wanted)
    const { random, shardSize } = this.#parts
    const topic: Topic = {
      id: Buffer.from(drawUuid(random)).toString('hex'),
      name: wanted.name,
      partitions: wanted.partitions,
      shardSize,
      configs: { ...wanted.configs },
    }
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const askedAt = this.#parts.clock.monotonic()
      const item = await this.#parts.items.get(topicNameKey(topic.name))
      const name = item && decodeTopicName(item.value)
      if (name?.id === topic.id) return this.#remember(topic, askedAt)
      if (name?.state === 'live') throw alreadyExists(topic.name)
      if (name?.state === 'deleting') await this.#finishDeletion(topic.name, name.id)
      else if (await this.#tryWrite(() => this.#writeNewTopic(topic, item))) return this.#remember(topic, askedAt)
    }
    throw contended(topic.name)
  }

  async addPartitions(name: string, partitions: number): Promise<Topic> {
    validatePartitions(partitions)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const askedAt = this.#parts.clock.monotonic()
      const id = (await this.#readByName(name))?.id
      const item = id === undefined ? undefined : await this.#parts.items.get(topicKey(id))
      if (!item) throw unknownTopic(name)
      const topic = decodeTopic(item.value)
      if (topic.partitions === partitions && attempt > 0) return this.#remember(topic, askedAt)
      if (topic.partitions >= partitions) {
        throw new LogError('INVALID_PARTITIONS', `topic '${name}' has ${topic.partitions} partitions already`)
      }
      const grown = { ...topic, partitions }
      await this.#growHeads(grown)
      const writtenAt = this.#parts.clock.monotonic()
      if (await this.#tryWrite(() => this.#write([this.#put(item.key, encodeTopic(grown), item)]))) {
        return this.#remember(grown, writtenAt)
      }
    }
    throw contended(name)
  }

  async delete(name: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const item = await this.#parts.items.get(topicNameKey(name))
      const found = item && decodeTopicName(item.value)
      if (!found || (found.state !== 'live' && attempt === 0)) throw unknownTopic(name)
      this.#forget(name, found.id)
      if (found.state === 'deleted') return
      if (found.state === 'deleting') return this.#finishDeletion(name, found.id)
      const tombstone = encodeTopicName({ id: found.id, state: 'deleting' })
      await this.#tryWrite(() => this.#write([this.#put(item.key, tombstone, item)]))
    }
    throw contended(name)
  }

  // ------------------------------------------------------------ reading

  async #readByName(name: string): Promise<Topic | undefined> {
    const askedAt = this.#parts.clock.monotonic()
    const item = await this.#parts.items.get(topicNameKey(name))
    const found = item && decodeTopicName(item.value)
    if (found?.state !== 'live') {
      this.#byName.delete(name)
      return undefined
    }
    return this.#readById(found.id, askedAt)
  }

  async #readById(id: string, askedAt = this.#parts.clock.monotonic()): Promise<Topic | undefined> {
    const item = await this.#parts.items.get(topicKey(id))
    if (item) return this.#remember(decodeTopic(item.value), askedAt)
    this.#byId.delete(id)
    return undefined
  }

  /** `askedAt`: when the question was asked. An answer may be long under way, and is no younger than its question. */
  #remember(topic: Topic, askedAt: number): Topic {
    const cached = { topic, askedAt }
    if (askedAt >= (this.#byName.peek(topic.name)?.askedAt ?? askedAt)) this.#byName.set(topic.name, cached)
    if (askedAt >= (this.#byId.peek(topic.id)?.askedAt ?? askedAt)) this.#byId.set(topic.id, cached)
    return topic
  }

  #forget(name: string, id: string): void {
    this.#byName.delete(name)
    this.#byId.delete(id)
  }

  // ------------------------------------------------------------ writing

  /** Heads of many shards come first: nobody finds them before the name is there. */
  async #writeNewTopic(topic: Topic, tombstone: Item | undefined): Promise<boolean> {
    const heads = shardsOf(topic).map(({ shard, partitions }) =>
      this.#put(headKey(topic.id, shard), encodeHead(newHead(partitions))),
    )
    const name = this.#put(topicNameKey(topic.name), encodeTopicName({ id: topic.id, state: 'live' }), tombstone)
    const last = [this.#put(topicKey(topic.id), encodeTopic(topic)), name]
    while (heads.length + last.length > WRITE_OPERATIONS_MAX) {
      const some = heads.splice(0, WRITE_OPERATIONS_MAX)
      if (!(await this.#write(some)) && !(await this.#parts.items.get(some[0]!.key))) return false
    }
    return this.#write([...heads, ...last])
  }

  /** Gives each shard of `topic` a head with its partitions; heads that have them stay. */
  async #growHeads(topic: Topic): Promise<void> {
    for (const { shard, partitions } of shardsOf(topic)) {
      const grow = (head: Head | undefined) => {
        if (!head) return newHead(partitions)
        return head.partitions.length >= partitions || head.state === 'sealed'
          ? undefined
          : growPartitions(head, partitions)
      }
      await this.#changeHead(headKey(topic.id, shard), grow)
    }
  }

  /** The tombstone is there: seals the shards, so that no process commits, then removes all that the topic has. */
  async #finishDeletion(name: string, id: string): Promise<void> {
    const item = await this.#parts.items.get(topicKey(id))
    if (item) {
      for (const { shard } of shardsOf(decodeTopic(item.value))) {
        const seal = (head: Head | undefined) =>
          head?.state === 'open' ? changeHead(head, { state: 'sealed' }) : undefined
        await this.#changeHead(headKey(id, shard), seal)
        await this.#deleteShard(id, shard)
      }
      await this.#deleteItem(item)
    }
    const tombstone = await this.#parts.items.get(topicNameKey(name))
    if (!tombstone || decodeTopicName(tombstone.value).id !== id) return
    await this.#tryWrite(() =>
      this.#write([this.#put(tombstone.key, encodeTopicName({ id, state: 'deleted' }), tombstone)]),
    )
  }

  /** Chunks first, the head last: it is the list of what is left to do. */
  async #deleteShard(id: string, shard: number): Promise<void> {
    for (;;) {
      const { items } = await this.#parts.items.query(shardKey(id, shard), { limit: WRITE_OPERATIONS_MAX })
      if (items.length === 0) return
      for (const item of items) await this.#deleteItem(item)
    }
  }

  async #deleteItem(item: Item): Promise<void> {
    await this.#tryWrite(() => this.#write([{ kind: 'delete', key: item.key, expected: item.version }]))
  }

  /** Applies `change` to a head until it is written, or until `change` answers undefined: nothing to do. */
  async #changeHead(key: ItemKey, change: (head: Head | undefined) => Head | undefined): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const item = await this.#parts.items.get(key)
      const changed = change(item && decodeHead(item.value))
      if (!changed) return
      if (await this.#tryWrite(() => this.#write([this.#put(key, encodeHead(changed), item)]))) return
    }
    throw contended(key.pk)
  }

  #put(key: ItemKey, value: Uint8Array, replaced?: Item): WriteOperation {
    const version = drawToken(this.#parts.random)
    return { kind: 'put', key, expected: replaced?.version ?? 'absent', version, value }
  }

  async #write(operations: readonly WriteOperation[]): Promise<boolean> {
    return (await this.#parts.items.write(operations)).written
  }

  /** false: it was not written, or nobody knows; the caller looks again. */
  async #tryWrite(write: () => Promise<boolean>): Promise<boolean> {
    try {
      return await write()
    } catch (error) {
      if (error instanceof StoreError && error.code !== 'STORE_REFUSED') return false
      throw error
    }
  }
}

/** The shards of a topic, and how many partitions each has. */
function shardsOf(topic: Topic): { shard: number; partitions: number }[] {
  const shards: { shard: number; partitions: number }[] = []
  for (let first = 0; first < topic.partitions; first += topic.shardSize) {
    shards.push({ shard: shards.length, partitions: Math.min(topic.shardSize, topic.partitions - first) })
  }
  return shards
}

function unknownTopic(name: string): LogError {
  return new LogError('UNKNOWN_TOPIC', `there is no topic '${name}'`)
}

function alreadyExists(name: string): LogError {
  return new LogError('TOPIC_EXISTS', `topic '${name}' exists already`)
}

function contended(name: string): StoreError {
  return new StoreError('STORE_THROTTLED', `'${name}' changed ${ATTEMPTS_MAX} times in a row`)
}
