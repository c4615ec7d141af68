/** A share group's member: join, keep alive, leave (KIP-932). */
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
  string,
  uuid,
} from '../kernel/index.ts'

const topicPartitions = { topicId: uuid, partitions: array(int32) }

export const ShareGroupHeartbeatRequest = message({
  api: 76,
  versions: [1, 1],
  flexible: 0,
  fields: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    rackId: nullableString,
    subscribedTopicNames: nullableArray(string),
  },
})
export type ShareGroupHeartbeatRequest = Message<typeof ShareGroupHeartbeatRequest>

export const ShareGroupHeartbeatResponse = message({
  api: 76,
  versions: [1, 1],
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
export type ShareGroupHeartbeatResponse = Message<typeof ShareGroupHeartbeatResponse>

export const ShareGroupHeartbeat = api({
  name: 'ShareGroupHeartbeat',
  request: ShareGroupHeartbeatRequest,
  response: ShareGroupHeartbeatResponse,
})
