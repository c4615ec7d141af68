export type {
  AcknowledgementBatch,
  AcknowledgeRequest,
  Acquired,
  AcquireRequest,
  Consumer,
  ShareGroupDescription,
  ShareGroupListing,
  ShareHeartbeat,
  ShareHeartbeatAnswer,
  ShareMemberDescription,
  SharePosition,
  TopicPartition,
} from './contract.ts'
export { ShareError, type ShareErrorCode } from './errors.ts'
export type { ShareSettings } from './settings.ts'
export {
  expireShareGroupsJob,
  forgetTopicsInShareGroups,
  type ShareGroupExpirySettings,
} from './share-group-expiry.ts'
export { checkConsumer, ShareGroups, type ShareGroupsOptions } from './share-groups.ts'
export type { AcknowledgeType, AcquiredSpan, Span } from './share-partition.ts'
export type { Place } from './share-partition-document.ts'
export { FINAL_EPOCH, INITIAL_EPOCH, keyOf, type ShareSession, ShareSessions } from './share-sessions.ts'
