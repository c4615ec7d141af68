/**
 * Which batches of this process were refused or given up of late, of each producer and partition the first. A producer of whom a partition knows nothing may
 * go on there at any sequence if he may have begun elsewhere or long ago (producers/unknown-producers.ts); but not past a batch that failed,
 * which he is about to send again: the one after it must not be taken before it. Of producers that must begin at 0 nothing is kept.
 *
 * A batch that was refused as its topic was being deleted, or gone, is sent again to the topic that is made in its place, so it is kept by the id of
 * the topic that it missed, which that one knows. Apart from what failed while the topic lived: that has been taken there since, maybe through another
 * process. What is still on its way to the former topic will miss it.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../base/index.ts'
import { type BatchView, RecordError, viewBatch } from '../../records/index.ts'
import type { Topic } from '../contract.ts'
import { LogError } from '../errors.ts'
import { isLaterSequence } from '../producers/producer-state.ts'
import { mayHaveBegun } from '../producers/unknown-producers.ts'

/** Longer than clients try to deliver a batch (Kafka: delivery.timeout.ms, 2 minutes; librdkafka: message.timeout.ms, 5). */
const REMEMBERED_MS = 600_000
/** Of each kind. */
const REMEMBERED_MAX = 10_000

type Numbered = Pick<BatchView, 'producerId' | 'baseSequence'>

interface Appended {
  readonly topic: Pick<Topic, 'id' | 'replaces'>
  readonly partition: number
  readonly batch: Numbered
}

/** By topic, partition and producer. `time`: monotonic, ms. */
type FirstOnes = LRUCache<string, { readonly baseSequence: number; readonly time: number }>

export class RecentFailures {
  readonly #clock: Clock
  readonly #failed: FirstOnes = new LRUCache({ max: REMEMBERED_MAX })
  readonly #missed: FirstOnes = new LRUCache({ max: REMEMBERED_MAX })
  /** What has no answer yet: as much as the batcher has room for. */
  readonly #underWay = new Set<Appended>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  came(appended: Appended): void {
    if (appended.batch.producerId >= 0) this.#underWay.add(appended)
  }

  /** `error`: for which it was refused; undefined where it was not. */
  ended(appended: Appended, error: unknown): void {
    this.#underWay.delete(appended)
    if (error !== undefined) this.note(appended, error)
  }

  /** `error`: for which it was refused. */
  note({ topic, partition, batch }: Appended, error: unknown): void {
    if (batch.producerId < 0) return
    if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') this.noteMissed(topic.id, partition, batch)
    if (mayHaveBegun(batch.producerId, topic, this.#clock.now() + REMEMBERED_MS))
      this.noteFailed(topic.id, partition, batch)
  }

  /** Bytes that may be no batch at all. */
  noteUnaccepted(topic: Appended['topic'], partition: number, bytes: Uint8Array, error: unknown): void {
    const batch = viewIfBatch(bytes)
    if (batch) this.note({ topic, partition, batch }, error)
  }

  noteFailed(topicId: string, partition: number, batch: Numbered): void {
    this.#note(this.#failed, keyOf(topicId, partition, batch), batch)
  }

  /** The topic is gone, or on its way there. */
  noteMissed(topicId: string, partition: number, batch: Numbered): void {
    this.#note(this.#missed, keyOf(topicId, partition, batch), batch)
  }

  /** Whether another batch than this must come first. */
  isBehind({ topic: { id, replaces }, partition, batch }: Appended): boolean {
    const missed = replaces && this.#firstOf(this.#missed, keyOf(replaces.id, partition, batch))
    const firsts = [this.#firstOf(this.#failed, keyOf(id, partition, batch)), missed]
    if (replaces) firsts.push(...this.#goingTo(replaces.id, partition, batch))
    return firsts.some(first => first !== undefined && isLaterSequence(batch.baseSequence, first))
  }

  /** Sequences of the producer's batches that are on their way to a partition. Looks at all, for it is seldom asked. */
  *#goingTo(topicId: string, partition: number, { producerId }: Numbered): Generator<number> {
    for (const other of this.#underWay) {
      if (other.topic.id === topicId && other.partition === partition && other.batch.producerId === producerId)
        yield other.batch.baseSequence
    }
  }

  #note(firsts: FirstOnes, key: string, { baseSequence }: Numbered): void {
    const first = this.#firstOf(firsts, key)
    if (first !== undefined && isLaterSequence(baseSequence, first)) return
    firsts.set(key, { baseSequence, time: this.#clock.monotonic() })
  }

  #firstOf(firsts: FirstOnes, key: string): number | undefined {
    const first = firsts.get(key)
    return first && this.#clock.monotonic() - first.time < REMEMBERED_MS ? first.baseSequence : undefined
  }
}

/** undefined: it is none. */
export function viewIfBatch(bytes: Uint8Array): BatchView | undefined {
  try {
    return viewBatch(bytes)
  } catch (error) {
    if (error instanceof RecordError) return undefined
    throw error
  }
}

function keyOf(topicId: string, partition: number, { producerId }: Numbered): string {
  return `${topicId}/${partition}/${producerId}`
}
