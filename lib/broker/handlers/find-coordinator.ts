/**
 * FindCoordinator, versions 0 to 6: the gateway that coordinates a group or a transactional id; several keys from
 * version 4 on.
 *
 * Departures from Apache Kafka: a coordinator is always there; share coordinators (key type 2) are refused with
 * INVALID_REQUEST, as by a Kafka without them.
 */
import { FindCoordinator } from '../../protocol/index.ts'
import type { Cluster } from '../cluster.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

const keyTypes: readonly number[] = [0, 1]
const batchVersion = 4
const nobody = { nodeId: -1, host: '', port: -1 }

export const findCoordinator = handler(FindCoordinator, {
  handle(request, { apiVersion, cluster }) {
    const find = (key: string) => findFor(key, request.keyType, cluster)
    // As Kafka does: the old versions name the error that there is none.
    if (apiVersion < batchVersion) {
      const found = find(request.key)
      return { ...found, errorMessage: found.errorMessage || 'NONE' }
    }
    return { coordinators: request.coordinatorKeys.map(key => ({ key, ...find(key) })) }
  },
})

function findFor(key: string, keyType: number, cluster: Cluster) {
  if (!keyTypes.includes(keyType)) {
    return { ...nobody, errorCode: errorCodes.INVALID_REQUEST, errorMessage: `No coordinator of type ${keyType}.` }
  }
  const { nodeId, host, port } = cluster.coordinatorOf(key)
  return { nodeId, host, port, errorCode: 0, errorMessage: '' }
}
