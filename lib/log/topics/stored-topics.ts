/**
 * Topics over the item store. A topic is there when its name item says so; the order of steps keeps that true whatever
 * stops: shards' heads before (or with) the name at creation, the tombstone first and last at deletion. A
 * deletion that stopped half way is finished by whoever wants the name next. The tombstone stays until all that others
 * keep by the topic's id is removed (upkeep), and goes in a write that a creation from before fits no more (lib/lifetimes).
 */
import { LRUCache } from 'lru-cache'
import { type Clock, drawToken, drawUuid, type Random } from '../../base/index.ts'
import { checkOfMaking } from '../../lifetimes/index.ts'
import {
  type Item,
  type ItemStore,
  type ObjectStore,
  type Version,
  WRITE_OPERATIONS_MAX,
  type WriteOperation,
} from '../../storage/index.ts'
import type { NewTopic, Topic, Topics } from '../contract.ts'
import { LogError } from '../errors.ts'
import { decodeHead, encodeHead, headKey, newHead } from '../head/head.ts'
import { growPartitions } from '../head/transitions.ts'
import { ForkName } from './fork-names.ts'
import { flawOfGrowth, isTopicName, validateNewTopic, validateTopicName } from './new-topic.ts'
import { validateTopicConfigs, withFixedConfigs } from './topic-configs.ts'
import { finishDeletion } from './topic-deletion.ts'
import {
  decodeTopic,
  decodeTopicName,
  encodeTopic,
  encodeTopicName,
  type StoredTopic,
  TOPIC_NAMES,
  type TopicName,
  topicKey,
  topicNameKey,
} from './topic-item.ts'
import { shardsOf } from './topic-shards.ts'
import { ATTEMPTS_MAX, contended, TopicWrites } from './topic-writes.ts'

/** How long a topic is believed without asking. */
const CACHE_MS = 3_000
/** By size, not `max`, which would allocate for all of them at once. */
const CACHE_OPTIONS = { maxSize: 10_000, sizeCalculation: () => 1 }

export interface StoredTopicsParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  /** Of new topics; the item format allows any. */
  readonly shardSize: number
}

/** A topic's name as it was found in the store. */
export interface UnfinishedTopic extends Required<TopicName> {
  readonly name: string
  readonly version: Version
}

interface CachedTopic {
  readonly topic: Topic
  /** On this process's monotonic clock. */
  readonly askedAt: number
}

export class StoredTopics implements Topics {
  readonly #parts: StoredTopicsParts
  readonly #writes: TopicWrites
  readonly #byName = new LRUCache<string, CachedTopic>(CACHE_OPTIONS)
  readonly #byId = new LRUCache<string, CachedTopic>(CACHE_OPTIONS)

  constructor(parts: StoredTopicsParts) {
    this.#parts = parts
    this.#writes = new TopicWrites(parts)
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
      const found = await Promise.all(live.map(({ id }) => this.#readById(id)))
      topics.push(...found.filter(topic => topic !== undefined))
      cursor = page.cursor
    } while (cursor !== undefined)
    return topics
  }

  async *#names(): AsyncGenerator<UnfinishedTopic> {
    let cursor: string | undefined
    do {
      const page = await this.#parts.items.query(TOPIC_NAMES, cursor === undefined ? {} : { cursor })
      for (const { key, version, value } of page.items)
        yield { renewedAt: 0, ...decodeTopicName(value), name: key.sk, version }
      cursor = page.cursor
    } while (cursor !== undefined)
  }

  /** Every topic that has an item, those too that are being made as forks, or deleted. Read strongly, sorted by name. */
  async *stored(): AsyncGenerator<StoredTopic> {
    for await (const { id, state } of this.#names()) {
      const item = state === 'deleted' ? undefined : await this.#parts.items.get(topicKey(id))
      if (item) yield { ...decodeTopic(item.value), ...(state === 'deleting' && { state }) }
    }
  }

  /** As it is in the store now. */
  read(name: string): Promise<Topic | undefined> {
    return this.#readByName(name)
  }

