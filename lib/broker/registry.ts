/** Every API that is served, by key. What is not here, ApiVersions does not tell of. */
import type { Handler } from './handler.ts'
import { addOffsetsToTxn } from './handlers/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from './handlers/add-partitions-to-txn.ts'
import { addRaftVoter } from './handlers/add-raft-voter.ts'
import { alterClientQuotas } from './handlers/alter-client-quotas.ts'
import { alterConfigs } from './handlers/alter-configs.ts'
import { alterPartitionReassignments } from './handlers/alter-partition-reassignments.ts'
import { alterReplicaLogDirs } from './handlers/alter-replica-log-dirs.ts'
import { alterShareGroupOffsets } from './handlers/alter-share-group-offsets.ts'
import { alterUserScramCredentials } from './handlers/alter-user-scram-credentials.ts'
import { apiVersions } from './handlers/api-versions.ts'
import { consumerGroupDescribe } from './handlers/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from './handlers/consumer-group-heartbeat.ts'
import { createAcls } from './handlers/create-acls.ts'
import { createDelegationToken } from './handlers/create-delegation-token.ts'
import { createPartitions } from './handlers/create-partitions.ts'
import { createTopics } from './handlers/create-topics.ts'
import { deleteAcls } from './handlers/delete-acls.ts'
import { deleteGroups } from './handlers/delete-groups.ts'
import { deleteRecords } from './handlers/delete-records.ts'
import { deleteShareGroupOffsets } from './handlers/delete-share-group-offsets.ts'
import { deleteShareGroupState } from './handlers/delete-share-group-state.ts'
import { deleteTopics } from './handlers/delete-topics.ts'
import { describeAcls } from './handlers/describe-acls.ts'
import { describeClientQuotas } from './handlers/describe-client-quotas.ts'
import { describeCluster } from './handlers/describe-cluster.ts'
import { describeConfigs } from './handlers/describe-configs.ts'
import { describeDelegationToken } from './handlers/describe-delegation-token.ts'
import { describeGroups } from './handlers/describe-groups.ts'
import { describeLogDirs } from './handlers/describe-log-dirs.ts'
import { describeProducers } from './handlers/describe-producers.ts'
import { describeQuorum } from './handlers/describe-quorum.ts'
import { describeShareGroupOffsets } from './handlers/describe-share-group-offsets.ts'
import { describeTopicPartitions } from './handlers/describe-topic-partitions.ts'
import { describeTransactions } from './handlers/describe-transactions.ts'
import { describeUserScramCredentials } from './handlers/describe-user-scram-credentials.ts'
import { electLeaders } from './handlers/elect-leaders.ts'
import { endTxn } from './handlers/end-txn.ts'
import { expireDelegationToken } from './handlers/expire-delegation-token.ts'
import { fetch } from './handlers/fetch.ts'
import { findCoordinator } from './handlers/find-coordinator.ts'
import { heartbeat } from './handlers/heartbeat.ts'
import { incrementalAlterConfigs } from './handlers/incremental-alter-configs.ts'
import { initProducerId } from './handlers/init-producer-id.ts'
import { initializeShareGroupState } from './handlers/initialize-share-group-state.ts'
import { joinGroup } from './handlers/join-group.ts'
import { leaveGroup } from './handlers/leave-group.ts'
import { listConfigResources } from './handlers/list-config-resources.ts'
import { listGroups } from './handlers/list-groups.ts'
import { listOffsets } from './handlers/list-offsets.ts'
import { listPartitionReassignments } from './handlers/list-partition-reassignments.ts'
import { listTransactions } from './handlers/list-transactions.ts'
import { metadata } from './handlers/metadata.ts'
import { offsetCommit } from './handlers/offset-commit.ts'
import { offsetDelete } from './handlers/offset-delete.ts'
import { offsetFetch } from './handlers/offset-fetch.ts'
import { offsetForLeaderEpoch } from './handlers/offset-for-leader-epoch.ts'
import { produce } from './handlers/produce.ts'
import { readShareGroupState } from './handlers/read-share-group-state.ts'
import { readShareGroupStateSummary } from './handlers/read-share-group-state-summary.ts'
import { removeRaftVoter } from './handlers/remove-raft-voter.ts'
import { renewDelegationToken } from './handlers/renew-delegation-token.ts'
import { saslAuthenticate } from './handlers/sasl-authenticate.ts'
import { saslHandshake } from './handlers/sasl-handshake.ts'
import { shareAcknowledge } from './handlers/share-acknowledge.ts'
import { shareFetch } from './handlers/share-fetch.ts'
import { shareGroupDescribe } from './handlers/share-group-describe.ts'
import { shareGroupHeartbeat } from './handlers/share-group-heartbeat.ts'
import { streamsGroupDescribe } from './handlers/streams-group-describe.ts'
import { streamsGroupHeartbeat } from './handlers/streams-group-heartbeat.ts'
import { streamsGroupTopologyDescriptionUpdate } from './handlers/streams-group-topology-description-update.ts'
import { syncGroup } from './handlers/sync-group.ts'
import { txnOffsetCommit } from './handlers/txn-offset-commit.ts'
import { unregisterBroker } from './handlers/unregister-broker.ts'
import { unregisterController } from './handlers/unregister-controller.ts'
import { updateFeatures } from './handlers/update-features.ts'
import { writeShareGroupState } from './handlers/write-share-group-state.ts'
import { writeTxnMarkers } from './handlers/write-txn-markers.ts'

export const handlers: readonly Handler[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  writeTxnMarkers,
  txnOffsetCommit,
  describeConfigs,
  alterConfigs,
  createPartitions,
  deleteGroups,
  incrementalAlterConfigs,
  offsetDelete,
  describeCluster,
  describeProducers,
  describeTransactions,
  listTransactions,
  shareGroupHeartbeat,
  shareGroupDescribe,
  shareFetch,
  shareAcknowledge,
  initializeShareGroupState,
  readShareGroupState,
  writeShareGroupState,
  deleteShareGroupState,
  readShareGroupStateSummary,
  describeShareGroupOffsets,
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
  consumerGroupHeartbeat,
  consumerGroupDescribe,
  streamsGroupHeartbeat,
  streamsGroupDescribe,
  streamsGroupTopologyDescriptionUpdate,
  listConfigResources,
  alterClientQuotas,
  alterPartitionReassignments,
  alterReplicaLogDirs,
  alterUserScramCredentials,
  createAcls,
  createDelegationToken,
  deleteAcls,
  describeAcls,
  describeClientQuotas,
  describeDelegationToken,
  describeLogDirs,
  describeQuorum,
  describeTopicPartitions,
  describeUserScramCredentials,
  electLeaders,
  expireDelegationToken,
  listPartitionReassignments,
  offsetForLeaderEpoch,
  renewDelegationToken,
  saslAuthenticate,
  saslHandshake,
  unregisterBroker,
  unregisterController,
  updateFeatures,
  addRaftVoter,
  removeRaftVoter,
]
