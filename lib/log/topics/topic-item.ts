/**
 * The two documents of a topic. `topics` / <name> says which id the name has now and whether it is being deleted;
 * `t#<id>` / `topic` says what the topic is. A name made anew gets a new id, so nothing of the old life fits the new one.
 */
import { ByteReader, ByteWriter, CorruptDataError, checkFormat } from '../../base/index.ts'
import type { ItemKey } from '../../storage/index.ts'
import type { Topic } from '../contract.ts'

export const TOPIC_NAMES = 'topics'
const FORMAT_VERSION = 1

export interface TopicName {
  readonly id: string
  /**
   * `deleting`: whoever meets it may finish the deletion. `deleted`: a tombstone, kept until all is removed that
   * others keep by the topic's id.
   */
  readonly state: (typeof STATES)[number]
}

const STATES = ['live', 'deleting', 'deleted'] as const

export function topicNameKey(name: string): ItemKey {
  return { pk: TOPIC_NAMES, sk: name }
}

export function topicKey(id: string): ItemKey {
  return { pk: `t#${id}`, sk: 'topic' }
}

export function encodeTopicName(name: TopicName): Uint8Array {
  const writer = new ByteWriter(32).uint8(FORMAT_VERSION).uint8(STATES.indexOf(name.state))
  return writer.raw(Buffer.from(name.id, 'hex')).finish()
}

/** @throws CorruptDataError */
export function decodeTopicName(bytes: Uint8Array): TopicName {
  const reader = openDocument(bytes)
  const state = STATES[reader.uint8()]
  if (!state) throw new CorruptDataError('a topic name in no known state')
  return { state, id: reader.raw(16).toString('hex') }
}

export interface StoredTopic {
  readonly topic: Topic
  /** `deleting`: it takes no partitions any more. */
  readonly state: 'live' | 'deleting'
}

export function encodeTopic({ topic, state }: StoredTopic): Uint8Array {
  const writer = new ByteWriter(128).uint8(FORMAT_VERSION).uint8(STATES.indexOf(state))
  writer.raw(Buffer.from(topic.id, 'hex')).string(topic.name)
  const configs = Object.entries(topic.configs)
  writer.uint(topic.partitions).uint(topic.shardSize).uint(configs.length)
  for (const [name, value] of configs) writer.string(name).string(value)
  return writer.finish()
}

/** @throws CorruptDataError */
export function decodeTopic(bytes: Uint8Array): StoredTopic {
  const reader = openDocument(bytes)
  const state = reader.uint8() === 0 ? 'live' : 'deleting'
  const topic = {
    id: reader.raw(16).toString('hex'),
    name: reader.string(),
    partitions: reader.uint(),
    shardSize: reader.uint(),
    configs: Object.fromEntries(reader.list(pair => [pair.string(), pair.string()] as const)),
  }
  return { topic, state }
}

function openDocument(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('topic', version, FORMAT_VERSION)
  return reader
}
