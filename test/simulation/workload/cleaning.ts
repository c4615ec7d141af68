/** What clients do differently in topics that are compacted. */
import type { Topic } from '../../../lib/log/index.ts'
import type { RecordKey } from './batch.ts'
import type { Client, Scene } from './client.ts'

function isCompacted({ configs }: Topic): boolean {
  return configs['cleanup.policy']?.includes('compact') === true
}

/** Writes down what may go of a topic from now on, where it is compacted. */
export function noteCleaning({ world, history, compacted, clocksRight }: Scene, topic: Topic): void {
  if (!compacted || !isCompacted(topic)) return
  history.push({
    kind: 'cleaning',
    topic: topic.id,
    tombstonesKeptMs: clocksRight ? compacted.deleteRetentionMs : 0,
    minLagMs: clocksRight ? compacted.minLagMs : 0,
    invoked: world.tick(),
    completed: world.tick(),
  })
}

/** For `count` records; undefined where the topic has none. */
export function drawKeys({ scene, rng }: Client, topic: Topic, count: number): RecordKey[] | undefined {
  const { compacted } = scene
  if (!compacted || !isCompacted(topic)) return undefined
  return Array.from({ length: count }, () => {
    return { key: `k${rng.below(compacted.keys)}`, isTombstone: rng.chance(compacted.tombstoneChance) }
  })
}
