/** Where Varve answers otherwise than Apache Kafka on purpose, each with its reason. */
import { topicConfigs } from '../../lib/log/index.ts'
import type { AcceptedDifference } from './comparison.ts'

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
/** Kafka says nothing where Varve says what is wrong. */
const saysMore = (kafka: unknown, varve: unknown) => kafka === null && isText(varve)
const oneOf =
  (...values: unknown[]) =>
  (kafka: unknown) =>
    values.includes(kafka)
const ownConfigs = Object.keys(topicConfigs).filter(name => name.startsWith('varve.'))

export const acceptedDifferences: readonly AcceptedDifference[] = [
  // ------------------------------------------------------------ there are no controllers, replicas and directories
  {
    api: 'ApiVersions',
    path: /^(supported|finalized)Features$/,
    values: kafka => isNamed(kafka, 'metadata.version', 'kraft.version', 'eligible.leader.replicas.version'),
    reason: "these are levels of Kafka's controllers, which Varve does not have",
  },
  {
    api: 'ApiVersions',
    path: /Features\.(max|min)Version(Level)?$/,
    values: (kafka, varve) => kafka === 2 && varve === 1,
    reason: 'share.version 2 is about dead letter queues, which Varve does not have',
  },
  {
    api: 'DescribeQuorum',
    path: /\.(leaderEpoch|highWatermark|logEndOffset|lastFetchTimestamp|lastCaughtUpTimestamp)$/,
    values: kafka => typeof kafka === 'number' && kafka > 0,
    reason: 'there is no log of metadata, so it ends at 0',
  },
  {
    api: 'DescribeQuorum',
    path: /^nodes\.listeners/,
    reason: 'the controller is the gateway, at its own address',
  },
  {
    api: 'DescribeLogDirs',
    path: /^results\.(total|usable)Bytes$/,
    reason: 'the stores have no size',
  },
  {
    api: 'CreateTopics',
    script: /too many replicas/,
    path: /^topics\.error(Code|Message)$/,
    reason: 'the stores replicate, so any replication factor is taken',
  },
  {
    api: 'ListConfigResources',
    path: /^configResources$/,
    values: (_, varve) => isNamed(varve, 'flawed-too-many-replicas'),
    reason: 'the topic of the line above',
  },
  {
    path: /configs\.(configSource|synonyms\.source|synonyms)$/,
    values: kafka => kafka === 3 || isNamed(kafka, 'min.insync.replicas'),
    reason: 'Kafka sets min.insync.replicas for all brokers when eligible leader replicas are on',
  },
  {
    path: /configs$/,
    values: (kafka, varve) => kafka === undefined && isNamed(varve, ...ownConfigs),
    reason: "Varve's own topic configs",
  },
  {
    api: 'DescribeConfigs',
    path: /^results\.configs\.readOnly$/,
    values: kafka => kafka === false,
    reason: 'gateways are configured where they are started',
  },
  {
    api: 'DescribeProducers',
    path: /coordinatorEpoch$/,
    reason: "there is one epoch of a transaction's coordinator, 0",
  },
  // ------------------------------------------------------------ Kafka fails where Varve has an answer
  {
    api: 'Metadata',
    path: /^(brokers|clusterId|controllerId|errorCode|topics)/,
    script: /^Metadata$/,
    values: (kafka, varve) =>
      kafka === undefined || kafka === null || kafka === -1 || isNamed(kafka, '') || isNamed(varve, null),
    reason: 'Kafka fails as a whole on a topic without name and id, and on ids in versions that have none',
  },
  {
    api: 'Produce',
    path: /^$/,
    values: kafka => kafka === 'no answer: time is up',
    reason: 'Kafka does not answer a request without records',
  },
  {
    api: 'CreateTopics',
    path: /^topics\.topicId$/,
    reason: 'a topic that is only checked gets no id; Kafka draws one that nothing has',
  },
  // ------------------------------------------------------------ what is refused is told
  {
    path: /errorMessage$/,
    values: saysMore,
    reason: 'Kafka gives no reason, or the general text of the code; Varve says what is wrong',
  },
  {
    api: 'FindCoordinator',
    path: /errorMessage$/,
    values: kafka => isText(kafka) && kafka.startsWith('This most likely occurs'),
    reason: 'Kafka gives the general text of the code; Varve says what is wrong',
  },
  {
    api: 'Produce',
    path: /errorMessage$/,
    values: oneOf('Partition was not added to the transaction'),
    reason: 'the same in other words',
  },
  {
    api: 'AlterPartitionReassignments',
    path: /^errorMessage$/,
    values: oneOf(''),
    reason: 'no error is no text',
  },
  // ------------------------------------------------------------ records
  {
    api: 'Produce',
    script: /^batches that cannot be$/,
    path: /(errorCode|baseOffset|logStartOffset)$/,
    reason: 'a batch that says LogAppendTime is refused (KIP-32); Kafka takes it for CreateTime',
  },
  {
    api: 'ListOffsets',
    script: /^batches that cannot be$/,
    path: /offset$/,
    reason: 'the batches of the line above',
  },
  {
    api: 'Produce',
    path: /logStartOffset$/,
    values: (kafka, varve) => kafka === 0 && varve === -1,
    reason: 'a refusal does not look up where the log begins',
  },
  {
    api: 'Produce',
    script: /^idempotent producers$/,
    path: /logAppendTimeMs$/,
    reason: "a duplicate of a topic with CreateTime has no time of its append; Kafka gives the batch's timestamp",
  },
  {
    api: 'Fetch',
    path: /records$/,
    values: kafka => isText(kafka) && kafka.startsWith('bytes '),
    reason: 'Kafka cuts the last batch off in the middle, which clients throw away; Varve sends whole batches',
  },
  // ------------------------------------------------------------ consumer and share groups
  {
    script: /^(consumer|share) groups/,
    path: /(group|assignment|member)Epoch$/,
    values: (kafka, varve) => typeof kafka === 'number' && typeof varve === 'number' && kafka > varve,
    reason: 'Kafka raises the epoch once more than needed for a first member',
  },
  {
    script: /^(consumer|share) groups/,
    path: /errorMessage$/,
    values: (kafka, varve) => isText(kafka) && isText(varve) && withoutNumbers(kafka) === withoutNumbers(varve),
    reason: 'the epochs of the line above',
  },
  {
    api: 'StreamsGroupHeartbeat',
    path: /^heartbeatIntervalMs$/,
    reason: 'members of streams groups are asked for a heartbeat each second, so that rebalances are short',
  },
  {
    script: /^streams groups/,
    path: /(^memberEpoch|\.(memberEpoch|groupEpoch|assignmentEpoch))$/,
    values: (kafka, varve) => typeof varve === 'number' && kafka === varve + 1,
    reason: 'the epochs of a streams group are counted from 1, not from 2',
  },
  {
    api: 'StreamsGroupHeartbeat',
    path: /^errorMessage$/,
    values: kafka => isText(kafka) && kafka.includes('has a greater member epoch'),
    reason: 'it tells the epochs of the line above',
  },
  {
    api: 'StreamsGroupHeartbeat',
    path: /^topologyDescriptionRequired$/,
    reason: 'Varve keeps descriptions of topologies; Kafka does so with a plug-in, which it comes without',
  },
  {
    api: 'ConsumerGroupHeartbeat',
    path: /^heartbeatIntervalMs$/,
    reason: 'members of consumer groups are asked for a heartbeat each second, so that rebalances are short',
  },
  {
    path: /configs\.(synonyms\.)?value$/,
    values: (kafka, varve) => kafka === '5000' && varve === '1000',
    reason: 'the heartbeat interval of the line above, as a config',
  },
  {
    script: /^values of group configs$/,
    path: /errorMessage$/,
    values: oneOf('consumer.heartbeat.interval.ms must be in the range 5000 to 15000 inclusive.'),
    reason: 'and its least value',
  },
  {
    script: /^(consumer|share) groups/,
    path: /errorMessage$/,
    values: (kafka, varve) =>
      isText(varve) && isText(kafka) && /regular expression|member epoch|of group|not found|Batch record/.test(kafka),
    reason: 'the same in other words',
  },
  {
    api: 'ShareFetch',
    path: /errorCode$/,
    values: oneOf(-1),
    reason: 'Kafka fails on a group that nobody has joined',
  },
  // ------------------------------------------------------------ groups and transactions
  {
    api: 'ListGroups',
    path: /^groups$/,
    values: kafka => isNamed(kafka, 'missing'),
    reason: 'Kafka keeps an empty group after a JoinGroup that it refused',
  },
  {
    api: 'AddOffsetsToTxn',
    path: /^errorCode$/,
    values: (kafka, varve) => kafka === 0 && varve === 24,
    reason: 'a group without a name is refused; Kafka adds it',
  },
  {
    api: 'ListTransactions',
    path: /^transactionStates/,
    values: kafka => isNamed(kafka, 'staged'),
    reason: 'open by the request of the line above',
  },
  {
    api: 'EndTxn',
    path: /^errorCode$/,
    values: oneOf(51),
    mayBeAbsent: true,
    reason: 'a repeated request waits for the end that is under way',
  },
  {
    path: /producerId$/,
    reason: 'the same producers: they are counted as they come up, which one difference shifts',
  },
]

function withoutNumbers(text: string): string {
  return text.replaceAll(/\d+/g, 'n')
}

function isNamed(value: unknown, ...names: (string | null)[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { name, resourceName, groupId, transactionalId } = value as Record<string, unknown>
  return [name, resourceName, groupId, transactionalId].some(own => (names as unknown[]).includes(own))
}
