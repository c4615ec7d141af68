/** Takes away what a topic has in the stores, once its name says that it is being deleted. Whoever meets such a name may do it. */
import { type ItemStore, type ObjectStore, WRITE_OPERATIONS_MAX } from '../../storage/index.ts'
import type { Topic } from '../contract.ts'
import { removeAllExtents } from '../extent/remove-extents.ts'
import { decodeHead, encodeHead, headKey } from '../head/head.ts'
import { changeHead } from '../head/transitions.ts'
import { decodeTopic, decodeTopicName, encodeTopic, encodeTopicName, topicKey, topicNameKey } from './topic-item.ts'
import { shardsOf } from './topic-shards.ts'
import type { TopicWrites } from './topic-writes.ts'

export interface TopicDeletionParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly writes: TopicWrites
}

/**
 * The tombstone is there. Marks the topic's item too, so that no addition of partitions goes on; removes the shards
 * from the last to the first, the head of each last of all; then the item, then says that it is done.
 * @throws StoreError
 */
export async function finishDeletion(parts: TopicDeletionParts, name: string, id: string): Promise<void> {
  const { items, writes } = parts
  const item = await writes.change(topicKey(id), stored => {
    if (!stored) return undefined
    const { topic, state } = decodeTopic(stored.value)
    return state === 'deleting'
      ? undefined
      : [writes.put(stored.key, encodeTopic({ topic, state: 'deleting' }), stored)]
  })
  if (item) {
    const { topic } = decodeTopic(item.value)
    let shards = shardsOf(topic).length
    // An addition that stopped half way left heads that the topic does not know of.
    while (await items.get(headKey(id, shards))) shards++
    for (let shard = shards - 1; shard >= 0; shard--) await deleteShard(parts, topic, shard)
    await writes.deleteItem(topicKey(id))
  }
  await writes.change(topicNameKey(name), tombstone => {
    if (!tombstone || decodeTopicName(tombstone.value).id !== id) return undefined
    return [writes.put(tombstone.key, encodeTopicName({ id, state: 'deleted' }), tombstone)]
  })
}

/** Seals the head, so that no process commits; then the extents and chunks go, and the head, which is the list of what is left to do. */
async function deleteShard(parts: TopicDeletionParts, { id, shardSize }: Topic, shard: number): Promise<void> {
  const { items, writes } = parts
  const key = headKey(id, shard)
  let partitions = 0
  await writes.change(key, item => {
    const head = item && decodeHead(item.value)
    partitions = head?.partitions.length ?? 0
    return head?.state === 'open'
      ? [writes.put(key, encodeHead(changeHead(head, { state: 'sealed' })), item)]
      : undefined
  })
  for (let slot = 0; slot < partitions; slot++) await removeAllExtents(parts, id, shard * shardSize + slot)
  for (;;) {
    const page = await items.query(key.pk, { limit: WRITE_OPERATIONS_MAX })
    const chunks = page.items.filter(item => item.key.sk !== key.sk)
    if (chunks.length === 0) break
    for (const chunk of chunks) await writes.deleteItem(chunk.key)
  }
  await writes.deleteItem(key)
}
