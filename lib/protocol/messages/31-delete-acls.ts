/** Deletes the ACLs that fit filters, and answers which they were. */
import { api, array, int8, int16, int32, type Message, message, nullableString, string } from '../kernel/index.ts'

export const DeleteAclsRequest = message({
  api: 31,
  versions: [1, 3],
  flexible: 2,
  fields: {
    filters: array({
      resourceTypeFilter: int8,
      resourceNameFilter: nullableString,
      patternTypeFilter: int8,
      principalFilter: nullableString,
      hostFilter: nullableString,
      operation: int8,
      permissionType: int8,
    }),
  },
})
export type DeleteAclsRequest = Message<typeof DeleteAclsRequest>

export const DeleteAclsResponse = message({
  api: 31,
  versions: [1, 3],
  flexible: 2,
  fields: {
    throttleTimeMs: int32,
    filterResults: array({
      errorCode: int16,
      errorMessage: nullableString,
      matchingAcls: array({
        errorCode: int16,
        errorMessage: nullableString,
        resourceType: int8,
        resourceName: string,
        patternType: int8,
        principal: string,
        host: string,
        operation: int8,
        permissionType: int8,
      }),
    }),
  },
})
export type DeleteAclsResponse = Message<typeof DeleteAclsResponse>

export const DeleteAcls = api({ name: 'DeleteAcls', request: DeleteAclsRequest, response: DeleteAclsResponse })
