/** All APIs that Kafka's clients use, by key. */
import type { Api } from './kernel/index.ts'
import { Produce } from './messages/00-produce.ts'
import { Fetch } from './messages/01-fetch.ts'
import { ListOffsets } from './messages/02-list-offsets.ts'
import { Metadata } from './messages/03-metadata.ts'
import { OffsetCommit } from './messages/08-offset-commit.ts'
import { OffsetFetch } from './messages/09-offset-fetch.ts'
import { FindCoordinator } from './messages/10-find-coordinator.ts'
import { JoinGroup } from './messages/11-join-group.ts'
import { Heartbeat } from './messages/12-heartbeat.ts'
import { LeaveGroup } from './messages/13-leave-group.ts'
import { SyncGroup } from './messages/14-sync-group.ts'
import { DescribeGroups } from './messages/15-describe-groups.ts'
import { ListGroups } from './messages/16-list-groups.ts'
import { SaslHandshake } from './messages/17-sasl-handshake.ts'
import { ApiVersions } from './messages/18-api-versions.ts'
import { CreateTopics } from './messages/19-create-topics.ts'
import { DeleteTopics } from './messages/20-delete-topics.ts'
import { DeleteRecords } from './messages/21-delete-records.ts'
import { InitProducerId } from './messages/22-init-producer-id.ts'
import { OffsetForLeaderEpoch } from './messages/23-offset-for-leader-epoch.ts'
import { AddPartitionsToTxn } from './messages/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from './messages/25-add-offsets-to-txn.ts'
import { EndTxn } from './messages/26-end-txn.ts'
import { WriteTxnMarkers } from './messages/27-write-txn-markers.ts'
import { TxnOffsetCommit } from './messages/28-txn-offset-commit.ts'
import { DescribeAcls } from './messages/29-describe-acls.ts'
import { CreateAcls } from './messages/30-create-acls.ts'
import { DeleteAcls } from './messages/31-delete-acls.ts'
import { DescribeConfigs } from './messages/32-describe-configs.ts'
import { AlterConfigs } from './messages/33-alter-configs.ts'
import { AlterReplicaLogDirs } from './messages/34-alter-replica-log-dirs.ts'
import { DescribeLogDirs } from './messages/35-describe-log-dirs.ts'
import { SaslAuthenticate } from './messages/36-sasl-authenticate.ts'
import { CreatePartitions } from './messages/37-create-partitions.ts'
import { CreateDelegationToken } from './messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from './messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from './messages/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from './messages/41-describe-delegation-token.ts'
import { DeleteGroups } from './messages/42-delete-groups.ts'
import { ElectLeaders } from './messages/43-elect-leaders.ts'
import { IncrementalAlterConfigs } from './messages/44-incremental-alter-configs.ts'
import { AlterPartitionReassignments } from './messages/45-alter-partition-reassignments.ts'
import { ListPartitionReassignments } from './messages/46-list-partition-reassignments.ts'
import { OffsetDelete } from './messages/47-offset-delete.ts'
import { DescribeClientQuotas } from './messages/48-describe-client-quotas.ts'
import { AlterClientQuotas } from './messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from './messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from './messages/51-alter-user-scram-credentials.ts'
import { DescribeQuorum } from './messages/55-describe-quorum.ts'
import { UpdateFeatures } from './messages/57-update-features.ts'
import { DescribeCluster } from './messages/60-describe-cluster.ts'
import { DescribeProducers } from './messages/61-describe-producers.ts'
import { UnregisterBroker } from './messages/64-unregister-broker.ts'
import { DescribeTransactions } from './messages/65-describe-transactions.ts'
import { ListTransactions } from './messages/66-list-transactions.ts'
import { ConsumerGroupHeartbeat } from './messages/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from './messages/69-consumer-group-describe.ts'
import { GetTelemetrySubscriptions } from './messages/71-get-telemetry-subscriptions.ts'
import { PushTelemetry } from './messages/72-push-telemetry.ts'
import { ListConfigResources } from './messages/74-list-config-resources.ts'
import { DescribeTopicPartitions } from './messages/75-describe-topic-partitions.ts'
import { ShareGroupHeartbeat } from './messages/76-share-group-heartbeat.ts'
import { ShareGroupDescribe } from './messages/77-share-group-describe.ts'
import { ShareFetch } from './messages/78-share-fetch.ts'
import { ShareAcknowledge } from './messages/79-share-acknowledge.ts'
import { AddRaftVoter } from './messages/80-add-raft-voter.ts'
import { RemoveRaftVoter } from './messages/81-remove-raft-voter.ts'
import { InitializeShareGroupState } from './messages/83-initialize-share-group-state.ts'
import { ReadShareGroupState } from './messages/84-read-share-group-state.ts'
import { WriteShareGroupState } from './messages/85-write-share-group-state.ts'
import { DeleteShareGroupState } from './messages/86-delete-share-group-state.ts'
import { ReadShareGroupStateSummary } from './messages/87-read-share-group-state-summary.ts'
import { StreamsGroupHeartbeat } from './messages/88-streams-group-heartbeat.ts'
import { StreamsGroupDescribe } from './messages/89-streams-group-describe.ts'
import { DescribeShareGroupOffsets } from './messages/90-describe-share-group-offsets.ts'
import { AlterShareGroupOffsets } from './messages/91-alter-share-group-offsets.ts'
import { DeleteShareGroupOffsets } from './messages/92-delete-share-group-offsets.ts'
import { StreamsGroupTopologyDescriptionUpdate } from './messages/93-streams-group-topology-description-update.ts'
import { UnregisterController } from './messages/94-unregister-controller.ts'