  async validate(topic: NewTopic): Promise<void> {
    validateNewTopic(topic)
    if (await this.#readByName(topic.name)) throw alreadyExists(topic.name)
  }

  async create(wanted: NewTopic): Promise<Topic> {
    validateNewTopic(wanted)
    withFixedConfigs(wanted.configs ?? {}, {})
    return this.#make({ topic: this.#draw(wanted, this.#parts.shardSize), state: 'live' })
  }

  /** A topic to be forked into, with an id that nobody has. */
  draw(wanted: NewTopic, shardSize: number): Topic {
    validateNewTopic(wanted)
    return this.#draw(wanted, shardSize)
  }

  /** Makes the documents and empty heads of a fork. Upkeep knows of it from now on; nobody finds it before it is complete. @throws LogError TOPIC_EXISTS; StoreError */
  async beginFork(topic: Topic): Promise<ForkName> {
    const made = await this.#make({ topic, state: 'forking' })
    return new ForkName({ ...this.#parts, writes: this.#writes }, made)
  }

  /** Makes what is to be restored as a fork is made, or takes over what was begun under the name. @throws LogError TOPIC_EXISTS; StoreError */
  async beginRestoring(wanted: NewTopic): Promise<ForkName> {
    validateNewTopic(wanted)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const begun = await this.#begunUnder(wanted.name)
      if (begun) {
        // Upkeep that is about to give it up finds another version.
        if ((await begun.renew()) !== 'gone') return begun
        continue
      }
      try {
        return await this.beginFork(this.#draw(wanted, this.#parts.shardSize))
      } catch (error) {
        const isTaken = error instanceof LogError && error.code === 'TOPIC_EXISTS'
        if (!isTaken || !(await this.#begunUnder(wanted.name))) throw error
      }
    }
    throw contended(wanted.name)
  }

  async #begunUnder(name: string): Promise<ForkName | undefined> {
    const { items } = this.#parts
    const item = await items.get(topicNameKey(name))
    const found = item && decodeTopicName(item.value)
    const stored = found?.state === 'forking' ? await items.get(topicKey(found.id)) : undefined
    return stored && new ForkName({ ...this.#parts, writes: this.#writes }, decodeTopic(stored.value).topic)
  }

  /** Takes away a fork whose maker is gone, unless it is back meanwhile. @throws StoreError */
  async abandonFork({ name, id, version }: UnfinishedTopic): Promise<void> {
    const value = encodeTopicName({ id, state: 'deleting' })
    const key = topicNameKey(name)
    const put = { kind: 'put', key, expected: version, version: drawToken(this.#parts.random), value } as const
    if (await this.#writes.try([put])) await this.#finishDeletion(name, id)
  }

  #draw({ name, partitions, configs }: NewTopic, shardSize: number): Topic {
    return { id: this.#drawId(), name, partitions, shardSize, configs: { ...configs } }
  }

  /** With the id that was drawn, or another. */
  async #make({ topic: wanted, state }: StoredTopic): Promise<Topic> {
    const { items, clock } = this.#parts
    const key = topicNameKey(wanted.name)
    let topic = wanted
    const drawn = new Map([[topic.id, topic]])
    let making = await checkOfMaking(items, key)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const askedAt = clock.monotonic()
      const done = (made: Topic) => (state === 'live' ? this.#remember(made, askedAt) : made)
      const item = await items.get(key)
      const name = item && decodeTopicName(item.value)
      const mine = name && drawn.get(name.id)
      if (mine) return done(mine)
      if (name?.state === 'live' || name?.state === 'forking') throw alreadyExists(topic.name)
      if (name?.state === 'deleting') await this.#finishDeletion(topic.name, name.id)
      else if (await this.#tryMake({ topic, state }, item, making)) return done(topic)
      const now = await checkOfMaking(items, key)
      if (now.expected === making.expected) continue
      // It may have been made, deleted and forgotten since, and an id has one life.
      making = now
      topic = { ...topic, id: this.#drawId() }
      drawn.set(topic.id, topic)
    }
    throw contended(topic.name)
  }

  #drawId(): string {
    return Buffer.from(drawUuid(this.#parts.random)).toString('hex')
  }

  async addPartitions(name: string, partitions: number): Promise<Topic> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const askedAt = this.#parts.clock.monotonic()
      const id = (await this.#readByName(name))?.id
      const item = id === undefined ? undefined : await this.#parts.items.get(topicKey(id))
      const topic = item && liveTopic(item)
      if (!topic) throw unknownTopic(name)
      if (topic.partitions === partitions && attempt > 0) return this.#remember(topic, askedAt)
      const flaw = flawOfGrowth(topic, partitions)
      if (flaw !== undefined) throw new LogError('INVALID_PARTITIONS', flaw)
      const grown = { ...topic, partitions }
      if (!(await this.#growHeads(grown, item))) continue
      const writtenAt = this.#parts.clock.monotonic()
      if (await this.#writes.try([this.#writes.put(item.key, encodeTopic({ topic: grown, state: 'live' }), item)]))
        return this.#remember(grown, writtenAt)
    }
    throw contended(name)
  }

  async changeConfigs(
    name: string,
    change: (configs: Topic['configs']) => Topic['configs'],
    { validateOnly = false } = {},
  ): Promise<void> {
    validateTopicName(name)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const id = (await this.#readByName(name))?.id
      const item = id === undefined ? undefined : await this.#parts.items.get(topicKey(id))
      const topic = item && liveTopic(item)
      if (!topic) throw unknownTopic(name)
      const changed = { ...topic, configs: withFixedConfigs({ ...change(topic.configs) }, topic.configs) }
      validateTopicConfigs(changed.configs)
      const value = encodeTopic({ topic: changed, state: 'live' })
      if (validateOnly || Buffer.from(value).equals(item.value)) return
      const writtenAt = this.#parts.clock.monotonic()
      if (await this.#writes.try([this.#writes.put(item.key, value, item)])) {
        this.#remember(changed, writtenAt)
        return
      }
    }
    throw contended(name)
  }

  async delete(name: string): Promise<void> {
    let id: string | undefined
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const item = await this.#parts.items.get(topicNameKey(name))
      const found = item && decodeTopicName(item.value)
      if (!id && found?.state !== 'live' && found?.state !== 'forking') throw unknownTopic(name)
      id ??= found?.id
      if (!item || !found || found.id !== id || found.state === 'deleted') return
      this.#forget(name, id)
      if (found.state === 'deleting') return this.#finishDeletion(name, id)
      await this.#writes.try([this.#writes.put(item.key, encodeTopicName({ id, state: 'deleting' }), item)])
    }
    throw contended(name)
  }

  /** Topics whose deletion, or making as a fork, has begun and not ended: it is under way, or whoever began it is gone. */
  async *unfinished(): AsyncGenerator<UnfinishedTopic> {
    for await (const name of this.#names()) if (name.state === 'deleting' || name.state === 'forking') yield name
  }

  /** Nothing happens where none has begun. */
  async finishDeletion(name: string): Promise<void> {
    const item = await this.#parts.items.get(topicNameKey(name))
    const found = item && decodeTopicName(item.value)
    if (found?.state === 'deleting') await this.#finishDeletion(name, found.id)
  }

  // ------------------------------------------------------------ reading

  async #readByName(name: string): Promise<Topic | undefined> {
    if (!isTopicName(name)) return undefined
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
    const topic = item && liveTopic(item)
    if (topic) return this.#remember(topic, askedAt)
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

  /**
   * Heads of many shards come first: nobody finds them before the name is there. false: something of it was there
   * already, or nobody knows; look again.
   */
  async #tryMake({ topic, state }: StoredTopic, tombstone: Item | undefined, making: WriteOperation): Promise<boolean> {
    const heads = shardsOf(topic).map(({ shard, partitions }) =>
      this.#writes.put(headKey(topic.id, shard), encodeHead(newHead(partitions))),
    )
    const name = this.#writes.put(
      topicNameKey(topic.name),
      encodeTopicName({ id: topic.id, state, renewedAt: this.#parts.clock.now() }),
      tombstone,
    )
    const last = [this.#writes.put(topicKey(topic.id), encodeTopic({ topic, state })), name, making]
    while (heads.length + last.length > WRITE_OPERATIONS_MAX) {
      const some = heads.splice(0, WRITE_OPERATIONS_MAX)
      const isThere = async () => (await this.#parts.items.get(some[0]!.key)) !== undefined
      if (!(await this.#writes.try(some)) && !(await isThere())) return false
    }
    return this.#writes.try([...heads, ...last])
  }

  /**
   * Gives each shard of `topic`, from the first to the last, a head with its partitions; heads that have them stay. Each
   * write checks that the stored topic is still `stored`, so none comes after a deletion began. false: look again.
   */
  async #growHeads(topic: Topic, stored: Item): Promise<boolean> {
    const unchanged: WriteOperation = { kind: 'check', key: stored.key, expected: stored.version }
    for (const { shard, partitions } of shardsOf(topic)) {
      const key = headKey(topic.id, shard)
      const item = await this.#parts.items.get(key)
      const head = item && decodeHead(item.value)
      if (head && head.partitions.length >= partitions) continue
      const grown = head ? growPartitions(head, partitions) : newHead(partitions)
      if (!(await this.#writes.try([this.#writes.put(key, encodeHead(grown), item), unchanged]))) return false
    }
    return true
  }

  #finishDeletion(name: string, id: string): Promise<void> {
    return finishDeletion({ ...this.#parts, writes: this.#writes }, name, id)
  }
}

function liveTopic(item: Item): Topic | undefined {
  const { topic, state } = decodeTopic(item.value)
  return state === 'live' ? topic : undefined
}

function unknownTopic(name: string): LogError {
  return new LogError('UNKNOWN_TOPIC', `The topic '${name}' does not exist.`)
}

function alreadyExists(name: string): LogError {
  return new LogError('TOPIC_EXISTS', `Topic '${name}' already exists.`)
}
