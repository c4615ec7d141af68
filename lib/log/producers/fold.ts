/**
 * The fold of a shard's commits: for each partition and idempotent producer its epoch and last five batches, as Kafka's
 * ProducerStateManager keeps them (KIP-98, KIP-360). It is a function of the commits and nothing else: every process
 * that has seen the same commits decides alike, so dropping idle producers happens only where the head says that a
 * snapshot did it.
 */
import type { Commit, ProducerRun, Slice } from '../head/commit.ts'
import { segmentTime } from '../segment/segment-id.ts'

/** Batches that a producer may have in flight, and so retry: Kafka's max.in.flight.requests.per.connection bound. */
export const KEPT_BATCHES = 5
/** A producer idle for longer is forgotten at the next snapshot (Kafka: producer.id.expiration.ms). */
export const PRODUCER_EXPIRATION_MS = 24 * 3_600_000
const SEQUENCE_MODULUS = 2 ** 31

export interface ProducerState {
  readonly epoch: number
  /** Up to KEPT_BATCHES, oldest first; never empty. */
  readonly batches: readonly KeptBatch[]
  /** Time of the last commit (of its segment id), ms. */
  readonly lastTime: number
}

export interface KeptBatch {
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
}

/** A batch as its producer numbered it. */
export interface SequencedBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

export type SequenceDecision =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number }
  | {
      readonly kind: 'refuse'
      readonly code: 'OUT_OF_ORDER_SEQUENCE' | 'INVALID_PRODUCER_EPOCH'
      readonly message: string
    }

type SlotProducers = Map<number, ProducerState>

export class Fold {
  /** By slot, then producer id. */
  readonly #slots = new Map<number, SlotProducers>()
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
    let producers = this.#slots.get(slot)
    if (!producers) {
      producers = new Map()
      this.#slots.set(slot, producers)
    }
    producers.set(producerId, state)
  }

  apply(commit: Commit): void {
    const time = segmentTime(commit.segment.id)
    this.#time = Math.max(this.#time, time)
    for (const slice of commit.slices) {
      for (const run of slice.runs) this.#applyRun(slice, run, time)
    }
  }

  /** Forgets producers whose last commit is older than PRODUCER_EXPIRATION_MS at `time` (a snapshot's). */
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
    let baseOffset = slice.baseOffset + run.offsetDelta
    let baseSequence = run.baseSequence
    for (const recordCount of run.counts) {
      const batch = { producerId: run.producerId, producerEpoch: run.producerEpoch, baseSequence, recordCount }
      this.set(slice.slot, run.producerId, nextState(this.get(slice.slot, run.producerId), batch, baseOffset, time))
      baseOffset += recordCount
      baseSequence = addSequence(baseSequence, recordCount)
    }
  }
}

/** What has become of the fold within one attempt to commit: thrown away if the attempt fails. */
export class FoldDraft {
  readonly #fold: Fold
  readonly #changed = new Fold()

  constructor(fold: Fold) {
    this.#fold = fold
  }

  decide(slot: number, batch: SequencedBatch): SequenceDecision {
    return decideSequence(this.#get(slot, batch.producerId), batch)
  }

  append(slot: number, batch: SequencedBatch, baseOffset: number, time: number): void {
    const state = nextState(this.#get(slot, batch.producerId), batch, baseOffset, time)
    this.#changed.set(slot, batch.producerId, state)
  }

  #get(slot: number, producerId: number): ProducerState | undefined {
    return this.#changed.get(slot, producerId) ?? this.#fold.get(slot, producerId)
  }
}

/**
 * Kafka's rules, but for one: a producer of whom nothing is known must begin at sequence 0. (Kafka takes any, and so can
 * take a producer's second batch before the first one's retry.)
 */
export function decideSequence(state: ProducerState | undefined, batch: SequencedBatch): SequenceDecision {
  const { producerEpoch, baseSequence, recordCount } = batch
  if (state && producerEpoch < state.epoch) {
    const message = `epoch ${producerEpoch}, where producer ${batch.producerId} is at ${state.epoch}`
    return { kind: 'refuse', code: 'INVALID_PRODUCER_EPOCH', message }
  }
  const current = state?.epoch === producerEpoch ? state : undefined
  const lastSequence = addSequence(baseSequence, recordCount - 1)
  const kept = current?.batches.find(b => b.baseSequence === baseSequence && b.lastSequence === lastSequence)
  if (kept) return { kind: 'duplicate', baseOffset: kept.baseOffset }
  const expected = current ? addSequence(current.batches.at(-1)!.lastSequence, 1) : 0
  if (baseSequence === expected) return { kind: 'append' }
  const message = `sequence ${baseSequence} of producer ${batch.producerId}, where ${expected} is next`
  return { kind: 'refuse', code: 'OUT_OF_ORDER_SEQUENCE', message }
}

/** Whether a snapshot at `time` (ms) drops the producer. */
export function isExpired(state: ProducerState, time: number): boolean {
  return state.lastTime < time - PRODUCER_EXPIRATION_MS
}

/** Sequences go up to 2^31 - 1 and then on from 0. */
export function addSequence(sequence: number, count: number): number {
  return (sequence + count) % SEQUENCE_MODULUS
}

function nextState(
  state: ProducerState | undefined,
  batch: SequencedBatch,
  baseOffset: number,
  time: number,
): ProducerState {
  const { baseSequence, recordCount, producerEpoch } = batch
  const earlier = state?.epoch === producerEpoch ? state.batches.slice(1 - KEPT_BATCHES) : []
  const kept = { baseSequence, lastSequence: addSequence(baseSequence, recordCount - 1), baseOffset }
  return { epoch: producerEpoch, batches: [...earlier, kept], lastTime: Math.max(time, state?.lastTime ?? 0) }
}
