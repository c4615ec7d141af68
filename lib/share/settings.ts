/** What an operator may set, with Kafka's names for it, and the named limits of this room. */
export interface ShareSettings {
  /** `group.share.max.size` */
  readonly membersMax: number
  /** `group.share.max.share.sessions`, of one process. */
  readonly sessionsMax: number
}

export const defaultShareSettings: ShareSettings = { membersMax: 200, sessionsMax: 2_000 }

/** A document of this size takes no further members. */
export const DOCUMENT_BYTES_FULL = 300_000
/** A document of this size is not written (an item holds 400 KB with its key). */
export const DOCUMENT_BYTES_MAX = 390_000
/** Bytes of a member's id. */
export const MEMBER_ID_LENGTH_MAX = 36
/** Share groups that one process coordinates at once. */
export const LOADED_GROUPS_MAX = 20_000
/** Requests that wait for one group. */
export const GROUP_QUEUE_MAX = 20_000
/** A group with no member leaves memory after this time. */
export const IDLE_GROUP_MS = 10_000
/** Where a wake-up comes later than this, the process was frozen: no heartbeat could reach it meanwhile. */
export const FROZEN_MS = 2_000
/** Where a wake-up comes later than this, but not that late, requests may lie unread … */
export const LATE_MS = 100
/** … and are given so long to be read before anyone is judged. */
export const CATCH_UP_MS = 250
/** No single sleep is longer than this. */
export const ALARM_SLEEP_MS_MAX = 3_600_000
/** After a store refused a write that no request waits for. */
export const RETRY_MS = 1_000
/** How often a coordinator looks whether the topics of its members are others than before. */
export const TOPICS_LOOK_MS = 1_000

/** Reads for one acquisition: of stretches with nothing to deliver, or that others took meanwhile. */
export const READS_MAX = 10
/** Share partitions that one process keeps in memory. */
export const PARTITIONS_MAX = 20_000
/** Changes, and fetches, that wait for one share partition. */
export const PARTITION_QUEUE_MAX = 10_000
/** Before nothing is said to be there, a share partition's document is read again if it is older. */
export const LOOK_AGAIN_MS = 5_000
/** How often a lost race is run again before the caller is told to. */
export const CONFLICT_ATTEMPTS_MAX = 10
/** Reads under way at once for one request. */
export const PARALLEL_READS_MAX = 16
