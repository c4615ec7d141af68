import type { OffsetFetch } from '../checker/index.ts'
import type { GroupPlan } from '../group-plan.ts'
import type { Client } from './client.ts'

/** Groups keep offsets of this topic, which no log needs to have. */
export const TOPIC_ID = 'c'.repeat(32)

/** Asks for committed offsets, and writes down what it was told. */
export async function fetchOffsets(
  client: Client,
  group: string,
  places: readonly { readonly topicId: string; readonly partition: number }[],
): Promise<void> {
  const { world, history } = client.scene
  const fetches = places.map(
    ({ partition }): OffsetFetch => ({
      kind: 'fetch',
      group,
      partition: String(partition),
      offset: undefined,
      invoked: world.tick(),
      completed: Infinity,
    }),
  )
  history.push(...fetches)
  const found = await client.call('fetch offsets', ({ groups }) =>
    groups.fetchOffsets({ groupId: group, partitions: places, requireStable: true }),
  )
  for (const fetch of fetches) {
    const place = found.find(({ partition }) => String(partition) === fetch.partition)
    fetch.offset = place?.error ? undefined : place?.offset
    fetch.completed = world.tick()
  }
  world.note(
    client.name,
    `told that committed are ${found.map(({ partition, offset, error }) => `${partition}:${error ?? offset}`)}`,
  )
}

export function placesOf({ partitions }: GroupPlan) {
  return partitions.map(partition => ({ topicId: TOPIC_ID, partition }))
}
