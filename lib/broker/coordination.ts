/** Which groups and transactional ids this gateway answers for. */
import { GroupError } from '../groups/index.ts'
import type { Cluster, Gateway } from './cluster.ts'
import type { Broker } from './handler.ts'

/** `key`: a group's id, or a transactional id. */
export function coordinates(key: string, { cluster }: Broker): boolean {
  return isCoordinator(key, cluster)
}

/** True also where the coordinator has our address: behind one address for all, clients cannot choose. */
export function isCoordinator(key: string, cluster: Cluster): boolean {
  return isHere(cluster.coordinatorOf(key), cluster)
}

/** Whether clients that were told of `gateway` come here. */
export function isHere(gateway: Gateway, cluster: Cluster): boolean {
  if (gateway.nodeId === cluster.nodeId) return true
  const own = cluster.gateways().find(({ nodeId }) => nodeId === cluster.nodeId)
  return own !== undefined && own.host === gateway.host && own.port === gateway.port
}

/** @throws GroupError NOT_COORDINATOR */
export function checkCoordinates(groupId: string, broker: Broker): void {
  if (!coordinates(groupId, broker)) throw new GroupError('NOT_COORDINATOR', `another gateway coordinates '${groupId}'`)
}
