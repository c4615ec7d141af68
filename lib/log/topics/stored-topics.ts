/**
 * Topics over the item store. A topic is there when its name item says so; the order of steps keeps that true whatever
 * stops: shards' heads before (or with) the name at creation, the tombstone first and last at deletion. A
 * deletion that stopped half way is finished by whoever wants the name next. The tombstone stays until all that others
 * keep by the topic's id is removed (upkeep), and goes in a write that a creation from before fits no more (lib/lifetimes).
 */
import { LRUCache } from 'lru-cache'
import { type Clock, drawFraction, drawToken, drawUuid, type Random } from '../../base/index.ts'
import { checkOfMaking } from '../../lifetimes/index.ts'
import {
  type Item,
  type ItemKey,
  type ItemStore,
  type ObjectStore,
  StoreError,
  WRITE_OPERATIONS_MAX,
  type WriteOperation,
} from '../../storage/index.ts'
import type { NewTopic, Topic, Topics } from '../contract.ts'
import { LogError } from '../errors.ts'
import { removeExtents } from '../extent/remove-extents.ts'
import { decodeHead, encodeHead, headKey, newHead } from '../head/head.ts'
import { changeHead, growPartitions } from '../head/transitions.ts'
import { flawOfGrowth, isTopicName, validateNewTopic, validateTopicName } from './new-topic.ts'
import { validateTopicConfigs } from './topic-configs.ts'
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

/** How long a topic is believed without asking. */
const CACHE_MS = 3_000
/** By size, not `max`, which would allocate for all of them at once. */
const CACHE_OPTIONS = { maxSize: 10_000, sizeCalculation: () => 1 }
/** A head that others commit to changes between every look and write, some dozens of times in a row. */
const ATTEMPTS_MAX = 200
const PAUSE_MS = 20
const PAUSES_MAX = 5

export interface StoredTopicsParts {
  readonly objects: ObjectStore
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
      const found = await Promise.all(live.map(({ id }) => this.#readById(id)))
      topics.push(...found.filter(topic => topic !== undefined))
      cursor = page.cursor
    } while (cursor !== undefined)
    return topics
  }

