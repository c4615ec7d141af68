/**
 * The gateways that a partition is said to have replicas at. Every gateway serves every partition; these are named so that a
 * client with a rack of its own finds one in its zone (KIP-392): the leader, and one gateway of each other zone, by rendezvous too, so
 * that a zone's reads of a shard meet in one memory. Gateways without a rack are in no zone.
 */
import type { Topic } from '../log/index.ts'
import type { Cluster, Gateway } from './cluster.ts'
import { isHere } from './coordination.ts'
import { chooseNode } from './rendezvous.ts'

/** The leader first. */
export function replicasOf(topic: Topic, partition: number, cluster: Cluster): readonly Gateway[] {
  const shard = Math.floor(partition / topic.shardSize)
  const leader = cluster.leaderOf(topic.id, shard)
  const zones = new Set<string>()
  for (const { rack } of cluster.gateways()) if (rack !== null && rack !== leader.rack) zones.add(rack)
  return [leader, ...[...zones].sort().map(rack => inZone(rack, topic, shard, cluster)!)]
}

/** Where a client of this rack is to fetch from; undefined: here. */
export function preferredReplica(
  clientRack: string,
  topic: Topic,
  partition: number,
  cluster: Cluster,
): Gateway | undefined {
  if (clientRack === '') return undefined
  const own = cluster.gateways().find(({ nodeId }) => nodeId === cluster.nodeId)
  if (own?.rack === clientRack) return undefined
  const shard = Math.floor(partition / topic.shardSize)
  const leader = cluster.leaderOf(topic.id, shard)
  const preferred = leader.rack === clientRack ? leader : inZone(clientRack, topic, shard, cluster)
  // Behind one address for all a client cannot choose, and would be sent round and round.
  return preferred && !isHere(preferred, cluster) ? preferred : undefined
}

function inZone(rack: string, topic: Topic, shard: number, cluster: Cluster): Gateway | undefined {
  return chooseNode(
    `${topic.id}/${shard}`,
    cluster.gateways().filter(gateway => gateway.rack === rack),
  )
}
