/**
 * ApiVersions, versions 0 to 5. The keys are the registry's. A version that is not known is answered by the router, with
 * error 35 and its own versions in the form of version 0 (KIP-511). From version 5 on a client may say whom it means to talk to (KIP-1242).
 *
 * Departures from Apache Kafka: none known.
 */
import { ApiVersions } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { features } from '../features.ts'
import { type Handler, handler } from '../handler.ts'

/** KIP-511: what may stand in a client's software name and version. */
const softwarePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

export const apiVersions = handler(ApiVersions, {
  handle(request, { handlers, apiVersion, cluster }) {
    if (apiVersion >= 3) {
      const { clientSoftwareName, clientSoftwareVersion } = request
      if (!softwarePattern.test(clientSoftwareName) || !softwarePattern.test(clientSoftwareVersion)) {
        return { errorCode: errorCodes.INVALID_REQUEST, apiKeys: [] }
      }
    }
    const { clusterId, nodeId } = request
    if ((clusterId === null) !== nodeId < 0) return { errorCode: errorCodes.INVALID_REQUEST, apiKeys: [] }
    if (clusterId !== null && (clusterId !== cluster.clusterId || nodeId !== cluster.nodeId)) {
      return { errorCode: errorCodes.REBOOTSTRAP_REQUIRED, apiKeys: [] }
    }
    return {
      errorCode: 0,
      apiKeys: apiKeysOf(handlers),
      // Clients of version 3 refuse features that begin at 0 (KIP-1022).
      supportedFeatures: features.filter(({ minVersion }) => minVersion > 0 || apiVersion > 3),
      finalizedFeaturesEpoch: 1,
      finalizedFeatures: features.map(({ name, maxVersion }) => {
        return { name, maxVersionLevel: maxVersion, minVersionLevel: maxVersion }
      }),
    }
  },
})

export function apiKeysOf(handlers: readonly Handler[]) {
  return handlers
    .map(({ api, advertised: [minVersion, maxVersion] }) => ({ apiKey: api.key, minVersion, maxVersion }))
    .sort((a, b) => a.apiKey - b.apiKey)
}
