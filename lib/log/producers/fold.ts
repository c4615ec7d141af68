/**
 * The fold of a shard's commits: for each partition and idempotent producer its epoch, its last five batches, as Kafka's
 * ProducerStateManager keeps them (KIP-98, KIP-360), and its transaction. It is a function of the commits and nothing
 * else: every process that has seen the same commits decides alike, so dropping idle producers happens only where the
 * head says that a snapshot did it.
 */
import type { Commit, ProducerRun, Slice } from '../head/commit.ts'
import { type SegmentId, segmentTime } from '../segment/segment-id.ts'
import {
  addSequence,
  type ProducerState,
  stateAfterBatch,
  stateAfterMarker,
  stateAfterSnapshot,
} from './producer-state.ts'

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

  /** Time of a commit that comes next. It never goes back, so a clock that is behind makes nobody look idle. */
  timeOf(id: SegmentId): number {
    return Math.max(this.#time, segmentTime(id))
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
    const time = this.timeOf(commit.segment.id)
    this.#time = time
    for (const slice of commit.slices) {
      for (const run of slice.runs) this.#applyRun(slice, run, time)
    }
    for (const marker of commit.markers) {
      const { slot, producerId } = marker
      this.set(slot, producerId, stateAfterMarker(this.get(slot, producerId), marker, time))
    }
  }

  /** Forgets what a snapshot at `time` (ms) drops. */
  expire(time: number): void {
    for (const { slot, producerId, state } of [...this.entries()]) {
      const left = stateAfterSnapshot(state, time)
      if (left) this.set(slot, producerId, left)
      else this.#slots.get(slot)?.delete(producerId)
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

function slotOf(slots: Map<number, SlotProducers>, slot: number): SlotProducers {
  let producers = slots.get(slot)
  if (!producers) {
    producers = new Map()
    slots.set(slot, producers)
  }
  return producers
}
