import type { Cluster } from './cluster.ts'

/** Why a partition cannot be assigned to these brokers by hand, in Kafka's words; they must be of this cluster, each once. */
export function flawOfAssignment(brokerIds: readonly number[], cluster: Cluster): string | undefined {
  if (brokerIds.length === 0) return 'The manual partition assignment includes an empty replica list.'
  const known = new Set(cluster.gateways().map(gateway => gateway.nodeId))
  const sorted = brokerIds.toSorted((a, b) => a - b)
  for (const [index, id] of sorted.entries()) {
    if (!known.has(id))
      return `The manual partition assignment includes broker ${id}, but no such broker is registered.`
    if (id === sorted[index - 1]) return `The manual partition assignment includes the broker ${id} more than once.`
  }
  return undefined
}
