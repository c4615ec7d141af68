/** What an operator may set, with Kafka's names for it, and the named limits of this room. */
import type { GroupConfigValues } from '../configs/index.ts'

export interface GroupSettings {
  /** `group.min.session.timeout.ms` */
  readonly sessionTimeoutMinMs: number
  /** `group.max.session.timeout.ms` */
  readonly sessionTimeoutMaxMs: number
  /** `group.initial.rebalance.delay.ms`: how long an empty group waits for more members (Kafka: 3,000). */
  readonly initialRebalanceDelayMs: number
  /** `group.max.size` */
  readonly membersMax: number
  /** `group.consumer.session.timeout.ms` */
  readonly consumerSessionTimeoutMs: number
  /** `group.consumer.heartbeat.interval.ms` (Kafka: 5,000): so long it may take until a member hears of a rebalance. */
  readonly consumerHeartbeatIntervalMs: number
  /** `group.consumer.max.size` */
  readonly consumerMembersMax: number
  /** The first of `group.consumer.assignors`. */
  readonly consumerAssignor: string
  /** `group.streams.session.timeout.ms` */
  readonly streamsSessionTimeoutMs: number
  /** `group.streams.heartbeat.interval.ms` (Kafka: 5,000) */
  readonly streamsHeartbeatIntervalMs: number
  /** `group.streams.num.standby.replicas` */
  readonly streamsStandbyReplicas: number
  /** `offset.metadata.max.bytes`, in UTF-16 units as Kafka counts it. */
  readonly offsetMetadataMax: number
}

export const defaultGroupSettings: GroupSettings = {
  sessionTimeoutMinMs: 6_000,
  sessionTimeoutMaxMs: 1_800_000,
  initialRebalanceDelayMs: 500,
  membersMax: 10_000,
  consumerSessionTimeoutMs: 45_000,
  consumerHeartbeatIntervalMs: 1_000,
  consumerMembersMax: 10_000,
  consumerAssignor: 'uniform',
  streamsSessionTimeoutMs: 45_000,
  streamsHeartbeatIntervalMs: 1_000,
  streamsStandbyReplicas: 0,
  offsetMetadataMax: 4_096,
}

/** The settings of one group, which may have configs of its own (KIP-848, KIP-1071). */
export function settingsOfGroup(
  settings: GroupSettings,
  { consumer, streams }: Pick<GroupConfigValues, 'consumer' | 'streams'>,
): GroupSettings {
  return {
    ...settings,
    consumerSessionTimeoutMs: consumer.sessionTimeoutMs ?? settings.consumerSessionTimeoutMs,
    consumerHeartbeatIntervalMs: consumer.heartbeatIntervalMs ?? settings.consumerHeartbeatIntervalMs,
    streamsSessionTimeoutMs: streams.sessionTimeoutMs ?? settings.streamsSessionTimeoutMs,
    streamsHeartbeatIntervalMs: streams.heartbeatIntervalMs ?? settings.streamsHeartbeatIntervalMs,
    streamsStandbyReplicas: streams.standbyReplicas ?? settings.streamsStandbyReplicas,
  }
}

/** A new member whose JoinGroup waits this long is taken to be gone: it has no id yet to send heartbeats with. */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
/** Members that were given an id and have not come back with it. */
export const PENDING_MEMBERS_MAX = 1_000
/** A document of this size takes no further members. */
export const DOCUMENT_BYTES_FULL = 300_000
/** A document of this size is not written (an item holds 400 KB with its key). */
export const DOCUMENT_BYTES_MAX = 390_000

/** A group's id is part of keys, in UTF-8. */
export const GROUP_ID_BYTES_MAX = 1_000
/** Groups that one process coordinates at once. */
export const LOADED_GROUPS_MAX = 20_000
/** Requests that wait for one group. */
export const GROUP_QUEUE_MAX = 20_000
/** JoinGroup and SyncGroup requests that one process holds open. */
export const PARKED_REQUESTS_MAX = 50_000
/** A group with no member leaves memory after this time. */
export const IDLE_GROUP_MS = 10_000
/** Where a wake-up or a write comes later than this, the process was frozen: no heartbeat could reach it meanwhile. */
export const FROZEN_MS = 2_000
/** Where a wake-up comes later than this, but not that late, requests may lie unread … */
export const LATE_MS = 100
/** … and are given so long to be read before anyone is judged. */
export const CATCH_UP_MS = 250
/** No single sleep is longer than this, whatever timeouts members ask for. */
export const ALARM_SLEEP_MS_MAX = 3_600_000
/** After a store refused a write that no request waits for. */
export const RETRY_MS = 1_000

/** A heartbeat is answered from a document at most this old. */
export const DOCUMENT_FRESH_MS = 5_000
/** Looks at a document, one after the other, until one is quick enough to answer from. */
export const LOOKS_MAX = 3
/** How often a member that is on its way to its target is asked to come back, at most … */
export const RECONCILING_HEARTBEAT_MS = 250
/** … and so many ms more for each member of the group. */
export const RECONCILING_HEARTBEAT_MS_A_MEMBER = 1
/** A change of the topics that a consumer group is subscribed to by name is noticed within this time and a heartbeat … */
export const TOPICS_REFRESH_MS = 5_000
/** … and of those that its regular expressions match within this, for it takes a list of all topics. */
export const TOPIC_LIST_REFRESH_MS = 15_000
/** How often members of a streams group that waits for topics are asked to come back. */
export const NOT_READY_HEARTBEAT_MS = 5_000
/** The description of a streams topology that tools show. */
export const DESCRIPTION_BYTES_MAX = 100_000
/** Regular expressions of subscriptions kept compiled. */
export const REGEXES_MAX = 1_000
/** A longer regular expression is refused. */
export const REGEX_LENGTH_MAX = 1_000
/** Partitions moved to even out members of different subscriptions; beyond, they stay uneven until the next change. */
export const BALANCE_MOVES_MAX = 20_000

/** How often a group may change its kind under one request. */
export const KIND_CHANGES_MAX = 4

/** Blocks of offsets kept in memory to spare a read before a commit. */
export const OFFSET_LANES_MAX = 5_000
/** Commits that wait for one block. */
export const LANE_QUEUE_MAX = 10_000
/** Partitions in one committed-offsets item. */
export const OFFSETS_BLOCK_SIZE = 16
/** Producers of which a block of offsets remembers the last transaction that ended. */
export const ENDED_PRODUCERS_MAX = 64
/** How often a lost race is run again before the caller is told to. */
export const CONFLICT_ATTEMPTS_MAX = 10
/** Reads under way at once for one request (listing groups, fetching offsets). */
export const PARALLEL_READS_MAX = 16
/** Stored size of the group documents kept decoded. */
export const DECODED_BYTES_MAX = 16 * 1024 * 1024
