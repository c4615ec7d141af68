/**
 * Which batches were refused or given up of late, of each producer and partition the first. A producer that a partition may have
 * forgotten may go on there at any sequence; but not past a batch that failed here, which he is about to send again: the one after it
 * must not be taken before it. Of producers that are too young to be forgotten nothing is kept.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../base/index.ts'
import { type BatchView, RecordError, viewBatch } from '../../records/index.ts'
import { mayBeForgotten } from '../producers/producer-id-age.ts'
import { isLaterSequence } from '../producers/producer-state.ts'

/** Longer than clients try to deliver a batch (Kafka: delivery.timeout.ms, 2 minutes; librdkafka: message.timeout.ms, 5). */
const REMEMBERED_MS = 600_000
const REMEMBERED_MAX = 10_000

interface Failed {
  readonly topicId: string
  readonly partition: number
  readonly batch: Pick<BatchView, 'producerId' | 'baseSequence'>
}

export class RecentFailures {
  readonly #clock: Clock
  /** `time`: monotonic, ms. */
  readonly #first = new LRUCache<string, { readonly baseSequence: number; readonly time: number }>({
    max: REMEMBERED_MAX,
  })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(failed: Failed): void {
    const { producerId, baseSequence } = failed.batch
    if (producerId < 0 || !mayBeForgotten(producerId, this.#clock.now() + REMEMBERED_MS)) return
    const first = this.#firstOf(failed)
    if (first !== undefined && isLaterSequence(baseSequence, first)) return
    this.#first.set(keyOf(failed), { baseSequence, time: this.#clock.monotonic() })
  }

  /** Bytes that may be no batch at all. */
  noteUnaccepted(topicId: string, partition: number, bytes: Uint8Array): void {
    try {
      this.note({ topicId, partition, batch: viewBatch(bytes) })
    } catch (error) {
      if (!(error instanceof RecordError)) throw error
    }
  }

  /** Whether another batch than this must come first. */
  isBehind(batch: Failed): boolean {
    const first = this.#firstOf(batch)
    return first !== undefined && isLaterSequence(batch.batch.baseSequence, first)
  }

  #firstOf(failed: Failed): number | undefined {
    const first = this.#first.get(keyOf(failed))
    return first && this.#clock.monotonic() - first.time < REMEMBERED_MS ? first.baseSequence : undefined
  }
}

function keyOf({ topicId, partition, batch }: Failed): string {
  return `${topicId}/${partition}/${batch.producerId}`
}
