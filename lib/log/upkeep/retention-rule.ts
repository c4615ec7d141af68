/**
 * How far a partition's start may move up, by Kafka's retention.ms and retention.bytes. Pure. What goes is whole slices from
 * the front: by time, as long as the largest timestamp of each is too old; by size, as long as what is left is not
 * smaller than it may be. A start does not pass the last stable offset.
 */
import type { Commit } from '../head/commit.ts'
import type { PartitionState } from '../head/head.ts'
import { segmentTime } from '../segment/segment-id.ts'
import { listConfig, numberConfig } from '../topics/topic-configs.ts'

export interface RetentionLimits {
  /** Ms; -1: none. */
  readonly ms: number
  /** -1: none. */
  readonly bytes: number
}

/** Records that lie together and go together. */
export interface Piece {
  /** Offset after its last. */
  readonly to: number
  readonly bytes: number
  /** Largest, ms since 1970. */
  readonly timestamp: number
}

/** Undefined: the topic's records stay. */
export function retentionLimits(configs: Readonly<Record<string, string>>): RetentionLimits | undefined {
  if (!listConfig(configs, 'cleanup.policy').includes('delete')) return undefined
  const ms = numberConfig(configs, 'retention.ms')
  const bytes = numberConfig(configs, 'retention.bytes')
  return ms < 0 && bytes < 0 ? undefined : { ms, bytes }
}

/** The pieces of each slot in these commits, in offset order. */
export function piecesOf({ segment, slices, markers }: Commit): { readonly slot: number; readonly piece: Piece }[] {
  const time = segmentTime(segment.id)
  return [
    ...slices.map(({ slot, baseOffset, records, length, maxTimestamp }) => ({
      slot,
      piece: { to: baseOffset + records, bytes: length, timestamp: maxTimestamp < 0 ? time : maxTimestamp },
    })),
    ...markers.map(({ slot, offset, timestamp }) => ({ slot, piece: { to: offset + 1, bytes: 0, timestamp } })),
  ]
}

/** One partition's pieces, taken from the first to the last. */
export class RetentionWalk {
  readonly #limits: RetentionLimits
  readonly #partition: PartitionState
  readonly #oldest: number
  readonly #pieces: Piece[] = []
  #bytes = 0
  #start: number
  #settled = false
  #left = false

  /** `now`: wall clock, ms. */
  constructor(limits: RetentionLimits, partition: PartitionState, now: number) {
    this.#limits = limits
    this.#partition = partition
    this.#oldest = limits.ms < 0 ? Number.NEGATIVE_INFINITY : now - limits.ms
    this.#start = partition.start
  }

  /** No further piece changes the outcome. */
  get settled(): boolean {
    return this.#left || (this.#settled && this.#limits.bytes < 0)
  }

  /** The start stays, whatever is added: not all pieces can be told apart now. */
  leave(): void {
    this.#left = true
  }

  add(piece: Piece): void {
    if (piece.to <= this.#partition.start) return
    this.#bytes += piece.bytes
    if (this.#limits.bytes >= 0) this.#pieces.push(piece)
    if (piece.timestamp >= this.#oldest || piece.to > this.#partition.stable) this.#settled = true
    if (!this.#settled) this.#start = piece.to
  }

  /** After the last piece: the first offset to keep. */
  finish(): number {
    if (this.#left) return this.#partition.start
    if (this.#limits.bytes < 0) return this.#start
    let left = this.#bytes
    for (const { to, bytes } of this.#pieces) {
      if (left - bytes < this.#limits.bytes || to > this.#partition.stable) break
      left -= bytes
      this.#start = Math.max(this.#start, to)
    }
    return this.#start
  }
}
