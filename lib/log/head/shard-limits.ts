/** The sizes at which a shard's documents turn over. */
export interface ShardLimits {
  /** A head above this many bytes sheds its tail into chunks … */
  readonly headBytesMax: number
  /** … until this many are left. */
  readonly headBytesKept: number
  /** Bytes of commits in one chunk, unless a single commit has more. */
  readonly chunkBytesMax: number
  /** Commits between two snapshots. */
  readonly snapshotIntervalCommits: number
}

export const DEFAULT_SHARD_LIMITS: ShardLimits = {
  headBytesMax: 2_048,
  headBytesKept: 1_024,
  chunkBytesMax: 64 * 1_024,
  snapshotIntervalCommits: 1_000,
}

/** A commit over this is refused: the batcher makes none. */
export const COMMIT_BYTES_MAX = 100 * 1_024
