/** Brokers, topics, and where each partition is led. */
import {
  api,
  array,
  between,
  boolean,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableSince,
  nullableString,
  since,
  string,
  uuid,
  zeroUuid,
} from '../kernel/index.ts'

export const MetadataRequest = message({
  api: 3,
  versions: [0, 13],
  flexible: 9,
  fields: {
    topics: nullableSince(
      1,
      nullableArray({ topicId: since(10, uuid, zeroUuid), name: nullableSince(10, nullableString) }),
    ),
    allowAutoTopicCreation: since(4, boolean, true),
    includeClusterAuthorizedOperations: between([8, 10], boolean, false),
    includeTopicAuthorizedOperations: since(8, boolean, false),
  },
})
export type MetadataRequest = Message<typeof MetadataRequest>

export const MetadataResponse = message({
  api: 3,
  versions: [0, 13],
  flexible: 9,
  fields: {
    throttleTimeMs: since(3, int32, 0),
    brokers: array({ nodeId: int32, host: string, port: int32, rack: since(1, nullableString, null) }),
    clusterId: since(2, nullableString, null),
    controllerId: since(1, int32, -1),
    topics: array({
      errorCode: int16,
      name: nullableSince(12, nullableString),
      topicId: since(10, uuid, zeroUuid),
      isInternal: since(1, boolean, false),
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: since(7, int32, -1),
        replicaNodes: array(int32),
        isrNodes: array(int32),
        offlineReplicas: since(5, array(int32), []),
      }),
      topicAuthorizedOperations: since(8, int32, -2147483648),
    }),
    clusterAuthorizedOperations: between([8, 10], int32, -2147483648),
    errorCode: since(13, int16, 0),
  },
})
export type MetadataResponse = Message<typeof MetadataResponse>

export const Metadata = api({ name: 'Metadata', request: MetadataRequest, response: MetadataResponse })
