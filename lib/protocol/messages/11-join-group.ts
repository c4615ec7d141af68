/** A classic group's member joins, or joins again after a rebalance. */
import {
  api,
  array,
  boolean,
  bytes,
  int16,
  int32,
  type Message,
  message,
  nullableSince,
  nullableString,
  since,
  string,
} from '../kernel/index.ts'

export const JoinGroupRequest = message({
  api: 11,
  versions: [0, 9],
  flexible: 6,
  fields: {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: since(1, int32, -1),
    memberId: string,
    groupInstanceId: since(5, nullableString, null),
    protocolType: string,
    protocols: array({ name: string, metadata: bytes }),
    reason: since(8, nullableString, null),
  },
})
export type JoinGroupRequest = Message<typeof JoinGroupRequest>

export const JoinGroupResponse = message({
  api: 11,
  versions: [0, 9],
  flexible: 6,
  fields: {
    throttleTimeMs: since(2, int32, 0),
    errorCode: int16,
    generationId: int32,
    protocolType: since(7, nullableString, null),
    protocolName: nullableSince(7, nullableString),
    leader: string,
    skipAssignment: since(9, boolean, false),
    memberId: string,
    members: array({ memberId: string, groupInstanceId: since(5, nullableString, null), metadata: bytes }),
  },
})
export type JoinGroupResponse = Message<typeof JoinGroupResponse>

export const JoinGroup = api({ name: 'JoinGroup', request: JoinGroupRequest, response: JoinGroupResponse })
