/** Topics and their partitions, page by page (KIP-966). */
import {
  api,
  array,
  boolean,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uuid,
} from '../kernel/index.ts'

export const DescribeTopicPartitionsRequest = message({
  api: 75,
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array({ name: string }),
    responsePartitionLimit: int32,
    cursor: nullableStruct({ topicName: string, partitionIndex: int32 }),
  },
})
export type DescribeTopicPartitionsRequest = Message<typeof DescribeTopicPartitionsRequest>

export const DescribeTopicPartitionsResponse = message({
  api: 75,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    topics: array({
      errorCode: int16,
      name: nullableString,
      topicId: uuid,
      isInternal: boolean,
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: int32,
        replicaNodes: array(int32),
        isrNodes: array(int32),
        eligibleLeaderReplicas: nullableArray(int32),
        lastKnownElr: nullableArray(int32),
        offlineReplicas: array(int32),
      }),
      topicAuthorizedOperations: int32,
    }),
    nextCursor: nullableStruct({ topicName: string, partitionIndex: int32 }),
  },
})
export type DescribeTopicPartitionsResponse = Message<typeof DescribeTopicPartitionsResponse>

export const DescribeTopicPartitions = api({
  name: 'DescribeTopicPartitions',
  request: DescribeTopicPartitionsRequest,
  response: DescribeTopicPartitionsResponse,
})
