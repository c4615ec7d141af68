/** The groups that a broker coordinates. */
import { api, array, int16, int32, type Message, message, since, string } from '../kernel/index.ts'

export const ListGroupsRequest = message({
  api: 16,
  versions: [0, 5],
  flexible: 3,
  fields: { statesFilter: since(4, array(string), []), typesFilter: since(5, array(string), []) },
})
export type ListGroupsRequest = Message<typeof ListGroupsRequest>

export const ListGroupsResponse = message({
  api: 16,
  versions: [0, 5],
  flexible: 3,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    groups: array({
      groupId: string,
      protocolType: string,
      groupState: since(4, string, ''),
      groupType: since(5, string, ''),
    }),
  },
})
export type ListGroupsResponse = Message<typeof ListGroupsResponse>

export const ListGroups = api({ name: 'ListGroups', request: ListGroupsRequest, response: ListGroupsResponse })
