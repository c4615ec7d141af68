/** Requests that many scripts send. */
import { CreateTopics, Fetch, InitProducerId, Metadata, Produce } from '../../lib/protocol/index.ts'
import { batchOf } from '../support/batches.ts'
import { untilThere } from './patience.ts'
import type { Transcript } from './transcript.ts'

export interface WantedTopic {
  readonly name: string
  readonly partitions?: number
  readonly configs?: Readonly<Record<string, string>>
}

export function newTopic({ name, partitions = 1, configs = {} }: WantedTopic) {
  return {
    name,
    numPartitions: partitions,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([configName, value]) => ({ name: configName, value })),
  }
}

/** Creates topics and waits until they take records; answers their ids in order. Not compared. */
export async function createTopics(transcript: Transcript, ...topics: readonly WantedTopic[]): Promise<string[]> {
  const request = { topics: topics.map(newTopic), timeoutMs: 20_000, validateOnly: false }
  const { topics: created } = await transcript.prepare(CreateTopics, 7, request)
  for (const topic of created) {
    if (topic.errorCode !== 0) throw new Error(`${topic.name} was not created: ${topic.errorMessage}`)
  }
  const names = topics.map(({ name }) => ({ name }))
  await untilThere(names.map(({ name }) => name).join(), async () => {
    const { topics: found } = await transcript.prepare(Metadata, 12, { topics: names })
    const fetched = await transcript.prepare(Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1,
      isolationLevel: 0,
      topics: topics.map(({ name, partitions = 1 }) => ({
        topic: name,
        partitions: Array.from({ length: partitions }, (_, partition) => ({
          partition,
          fetchOffset: 0,
          partitionMaxBytes: 1,
        })),
      })),
    })
    const codes = fetched.responses.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    return found.every(({ errorCode }) => errorCode === 0) && codes.every(code => code === 0) ? true : undefined
  })
  return topics.map(({ name }) => created.find(topic => topic.name === name)!.topicId!)
}

export const NOW = Date.now()

export function batch(values: readonly string[], options: Parameters<typeof batchOf>[1] = {}): Buffer {
  return batchOf(values, { timestamp: NOW, ...options })
}

export interface Append {
  readonly topic: string
  readonly topicId?: string
  readonly records: Uint8Array
  readonly partition?: number
  readonly acks?: number
  readonly transactionalId?: string
}

export function produceRequest(append: Append) {
  const { topic, topicId, records, partition = 0, acks = -1, transactionalId = null } = append
  const partitionData = [{ index: partition, records: [records] }]
  return {
    transactionalId,
    acks,
    timeoutMs: 20_000,
    topicData: [topicId === undefined ? { name: topic, partitionData } : { name: topic, topicId, partitionData }],
  }
}

/** Appends; not compared. */
export async function append(transcript: Transcript, options: Append): Promise<void> {
  const { responses } = await transcript.prepare(Produce, 9, produceRequest(options))
  const { errorCode } = responses[0]!.partitionResponses[0]!
  if (errorCode !== 0) throw new Error(`not appended: ${errorCode}`)
}

export interface Fetched {
  readonly topic: string
  readonly topicId?: string
  readonly offset?: number
  readonly partition?: number
  readonly isolation?: number
  readonly maxBytes?: number
  readonly epoch?: number
}

export function fetchRequest(options: Fetched) {
  const { topic, topicId, offset = 0, partition = 0, isolation = 0, maxBytes = 1_000_000, epoch = -1 } = options
  const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes, currentLeaderEpoch: epoch }]
  return {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes,
    isolationLevel: isolation,
    sessionEpoch: -1,
    topics: [topicId === undefined ? { topic, partitions } : { topic, topicId, partitions }],
  }
}

export async function newProducer(transcript: Transcript) {
  const request = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
  return untilThere('a producer id', async () => {
    const answer = await transcript.prepare(InitProducerId, 4, request)
    return answer.errorCode === 0 ? answer : undefined
  })
}
