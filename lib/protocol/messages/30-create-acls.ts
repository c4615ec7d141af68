/** New ACLs. */
import { api, array, int8, int16, int32, type Message, message, nullableString, string } from '../kernel/index.ts'

export const CreateAclsRequest = message({
  api: 30,
  versions: [1, 3],
  flexible: 2,
  fields: {
    creations: array({
      resourceType: int8,
      resourceName: string,
      resourcePatternType: int8,
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8,
    }),
  },
})
export type CreateAclsRequest = Message<typeof CreateAclsRequest>

export const CreateAclsResponse = message({
  api: 30,
  versions: [1, 3],
  flexible: 2,
  fields: { throttleTimeMs: int32, results: array({ errorCode: int16, errorMessage: nullableString }) },
})
export type CreateAclsResponse = Message<typeof CreateAclsResponse>

export const CreateAcls = api({ name: 'CreateAcls', request: CreateAclsRequest, response: CreateAclsResponse })
