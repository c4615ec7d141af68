/**
 * The fold of a shard's commits: for each partition and idempotent producer its epoch, its last five batches, as Kafka's
 * ProducerStateManager keeps them (KIP-98, KIP-360), and its transaction. It is a function of the commits and nothing
 * else: every process that has seen the same commits decides alike, so dropping idle producers happens only where the
 * head says that a snapshot did it.
 */
import type { Commit, Marker, ProducerRun, Slice } from '../head/commit.ts'
import { segmentTime } from '../segment/segment-id.ts'
import { addSequence } from './sequence.ts'

/** Batches that a producer may have in flight, and so retry: Kafka's max.in.flight.requests.per.connection bound. */
export const KEPT_BATCHES = 5
/** A producer idle for longer is forgotten at the next snapshot (Kafka: producer.id.expiration.ms). */
export const PRODUCER_EXPIRATION_MS = 24 * 3_600_000

export interface ProducerState {
  readonly epoch: number
  /** Of this epoch, up to KEPT_BATCHES, oldest first; empty after a marker that raised the epoch. */
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

type SlotProducers = Map<number, ProducerState>

const NO_PRODUCERS: ReadonlyMap<number, ProducerState> = new Map()

export class Fold {
  /** By slot, then producer id. */
  readonly #slots = new Map<number, SlotProducers>()
  /** The same, only those with an open transaction. */
  readonly #open = new Map<number, SlotProducers>()
  #time: number

  constructor(time = 0) {
    this.#time = time
  }

  /** Time of the last applied commit (of its segment id), ms; 0 before the first. */
  get time(): number {
    return this.#time
  }

  get(slot: number, producerId: number): ProducerState | undefined {
    return this.#slots.get(slot)?.get(producerId)
  }

  set(slot: number, producerId: number, state: ProducerState): void {
    slotOf(this.#slots, slot).set(producerId, state)
    if (state.open) slotOf(this.#open, slot).set(producerId, state)
    else this.#open.get(slot)?.delete(producerId)
  }

  /** The producers of a slot, by id. */
  producers(slot: number): ReadonlyMap<number, ProducerState> {
    return this.#slots.get(slot) ?? NO_PRODUCERS
  }

  /** Those with an open transaction. */
  openProducers(slot: number): ReadonlyMap<number, ProducerState> {
    return this.#open.get(slot) ?? NO_PRODUCERS
  }

  apply(commit: Commit): void {
    const time = segmentTime(commit.segment.id)
    this.#time = Math.max(this.#time, time)
    for (const slice of commit.slices) {
      for (const run of slice.runs) this.#applyRun(slice, run, time)
    }
    for (const marker of commit.markers) {
      const { slot, producerId } = marker
      this.set(slot, producerId, stateAfterMarker(this.get(slot, producerId), marker, time))
    }
  }

  /** Forgets the producers that a snapshot at `time` (ms) drops. */
  expire(time: number): void {
    for (const producers of this.#slots.values()) {
      for (const [producerId, state] of producers) {
        if (isExpired(state, time)) producers.delete(producerId)
      }
    }
  }

  *entries(): Generator<{ slot: number; producerId: number; state: ProducerState }> {
    for (const [slot, producers] of this.#slots) {
      for (const [producerId, state] of producers) yield { slot, producerId, state }
    }
  }

  #applyRun(slice: Slice, run: ProducerRun, time: number): void {
    const { slot } = slice
    const { producerId, producerEpoch, transaction } = run
    let baseOffset = slice.baseOffset + run.offsetDelta
    let baseSequence = run.baseSequence
    for (const recordCount of run.counts) {
      const batch = { producerId, producerEpoch, transaction, baseSequence, recordCount }
      this.set(slot, producerId, stateAfterBatch(this.get(slot, producerId), batch, baseOffset, time))
      baseOffset += recordCount
      baseSequence = addSequence(baseSequence, recordCount)
    }
  }
}

/** Whether a snapshot at `time` (ms) drops the producer: one with an open transaction stays. */
export function isExpired(state: ProducerState, time: number): boolean {
  return !state.open && state.lastTime < time - PRODUCER_EXPIRATION_MS
}

export function stateAfterBatch(
  state: ProducerState | undefined,
  batch: SequencedBatch,
  baseOffset: number,
  time: number,
): ProducerState {
  const { baseSequence, recordCount, producerEpoch, transaction } = batch
  const earlier = state?.epoch === producerEpoch ? state.batches.slice(1 - KEPT_BATCHES) : []
  const kept = { baseSequence, lastSequence: addSequence(baseSequence, recordCount - 1), baseOffset }
  return {
    epoch: producerEpoch,
    batches: [...earlier, kept],
    lastTime: Math.max(time, state?.lastTime ?? 0),
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
    lastTime: Math.max(time, state?.lastTime ?? 0),
    open: undefined,
    ended: transaction,
  }
}

function slotOf(slots: Map<number, SlotProducers>, slot: number): SlotProducers {
  let producers = slots.get(slot)
  if (!producers) {
    producers = new Map()
    slots.set(slot, producers)
  }
  return producers
}
