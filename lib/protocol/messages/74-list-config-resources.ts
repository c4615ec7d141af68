/** The resources that have configs, by type (KIP-1142). */
import { api, array, int8, int16, int32, type Message, message, since, string } from '../kernel/index.ts'

export const ListConfigResourcesRequest = message({
  api: 74,
  versions: [0, 1],
  flexible: 0,
  fields: { resourceTypes: since(1, array(int8), []) },
})
export type ListConfigResourcesRequest = Message<typeof ListConfigResourcesRequest>

export const ListConfigResourcesResponse = message({
  api: 74,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    configResources: array({ resourceName: string, resourceType: since(1, int8, 16) }),
  },
})
export type ListConfigResourcesResponse = Message<typeof ListConfigResourcesResponse>

export const ListConfigResources = api({
  name: 'ListConfigResources',
  request: ListConfigResourcesRequest,
  response: ListConfigResourcesResponse,
})
