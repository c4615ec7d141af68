/**
 * Kafka's errors. `retriable` is what Kafka's own clients take an error for: the same request may be sent again, after a
 * refresh of metadata or coordinator where one is to blame.
 */
export interface KafkaError {
  readonly code: number
  readonly retriable: boolean
  readonly message: string
}

export const kafkaErrors = {
  UNKNOWN_SERVER_ERROR: final(-1, 'the server met an error that it did not expect'),
  NONE: final(0, 'no error'),
  OFFSET_OUT_OF_RANGE: final(1, 'the offset is not one that the partition keeps'),
  CORRUPT_MESSAGE: retriable(
    2,
    'the batch is damaged: wrong checksum or size, or a record without a key in a compacted topic',
  ),
  UNKNOWN_TOPIC_OR_PARTITION: retriable(3, 'there is no such topic or partition'),
  INVALID_FETCH_SIZE: final(4, 'the size to fetch is not valid'),
  LEADER_NOT_AVAILABLE: retriable(5, 'the partition has no leader now'),
  NOT_LEADER_OR_FOLLOWER: retriable(6, 'this broker does not serve the partition'),
  REQUEST_TIMED_OUT: retriable(7, 'the request took too long'),
  BROKER_NOT_AVAILABLE: final(8, 'the broker is not available'),
  REPLICA_NOT_AVAILABLE: retriable(9, 'the replica is not available'),
  MESSAGE_TOO_LARGE: final(10, 'the batch is larger than the topic allows'),
  STALE_CONTROLLER_EPOCH: final(11, 'another broker is the controller now'),
  OFFSET_METADATA_TOO_LARGE: final(12, 'the metadata of a committed offset is too long'),
  NETWORK_EXCEPTION: retriable(13, 'the connection ended before the response came'),
  COORDINATOR_LOAD_IN_PROGRESS: retriable(14, 'the coordinator is still loading'),
  COORDINATOR_NOT_AVAILABLE: retriable(15, 'the coordinator is not available'),
  NOT_COORDINATOR: retriable(16, 'this broker is not the coordinator'),
  INVALID_TOPIC_EXCEPTION: final(17, "the topic's name is not valid, or the topic does not allow this"),
  RECORD_LIST_TOO_LARGE: final(18, 'the batch is larger than a segment may be'),
  NOT_ENOUGH_REPLICAS: retriable(19, 'too few replicas are in sync; nothing was written'),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: retriable(20, 'written, but to too few replicas'),
  INVALID_REQUIRED_ACKS: final(21, 'acks must be -1, 0 or 1'),
  ILLEGAL_GENERATION: final(22, "this is not the group's generation"),
  INCONSISTENT_GROUP_PROTOCOL: final(23, 'the member shares no protocol with the group, or names none'),
  INVALID_GROUP_ID: final(24, 'the group id is not valid'),
  UNKNOWN_MEMBER_ID: final(25, 'the group has no such member'),
  INVALID_SESSION_TIMEOUT: final(26, 'the session timeout is outside the range that the broker allows'),
  REBALANCE_IN_PROGRESS: final(27, 'the group rebalances; join again'),
  INVALID_COMMIT_OFFSET_SIZE: final(28, 'the committed offset is too large to be stored'),
  TOPIC_AUTHORIZATION_FAILED: final(29, 'not authorized for the topic'),
  GROUP_AUTHORIZATION_FAILED: final(30, 'not authorized for the group'),
  CLUSTER_AUTHORIZATION_FAILED: final(31, 'not authorized for the cluster'),
  INVALID_TIMESTAMP: final(32, "a record's timestamp is outside the range that the topic allows"),
  UNSUPPORTED_SASL_MECHANISM: final(33, 'the SASL mechanism is not offered'),
  ILLEGAL_SASL_STATE: final(34, 'the request does not fit the state of the SASL exchange'),
  UNSUPPORTED_VERSION: final(35, 'the API does not have this version here'),
  TOPIC_ALREADY_EXISTS: final(36, 'there is a topic of this name'),
  INVALID_PARTITIONS: final(37, 'the number of partitions is not valid'),
  INVALID_REPLICATION_FACTOR: final(38, 'the replication factor is below 1 or above the number of brokers'),
  INVALID_REPLICA_ASSIGNMENT: final(39, 'the assignment of replicas is not valid'),
  INVALID_CONFIG: final(40, "a config's value is not valid"),
  NOT_CONTROLLER: retriable(41, 'this broker is not the controller'),
  INVALID_REQUEST: final(42, 'the request contradicts itself or the protocol'),
  UNSUPPORTED_FOR_MESSAGE_FORMAT: final(43, 'the stored message format cannot serve this request'),
  POLICY_VIOLATION: final(44, 'a policy of the cluster forbids this'),
  OUT_OF_ORDER_SEQUENCE_NUMBER: final(45, "the producer's sequence number does not follow its last one"),
  DUPLICATE_SEQUENCE_NUMBER: final(46, "the producer's sequence number was used already"),
  INVALID_PRODUCER_EPOCH: final(47, "the producer's epoch is an old one"),
  INVALID_TXN_STATE: final(48, 'the transaction is not in a state that allows this'),
  INVALID_PRODUCER_ID_MAPPING: final(49, 'the producer id does not belong to the transactional id now'),
  INVALID_TRANSACTION_TIMEOUT: final(50, 'the transaction timeout is longer than the broker allows'),
  CONCURRENT_TRANSACTIONS: retriable(51, 'another operation on the transaction is under way'),
  TRANSACTION_COORDINATOR_FENCED: final(52, "the sender no longer coordinates the producer's transactions"),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: final(53, 'not authorized for the transactional id'),
  SECURITY_DISABLED: final(54, 'security is switched off'),
  OPERATION_NOT_ATTEMPTED: final(55, 'not tried, because another part of the request failed'),
  KAFKA_STORAGE_ERROR: retriable(56, 'the storage failed'),
  LOG_DIR_NOT_FOUND: final(57, 'there is no such log directory'),
  SASL_AUTHENTICATION_FAILED: final(58, 'authentication failed'),
  UNKNOWN_PRODUCER_ID: final(59, 'the partition knows nothing of the producer id'),
  REASSIGNMENT_IN_PROGRESS: final(60, 'the partition is being reassigned'),
  DELEGATION_TOKEN_AUTH_DISABLED: final(61, 'delegation tokens are switched off'),
  DELEGATION_TOKEN_NOT_FOUND: final(62, 'there is no such delegation token'),
  DELEGATION_TOKEN_OWNER_MISMATCH: final(63, 'the principal neither owns nor may renew the delegation token'),
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: final(64, 'delegation tokens cannot be asked for on this connection'),
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: final(65, 'not authorized for the delegation token'),
  DELEGATION_TOKEN_EXPIRED: final(66, 'the delegation token has expired'),
  INVALID_PRINCIPAL_TYPE: final(67, 'the type of principal is not supported'),
  NON_EMPTY_GROUP: final(68, 'the group has members'),
  GROUP_ID_NOT_FOUND: final(69, 'there is no such group'),
  FETCH_SESSION_ID_NOT_FOUND: retriable(70, 'there is no such fetch session'),
  INVALID_FETCH_SESSION_EPOCH: retriable(71, "this is not the fetch session's epoch"),
  LISTENER_NOT_FOUND: retriable(72, 'the leader has no listener like the one that was asked'),
  TOPIC_DELETION_DISABLED: final(73, 'topics cannot be deleted here'),
  FENCED_LEADER_EPOCH: retriable(74, "the leader epoch is older than the broker's"),
  UNKNOWN_LEADER_EPOCH: retriable(75, "the leader epoch is newer than the broker's"),
  UNSUPPORTED_COMPRESSION_TYPE: final(76, "the client cannot read the partition's compression"),
  STALE_BROKER_EPOCH: final(77, "the broker's epoch has changed"),
  OFFSET_NOT_AVAILABLE: retriable(78, 'the new leader does not know the end of the partition yet'),
  MEMBER_ID_REQUIRED: final(79, 'join again with the member id given here'),
  PREFERRED_LEADER_NOT_AVAILABLE: retriable(80, 'the preferred leader is not available'),
  GROUP_MAX_SIZE_REACHED: final(81, 'the group is full'),
  FENCED_INSTANCE_ID: final(82, 'another member has taken over this group instance id'),
  ELIGIBLE_LEADERS_NOT_AVAILABLE: retriable(83, 'no replica that could lead is available'),
  ELECTION_NOT_NEEDED: retriable(84, 'the partition needs no election'),
  NO_REASSIGNMENT_IN_PROGRESS: final(85, 'the partition is not being reassigned'),
  GROUP_SUBSCRIBED_TO_TOPIC: final(86, 'the group subscribes to the topic now'),
  INVALID_RECORD: final(87, "a record does not meet the topic's rules"),
  UNSTABLE_OFFSET_COMMIT: retriable(88, 'an open transaction has offsets that are not decided yet'),
  THROTTLING_QUOTA_EXCEEDED: retriable(89, 'a quota is exceeded'),
  PRODUCER_FENCED: final(90, 'a newer producer has the same transactional id'),
  RESOURCE_NOT_FOUND: final(91, 'there is no such resource'),
  DUPLICATE_RESOURCE: final(92, 'the request names a resource twice'),
  UNACCEPTABLE_CREDENTIAL: final(93, 'the credential does not meet the rules'),
  INCONSISTENT_VOTER_SET: final(94, 'sender or receiver is not a voter'),
  INVALID_UPDATE_VERSION: final(95, 'the version to update to is not valid'),
  FEATURE_UPDATE_FAILED: final(96, 'the features could not be updated'),
  PRINCIPAL_DESERIALIZATION_FAILURE: final(97, "a forwarded request's principal cannot be read"),
  SNAPSHOT_NOT_FOUND: final(98, 'there is no such snapshot'),
  POSITION_OUT_OF_RANGE: final(99, 'the position is outside the snapshot'),
  UNKNOWN_TOPIC_ID: retriable(100, 'there is no topic with this id'),
  DUPLICATE_BROKER_REGISTRATION: final(101, 'the broker id is in use'),
  BROKER_ID_NOT_REGISTERED: final(102, 'there is no such broker'),
  INCONSISTENT_TOPIC_ID: retriable(103, 'the partition belongs to another topic id'),
  INCONSISTENT_CLUSTER_ID: final(104, 'this is another cluster'),
  TRANSACTIONAL_ID_NOT_FOUND: final(105, 'there is no such transactional id'),
  FETCH_SESSION_TOPIC_ID_ERROR: retriable(106, 'the fetch session mixes topic ids and names'),
  INELIGIBLE_REPLICA: final(107, 'a replica may not join the in-sync ones'),
  NEW_LEADER_ELECTED: final(108, 'done, and another leader was elected'),
  OFFSET_MOVED_TO_TIERED_STORAGE: final(109, 'the offset has moved to tiered storage'),
  FENCED_MEMBER_EPOCH: final(110, "the member's epoch is fenced; drop all partitions and join again"),
  UNRELEASED_INSTANCE_ID: final(111, 'another member has this instance id and must leave first'),
  UNSUPPORTED_ASSIGNOR: final(112, 'the group does not support the assignor'),
  STALE_MEMBER_EPOCH: final(113, "the member's epoch is old; try again after the next heartbeat"),
  MISMATCHED_ENDPOINT_TYPE: final(114, 'this endpoint is of another type'),
  UNSUPPORTED_ENDPOINT_TYPE: final(115, 'endpoints of this type are not supported'),
  UNKNOWN_CONTROLLER_ID: final(116, "the controller's id is not known"),
  UNKNOWN_SUBSCRIPTION_ID: final(117, 'the telemetry subscription is unknown or outdated'),
  TELEMETRY_TOO_LARGE: final(118, 'the telemetry is larger than the broker takes'),
  INVALID_REGISTRATION: final(119, "the broker's registration is not valid"),
  TRANSACTION_ABORTABLE: final(120, 'the transaction failed; abort it to go on'),
  INVALID_RECORD_STATE: final(121, 'the records are not in a state that can be acknowledged so'),
  SHARE_SESSION_NOT_FOUND: retriable(122, 'there is no such share session'),
  INVALID_SHARE_SESSION_EPOCH: retriable(123, "this is not the share session's epoch"),
  FENCED_STATE_EPOCH: final(124, "the state epoch does not match the coordinator's"),
  INVALID_VOTER_KEY: final(125, "the voter's key is not the receiver's"),
  DUPLICATE_VOTER: final(126, 'the voter is one already'),
  VOTER_NOT_FOUND: final(127, 'there is no such voter'),
  INVALID_REGULAR_EXPRESSION: final(128, 'the regular expression is not valid'),
  REBOOTSTRAP_REQUIRED: final(129, "the client's metadata is stale; bootstrap again"),
  STREAMS_INVALID_TOPOLOGY: final(130, 'the Streams topology is not valid'),
  STREAMS_INVALID_TOPOLOGY_EPOCH: final(131, "the Streams topology's epoch is not valid"),
  STREAMS_TOPOLOGY_FENCED: final(132, "the Streams topology's epoch is an old one"),
  SHARE_SESSION_LIMIT_REACHED: retriable(133, 'there are as many share sessions as the broker allows'),
  GROUP_DELETION_FAILED: final(134, 'the group could not be deleted'),
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: final(135, "the topology's description could not be stored"),
  CONTROLLER_ID_NOT_REGISTERED: final(136, 'there is no such controller'),
} as const satisfies Record<string, KafkaError>

export type ErrorName = keyof typeof kafkaErrors

const entries = Object.entries(kafkaErrors) as [ErrorName, KafkaError][]
const namesByCode: ReadonlyMap<number, ErrorName> = new Map(entries.map(([name, { code }]) => [code, name]))

/** The number of each error: `errorCodes.UNKNOWN_TOPIC_OR_PARTITION` is 3. */
export const errorCodes = Object.fromEntries(entries.map(([name, { code }]) => [name, code])) as Readonly<
  Record<ErrorName, number>
>

/** The name of a code, UNKNOWN_SERVER_ERROR where Kafka has none. */
export function errorName(code: number): ErrorName {
  return namesByCode.get(code) ?? 'UNKNOWN_SERVER_ERROR'
}

function retriable(code: number, message: string): KafkaError {
  return { code, retriable: true, message }
}

function final(code: number, message: string): KafkaError {
  return { code, retriable: false, message }
}
