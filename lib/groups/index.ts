export { type Assignment, assignmentOf } from './assignment.ts'
export { offsetsBlocksOf } from './committed-offsets.ts'
export { readConsumerAssignment } from './consumer-subscription.ts'
export type {
  CommitRequest,
  CommitResult,
  CommittedOffset,
  ConsumerGroupDescription,
  ConsumerHeartbeat,
  ConsumerHeartbeatAnswer,
  ConsumerMemberDescription,
  DeleteOffsetsRequest,
  EndTransactionRequest,
  FetchOffsetsRequest,
  GroupDescription,
  GroupListing,
  GroupState,
  Joined,
  JoinedMember,
  JoinRequest,
  LeaveRequest,
  LeavingMember,
  LeftMember,
  MemberDescription,
  MemberRequest,
  NewOffset,
  OffsetsBlockPlace,
  Protocol,
  StageRequest,
  StreamsEndpoint,
  StreamsGroupDescription,
  StreamsHeartbeat,
  StreamsHeartbeatAnswer,
  Synced,
  SyncRequest,
  TopicPartition,
} from './contract.ts'
export { checkGroupId, GroupError, type GroupErrorCode } from './errors.ts'
export { groupDocumentKey, groupPartitionKey } from './group-document.ts'
export { expireGroupsJob, forgetTopicsInGroups, type GroupExpirySettings } from './group-expiry.ts'
export { GROUP_KINDS, groupKindOf, listedKindOf } from './group-kinds.ts'
export { encodeGroupListing, GROUP_LISTING_PARTITION, groupListingKey } from './group-listing.ts'
export { Groups, type GroupsOptions } from './groups.ts'
export { defaultGroupSettings, type GroupSettings } from './settings.ts'
export type { StreamsMember, StreamsTopology, Subtopology, Tasks } from './streams-document.ts'
export type { StreamsStatus } from './streams-topology.ts'
export type { TopicSource } from './topic-catalog.ts'
