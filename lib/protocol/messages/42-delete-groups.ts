/** Deletes empty groups with their committed offsets. */
import { api, array, int16, int32, type Message, message, nullableString, since, string } from '../kernel/index.ts'

export const DeleteGroupsRequest = message({
  api: 42,
  versions: [0, 3],
  flexible: 2,
  fields: { groupsNames: array(string) },
})
export type DeleteGroupsRequest = Message<typeof DeleteGroupsRequest>

export const DeleteGroupsResponse = message({
  api: 42,
  versions: [0, 3],
  flexible: 2,
  fields: {
    throttleTimeMs: int32,
    results: array({ groupId: string, errorCode: int16, errorMessage: since(3, nullableString, null) }),
  },
})
export type DeleteGroupsResponse = Message<typeof DeleteGroupsResponse>

export const DeleteGroups = api({ name: 'DeleteGroups', request: DeleteGroupsRequest, response: DeleteGroupsResponse })
