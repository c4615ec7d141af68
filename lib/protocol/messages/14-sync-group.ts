/** A classic group's leader hands out assignments, and every member fetches its own. */
import {
  api,
  array,
  bytes,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  since,
  string,
} from '../kernel/index.ts'

export const SyncGroupRequest = message({
  api: 14,
  versions: [0, 5],
  flexible: 4,
  fields: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, nullableString, null),
    protocolType: since(5, nullableString, null),
    protocolName: since(5, nullableString, null),
    assignments: array({ memberId: string, assignment: bytes }),
  },
})
export type SyncGroupRequest = Message<typeof SyncGroupRequest>

export const SyncGroupResponse = message({
  api: 14,
  versions: [0, 5],
  flexible: 4,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    protocolType: since(5, nullableString, null),
    protocolName: since(5, nullableString, null),
    assignment: bytes,
  },
})
export type SyncGroupResponse = Message<typeof SyncGroupResponse>

export const SyncGroup = api({ name: 'SyncGroup', request: SyncGroupRequest, response: SyncGroupResponse })
