/**
 * Names of deleted topics that were not used again. Each is the to-do list of what others keep by the topic's id, and goes last. The write
 * that takes it away is one that a creation from before fits no more (lib/lifetimes).
 */
import type { Random } from '../../base/index.ts'
import { markOfRemoval } from '../../lifetimes/index.ts'
import { type ItemStore, queryAll } from '../../storage/index.ts'
import { decodeTopicName, TOPIC_NAMES, topicNameKey } from './topic-item.ts'

export interface Tombstone {
  readonly name: string
  readonly id: string
}

/** `max` at most. @throws StoreError, CorruptDataError */
export async function listTombstones(items: ItemStore, max: number): Promise<Tombstone[]> {
  const found: Tombstone[] = []
  for await (const { key, value } of queryAll(items, TOPIC_NAMES)) {
    const { state, id } = decodeTopicName(value)
    if (state === 'deleted' && found.push({ name: key.sk, id }) >= max) break
  }
  return found
}

/** What is in the way leaves it for another time. @throws StoreError */
export async function removeTombstone(
  { items, random }: { readonly items: ItemStore; readonly random: Random },
  { name, id }: Tombstone,
): Promise<void> {
  const key = topicNameKey(name)
  const item = await items.get(key)
  const found = item && decodeTopicName(item.value)
  if (!item || found?.state !== 'deleted' || found.id !== id) return
  await items.write([{ kind: 'delete', key, expected: item.version }, await markOfRemoval(items, random, key)])
}
