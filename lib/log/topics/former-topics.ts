/**
 * What is known of a deleted topic when a topic is made under its name: by its tombstone, or, when that is gone, by an item that is left in its
 * place as long as producers live who may have sent to it and are too young to be forgotten by partitions (producers/producer-id-age.ts).
 *
 *   former-topics / <name> → version uint8, id 16 bytes, the producer id that was next uint
 */
import { ByteReader, ByteWriter, type Clock, checkFormat, drawToken, type Random } from '../../base/index.ts'
import { type Item, type ItemKey, type ItemStore, queryAll, type WriteOperation } from '../../storage/index.ts'
import type { FormerTopic } from '../contract.ts'
import { mayBeForgotten } from '../producers/producer-id-age.ts'
import { readNextProducerId } from '../producers/producer-ids.ts'
import { decodeTopicName } from './topic-item.ts'

export const FORMER_TOPICS = 'former-topics'
const FORMAT_VERSION = 1

interface FormerTopicsParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

/**
 * What a topic replaces that is made under a name: `found` is what was there. Where that is a tombstone, the counter of producer ids is asked after the
 * former topic's deletion was seen to be done, so whoever has sent to it has a lower id, whatever clocks say. @throws StoreError, CorruptDataError
 */
export async function formerTopicOf(
  items: ItemStore,
  name: string,
  found: Item | undefined,
): Promise<FormerTopic | undefined> {
  if (!found) return readFormerTopic(items, name)
  const { state, id } = decodeTopicName(found.value)
  return state === 'deleted' ? { id, nextProducerId: await readNextProducerId(items) } : undefined
}

/** Of one whose tombstone is gone. @throws StoreError, CorruptDataError */
export async function readFormerTopic(items: ItemStore, name: string): Promise<FormerTopic | undefined> {
  const item = await items.get(formerTopicKey(name))
  return item && decodeFormerTopic(item.value)
}

/** For the write that removes a tombstone; nothing where no producer can be there who needs it. @throws StoreError, CorruptDataError */
export async function leaveFormerTopic(
  { items, clock, random }: FormerTopicsParts,
  { name, id }: { readonly name: string; readonly id: string },
): Promise<WriteOperation[]> {
  const nextProducerId = await readNextProducerId(items)
  if (mayBeForgotten(nextProducerId, clock.now())) return []
  const key = formerTopicKey(name)
  const expected = (await items.get(key))?.version ?? 'absent'
  const value = encodeFormerTopic({ id, nextProducerId })
  return [{ kind: 'put', key, expected, version: drawToken(random), value }]
}

/** Those that nobody needs any more, `max` at most. @throws StoreError, CorruptDataError */
export async function listOldFormerTopics(items: ItemStore, now: number, max: number): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of queryAll(items, FORMER_TOPICS)) {
    if (mayBeForgotten(decodeFormerTopic(item.value).nextProducerId, now) && found.push(item) >= max) break
  }
  return found
}

export function formerTopicKey(name: string): ItemKey {
  return { pk: FORMER_TOPICS, sk: name }
}

export function encodeFormerTopic({ id, nextProducerId }: FormerTopic): Uint8Array {
  return new ByteWriter(32).uint8(FORMAT_VERSION).raw(Buffer.from(id, 'hex')).uint(nextProducerId).finish()
}

/** @throws CorruptDataError */
export function decodeFormerTopic(bytes: Uint8Array): FormerTopic {
  const reader = new ByteReader(bytes)
  checkFormat('former topic', reader.uint8(), FORMAT_VERSION)
  return { id: reader.raw(16).toString('hex'), nextProducerId: reader.uint() }
}
