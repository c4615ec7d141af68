/**
 * Subscriptions in the item store. One is made in two steps, so that a process that dies between them leaves something that
 * can be seen and deleted: `creating`, then the checkpoints of where it begins, then `active`. Deleted likewise: `deleting`, the
 * checkpoints, the document. A first checkpoint is written with a check of the document, so none comes back after that.
 */
import { type Clock, drawToken, drawUuid, type Random } from '../base/index.ts'
import type { Log, Topic } from '../log/index.ts'
import {
  type Item,
  type ItemStore,
  queryAll,
  StoreError,
  type Version,
  WRITE_OPERATIONS_MAX,
} from '../storage/index.ts'
import { checkpointKey, checkpointsPk, decodeCheckpoint, encodeCheckpoint, startAt } from './checkpoint.ts'
import type { Policy, Subscription, TargetFactory, TargetSpec } from './contract.ts'
import { PushError } from './errors.ts'
import { compilePattern, type EventPattern } from './event-pattern.ts'
import { decodeSubscription, encodeSubscription, SUBSCRIPTIONS, subscriptionKey } from './subscription-item.ts'

export interface NewSubscription {
  readonly name: string
  /** Name of the topic. */
  readonly topic: string
  readonly target: TargetSpec
  readonly patterns?: readonly EventPattern[]
  readonly policy?: Partial<Policy>
  /** Where it begins; a time in ms since 1970. Default: latest. */
  readonly from?: 'earliest' | 'latest' | number
}

export interface StoredSubscription {
  readonly subscription: Subscription
  readonly version: Version
}

/** What may change in a subscription that there is. */
export type SubscriptionChange = Partial<Pick<Subscription, 'target' | 'patterns' | 'policy'>>

/** Where a subscription stands in a partition. */
export interface Progress {
  readonly partition: number
  readonly offset: number
  /** Records that it has not seen yet, those included that match no pattern. */
  readonly lag: number
  readonly failures: number
  readonly reason: string
}

export const defaultPolicy: Policy = {
  recordsMax: 100,
  bytesMax: 1_000_000,
  windowMs: 0,
  attemptsMax: undefined,
  deadLetterTopic: undefined,
}

export const RECORDS_MAX = 10_000
export const BYTES_MAX = 5_000_000
export const WINDOW_MS_MAX = 300_000
export const ATTEMPTS_MAX = 1_000
const PATTERNS_MAX = 10
const SUBSCRIPTION_BYTES_MAX = 64 * 1_024
const SUBSCRIPTIONS_MAX = 1_000
const CONFLICTS_MAX = 20

export interface SubscriptionsParts {
  readonly items: ItemStore
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly targetFor: TargetFactory
}

