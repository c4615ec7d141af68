/** Members leave a classic group: one up to version 2, several from 3 on. */
import {
  api,
  array,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  since,
  string,
  until,
} from '../kernel/index.ts'

export const LeaveGroupRequest = message({
  api: 13,
  versions: [0, 5],
  flexible: 4,
  fields: {
    groupId: string,
    memberId: until(2, string, ''),
    members: since(
      3,
      array({ memberId: string, groupInstanceId: nullableString, reason: since(5, nullableString, null) }),
      [],
    ),
  },
})
export type LeaveGroupRequest = Message<typeof LeaveGroupRequest>

export const LeaveGroupResponse = message({
  api: 13,
  versions: [0, 5],
  flexible: 4,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    members: since(3, array({ memberId: string, groupInstanceId: nullableString, errorCode: int16 }), []),
  },
})
export type LeaveGroupResponse = Message<typeof LeaveGroupResponse>

export const LeaveGroup = api({ name: 'LeaveGroup', request: LeaveGroupRequest, response: LeaveGroupResponse })
