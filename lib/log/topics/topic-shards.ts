import type { Topic } from '../contract.ts'

/** The shards of a topic, and how many partitions each has. */
export function shardsOf(topic: Topic): { shard: number; partitions: number }[] {
  const shards: { shard: number; partitions: number }[] = []
  for (let first = 0; first < topic.partitions; first += topic.shardSize) {
    shards.push({ shard: shards.length, partitions: Math.min(topic.shardSize, topic.partitions - first) })
  }
  return shards
}
