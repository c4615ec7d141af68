/** State, members and assignments of share groups (KIP-932). */
import {
  api,
  array,
  boolean,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  string,
  struct,
  uuid,
} from '../kernel/index.ts'

const topicPartitions = { topicId: uuid, topicName: string, partitions: array(int32) }

const assignment = { topicPartitions: array(topicPartitions) }

export const ShareGroupDescribeRequest = message({
  api: 77,
  versions: [1, 1],
  flexible: 0,
  fields: { groupIds: array(string), includeAuthorizedOperations: boolean },
})
export type ShareGroupDescribeRequest = Message<typeof ShareGroupDescribeRequest>

export const ShareGroupDescribeResponse = message({
  api: 77,
  versions: [1, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    groups: array({
      errorCode: int16,
      errorMessage: nullableString,
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      assignorName: string,
      members: array({
        memberId: string,
        rackId: nullableString,
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        assignment: struct(assignment),
      }),
      authorizedOperations: int32,
    }),
  },
})
export type ShareGroupDescribeResponse = Message<typeof ShareGroupDescribeResponse>

export const ShareGroupDescribe = api({
  name: 'ShareGroupDescribe',
  request: ShareGroupDescribeRequest,
  response: ShareGroupDescribeResponse,
})
