/**
 * DescribeQuorum, versions 0 to 2: the quorum of the metadata's one partition, as of a cluster of one controller: the gateway
 * that answers is its leader and only voter, the others observe.
 *
 * Departures from Apache Kafka: there is no log of metadata, so it ends at 0 for all gateways, and each of them is up to date;
 * the leader's epoch is 0; a controller's listener is the gateway's own.
 */
import {
  DescribeQuorum,
  type DescribeQuorumRequest,
  type DescribeQuorumResponse,
  type Message,
  type MessageInput,
} from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'
import { unknownPartition } from '../kafka-texts.ts'

type Asked = Message<typeof DescribeQuorumRequest>['topics']
type Answer = MessageInput<typeof DescribeQuorumResponse>

const metadataTopic = '__cluster_metadata'

export const describeQuorum = handler(DescribeQuorum, {
  handle: ({ topics }, context) => (isOfMetadata(topics) ? quorumOf(context) : refusalOf(topics)),
})

/** As Kafka does: a request that asks for anything besides is refused as a whole. */
function isOfMetadata(topics: Asked): boolean {
  const [topic] = topics
  const isAlone = topics.length === 1 && topic!.partitions.length === 1
  return isAlone && topic!.topicName === metadataTopic && topic!.partitions[0]!.partitionIndex === 0
}

function quorumOf({ cluster, clock }: Broker): Answer {
  const gateways = cluster.gateways()
  const now = clock.now()
  const stateOf = (replicaId: number) => ({
    replicaId,
    logEndOffset: 0,
    lastFetchTimestamp: now,
    lastCaughtUpTimestamp: now,
  })
  const partition = {
    partitionIndex: 0,
    errorCode: 0,
    leaderId: cluster.nodeId,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [stateOf(cluster.nodeId)],
    observers: gateways.filter(({ nodeId }) => nodeId !== cluster.nodeId).map(({ nodeId }) => stateOf(nodeId)),
  }
  const leader = gateways.filter(({ nodeId }) => nodeId === cluster.nodeId)
  return {
    errorCode: 0,
    topics: [{ topicName: metadataTopic, partitions: [partition] }],
    nodes: leader.map(({ nodeId, host, port }) => ({ nodeId, listeners: [{ name: 'PLAINTEXT', host, port }] })),
  }
}

function refusalOf(topics: Asked): Answer {
  return {
    errorCode: 0,
    errorMessage: '',
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
        errorMessage: unknownPartition,
        leaderId: 0,
        leaderEpoch: 0,
        highWatermark: 0,
        currentVoters: [],
        observers: [],
      })),
    })),
    nodes: [],
  }
}
