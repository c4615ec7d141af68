/**
 * AlterPartitionReassignments, versions 0 and 1 (KIP-455). A partition is assigned to the gateway that is preferred for it;
 * to assign it there again changes nothing, and no move is ever under way.
 *
 * Departures from Apache Kafka: a partition cannot be moved to other gateways by hand; any of them serves it.
 */

import type { Topic } from '../../log/index.ts'
import {
  AlterPartitionReassignments,
  type AlterPartitionReassignmentsRequest,
  type Message,
} from '../../protocol/index.ts'
import { type ErrorName, errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'
import { replicasOf } from '../partition-replicas.ts'
import { flawOfAssignment } from '../replica-assignment.ts'

type Asked = Message<typeof AlterPartitionReassignmentsRequest>['topics'][number]
type Flaw = readonly [ErrorName, string | null]

export const alterPartitionReassignments = handler(AlterPartitionReassignments, {
  async handle({ topics, allowReplicationFactorChange }, context) {
    try {
      const responses = await Promise.all(topics.map(asked => answer(asked, context)))
      return { throttleTimeMs: 0, allowReplicationFactorChange, errorCode: 0, errorMessage: null, responses }
    } catch (error) {
      return {
        throttleTimeMs: 0,
        allowReplicationFactorChange,
        errorCode: errorCodeOf(error, context.logger),
        errorMessage: errorMessageOf(error),
        responses: [],
      }
    }
  },
})

async function answer({ name, partitions }: Asked, broker: Broker) {
  const topic = await broker.log.topics.find({ name })
  return {
    name,
    partitions: partitions.map(({ partitionIndex, replicas }) => {
      const flaw: Flaw | undefined = topic
        ? flawOf(topic, partitionIndex, replicas, broker)
        : ['UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${name}.`]
      return flaw
        ? { partitionIndex, errorCode: errorCodes[flaw[0]], errorMessage: flaw[1] }
        : { partitionIndex, errorCode: 0, errorMessage: null }
    }),
  }
}

function flawOf(
  topic: Topic,
  index: number,
  replicas: readonly number[] | null,
  { cluster }: Broker,
): Flaw | undefined {
  if (index < 0 || index >= topic.partitions) {
    return ['UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${topic.name}:${index}.`]
  }
  if (replicas === null) return ['NO_REASSIGNMENT_IN_PROGRESS', null]
  const flaw = flawOfAssignment(replicas, cluster)
  if (flaw) return ['INVALID_REPLICA_ASSIGNMENT', flaw]
  const nodes = replicasOf(topic, index, cluster).map(({ nodeId }) => nodeId)
  return replicas.join() === nodes.join()
    ? undefined
    : ['INVALID_REPLICA_ASSIGNMENT', `Partition ${topic.name}:${index} is placed by Varve, at ${nodes.join(', ')} now.`]
}
