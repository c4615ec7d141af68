/**
 * The two documents of a topic. `topics` / <name> says which id the name has now and whether it is being deleted;
 * `t#<id>` / `topic` says what the topic is. A name made anew gets a new id, so nothing of the old life fits the new one.
 */
import { ByteReader, ByteWriter, CorruptDataError, checkFormat } from '../../base/index.ts'
import type { ItemKey } from '../../storage/index.ts'
import type { Topic } from '../contract.ts'

export const TOPIC_NAMES = 'topics'
/** Written where something is said that the first release did not know; else its version is. */
const FORMAT_VERSION = 2
const FIRST_VERSION = 1

export interface TopicName {
  readonly id: string
  /**
   * `deleting`: whoever meets it may finish the deletion. `deleted`: a tombstone, kept until all is removed that
   * others keep by the topic's id. `forking`: it is being made as a fork, or of files, and is found by nobody but upkeep.
   */
  readonly state: (typeof STATES)[number]
  /** While it is `forking`: when whoever makes it said last that it is at it, by its wall clock, ms since 1970. */
  readonly renewedAt?: number
}

const STATES = ['live', 'deleting', 'deleted', 'forking'] as const

export function topicNameKey(name: string): ItemKey {
  return { pk: TOPIC_NAMES, sk: name }
}

export function topicKey(id: string): ItemKey {
  return { pk: `t#${id}`, sk: 'topic' }
}

export function encodeTopicName({ id, state, renewedAt = 0 }: TopicName): Uint8Array {
  const writer = new ByteWriter(32).uint8(versionFor(state)).uint8(STATES.indexOf(state))
  writer.raw(Buffer.from(id, 'hex'))
  if (state === 'forking') writer.uint(renewedAt)
  return writer.finish()
}

/** @throws CorruptDataError */
export function decodeTopicName(bytes: Uint8Array): TopicName {
  const reader = openDocument(bytes)
  const state = STATES[reader.uint8()]
  if (!state) throw new CorruptDataError('a topic name in no known state')
  const id = reader.raw(16).toString('hex')
  return { state, id, ...(state === 'forking' && { renewedAt: reader.uint() }) }
}

export interface StoredTopic {
  readonly topic: Topic
  /** `deleting`: it takes no partitions any more. `forking`: it is not there yet. */
  readonly state: 'live' | 'deleting' | 'forking'
}

export function encodeTopic({ topic, state }: StoredTopic): Uint8Array {
  const writer = new ByteWriter(128).uint8(versionFor(state)).uint8(STATES.indexOf(state))
  writer.raw(Buffer.from(topic.id, 'hex')).string(topic.name)
  const configs = Object.entries(topic.configs)
  writer.uint(topic.partitions).uint(topic.shardSize).uint(configs.length)
  for (const [name, value] of configs) writer.string(name).string(value)
  return writer.finish()
}

/** @throws CorruptDataError */
export function decodeTopic(bytes: Uint8Array): StoredTopic {
  const reader = openDocument(bytes)
  const state = STATES[reader.uint8()]
  if (!state || state === 'deleted') throw new CorruptDataError('a topic in no known state')
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
  checkFormat('topic', version, FORMAT_VERSION, FIRST_VERSION)
  return reader
}

function versionFor(state: TopicName['state']): number {
  return state === 'forking' ? FORMAT_VERSION : FIRST_VERSION
}
