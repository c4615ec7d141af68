/** Gives a topic that was begun to be restored its name and configs, in one write: until then nobody finds it, from then on everybody. */
import { drawToken, type Random } from '../../base/index.ts'
import { type Item, type ItemKey, type ItemStore, StoreError, type WriteOperation } from '../../storage/index.ts'
import type { Topic } from '../contract.ts'
import { LogError } from '../errors.ts'
import { validateTopicName } from '../topics/new-topic.ts'
import { validateTopicConfigs } from '../topics/topic-configs.ts'
import {
  decodeTopic,
  decodeTopicName,
  encodeTopic,
  encodeTopicName,
  topicKey,
  topicNameKey,
} from '../topics/topic-item.ts'

interface RenameParts {
  readonly items: ItemStore
  readonly random: Random
}

const ATTEMPTS_MAX = 20

/** Processes know it by the new name some seconds later at most. @throws LogError TOPIC_EXISTS, UNKNOWN_TOPIC, INVALID_TOPIC_NAME, INVALID_CONFIG; StoreError */
export async function renameTopic(
  { items, random }: RenameParts,
  { id, name: former }: Topic,
  wanted: { readonly name: string; readonly configs: Topic['configs'] },
): Promise<void> {
  validateTopicName(wanted.name)
  validateTopicConfigs(wanted.configs)
  const put = (key: ItemKey, value: Uint8Array, replaced?: Item): WriteOperation => {
    return { kind: 'put', key, expected: replaced?.version ?? 'absent', version: drawToken(random), value }
  }
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const [target, source, topic] = await Promise.all(
      [topicNameKey(wanted.name), topicNameKey(former), topicKey(id)].map(key => items.get(key)),
    )
    const taken = target && decodeTopicName(target.value)
    // An attempt whose answer was lost.
    if (taken?.state === 'live' && taken.id === id) return
    if (taken && taken.state !== 'deleted') throw new LogError('TOPIC_EXISTS', `Topic '${wanted.name}' already exists.`)
    const name = source && decodeTopicName(source.value)
    if (!source || !topic || name?.state !== 'forking' || name.id !== id)
      throw new LogError('UNKNOWN_TOPIC', `'${former}' was given up or deleted while it was made`)
    const stored = decodeTopic(topic.value)
    const operations: WriteOperation[] = [
      put(topicNameKey(wanted.name), encodeTopicName({ id, state: 'live' }), target),
      // No tombstone: that would say that the topic is gone. A late creation finds the topic's heads.
      { kind: 'delete', key: source.key, expected: source.version },
      put(topic.key, encodeTopic({ topic: { ...stored.topic, ...wanted }, state: 'live' }), topic),
    ]
    try {
      if ((await items.write(operations)).written) return
    } catch (error) {
      if (!(error instanceof StoreError) || error.code === 'STORE_REFUSED') throw error
    }
  }
  throw new StoreError('STORE_THROTTLED', `'${wanted.name}' changed ${ATTEMPTS_MAX} times in a row`)
}
