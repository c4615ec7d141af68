/** What an operator may set. */
export interface UpkeepSettings {
  /** Between two looks for records past their retention, in ms; as Kafka's log.retention.check.interval.ms. */
  readonly retentionIntervalMs: number
  /** Between two sweeps, in ms. */
  readonly sweepIntervalMs: number
  /** What nothing refers to is left alone for so long, in ms. */
  readonly graceMs: number
  /** Small segments that nothing refers to are looked for in so many hours … */
  readonly windowHours: number
  /** … once in so many hours; else from where an earlier sweep saw the oldest one. */
  readonly wholeLookHours: number
  /** The first sweep of a log that has been in use looks back so far. */
  readonly firstLookHours: number
  /** An import that stopped may be gone on with for so long by wall clocks, in ms; then it is given up. */
  readonly importKeptMs: number
}

export const defaultUpkeepSettings: UpkeepSettings = {
  retentionIntervalMs: 300_000,
  sweepIntervalMs: 3_600_000,
  graceMs: 2 * 3_600_000,
  windowHours: 7 * 24,
  wholeLookHours: 24,
  firstLookHours: 60 * 24,
  importKeptMs: 24 * 3_600_000,
}
