/** How large the parts of an archive may grow, and how much of a process it may take. */
export interface ArchiveLimits {
  /** A commit is made after so many bytes of records … */
  readonly commitBytes: number
  /** … or so many data files. */
  readonly commitFiles: number
  /** Of a data file, about. */
  readonly fileBytes: number
  /** What data files that are being made may hold together. */
  readonly memoryBytes: number
  /** As many manifests are merged when they are there … */
  readonly mergeCount: number
  /** … unless they name so many files. */
  readonly mergedFiles: number
  /** Readers of older snapshots have so many more commits' time. */
  readonly snapshotsKept: number
}

const MIB = 1_024 * 1_024

export const DEFAULT_ARCHIVE_LIMITS: ArchiveLimits = {
  commitBytes: 512 * MIB,
  commitFiles: 256,
  fileBytes: 32 * MIB,
  memoryBytes: 48 * MIB,
  mergeCount: 32,
  mergedFiles: 2_000,
  // With an archive's default lag, two days.
  snapshotsKept: 24,
}
