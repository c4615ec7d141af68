/** The one call of a consumer group's member: join, keep alive, acknowledge, leave (KIP-848). */
import {
  api,
  array,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  since,
  string,
  uuid,
} from '../kernel/index.ts'

const topicPartitions = { topicId: uuid, partitions: array(int32) }

export const ConsumerGroupHeartbeatRequest = message({
  api: 68,
  versions: [0, 1],
  flexible: 0,
  fields: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    instanceId: nullableString,
    rackId: nullableString,
    rebalanceTimeoutMs: int32,
    subscribedTopicNames: nullableArray(string),
    subscribedTopicRegex: since(1, nullableString, null),
    serverAssignor: nullableString,
    topicPartitions: nullableArray({ topicId: uuid, partitions: array(int32) }),
  },
})
export type ConsumerGroupHeartbeatRequest = Message<typeof ConsumerGroupHeartbeatRequest>

export const ConsumerGroupHeartbeatResponse = message({
  api: 68,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    memberId: nullableString,
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    assignment: nullableStruct({ topicPartitions: array(topicPartitions) }),
  },
})
export type ConsumerGroupHeartbeatResponse = Message<typeof ConsumerGroupHeartbeatResponse>

export const ConsumerGroupHeartbeat = api({
  name: 'ConsumerGroupHeartbeat',
  request: ConsumerGroupHeartbeatRequest,
  response: ConsumerGroupHeartbeatResponse,
})