  async *#names(): AsyncGenerator<TopicName & { readonly name: string }> {
    let cursor: string | undefined
    do {
      const page = await this.#parts.items.query(TOPIC_NAMES, cursor === undefined ? {} : { cursor })
      for (const item of page.items) yield { ...decodeTopicName(item.value), name: item.key.sk }
      cursor = page.cursor
    } while (cursor !== undefined)
  }

  /** Every topic that has an item, those that are being deleted too. Read strongly, sorted by name. */
  async *stored(): AsyncGenerator<StoredTopic> {
    for await (const { id, state } of this.#names()) {
      const item = state === 'deleted' ? undefined : await this.#parts.items.get(topicKey(id))
      if (item) yield { ...decodeTopic(item.value), ...(state === 'deleting' && { state }) }
    }
  }

  async validate(topic: NewTopic): Promise<void> {
    validateNewTopic(topic)
    if (await this.#readByName(topic.name)) throw alreadyExists(topic.name)
  }

  async create(wanted: NewTopic): Promise<Topic> {
    validateNewTopic(wanted)
    const { items, clock, shardSize } = this.#parts
    const { name: wantedName, partitions } = wanted
    const key = topicNameKey(wantedName)
    let topic: Topic = {
      id: this.#drawId(),
      name: wantedName,
      partitions,
      shardSize,
      configs: { ...wanted.configs },
    }
    const drawn = new Map([[topic.id, topic]])
    let making = await checkOfMaking(items, key)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const askedAt = clock.monotonic()
      const item = await items.get(key)
      const name = item && decodeTopicName(item.value)
      const mine = name && drawn.get(name.id)
      if (mine) return this.#remember(mine, askedAt)
      if (name?.state === 'live') throw alreadyExists(topic.name)
      if (name?.state === 'deleting') await this.#finishDeletion(topic.name, name.id)
      else if (await this.#tryCreate(topic, item, making)) return this.#remember(topic, askedAt)
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
      if (await this.#tryWrite([this.#put(item.key, encodeTopic({ topic: grown, state: 'live' }), item)]))
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
      const changed = { ...topic, configs: { ...change(topic.configs) } }
      validateTopicConfigs(changed.configs)
      const value = encodeTopic({ topic: changed, state: 'live' })
      if (validateOnly || Buffer.from(value).equals(item.value)) return
      const writtenAt = this.#parts.clock.monotonic()
      if (await this.#tryWrite([this.#put(item.key, value, item)])) {
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
      if (!id && found?.state !== 'live') throw unknownTopic(name)
      id ??= found?.id
      if (!item || !found || found.id !== id || found.state === 'deleted') return
      this.#forget(name, id)
      if (found.state === 'deleting') return this.#finishDeletion(name, id)
      await this.#tryWrite([this.#put(item.key, encodeTopicName({ id, state: 'deleting' }), item)])
    }
    throw contended(name)
  }

  /** Names of topics whose deletion has begun and not ended: it is under way, or whoever began it is gone. */
  async *unfinishedDeletions(): AsyncGenerator<string> {
    for await (const { name, state } of this.#names()) if (state === 'deleting') yield name
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
  async #tryCreate(topic: Topic, tombstone: Item | undefined, making: WriteOperation): Promise<boolean> {
    const heads = shardsOf(topic).map(({ shard, partitions }) =>
      this.#put(headKey(topic.id, shard), encodeHead(newHead(partitions))),
    )
    const name = this.#put(topicNameKey(topic.name), encodeTopicName({ id: topic.id, state: 'live' }), tombstone)
    const last = [this.#put(topicKey(topic.id), encodeTopic({ topic, state: 'live' })), name, making]
    while (heads.length + last.length > WRITE_OPERATIONS_MAX) {
      const some = heads.splice(0, WRITE_OPERATIONS_MAX)
      const isThere = async () => (await this.#parts.items.get(some[0]!.key)) !== undefined
      if (!(await this.#tryWrite(some)) && !(await isThere())) return false
    }
    return this.#tryWrite([...heads, ...last])
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
      if (!(await this.#tryWrite([this.#put(key, encodeHead(grown), item), unchanged]))) return false
    }
    return true
  }

  /**
   * The tombstone is there. Marks the topic's item too, so that no addition of partitions goes on; removes the shards
   * from the last to the first, the head of each last of all; then the item, then says that it is done.
   */
  async #finishDeletion(name: string, id: string): Promise<void> {
    const item = await this.#change(topicKey(id), stored => {
      if (!stored) return undefined
      const { topic, state } = decodeTopic(stored.value)
      return state === 'live' ? [this.#put(stored.key, encodeTopic({ topic, state: 'deleting' }), stored)] : undefined
    })
    if (item) {
      const { topic } = decodeTopic(item.value)
      let shards = shardsOf(topic).length
      // An addition that stopped half way left heads that the topic does not know of.
      while (await this.#parts.items.get(headKey(id, shards))) shards++
      for (let shard = shards - 1; shard >= 0; shard--) await this.#deleteShard(topic, shard)
      await this.#deleteItem(topicKey(id))
    }
    await this.#change(topicNameKey(name), tombstone => {
      if (!tombstone || decodeTopicName(tombstone.value).id !== id) return undefined
      return [this.#put(tombstone.key, encodeTopicName({ id, state: 'deleted' }), tombstone)]
    })
  }

  /** Seals the head, so that no process commits; then the extents and chunks go, and the head, which is the list of what is left to do. */
  async #deleteShard({ id, shardSize }: Topic, shard: number): Promise<void> {
    const key = headKey(id, shard)
    let partitions = 0
    await this.#change(key, item => {
      const head = item && decodeHead(item.value)
      partitions = head?.partitions.length ?? 0
      return head?.state === 'open'
        ? [this.#put(key, encodeHead(changeHead(head, { state: 'sealed' })), item)]
        : undefined
    })
    for (let slot = 0; slot < partitions; slot++) await removeExtents(this.#parts, id, shard * shardSize + slot)
    for (;;) {
      const { items } = await this.#parts.items.query(key.pk, { limit: WRITE_OPERATIONS_MAX })
      const chunks = items.filter(item => item.key.sk !== key.sk)
      if (chunks.length === 0) break
      for (const chunk of chunks) await this.#deleteItem(chunk.key)
    }
    await this.#deleteItem(key)
  }

  async #deleteItem(key: ItemKey): Promise<void> {
    await this.#change(key, item => item && [{ kind: 'delete', key, expected: item.version }])
  }

  /**
   * Writes what `change` makes of an item until it is written, or until it makes nothing of it. Answers the item as it
   * was before.
   * @throws StoreError STORE_THROTTLED after too many attempts
   */
  async #change(
    key: ItemKey,
    change: (item: Item | undefined) => WriteOperation[] | undefined,
  ): Promise<Item | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (attempt > 1)
        await this.#parts.clock.sleep(Math.min(attempt, PAUSES_MAX) * PAUSE_MS * drawFraction(this.#parts.random))
      const item = await this.#parts.items.get(key)
      const operations = change(item)
      if (!operations || (await this.#tryWrite(operations))) return item
    }
    throw contended(key.pk)
  }

  #put(key: ItemKey, value: Uint8Array, replaced?: Item): WriteOperation {
    const version = drawToken(this.#parts.random)
    return { kind: 'put', key, expected: replaced?.version ?? 'absent', version, value }
  }

  /** false: it was not written, or nobody knows; look again. */
  async #tryWrite(operations: readonly WriteOperation[]): Promise<boolean> {
    try {
      return (await this.#parts.items.write(operations)).written
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

function contended(name: string): StoreError {
  return new StoreError('STORE_THROTTLED', `'${name}' changed ${ATTEMPTS_MAX} times in a row`)
}
