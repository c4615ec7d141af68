/**
 * ElectLeaders, versions 0 to 2. The preferred gateway of a partition is its leader, always, so there is nothing to elect.
 *
 * Departures from Apache Kafka: none known.
 */
import { ElectLeaders, type ElectLeadersRequest, type Message } from '../../protocol/index.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'

type Asked = NonNullable<Message<typeof ElectLeadersRequest>['topicPartitions']>[number]

const electionTypes = [0, 1]

export const electLeaders = handler(ElectLeaders, {
  async handle({ topicPartitions, electionType }, context) {
    if (!electionTypes.includes(electionType)) {
      const refusal = { errorCode: errorCodes.INVALID_REQUEST, errorMessage: `Unknown election type ${electionType}` }
      return {
        throttleTimeMs: 0,
        errorCode: errorCodes.INVALID_REQUEST,
        replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
          topic,
          partitionResult: partitions.map(partitionId => ({ partitionId, ...refusal })),
        })),
      }
    }
    try {
      const results = topicPartitions
        ? await Promise.all(topicPartitions.map(asked => answer(asked, context)))
        : (await context.log.topics.list()).map(({ name }) => ({ topic: name, partitionResult: [] }))
      return { throttleTimeMs: 0, errorCode: 0, replicaElectionResults: results }
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: errorCodeOf(error, context.logger), replicaElectionResults: [] }
    }
  },
})

async function answer({ topic: name, partitions }: Asked, { log }: Broker) {
  const topic = await log.topics.find({ name })
  const unknown = (errorMessage: string) => ({ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage })
  const notNeeded = {
    errorCode: errorCodes.ELECTION_NOT_NEEDED,
    errorMessage: 'Leader election not needed for topic partition.',
  }
  return {
    topic: name,
    partitionResult: partitions.map(partitionId => {
      if (!topic) return { partitionId, ...unknown(`No such topic as ${name}`) }
      const isThere = partitionId >= 0 && partitionId < topic.partitions
      return { partitionId, ...(isThere ? notNeeded : unknown(`No such partition as ${name}-${partitionId}`)) }
    }),
  }
}