export const apis: readonly Api[] = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  SaslHandshake,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DeleteRecords,
  InitProducerId,
  OffsetForLeaderEpoch,
  AddPartitionsToTxn,
  AddOffsetsToTxn,
  EndTxn,
  WriteTxnMarkers,
  TxnOffsetCommit,
  DescribeAcls,
  CreateAcls,
  DeleteAcls,
  DescribeConfigs,
  AlterConfigs,
  AlterReplicaLogDirs,
  DescribeLogDirs,
  SaslAuthenticate,
  CreatePartitions,
  CreateDelegationToken,
  RenewDelegationToken,
  ExpireDelegationToken,
  DescribeDelegationToken,
  DeleteGroups,
  ElectLeaders,
  IncrementalAlterConfigs,
  AlterPartitionReassignments,
  ListPartitionReassignments,
  OffsetDelete,
  DescribeClientQuotas,
  AlterClientQuotas,
  DescribeUserScramCredentials,
  AlterUserScramCredentials,
  DescribeQuorum,
  UpdateFeatures,
  DescribeCluster,
  DescribeProducers,
  UnregisterBroker,
  DescribeTransactions,
  ListTransactions,
  ConsumerGroupHeartbeat,
  ConsumerGroupDescribe,
  GetTelemetrySubscriptions,
  PushTelemetry,
  ListConfigResources,
  DescribeTopicPartitions,
  ShareGroupHeartbeat,
  ShareGroupDescribe,
  ShareFetch,
  ShareAcknowledge,
  InitializeShareGroupState,
  ReadShareGroupState,
  WriteShareGroupState,
  DeleteShareGroupState,
  ReadShareGroupStateSummary,
  AddRaftVoter,
  RemoveRaftVoter,
  StreamsGroupHeartbeat,
  StreamsGroupDescribe,
  DescribeShareGroupOffsets,
  AlterShareGroupOffsets,
  DeleteShareGroupOffsets,
  StreamsGroupTopologyDescriptionUpdate,
  UnregisterController,
]

export const apisByKey: ReadonlyMap<number, Api> = new Map(apis.map(api => [api.key, api]))
