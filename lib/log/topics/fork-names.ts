/**
 * The name of a topic that is being made as a fork, or of files, as its maker holds it: renewed as a lease is, by compare-and-swap, so that upkeep knows
 * when the maker is gone. The name itself is the lease, so nothing of it is left behind.
 */
import type { Clock } from '../../base/index.ts'
import { type ItemStore, type ObjectStore, StoreError } from '../../storage/index.ts'
import type { Topic } from '../contract.ts'
import { LogError } from '../errors.ts'
import { finishDeletion } from './topic-deletion.ts'
import { decodeTopicName, encodeTopic, encodeTopicName, topicKey, topicNameKey } from './topic-item.ts'
import { ATTEMPTS_MAX, contended, type TopicWrites } from './topic-writes.ts'

/** Not renewed for so long, in ms, its maker is gone. */
export const FORK_RENEWED_MS = 30_000
const RENEWALS_PER_DURATION = 3

export interface ForkNameParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly clock: Clock
  readonly writes: TopicWrites
}

export class ForkName {
  readonly #parts: ForkNameParts
  readonly topic: Topic

  constructor(parts: ForkNameParts, topic: Topic) {
    this.#parts = parts
    this.topic = topic
  }

  /** Renews it until the work is done; the signal aborts when it was given up by another. */
  async hold<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock } = this.#parts
    const [lost, done] = [new AbortController(), new AbortController()]
    const renewing = async () => {
      while (!done.signal.aborted) {
        await clock.sleep(FORK_RENEWED_MS / RENEWALS_PER_DURATION, done.signal)
        if (!done.signal.aborted && (await this.renew()) === 'gone') return lost.abort()
      }
    }
    const renewed = renewing()
    try {
      return await work(lost.signal)
    } finally {
      done.abort()
      await renewed
    }
  }

  /** From now on it is a topic like others. @throws LogError UNKNOWN_TOPIC where it was given up or deleted meanwhile; StoreError */
  async complete(): Promise<void> {
    const { items, writes } = this.#parts
    const topic = this.topic
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const nameItem = await items.get(topicNameKey(topic.name))
      const name = nameItem && decodeTopicName(nameItem.value)
      if (name?.id === topic.id && name.state === 'live') return
      const item = await items.get(topicKey(topic.id))
      if (!nameItem || !item || name?.id !== topic.id || name.state !== 'forking')
        throw new LogError('UNKNOWN_TOPIC', `${topic.name} was deleted while it was made`)
      const put = writes.put(nameItem.key, encodeTopicName({ id: topic.id, state: 'live' }), nameItem)
      await writes.try([put, writes.put(item.key, encodeTopic({ topic, state: 'live' }), item)])
    }
    throw contended(topic.name)
  }

  /** Takes away what there is of it. Nothing happens where it is complete, or is gone. @throws StoreError */
  async giveUp(): Promise<void> {
    const { items, writes } = this.#parts
    const { name, id } = this.topic
    const key = topicNameKey(name)
    await writes.change(key, item => {
      const found = item && decodeTopicName(item.value)
      if (found?.id !== id || found.state !== 'forking') return undefined
      return [writes.put(key, encodeTopicName({ id, state: 'deleting' }), item)]
    })
    const item = await items.get(key)
    const found = item && decodeTopicName(item.value)
    if (found?.id === id && found.state === 'deleting') await finishDeletion(this.#parts, name, id)
  }

  /** `gone`: it is not being made any more. One that the store does not take is made up for by the next, or upkeep gives the fork up. */
  async renew(): Promise<'renewed' | 'missed' | 'gone'> {
    const { clock, writes } = this.#parts
    const { name, id } = this.topic
    let isOurs = false
    try {
      await writes.change(topicNameKey(name), item => {
        const found = item && decodeTopicName(item.value)
        isOurs = found?.id === id && found.state === 'forking'
        if (!isOurs) return undefined
        return [writes.put(item!.key, encodeTopicName({ id, state: 'forking', renewedAt: clock.now() }), item)]
      })
      return isOurs ? 'renewed' : 'gone'
    } catch (error) {
      if (error instanceof StoreError) return 'missed'
      throw error
    }
  }
}
