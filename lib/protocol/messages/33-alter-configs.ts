/** Sets all configs of resources anew; what is left out goes back to its default. */
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
  string,
} from '../kernel/index.ts'

export const AlterConfigsRequest = message({
  api: 33,
  versions: [0, 2],
  flexible: 2,
  fields: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({ name: string, value: nullableString }),
    }),
    validateOnly: boolean,
  },
})
export type AlterConfigsRequest = Message<typeof AlterConfigsRequest>

export const AlterConfigsResponse = message({
  api: 33,
  versions: [0, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: int32,
    responses: array({ errorCode: int16, errorMessage: nullableString, resourceType: int8, resourceName: string }),
  },
})
export type AlterConfigsResponse = Message<typeof AlterConfigsResponse>

export const AlterConfigs = api({ name: 'AlterConfigs', request: AlterConfigsRequest, response: AlterConfigsResponse })
