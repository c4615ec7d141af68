/** What a check finds, and what it has looked at. */
import type { Topic } from '../contract.ts'
import type { Head } from '../head/head.ts'

export interface CheckFinding {
  /**
   * `damaged`: bytes that do not decode, or not to what was committed. `missing`: something referred to is not there.
   * `gap`: offsets or commits with a hole. `orphan`: nothing refers to it; the sweep takes it in time.
   */
  readonly kind: 'damaged' | 'missing' | 'gap' | 'orphan'
  /** A key in one of the stores, or a partition. */
  readonly what: string
  readonly why: string
}

export interface CheckedSoFar {
  topics: number
  partitions: number
  segments: number
  extents: number
  bytes: number
}

/** A shard as it was when it was looked at. */
export interface CheckedShard {
  readonly topic: Topic
  readonly shard: number
  readonly head: Head
}
