/** The ACLs that fit a filter. */
import { api, array, int8, int16, int32, type Message, message, nullableString, string } from '../kernel/index.ts'

export const DescribeAclsRequest = message({
  api: 29,
  versions: [1, 3],
  flexible: 2,
  fields: {
    resourceTypeFilter: int8,
    resourceNameFilter: nullableString,
    patternTypeFilter: int8,
    principalFilter: nullableString,
    hostFilter: nullableString,
    operation: int8,
    permissionType: int8,
  },
})
export type DescribeAclsRequest = Message<typeof DescribeAclsRequest>

export const DescribeAclsResponse = message({
  api: 29,
  versions: [1, 3],
  flexible: 2,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    resources: array({
      resourceType: int8,
      resourceName: string,
      patternType: int8,
      acls: array({ principal: string, host: string, operation: int8, permissionType: int8 }),
    }),
  },
})
export type DescribeAclsResponse = Message<typeof DescribeAclsResponse>

export const DescribeAcls = api({ name: 'DescribeAcls', request: DescribeAclsRequest, response: DescribeAclsResponse })
