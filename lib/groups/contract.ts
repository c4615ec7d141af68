/**
 * What groups offer to their faces (Kafka, HTTP), in Kafka's terms.
 */
import type { WriteOperation } from '../storage/index.ts'
import type { Assignment } from './assignment.ts'
import type { Protocol } from './classic-protocol.ts'
import type { GroupErrorCode } from './errors.ts'
import type { StreamsMember, StreamsTopology, Subtopology, Tasks } from './streams-document.ts'
import type { StreamsStatus } from './streams-topology.ts'

export type { Protocol }

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export interface JoinRequest {
  readonly groupId: string
  /** Empty for a member that has no id yet. */
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  /** In the member's order of preference. */
  readonly protocols: readonly Protocol[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** The client joins in two rounds: MEMBER_ID_REQUIRED, then again with that id (JoinGroup v4+, KIP-394). */
  readonly requiresMemberId: boolean
  /** The client understands `skipAssignment` (JoinGroup v9+, KIP-814). */
  readonly supportsSkippingAssignment: boolean
}

export interface Joined {
  readonly memberId: string
  readonly generation: number
  readonly protocolType: string
  readonly protocolName: string
  readonly leader: string
  readonly skipAssignment: boolean
  /** For the leader: every member and its metadata for the chosen protocol. Empty for others. */
  readonly members: readonly JoinedMember[]
}

export interface JoinedMember {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly metadata: Uint8Array
}

/** Who speaks, and in which generation. */
export interface MemberRequest {
  readonly groupId: string
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly generation: number
}

export interface SyncRequest extends MemberRequest {
  readonly protocolType: string | undefined
  readonly protocolName: string | undefined
  /** The leader's decision; empty from others. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[]
}

export interface Synced {
  readonly protocolType: string
  readonly protocolName: string
  readonly assignment: Uint8Array
}

export interface LeaveRequest {
  readonly groupId: string
  readonly members: readonly LeavingMember[]
}

/** An administrator removes a static member by its instance id alone; `memberId` is then empty. */
export interface LeavingMember {
  readonly memberId: string
  readonly instanceId: string | undefined
}

export interface LeftMember extends LeavingMember {
  readonly error: GroupErrorCode | undefined
}

// ---------------------------------------------------------------- consumer groups (KIP-848)

/** The one call of a member: it joins, keeps alive, says what it has, and leaves. What is undefined stays as it was. */
export interface ConsumerHeartbeat {
  readonly groupId: string
  /** Empty in a first call: the answer gives one. A member may as well draw its own. */
  readonly memberId: string
  readonly instanceId: string | undefined
  /** 0: joins; -1: leaves; -2: a static member leaves for a while; else as last answered. */
  readonly epoch: number
  readonly clientId: string
  readonly clientHost: string
  readonly rackId: string | undefined
  /** How long it may take to give partitions up. Must be given to join. */
  readonly rebalanceTimeoutMs: number | undefined
  readonly topicNames: readonly string[] | undefined
  /** In RE2's syntax; must match the whole of a topic's name. Empty: none any more. */
  readonly regex: string | undefined
  readonly assignor: string | undefined
  /** What the member has now; to be given where that changed. */
  readonly owned: Assignment | undefined
}

export interface ConsumerHeartbeatAnswer {
  readonly memberId: string
  /** To go on with; -1 or -2 after leaving. */
  readonly epoch: number
  readonly heartbeatIntervalMs: number
  /** What the member is to have now: it gives up the rest. Undefined: as before. */
  readonly assignment: Assignment | undefined
  /** The group waits for the member to say that it has no more than that. */
  readonly awaitsRevocation: boolean
}

export interface ConsumerGroupDescription {
  readonly groupId: string
  readonly state: 'Empty' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead'
  readonly epoch: number
  readonly assignmentEpoch: number
  readonly assignor: string
  readonly members: readonly ConsumerMemberDescription[]
  /** Of the topics in assignments, by id, as far as they are there. */
  readonly topicNames: ReadonlyMap<string, string>
}

export interface ConsumerMemberDescription {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly rackId: string | undefined
  readonly epoch: number
  readonly clientId: string
  readonly clientHost: string
  readonly topicNames: readonly string[]
  readonly regex: string | undefined
  readonly assignment: Assignment
  readonly target: Assignment
  readonly protocol: 'classic' | 'consumer'
}

// ---------------------------------------------------------------- streams groups (KIP-1071)

/** The one call of a streams group's member. What is undefined stays as it was. */
export interface StreamsHeartbeat {
  readonly groupId: string
  readonly memberId: string
  readonly instanceId: string | undefined
  /** 0: joins; -1: leaves; -2: a static member leaves for a while; else as last answered. */
  readonly epoch: number
  /** As last answered: endpoints are told where they have changed since. */
  readonly endpointEpoch: number
  readonly clientId: string
  readonly clientHost: string
  readonly rackId: string | undefined
  readonly rebalanceTimeoutMs: number | undefined
  /** Of one that joins. */
  readonly topology: StreamsTopology | undefined
  /** The tasks that the member has now; to be given where they changed. */
  readonly owned: Tasks | undefined
  readonly processId: string | undefined
  readonly endpoint: StreamsMember['endpoint']
  readonly tags: StreamsMember['tags'] | undefined
  /** All members are to shut down. */
  readonly shutsDown: boolean
}

export interface StreamsHeartbeatAnswer {
  readonly memberId: string
  readonly epoch: number
  readonly heartbeatIntervalMs: number
  /** What the member is to have now. Undefined: as before. */
  readonly tasks: Tasks | undefined
  readonly status: readonly StreamsStatus[]
  readonly endpointEpoch: number
  /** Undefined: as before. */
  readonly endpoints: readonly StreamsEndpoint[] | undefined
  /** The group has no description of its topology, for tools to show. */
  readonly descriptionRequired: boolean
}

export interface StreamsEndpoint {
  readonly host: string
  readonly port: number
  /** Topic → partitions. */
  readonly active: ReadonlyMap<string, readonly number[]>
  readonly standby: ReadonlyMap<string, readonly number[]>
}

export interface StreamsGroupDescription {
  readonly groupId: string
  readonly state: 'Empty' | 'NotReady' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead'
  readonly epoch: number
  readonly topologyEpoch: number | undefined
  /** As members gave it while it is not ready, else with regular expressions resolved. */
  readonly subtopologies: readonly (Subtopology & { readonly tasks: number })[]
  readonly members: readonly StreamsMember[]
  readonly description: { readonly epoch: number; readonly bytes: Uint8Array } | undefined
}

// ---------------------------------------------------------------- administration

export interface GroupDescription {
  readonly groupId: string
  readonly state: GroupState
  /** Empty for a group that only stores offsets. */
  readonly protocolType: string
  /** The chosen protocol of a stable group, else empty. */
  readonly protocolName: string
  readonly members: readonly MemberDescription[]
}

export interface MemberDescription {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  /** Empty unless the group is stable. */
  readonly metadata: Uint8Array
  readonly assignment: Uint8Array
}

export interface GroupListing {
  readonly groupId: string
  readonly state: GroupState | ConsumerGroupDescription['state'] | StreamsGroupDescription['state']
  readonly protocolType: string
  readonly type: 'classic' | 'consumer' | 'streams'
}

// ---------------------------------------------------------------- offsets

export interface CommitRequest extends MemberRequest {
  /** `generation` below 0 and an empty `memberId`: a consumer or tool that does without membership. */
  readonly offsets: readonly NewOffset[]
  /** `generation` cannot be a member's epoch (OffsetCommit before version 9): members that have one are refused. */
  readonly knowsNoEpochs?: boolean
}

export interface TopicPartition {
  /** 32 lower-case hex digits. */
  readonly topicId: string
  readonly partition: number
}

export interface NewOffset extends TopicPartition {
  readonly offset: number
  /** -1 where the client gives none. */
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface CommitResult extends TopicPartition {
  readonly error: GroupErrorCode | undefined
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  /** Wall clock of the process that stored it. */
  readonly committedAt: number
  /** An open transaction may still change it: asked for with `requireStable`, it has offset -1. */
  readonly error: 'UNSTABLE_OFFSET_COMMIT' | undefined
}

export interface FetchOffsetsRequest {
  readonly groupId: string
  /** Undefined: everything the group has committed. */
  readonly partitions: readonly TopicPartition[] | undefined
  /** Refuse offsets that an open transaction may still change (KIP-447). */
  readonly requireStable: boolean
  /** Who asks, in a consumer group; undefined or an epoch below 0 with no id: anybody. */
  readonly memberId?: string | undefined
  readonly memberEpoch?: number
}

/** Offsets that become committed when their transaction does. The blocks that they lie in must have been added to it. */
export interface StageRequest extends CommitRequest {
  readonly producerId: number
  /** Which of its transactional id's transactions, counted from 1. */
  readonly transaction: number
  /** A check, to go with the write, that the transaction is open; undefined: it is not. Asked where the block remembers nothing of the producer. */
  readonly stillOpen?: () => Promise<WriteOperation | undefined>
}

/** Where offsets of a group are kept: what a transaction visits when it ends. */
export interface OffsetsBlockPlace {
  readonly topicId: string
  readonly block: number
}

export interface EndTransactionRequest {
  readonly groupId: string
  readonly blocks: readonly OffsetsBlockPlace[]
  readonly producerId: number
  readonly transaction: number
  readonly outcome: 'commit' | 'abort'
}

export interface DeleteOffsetsRequest {
  readonly groupId: string
  readonly topics: readonly {
    readonly id: string
    /** Subscriptions speak of names. */
    readonly name: string
    readonly partitions: readonly number[]
  }[]
}
