/** What a new topic may be called and have: Kafka's rules, and Varve's bounds. */
import type { NewTopic } from '../contract.ts'
import { LogError } from '../errors.ts'
import { validateTopicConfigs } from './topic-configs.ts'

export const PARTITIONS_MAX = 10_000
const NAME_LENGTH_MAX = 249

/** @throws LogError INVALID_TOPIC_NAME, INVALID_PARTITIONS, INVALID_CONFIG */
export function validateNewTopic(topic: NewTopic): void {
  validateTopicName(topic.name)
  validatePartitions(topic.partitions)
  validateTopicConfigs(topic.configs ?? {})
}

/** Whether a topic may have the name. */
export function isTopicName(name: string): boolean {
  return flawOfName(name) === undefined
}

/** @throws LogError INVALID_TOPIC_NAME */
export function validateTopicName(name: string): void {
  const flaw = flawOfName(name)
  if (flaw) throw new LogError('INVALID_TOPIC_NAME', `Topic name is invalid: ${flaw}`)
}

/** @throws LogError INVALID_PARTITIONS */
function validatePartitions(partitions: number): void {
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_MAX) return
  throw new LogError('INVALID_PARTITIONS', tooMany(partitions))
}

/** Why the number of a topic's partitions cannot be raised to this, in Kafka's words. */
export function flawOfGrowth({ name, partitions }: NewTopic, count: number): string | undefined {
  if (count === partitions) return `Topic already has ${partitions} partition(s).`
  if (count > partitions) return count > PARTITIONS_MAX ? tooMany(count) : undefined
  return `The topic ${name} currently has ${partitions} partition(s); ${count} would not be an increase.`
}

function tooMany(partitions: number): string {
  return `a topic has 1 to ${PARTITIONS_MAX} partitions, not ${partitions}`
}

function flawOfName(name: string): string | undefined {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > NAME_LENGTH_MAX) {
    return `the length of '${name}' is longer than the max allowed length ${NAME_LENGTH_MAX}`
  }
  if (/^[a-zA-Z0-9._-]+$/.test(name)) return undefined
  return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
}
