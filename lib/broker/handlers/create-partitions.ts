/**
 * CreatePartitions, versions 0 to 3: raises the number of partitions. Each topic succeeds or fails for itself.
 *
 * Departures from Apache Kafka: of a manual assignment only the number of partitions is kept.
 */
import { flawOfGrowth } from '../../log/index.ts'
import {
  CreatePartitions,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  type Message,
  type MessageInput,
} from '../../protocol/index.ts'
import { type ErrorName, errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'
import { findRepeated } from '../repeated.ts'
import { flawOfAssignment } from '../replica-assignment.ts'
import { lookUpTopic } from '../topic-lookup.ts'

type Asked = Message<typeof CreatePartitionsRequest>['topics'][number]
type Answer = MessageInput<typeof CreatePartitionsResponse>['results'][number]

export const createPartitions = handler(CreatePartitions, {
  async handle(request, context) {
    const repeated = findRepeated(request.topics, topic => topic.name)
    const asked = request.topics.filter(topic => !repeated.has(topic.name))
    return {
      throttleTimeMs: 0,
      results: [
        ...[...repeated].map(name => refuse(name, 'INVALID_REQUEST', 'Duplicate topic name.')),
        ...(await Promise.all(asked.map(topic => addPartitions(topic, request.validateOnly, context)))),
      ],
    }
  },
})

async function addPartitions(asked: Asked, validateOnly: boolean, broker: Broker): Promise<Answer> {
  const { name, count, assignments } = asked
  const topic = await lookUpTopic({ name }, broker)
  if (typeof topic === 'number') return { name, errorCode: topic, errorMessage: null }
  const added = count - topic.partitions
  if (assignments !== null && added > 0 && assignments.length !== added) {
    return refuse(
      name,
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    )
  }
  const flaw = assignments?.map(({ brokerIds }) => flawOfAssignment(brokerIds, broker.cluster)).find(found => found)
  if (flaw !== undefined) return refuse(name, 'INVALID_REPLICA_ASSIGNMENT', flaw)
  if (validateOnly) {
    const flaw = flawOfGrowth(topic, count)
    return flaw === undefined ? accept(name) : refuse(name, 'INVALID_PARTITIONS', flaw)
  }
  try {
    // What was looked up may be a little old: the log knows whether the number grows.
    await broker.log.topics.addPartitions(name, count)
    return accept(name)
  } catch (error) {
    return { name, errorCode: errorCodeOf(error, broker.logger), errorMessage: errorMessageOf(error) }
  }
}

function accept(name: string): Answer {
  return { name, errorCode: 0, errorMessage: null }
}

function refuse(name: string, error: ErrorName, errorMessage: string): Answer {
  return { name, errorCode: errorCodes[error], errorMessage }
}
