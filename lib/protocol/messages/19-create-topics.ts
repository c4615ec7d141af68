/** New topics, with their partitions and configs. */
import {
  api,
  array,
  boolean,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  since,
  string,
  tagged,
  uuid,
  zeroUuid,
} from '../kernel/index.ts'

export const CreateTopicsRequest = message({
  api: 19,
  versions: [2, 7],
  flexible: 5,
  fields: {
    topics: array({
      name: string,
      numPartitions: int32,
      replicationFactor: int16,
      assignments: array({ partitionIndex: int32, brokerIds: array(int32) }),
      configs: array({ name: string, value: nullableString }),
    }),
    timeoutMs: int32,
    validateOnly: boolean,
  },
})
export type CreateTopicsRequest = Message<typeof CreateTopicsRequest>

export const CreateTopicsResponse = message({
  api: 19,
  versions: [2, 7],
  flexible: 5,
  fields: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      topicId: since(7, uuid, zeroUuid),
      errorCode: int16,
      errorMessage: nullableString,
      topicConfigErrorCode: tagged(0, 5, int16, 0),
      numPartitions: since(5, int32, -1),
      replicationFactor: since(5, int16, -1),
      configs: since(
        5,
        nullableArray({
          name: string,
          value: nullableString,
          readOnly: boolean,
          configSource: int8,
          isSensitive: boolean,
        }),
        [],
      ),
    }),
  },
})
export type CreateTopicsResponse = Message<typeof CreateTopicsResponse>

export const CreateTopics = api({ name: 'CreateTopics', request: CreateTopicsRequest, response: CreateTopicsResponse })
