/** Sets, deletes, appends to or subtracts from single configs (KIP-339). */
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

export const IncrementalAlterConfigsRequest = message({
  api: 44,
  versions: [0, 1],
  flexible: 1,
  fields: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({ name: string, configOperation: int8, value: nullableString }),
    }),
    validateOnly: boolean,
  },
})
export type IncrementalAlterConfigsRequest = Message<typeof IncrementalAlterConfigsRequest>

export const IncrementalAlterConfigsResponse = message({
  api: 44,
  versions: [0, 1],
  flexible: 1,
  fields: {
    throttleTimeMs: int32,
    responses: array({ errorCode: int16, errorMessage: nullableString, resourceType: int8, resourceName: string }),
  },
})
export type IncrementalAlterConfigsResponse = Message<typeof IncrementalAlterConfigsResponse>

export const IncrementalAlterConfigs = api({
  name: 'IncrementalAlterConfigs',
  request: IncrementalAlterConfigsRequest,
  response: IncrementalAlterConfigsResponse,
})
