/**
 * FindCoordinator, versions 0 to 6: the gateway that coordinates a group, a transactional id, or from version 6 on the
 * state of a share partition (key type 2); several keys from version 4 on.
 *
 * Departures from Apache Kafka: a coordinator is always there; the key of a share partition is not taken apart, for any
 * gateway keeps its state.
 */
import { FindCoordinator } from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

/** Group, transactional id, share partition; and the version since which there are such keys. */
const keyTypes = [0, 0, 6] as const
const batchVersion = 4
const nobody = { nodeId: -1, host: '', port: -1 }

export const findCoordinator = handler(FindCoordinator, {
  handle(request, { apiVersion, cluster }) {
    const find = (key: string) => findFor(key, { keyType: request.keyType, apiVersion }, cluster)
    // As Kafka does: the old versions name the error that there is none.
    if (apiVersion < batchVersion) {
      const found = find(request.key)
      return { ...found, errorMessage: found.errorMessage || 'NONE' }
    }
    return { coordinators: request.coordinatorKeys.map(key => ({ key, ...find(key) })) }
  },
})

function findFor(
  key: string,
  { keyType, apiVersion }: { readonly keyType: number; readonly apiVersion: number },
  cluster: Cluster,
) {
  const since = keyTypes[keyType]
  if (since === undefined || apiVersion < since) {
    return { ...nobody, errorCode: errorCodes.INVALID_REQUEST, errorMessage: `No coordinator of type ${keyType}.` }
  }
  const { nodeId, host, port } = cluster.coordinatorOf(key)
  return { nodeId, host, port, errorCode: 0, errorMessage: '' }
}
