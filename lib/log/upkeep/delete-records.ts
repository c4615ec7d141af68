/**
 * DeleteRecords: moves a partition's start up in its head, in the next write of the shard's committer. What lies below is
 * refused from then on, and taken away by upkeep later.
 */
import type { DeleteRecordsRequest } from '../contract.ts'
import { LogError } from '../errors.ts'
import { moveStart } from '../head/transitions.ts'
import { outOfRange } from '../read/locate.ts'
import type { Shards } from '../shards.ts'
import { listConfig } from '../topics/topic-configs.ts'

/** The first kept offset after it; `deadline`: monotonic, ms. @throws LogError, StoreError */
export async function deleteRecords(
  shards: Shards,
  { topic, partition, before }: DeleteRecordsRequest,
  deadline: number,
): Promise<number> {
  const { open, slot } = await shards.find(topic, partition)
  // Not against a cached head: an offset that was just acknowledged elsewhere must not be called too high.
  await open.shard.refresh()
  const state = open.shard.state?.head.partitions[slot]
  if (!state) throw new LogError('UNKNOWN_TOPIC', 'no such partition')
  if (!listConfig(topic.configs, 'cleanup.policy').includes('delete')) {
    throw new LogError('POLICY_VIOLATION', `the cleanup.policy of topic '${topic.name}' does not delete records`)
  }
  const start = before === 'end' ? state.next : before
  if (start < 0 || start > state.next) throw outOfRange(start, state)
  open.appends++
  try {
    const head = await open.committer.change(current => moveStart(current, slot, start), deadline)
    return head.partitions[slot]!.start
  } finally {
    open.appends--
  }
}
