/** What has become of the fold within one attempt to commit: thrown away if the attempt fails. */
import type { Marker } from '../head/commit.ts'
import { Fold } from './fold.ts'
import { type ProducerState, type SequencedBatch, stateAfterBatch, stateAfterMarker } from './producer-state.ts'
import { decideSequence, type SequenceDecision } from './sequence.ts'

export class FoldDraft {
  readonly #fold: Fold
  readonly #changed = new Fold()

  constructor(fold: Fold) {
    this.#fold = fold
  }

  get(slot: number, producerId: number): ProducerState | undefined {
    return this.#changed.get(slot, producerId) ?? this.#fold.get(slot, producerId)
  }

  decide(slot: number, batch: SequencedBatch): SequenceDecision {
    return decideSequence(this.get(slot, batch.producerId), batch)
  }

  append(slot: number, batch: SequencedBatch, baseOffset: number, time: number): void {
    const { producerId } = batch
    this.#changed.set(slot, producerId, stateAfterBatch(this.get(slot, producerId), batch, baseOffset, time))
  }

  mark(marker: Marker, time: number): void {
    const { slot, producerId } = marker
    this.#changed.set(slot, producerId, stateAfterMarker(this.get(slot, producerId), marker, time))
  }

  /** First offset of an open transaction in the slot, or `next`. */
  stable(slot: number, next: number): number {
    let stable = next
    const changed = this.#changed.producers(slot)
    for (const [producerId, { open }] of this.#fold.openProducers(slot)) {
      if (open && !changed.has(producerId)) stable = Math.min(stable, open.firstOffset)
    }
    for (const { open } of this.#changed.openProducers(slot).values()) {
      if (open) stable = Math.min(stable, open.firstOffset)
    }
    return stable
  }
}