export class Subscriptions {
  readonly #parts: SubscriptionsParts

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts
  }

  /** @throws PushError INVALID_SUBSCRIPTION, SUBSCRIPTION_EXISTS; LogError; StoreError */
  async create(wanted: NewSubscription): Promise<Subscription> {
    const { log, clock, random } = this.#parts
    const policy = { ...defaultPolicy, ...wanted.policy }
    await this.#check(wanted, policy)
    const topic = await this.#topicNamed(wanted.topic, 'The topic')
    if ((await this.list()).length >= SUBSCRIPTIONS_MAX) throw invalid(`There are ${SUBSCRIPTIONS_MAX} already`)
    const creating: Subscription = {
      id: Buffer.from(drawUuid(random)).toString('hex'),
      name: wanted.name,
      topicId: topic.id,
      topic: topic.name,
      target: wanted.target,
      patterns: wanted.patterns ?? [],
      policy,
      state: 'creating',
      createdAt: Math.floor(clock.now()),
    }
    const version = await this.#write(creating, 'absent')
    if (version === undefined) throw new PushError('SUBSCRIPTION_EXISTS', `There is a subscription ${wanted.name}.`)
    const from = wanted.from ?? 'latest'
    if (from !== 'earliest') await this.#placeCheckpoints(creating, topic, from, log)
    const active = { ...creating, state: 'active' } as const
    if ((await this.#write(active, version)) === undefined) throw changing(wanted.name)
    return active
  }

  /** By name. */
  async list(): Promise<StoredSubscription[]> {
    const found: StoredSubscription[] = []
    for await (const { value, version } of queryAll(this.#parts.items, SUBSCRIPTIONS)) {
      found.push({ subscription: decodeSubscription(value), version })
    }
    return found
  }

  /** @throws PushError UNKNOWN_SUBSCRIPTION */
  async get(name: string): Promise<StoredSubscription> {
    const item = await this.#parts.items.get(subscriptionKey(name))
    if (!item) throw new PushError('UNKNOWN_SUBSCRIPTION', `There is no subscription ${name}.`)
    return { subscription: decodeSubscription(item.value), version: item.version }
  }

  /** @throws PushError UNKNOWN_SUBSCRIPTION, INVALID_SUBSCRIPTION while it is being made or deleted */
  async setState(name: string, state: 'active' | 'paused'): Promise<Subscription> {
    for (let attempt = 0; attempt < CONFLICTS_MAX; attempt++) {
      const { subscription, version } = await this.get(name)
      if (subscription.state === state) return subscription
      if (subscription.state !== 'active' && subscription.state !== 'paused') {
        throw invalid(`Subscription ${name} is ${subscription.state}: delete it and make it anew`)
      }
      const changed = { ...subscription, state }
      if ((await this.#write(changed, version)) !== undefined) return changed
    }
    throw changing(name)
  }

  /**
   * Changes what it may change while it goes on where it is. A delivery that is under way goes where it would have gone.
   * @throws PushError UNKNOWN_SUBSCRIPTION, INVALID_SUBSCRIPTION; what `changeOf` throws
   */
  async change(name: string, changeOf: (current: Subscription) => SubscriptionChange): Promise<Subscription> {
    for (let attempt = 0; attempt < CONFLICTS_MAX; attempt++) {
      const { subscription, version } = await this.get(name)
      if (subscription.state === 'creating' || subscription.state === 'deleting') {
        throw invalid(`Subscription ${name} is ${subscription.state}: delete it and make it anew`)
      }
      const changed = { ...subscription, ...changeOf(subscription) }
      await this.#check(changed, changed.policy)
      if ((await this.#write(changed, version)) !== undefined) return changed
    }
    throw changing(name)
  }

  /** The one that has the name now: another that takes it meanwhile stays. @throws PushError UNKNOWN_SUBSCRIPTION */
  async delete(name: string): Promise<void> {
    let meant: string | undefined
    await this.#deleteWhere(name, ({ id }) => {
      meant ??= id
      return id === meant
    })
  }

  /** Another that has its name by now stays. */
  async deleteIfThere({ name, id }: Pick<Subscription, 'name' | 'id'>): Promise<void> {
    try {
      await this.#deleteWhere(name, found => found.id === id)
    } catch (error) {
      if (!(error instanceof PushError) || error.code !== 'UNKNOWN_SUBSCRIPTION') throw error
    }
  }

  async #deleteWhere(name: string, isMeant: (found: Subscription) => boolean): Promise<void> {
    for (let attempt = 0; attempt < CONFLICTS_MAX; attempt++) {
      const { subscription, version } = await this.get(name)
      if (!isMeant(subscription)) return
      const marked =
        subscription.state === 'deleting' ? version : await this.#write({ ...subscription, state: 'deleting' }, version)
      if (marked === undefined) continue
      await this.#removeCheckpoints(subscription.id)
      // Whatever else is under the name by now is another subscription.
      await this.#delete({ key: subscriptionKey(name), version: marked })
      return
    }
    throw changing(name)
  }

  /** Of every partition. @throws LogError UNKNOWN_TOPIC */
  async progress({ id, topicId, topic: name }: Subscription): Promise<Progress[]> {
    const { log } = this.#parts
    const topic = await log.topics.find({ id: topicId })
    if (!topic) throw new PushError('UNKNOWN_SUBSCRIPTION', `The topic ${name} of the subscription was deleted.`)
    const checkpoints = new Map<string, ReturnType<typeof decodeCheckpoint>>()
    for await (const { key, value } of queryAll(this.#parts.items, checkpointsPk(id)))
      checkpoints.set(key.sk, decodeCheckpoint(value))
    return Promise.all(
      Array.from({ length: topic.partitions }, async (_, partition) => {
        const latest = { at: 'latest', isolation: 'read_committed' } as const
        const [{ offset: end }, { offset: start }] = await Promise.all([
          log.findOffset(topic, partition, latest),
          log.findOffset(topic, partition, { at: 'earliest' }),
        ])
        const { offset, failures, reason } = checkpoints.get(checkpointKey(id, topicId, partition).sk) ?? startAt(start)
        return { partition, offset, lag: Math.max(0, end - Math.max(offset, start)), failures, reason }
      }),
    )
  }

  async #check(
    { name, topic, target, patterns = [] }: Pick<NewSubscription, 'name' | 'topic' | 'target' | 'patterns'>,
    policy: Policy,
  ): Promise<void> {
    if (!/^[\w.-]{1,100}$/.test(name)) throw invalid('A name has 1 to 100 letters, digits, dots, dashes or underscores')
    const within = (what: keyof Policy, min: number, max: number) => {
      const value = policy[what]
      if (typeof value === 'number' && !(Number.isInteger(value) && value >= min && value <= max)) {
        throw invalid(`${what} must be a whole number from ${min} to ${max}`)
      }
    }
    within('recordsMax', 1, RECORDS_MAX)
    within('bytesMax', 1, BYTES_MAX)
    within('windowMs', 0, WINDOW_MS_MAX)
    within('attemptsMax', 1, ATTEMPTS_MAX)
    if (policy.deadLetterTopic !== undefined && policy.attemptsMax === undefined) {
      throw invalid('With a dead-letter topic there must be attemptsMax: without it nothing is ever given up')
    }
    if (patterns.length > PATTERNS_MAX) throw invalid(`There may be ${PATTERNS_MAX} patterns`)
    for (const pattern of patterns) compilePattern(pattern)
    this.#parts.targetFor(target)
    if (policy.deadLetterTopic === undefined) return
    if (policy.deadLetterTopic === topic) throw invalid('A topic cannot be its own dead-letter topic')
    await this.#topicNamed(policy.deadLetterTopic, 'The dead-letter topic')
  }

  async #topicNamed(name: string, what: string): Promise<Topic> {
    const topic = await this.#parts.log.topics.find({ name })
    if (!topic) throw invalid(`${what} ${name} does not exist: create it first`)
    return topic
  }

  async #placeCheckpoints({ id }: Subscription, topic: Topic, from: 'latest' | number, log: Log): Promise<void> {
    const spec =
      from === 'latest'
        ? ({ at: 'latest', isolation: 'read_uncommitted' } as const)
        : ({ at: 'timestamp', timestamp: from } as const)
    for (let first = 0; first < topic.partitions; first += WRITE_OPERATIONS_MAX) {
      const count = Math.min(WRITE_OPERATIONS_MAX, topic.partitions - first)
      const puts = Array.from({ length: count }, async (_, index) => {
        const partition = first + index
        const found = await log.findOffset(topic, partition, spec)
        // Nothing is as young as that yet: begin with what comes.
        const end = { at: 'latest', isolation: 'read_uncommitted' } as const
        const offset = found.offset >= 0 ? found.offset : (await log.findOffset(topic, partition, end)).offset
        const value = encodeCheckpoint(startAt(offset))
        const key = checkpointKey(id, topic.id, partition)
        return { kind: 'put', key, expected: 'absent', version: drawToken(this.#parts.random), value } as const
      })
      // Under this new id nobody else writes: what is there already is an earlier attempt.
      await this.#parts.items.write(await Promise.all(puts))
    }
  }

  /** Those of one subscription, whose id nobody gets again. */
  async #removeCheckpoints(id: string): Promise<void> {
    for (let attempt = 0; attempt < CONFLICTS_MAX; attempt++) {
      let left = 0
      for await (const item of queryAll(this.#parts.items, checkpointsPk(id))) if (!(await this.#delete(item))) left++
      if (left === 0) return
    }
    throw changing(id)
  }

  /** False: another version is there, or nothing. @throws StoreError */
  async #delete({ key, version: expected }: Pick<Item, 'key' | 'version'>): Promise<boolean> {
    const { items } = this.#parts
    for (let attempt = 0; ; attempt++) {
      try {
        return (await items.write([{ kind: 'delete', key, expected }])).written
      } catch (error) {
        if (!(error instanceof StoreError) || error.effect === 'none' || attempt === CONFLICTS_MAX) throw error
      }
    }
  }

  /** The version; undefined where another is there. @throws PushError INVALID_SUBSCRIPTION where it is too long; StoreError */
  async #write(subscription: Subscription, expected: Version | 'absent'): Promise<Version | undefined> {
    const { items, random } = this.#parts
    const value = encodeSubscription(subscription)
    if (value.length > SUBSCRIPTION_BYTES_MAX) throw invalid(`It is longer than ${SUBSCRIPTION_BYTES_MAX} bytes`)
    const key = subscriptionKey(subscription.name)
    const version = drawToken(random)
    try {
      return (await items.write([{ kind: 'put', key, expected, version, value }])).written ? version : undefined
    } catch (error) {
      if (!(error instanceof StoreError) || error.effect === 'none') throw error
      if ((await items.get(key))?.version === version) return version
      throw error
    }
  }
}

function invalid(why: string): PushError {
  return new PushError('INVALID_SUBSCRIPTION', `${why}.`)
}

function changing(name: string): StoreError {
  return new StoreError('STORE_THROTTLED', `subscription ${name} keeps changing`)
}
