/** State, members and assignments of consumer groups (KIP-848). */
import {
  api,
  array,
  boolean,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  since,
  string,
  struct,
  uuid,
} from '../kernel/index.ts'

const topicPartitions = { topicId: uuid, topicName: string, partitions: array(int32) }

const assignment = { topicPartitions: array(topicPartitions) }

export const ConsumerGroupDescribeRequest = message({
  api: 69,
  versions: [0, 1],
  flexible: 0,
  fields: { groupIds: array(string), includeAuthorizedOperations: boolean },
})
export type ConsumerGroupDescribeRequest = Message<typeof ConsumerGroupDescribeRequest>

export const ConsumerGroupDescribeResponse = message({
  api: 69,
  versions: [0, 1],
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
        instanceId: nullableString,
        rackId: nullableString,
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        subscribedTopicRegex: nullableString,
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: since(1, int8, -1),
      }),
      authorizedOperations: int32,
    }),
  },
})
export type ConsumerGroupDescribeResponse = Message<typeof ConsumerGroupDescribeResponse>

export const ConsumerGroupDescribe = api({
  name: 'ConsumerGroupDescribe',
  request: ConsumerGroupDescribeRequest,
  response: ConsumerGroupDescribeResponse,
})
