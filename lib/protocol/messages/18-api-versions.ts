/** Which APIs and versions a broker serves, and its features. Its response header never is flexible (KIP-511). */
import {
  api,
  array,
  boolean,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableString,
  since,
  string,
  tagged,
} from '../kernel/index.ts'

export const ApiVersionsRequest = message({
  api: 18,
  versions: [0, 5],
  flexible: 3,
  fields: {
    clientSoftwareName: since(3, string, ''),
    clientSoftwareVersion: since(3, string, ''),
    clusterId: since(5, nullableString, null),
    nodeId: since(5, int32, -1),
  },
})
export type ApiVersionsRequest = Message<typeof ApiVersionsRequest>

export const ApiVersionsResponse = message({
  api: 18,
  versions: [0, 5],
  flexible: 3,
  fields: {
    errorCode: int16,
    apiKeys: array({ apiKey: int16, minVersion: int16, maxVersion: int16 }),
    throttleTimeMs: since(1, int32, 0),
    supportedFeatures: tagged(0, 3, array({ name: string, minVersion: int16, maxVersion: int16 }), []),
    finalizedFeaturesEpoch: tagged(1, 3, int64, -1),
    finalizedFeatures: tagged(2, 3, array({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }), []),
    zkMigrationReady: tagged(3, 3, boolean, false),
  },
})
export type ApiVersionsResponse = Message<typeof ApiVersionsResponse>

export const ApiVersions = api({ name: 'ApiVersions', request: ApiVersionsRequest, response: ApiVersionsResponse })
