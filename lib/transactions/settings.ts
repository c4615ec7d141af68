/** What an operator may set, with Kafka's names for it, and the named limits of this room. */
export interface TransactionSettings {
  /** `transaction.max.timeout.ms` */
  readonly transactionTimeoutMaxMs: number
}

export const defaultTransactionSettings: TransactionSettings = { transactionTimeoutMaxMs: 900_000 }

/** A transactional id is part of keys, in UTF-8. */
export const TRANSACTIONAL_ID_BYTES_MAX = 1_000
/** Partitions and blocks of offsets in one transaction: its document stays below 300 KB. */
export const PLACES_MAX = 10_000
/** Groups in one transaction. */
export const GROUPS_MAX = 100
/** Transactional ids kept in memory to spare a read. */
export const KNOWN_IDS_MAX = 10_000
/** Transactions under way that one process watches over; further ones are found by `takeOver`. */
export const UNFINISHED_MAX = 100_000
/** Requests that wait for one transactional id. */
export const ID_QUEUE_MAX = 1_000
/** How often a lost race, or a transaction that had to be finished first, is run again before the caller is told to. */
export const ATTEMPTS_MAX = 20
/** Markers under way at once for one transaction. */
export const MARKERS_AT_ONCE = 32
/** How long a marker may take before whoever waits for it is told to try again. */
export const MARKER_TIMEOUT_MS = 30_000
/** Documents read at once when all are looked at. */
export const READS_AT_ONCE = 16
/** After a prepared or overdue transaction could not be finished. */
export const RETRY_MS = 1_000
/** The longest sleep of the watch, which wakes when there is more to watch. */
export const WATCH_PAUSE_MAX_MS = 3_600_000
