/**
 * CreateTopics, versions 2 to 7. Each topic succeeds or fails for itself; -1 partitions means the default.
 *
 * Departures from Apache Kafka: any replication factor from 1 up is taken, because the stores replicate, and 1 is what
 * topics say they have; of a manual assignment only the number of partitions is kept; names that differ in dots and
 * underscores only may stand side by side; `timeoutMs` is not looked at, for an answer means that the topic is there.
 * With the config `varve.fork.from` the topic is made as a fork of another, where `varve.fork.at` says (Log.fork).
 */
import { forkAskedFor, type NewTopic, type Topic } from '../../log/index.ts'
import {
  CreateTopics,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
  type Message,
  type MessageInput,
} from '../../protocol/index.ts'
import { topicConfigValues } from '../config-values.ts'
import { type ErrorName, errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'
import { findRepeated } from '../repeated.ts'
import { flawOfAssignment } from '../replica-assignment.ts'

type Asked = Message<typeof CreateTopicsRequest>['topics'][number]
type Answer = MessageInput<typeof CreateTopicsResponse>['topics'][number]

const replicationFactor = 1

export const createTopics = handler(CreateTopics, {
  async handle(request, context) {
    const repeated = findRepeated(request.topics, topic => topic.name)
    const asked = request.topics.filter(topic => !repeated.has(topic.name))
    return {
      throttleTimeMs: 0,
      topics: [
        ...[...repeated].map(name => refuse(name, 'INVALID_REQUEST', 'Duplicate topic name.')),
        ...(await Promise.all(asked.map(topic => createTopic(topic, request.validateOnly, context)))),
      ],
    }
  },
})

async function createTopic(asked: Asked, validateOnly: boolean, broker: Broker): Promise<Answer> {
  const flaw = flawOf(asked, broker)
  if (flaw) return refuse(asked.name, ...flaw)
  const topic = newTopicOf(asked, broker)
  const { log } = broker
  try {
    const fork = forkAskedFor({ ...topic, configs: topic.configs ?? {}, partitions: partitionsOf(asked) })
    if (fork) {
      const made = await (validateOnly ? log.validateFork(fork) : log.fork(fork))
      return accept(validateOnly ? undefined : made, made)
    }
    if (!validateOnly) return accept(await log.topics.create(topic), topic)
    await log.topics.validate(topic)
    return accept(undefined, topic)
  } catch (error) {
    return { name: asked.name, errorCode: errorCodeOf(error, broker.logger), errorMessage: errorMessageOf(error) }
  }
}

/** What the log cannot know: the rules about assignments, replicas and absent values. */
function flawOf(asked: Asked, { cluster }: Broker): [ErrorName, string] | undefined {
  const { numPartitions, replicationFactor: replicas, assignments } = asked
  const nothing = asked.configs.find(config => config.value === null)
  if (nothing) return ['INVALID_CONFIG', `Null value not supported for topic configs: ${nothing.name}`]
  if (assignments.length === 0) {
    if (numPartitions < 1 && numPartitions !== -1)
      return ['INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.']
    if (replicas < 1 && replicas !== -1)
      return ['INVALID_REPLICATION_FACTOR', 'Replication factor must be larger than 0, or -1 to use the default value.']
    return undefined
  }
  const manual = 'A manual partition assignment was specified, but'
  if (replicas !== -1) return ['INVALID_REQUEST', `${manual} replication factor was not set to -1.`]
  if (numPartitions !== -1) return ['INVALID_REQUEST', `${manual} numPartitions was not set to -1.`]
  const [repeated] = findRepeated(assignments, ({ partitionIndex }) => partitionIndex)
  if (repeated !== undefined) {
    const message = `Found multiple manual partition assignments for partition ${repeated}`
    return ['INVALID_REPLICA_ASSIGNMENT', message]
  }
  if (assignments.some(({ partitionIndex }) => partitionIndex < 0 || partitionIndex >= assignments.length)) {
    return ['INVALID_REPLICA_ASSIGNMENT', 'partitions should be a consecutive 0-based integer sequence']
  }
  const flaw = assignments.map(({ brokerIds }) => flawOfAssignment(brokerIds, cluster)).find(found => found)
  return flaw === undefined ? undefined : ['INVALID_REPLICA_ASSIGNMENT', flaw]
}

/** undefined: the default. */
function partitionsOf({ numPartitions, assignments }: Asked): number | undefined {
  if (assignments.length > 0) return assignments.length
  return numPartitions === -1 ? undefined : numPartitions
}

function newTopicOf(asked: Asked, { config }: Broker): NewTopic {
  const { name, configs } = asked
  return {
    name,
    partitions: partitionsOf(asked) ?? config.defaultPartitions,
    configs: Object.fromEntries(configs.map(({ name, value }) => [name, value ?? ''])),
  }
}

function accept(created: Topic | undefined, { name, partitions, configs = {} }: NewTopic): Answer {
  return {
    name,
    ...(created ? { topicId: created.id } : {}),
    errorCode: 0,
    errorMessage: null,
    numPartitions: partitions,
    replicationFactor,
    configs: topicConfigValues(configs).map(({ name, value, isReadOnly, source }) => ({
      name,
      value,
      readOnly: isReadOnly,
      configSource: source,
      isSensitive: false,
    })),
  }
}

function refuse(name: string, error: ErrorName, errorMessage: string): Answer {
  return { name, errorCode: errorCodes[error], errorMessage }
}
