/** Which groups and transactional ids this gateway answers for. */
import { GroupError } from '../groups/index.ts'
import type { Cluster } from './cluster.ts'
import type { Broker } from './handler.ts'

/** `key`: a group's id, or a transactional id. */
export function coordinates(key: string, { cluster }: Broker): boolean {
  return isCoordinator(key, cluster)
}

/** True also where the coordinator has our address: behind one address for all, clients cannot choose. */
export function isCoordinator(key: string, cluster: Cluster): boolean {
  const coordinator = cluster.coordinatorOf(key)
  if (coordinator.nodeId === cluster.nodeId) return true
  const own = cluster.gateways().find(({ nodeId }) => nodeId === cluster.nodeId)
  return own !== undefined && own.host === coordinator.host && own.port === coordinator.port
}

/** @throws GroupError NOT_COORDINATOR */
export function checkCoordinates(groupId: string, broker: Broker): void {
  if (!coordinates(groupId, broker)) throw new GroupError('NOT_COORDINATOR', `another gateway coordinates '${groupId}'`)
}
