import type { Cluster } from './cluster.ts'

/** Whether a partition may be assigned to these brokers by hand: some, each of this cluster, each once. */
export function isReplicaSet(brokerIds: readonly number[], cluster: Cluster): boolean {
  const known = new Set(cluster.gateways().map(gateway => gateway.nodeId))
  return brokerIds.length > 0 && new Set(brokerIds).size === brokerIds.length && brokerIds.every(id => known.has(id))
}
