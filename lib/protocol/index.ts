export { apis, apisByKey } from './apis.ts'
export { decodeEmbedded, encodeEmbedded } from './embedded.ts'
export { type ErrorName, errorCodes, errorName, type KafkaError, kafkaErrors } from './error-codes.ts'
export { decodeRequestHeader, decodeResponse, encodeRequest, encodeResponse, type RequestHeader } from './frame.ts'
export {
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
  type Message,
  type MessageInput,
  MessageType,
  noBytes,
  ProtocolError,
  type ProtocolErrorCode,
  zeroUuid,
} from './kernel/index.ts'
export { Produce, ProduceRequest, ProduceResponse } from './messages/00-produce.ts'
export { Fetch, FetchRequest, FetchResponse } from './messages/01-fetch.ts'
export { ListOffsets, ListOffsetsRequest, ListOffsetsResponse } from './messages/02-list-offsets.ts'
export { Metadata, MetadataRequest, MetadataResponse } from './messages/03-metadata.ts'
export { OffsetCommit, OffsetCommitRequest, OffsetCommitResponse } from './messages/08-offset-commit.ts'
export { OffsetFetch, OffsetFetchRequest, OffsetFetchResponse } from './messages/09-offset-fetch.ts'
export { FindCoordinator, FindCoordinatorRequest, FindCoordinatorResponse } from './messages/10-find-coordinator.ts'
export { JoinGroup, JoinGroupRequest, JoinGroupResponse } from './messages/11-join-group.ts'
export { Heartbeat, HeartbeatRequest, HeartbeatResponse } from './messages/12-heartbeat.ts'
export { LeaveGroup, LeaveGroupRequest, LeaveGroupResponse } from './messages/13-leave-group.ts'
export { SyncGroup, SyncGroupRequest, SyncGroupResponse } from './messages/14-sync-group.ts'
export { DescribeGroups, DescribeGroupsRequest, DescribeGroupsResponse } from './messages/15-describe-groups.ts'
export { ListGroups, ListGroupsRequest, ListGroupsResponse } from './messages/16-list-groups.ts'
export { SaslHandshake, SaslHandshakeRequest, SaslHandshakeResponse } from './messages/17-sasl-handshake.ts'
export { ApiVersions, ApiVersionsRequest, ApiVersionsResponse } from './messages/18-api-versions.ts'
export { CreateTopics, CreateTopicsRequest, CreateTopicsResponse } from './messages/19-create-topics.ts'
export { DeleteTopics, DeleteTopicsRequest, DeleteTopicsResponse } from './messages/20-delete-topics.ts'
export { DeleteRecords, DeleteRecordsRequest, DeleteRecordsResponse } from './messages/21-delete-records.ts'
export { InitProducerId, InitProducerIdRequest, InitProducerIdResponse } from './messages/22-init-producer-id.ts'
export {
  OffsetForLeaderEpoch,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from './messages/23-offset-for-leader-epoch.ts'
export {
  AddPartitionsToTxn,
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from './messages/24-add-partitions-to-txn.ts'
export { AddOffsetsToTxn, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from './messages/25-add-offsets-to-txn.ts'
export { EndTxn, EndTxnRequest, EndTxnResponse } from './messages/26-end-txn.ts'
export { WriteTxnMarkers, WriteTxnMarkersRequest, WriteTxnMarkersResponse } from './messages/27-write-txn-markers.ts'
export { TxnOffsetCommit, TxnOffsetCommitRequest, TxnOffsetCommitResponse } from './messages/28-txn-offset-commit.ts'
export { DescribeAcls, DescribeAclsRequest, DescribeAclsResponse } from './messages/29-describe-acls.ts'
export { CreateAcls, CreateAclsRequest, CreateAclsResponse } from './messages/30-create-acls.ts'
export { DeleteAcls, DeleteAclsRequest, DeleteAclsResponse } from './messages/31-delete-acls.ts'
export { DescribeConfigs, DescribeConfigsRequest, DescribeConfigsResponse } from './messages/32-describe-configs.ts'
export { AlterConfigs, AlterConfigsRequest, AlterConfigsResponse } from './messages/33-alter-configs.ts'
export {
  AlterReplicaLogDirs,
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from './messages/34-alter-replica-log-dirs.ts'
export { DescribeLogDirs, DescribeLogDirsRequest, DescribeLogDirsResponse } from './messages/35-describe-log-dirs.ts'
export { SaslAuthenticate, SaslAuthenticateRequest, SaslAuthenticateResponse } from './messages/36-sasl-authenticate.ts'
export { CreatePartitions, CreatePartitionsRequest, CreatePartitionsResponse } from './messages/37-create-partitions.ts'
export {
  CreateDelegationToken,
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from './messages/38-create-delegation-token.ts'
export {
  RenewDelegationToken,
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from './messages/39-renew-delegation-token.ts'
export {
  ExpireDelegationToken,
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
} from './messages/40-expire-delegation-token.ts'
export {
  DescribeDelegationToken,
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from './messages/41-describe-delegation-token.ts'
export { DeleteGroups, DeleteGroupsRequest, DeleteGroupsResponse } from './messages/42-delete-groups.ts'
export { ElectLeaders, ElectLeadersRequest, ElectLeadersResponse } from './messages/43-elect-leaders.ts'
export {
  IncrementalAlterConfigs,
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from './messages/44-incremental-alter-configs.ts'
export {
  AlterPartitionReassignments,
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from './messages/45-alter-partition-reassignments.ts'
export {
  ListPartitionReassignments,
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from './messages/46-list-partition-reassignments.ts'
export { OffsetDelete, OffsetDeleteRequest, OffsetDeleteResponse } from './messages/47-offset-delete.ts'
export {
  DescribeClientQuotas,
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from './messages/48-describe-client-quotas.ts'
export {
  AlterClientQuotas,
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from './messages/49-alter-client-quotas.ts'
export {
  DescribeUserScramCredentials,
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from './messages/50-describe-user-scram-credentials.ts'
export {
  AlterUserScramCredentials,
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from './messages/51-alter-user-scram-credentials.ts'
export { DescribeQuorum, DescribeQuorumRequest, DescribeQuorumResponse } from './messages/55-describe-quorum.ts'
export { UpdateFeatures, UpdateFeaturesRequest, UpdateFeaturesResponse } from './messages/57-update-features.ts'
export { DescribeCluster, DescribeClusterRequest, DescribeClusterResponse } from './messages/60-describe-cluster.ts'
export {
  DescribeProducers,
  DescribeProducersRequest,
  DescribeProducersResponse,
} from './messages/61-describe-producers.ts'
export { UnregisterBroker, UnregisterBrokerRequest, UnregisterBrokerResponse } from './messages/64-unregister-broker.ts'
export {
  DescribeTransactions,
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from './messages/65-describe-transactions.ts'
export { ListTransactions, ListTransactionsRequest, ListTransactionsResponse } from './messages/66-list-transactions.ts'
export {
  ConsumerGroupHeartbeat,
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from './messages/68-consumer-group-heartbeat.ts'
export {
  ConsumerGroupDescribe,
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from './messages/69-consumer-group-describe.ts'
export {
  GetTelemetrySubscriptions,
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from './messages/71-get-telemetry-subscriptions.ts'
export { PushTelemetry, PushTelemetryRequest, PushTelemetryResponse } from './messages/72-push-telemetry.ts'
export {
  ListConfigResources,
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from './messages/74-list-config-resources.ts'
export {
  DescribeTopicPartitions,
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from './messages/75-describe-topic-partitions.ts'
export {
  ShareGroupHeartbeat,
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from './messages/76-share-group-heartbeat.ts'
export {
  ShareGroupDescribe,
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
} from './messages/77-share-group-describe.ts'
export { ShareFetch, ShareFetchRequest, ShareFetchResponse } from './messages/78-share-fetch.ts'
export { ShareAcknowledge, ShareAcknowledgeRequest, ShareAcknowledgeResponse } from './messages/79-share-acknowledge.ts'
export { AddRaftVoter, AddRaftVoterRequest, AddRaftVoterResponse } from './messages/80-add-raft-voter.ts'
export { RemoveRaftVoter, RemoveRaftVoterRequest, RemoveRaftVoterResponse } from './messages/81-remove-raft-voter.ts'
export {
  InitializeShareGroupState,
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from './messages/83-initialize-share-group-state.ts'
export {
  ReadShareGroupState,
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from './messages/84-read-share-group-state.ts'
export {
  WriteShareGroupState,
  WriteShareGroupStateRequest,
  WriteShareGroupStateResponse,
} from './messages/85-write-share-group-state.ts'
export {
  DeleteShareGroupState,
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse,
} from './messages/86-delete-share-group-state.ts'
export {
  ReadShareGroupStateSummary,
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from './messages/87-read-share-group-state-summary.ts'
export {
  StreamsGroupHeartbeat,
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from './messages/88-streams-group-heartbeat.ts'
export {
  StreamsGroupDescribe,
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from './messages/89-streams-group-describe.ts'
export {
  DescribeShareGroupOffsets,
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from './messages/90-describe-share-group-offsets.ts'
export {
  AlterShareGroupOffsets,
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from './messages/91-alter-share-group-offsets.ts'
export {
  DeleteShareGroupOffsets,
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from './messages/92-delete-share-group-offsets.ts'
export {
  StreamsGroupTopologyDescriptionUpdate,
  StreamsGroupTopologyDescriptionUpdateRequest,
  StreamsGroupTopologyDescriptionUpdateResponse,
} from './messages/93-streams-group-topology-description-update.ts'
export {
  UnregisterController,
  UnregisterControllerRequest,
  UnregisterControllerResponse,
} from './messages/94-unregister-controller.ts'
export { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from './messages/consumer-protocol.ts'
