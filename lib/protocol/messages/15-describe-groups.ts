/** State and members of classic groups. */
import {
  api,
  array,
  boolean,
  bytes,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  since,
  string,
} from '../kernel/index.ts'

export const DescribeGroupsRequest = message({
  api: 15,
  versions: [0, 6],
  flexible: 5,
  fields: { groups: array(string), includeAuthorizedOperations: since(3, boolean, false) },
})
export type DescribeGroupsRequest = Message<typeof DescribeGroupsRequest>

export const DescribeGroupsResponse = message({
  api: 15,
  versions: [0, 6],
  flexible: 5,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    groups: array({
      errorCode: int16,
      errorMessage: since(6, nullableString, null),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array({
        memberId: string,
        groupInstanceId: since(4, nullableString, null),
        clientId: string,
        clientHost: string,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: since(3, int32, -2147483648),
    }),
  },
})
export type DescribeGroupsResponse = Message<typeof DescribeGroupsResponse>

export const DescribeGroups = api({
  name: 'DescribeGroups',
  request: DescribeGroupsRequest,
  response: DescribeGroupsResponse,
})
