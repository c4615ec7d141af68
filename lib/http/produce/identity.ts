/**
 * Who sends a request whose repetition must be exact: a producer id and the sequence numbers of its batches, which the log
 * remembers (the last five batches of each producer in each partition, for a day).
 */
import { HttpError } from '../errors.ts'

/** The log knows a producer's last five batches again. */
const BATCHES_MAX = 5

export interface Identity {
  /** How many partitions keys are spread over; undefined: as many as there are. */
  readonly partitions: number | undefined
  /** Where records without a key go; undefined: anywhere. */
  readonly keylessPartition: number | undefined
  /** @throws HttpError BODY_TOO_LARGE */
  checkBatches(batches: number): void
  numbersFor(partition: number, records: number): { producerId: number; producerEpoch: number; baseSequence: number }
}

export interface IdentityOptions {
  readonly producerId: number
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly partitions?: number
  readonly keylessPartition?: number
}

export function identityOf(options: IdentityOptions): Identity {
  const { producerId, producerEpoch, firstSequence, partitions, keylessPartition } = options
  const next = new Map<number, number>()
  return {
    partitions,
    keylessPartition,
    checkBatches: batches => {
      if (batches <= BATCHES_MAX) return
      throw new HttpError(
        'BODY_TOO_LARGE',
        `a request that can be repeated exactly fits into ${BATCHES_MAX} batches of a partition, not ${batches}: send it in parts`,
      )
    },
    numbersFor: (partition, records) => {
      const baseSequence = next.get(partition) ?? firstSequence
      next.set(partition, (baseSequence + records) % 2 ** 31)
      return { producerId, producerEpoch, baseSequence }
    },
  }
}
