/** When compaction is due, and how much of the machine and the stores it may take. */
export interface CompactionSettings {
  /** A shard whose commits hold so many bytes is compacted … */
  readonly dueBytes: number
  /** … or so many chunks … */
  readonly dueChunks: number
  /** … or a commit so old (ms). The tail's commits are left alone until they are so old. */
  readonly dueMs: number
  /** Bytes of commits that are read, rewritten and held in memory at a time, unless a single commit has more. */
  readonly roundBytesMax: number
  /** Segments that are read at a time. */
  readonly readsMax: number
  /** Bytes read in a second, on average. */
  readonly bytesPerSecondMax: number
  /** Extents that lie side by side are merged up to so many bytes. */
  readonly extentBytesMax: number
  /** As many of about the same size are merged as soon as they are there. */
  readonly mergeCountMin: number
  /** What is less stays in the store's own class. */
  readonly classBytesMin: number
  /** Of compacted topics: keys whose last offset is held in memory at a time, at 34 bytes each. */
  readonly keysMax: number
}

const MIB = 1_024 * 1_024

export const DEFAULT_COMPACTION_SETTINGS: CompactionSettings = {
  dueBytes: 64 * MIB,
  dueChunks: 500,
  dueMs: 3_600_000,
  roundBytesMax: 24 * MIB,
  readsMax: 4,
  bytesPerSecondMax: 64 * MIB,
  extentBytesMax: 256 * MIB,
  mergeCountMin: 8,
  // A put in a cheaper class costs what the class saves in a month on about a MiB; what is below 128 KiB costs more there.
  classBytesMin: MIB,
  keysMax: 500_000,
}
