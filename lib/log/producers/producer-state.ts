/** What a partition remembers of an idempotent producer, and how batches and markers change it. Pure. */
import type { Marker } from '../head/commit.ts'

const SEQUENCE_MODULUS = 2 ** 31
/** Batches that a producer may have in flight, and so retry: Kafka's max.in.flight.requests.per.connection bound. */
export const KEPT_BATCHES = 5
/** A producer idle for longer is forgotten at the next snapshot (Kafka: producer.id.expiration.ms). */
export const PRODUCER_EXPIRATION_MS = 24 * 3_600_000

export interface ProducerState {
  readonly epoch: number
  /** Of this epoch, up to KEPT_BATCHES, oldest first. */
  readonly batches: readonly KeptBatch[]
  /** Time of the last commit (of its segment id), ms. */
  readonly lastTime: number
  /** The transaction that has records here and no marker yet. */
  readonly open: OpenTransaction | undefined
  /** Number of the last transaction that ended here; 0 before the first. */
  readonly ended: number
}

export interface KeptBatch {
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  /** Of its commit, ms. */
  readonly time: number
}

export interface OpenTransaction {
  readonly transaction: number
  readonly firstOffset: number
}

/** A batch as its producer numbered it. */
export interface SequencedBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
  /** 0: not part of a transaction. */
  readonly transaction: number
}

/**
 * What a snapshot at `time` (ms) keeps of a producer: undefined if nothing. Batches but the last go by their own age: so a process that loads the snapshot and one that applied all the commits agree. An open transaction stays.
 */
export function stateAfterSnapshot(state: ProducerState, time: number): ProducerState | undefined {
  const oldest = time - PRODUCER_EXPIRATION_MS
  if (!state.open && state.lastTime < oldest) return undefined
  return {
    ...state,
    batches: state.batches.filter(({ time: age }, i, { length }) => age >= oldest || i === length - 1),
  }
}

export function stateAfterBatch(
  state: ProducerState | undefined,
  batch: SequencedBatch,
  baseOffset: number,
  time: number,
): ProducerState {
  const { baseSequence, recordCount, producerEpoch, transaction } = batch
  const earlier = state?.epoch === producerEpoch ? state.batches.slice(1 - KEPT_BATCHES) : []
  const kept = { baseSequence, lastSequence: addSequence(baseSequence, recordCount - 1), baseOffset, time }
  return {
    epoch: producerEpoch,
    batches: [...earlier, kept],
    lastTime: time,
    open: transaction === 0 ? state?.open : (state?.open ?? { transaction, firstOffset: baseOffset }),
    ended: state?.ended ?? 0,
  }
}

export function stateAfterMarker(
  state: ProducerState | undefined,
  { producerEpoch, transaction }: Pick<Marker, 'producerEpoch' | 'transaction'>,
  time: number,
): ProducerState {
  const raises = !state || producerEpoch > state.epoch
  return {
    epoch: raises ? producerEpoch : state.epoch,
    batches: raises ? [] : state.batches,
    lastTime: time,
    open: undefined,
    ended: transaction,
  }
}

/** Sequences go up to 2^31 - 1 and then on from 0. */
export function addSequence(sequence: number, count: number): number {
  return (sequence + count) % SEQUENCE_MODULUS
}

/** Of two sequences less than half the way round apart. */
export function isLaterSequence(sequence: number, than: number): boolean {
  const distance = (sequence - than + SEQUENCE_MODULUS) % SEQUENCE_MODULUS
  return distance > 0 && distance < SEQUENCE_MODULUS / 2
}
