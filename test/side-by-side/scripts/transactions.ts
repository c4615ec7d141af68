import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  DescribeProducers,
  DescribeTransactions,
  EndTxn,
  Fetch,
  FindCoordinator,
  InitProducerId,
  ListOffsets,
  ListTransactions,
  OffsetFetch,
  Produce,
  TxnOffsetCommit,
  WriteTxnMarkers,
} from '../../../lib/protocol/index.ts'
import { untilThere } from '../patience.ts'
import { batch, createTopics, fetchRequest, produceRequest } from '../requests.ts'
import { everyVersion, goOn, script } from '../script.ts'
import type { Transcript } from '../transcript.ts'

interface Producer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** Waits for the coordinator where there is none at first. Not compared. */
async function initialize(transcript: Transcript, transactionalId: string): Promise<Producer> {
  return untilThere(transactionalId, async () => {
    await transcript.prepare(FindCoordinator, 3, { key: transactionalId, keyType: 1 })
    const request = { transactionalId, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
    const { errorCode, producerId, producerEpoch } = await transcript.prepare(InitProducerId, 4, request)
    return errorCode === 0 ? { transactionalId, producerId, producerEpoch } : undefined
  })
}

function addPartitions(version: number, producer: Producer, topic: string, partitions = [0]) {
  const topics = [{ name: topic, partitions }]
  return version < 4
    ? {
        v3AndBelowTransactionalId: producer.transactionalId,
        v3AndBelowProducerId: producer.producerId,
        v3AndBelowProducerEpoch: producer.producerEpoch,
        v3AndBelowTopics: topics,
      }
    : { transactions: [{ ...producer, verifyOnly: false, topics }] }
}

function send(producer: Producer, topic: string, baseSequence: number, values: string[]) {
  const { producerId, producerEpoch, transactionalId } = producer
  const records = batch(values, { producerId, producerEpoch, baseSequence, isTransactional: true })
  return produceRequest({ topic, records, transactionalId })
}

async function look(transcript: Transcript, topic: string): Promise<void> {
  for (const isolation of [0, 1]) {
    await transcript.ask(Fetch, 11, fetchRequest({ topic, isolation }))
    await transcript.ask(ListOffsets, 6, {
      replicaId: -1,
      isolationLevel: isolation,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    })
  }
}

/** Kafka writes the markers after it has answered. */
async function settle(transcript: Transcript, topic: string, end: number): Promise<void> {
  await untilThere(`the end of a transaction in ${topic}`, async () => {
    const { responses } = await transcript.prepare(Fetch, 11, fetchRequest({ topic }))
    return responses[0]!.partitions[0]!.lastStableOffset >= end ? true : undefined
  })
}

export const transactionScripts = [
  script('InitProducerId', async transcript => {
    await initialize(transcript, 'first-of-all')
    const request = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
    await everyVersion(transcript, InitProducerId, () => request)
    await everyVersion(transcript, InitProducerId, version => ({ ...request, transactionalId: `init-${version}` }))
    await everyVersion(transcript, InitProducerId, version => ({ ...request, transactionalId: `init-${version}` }))
    await everyVersion(transcript, InitProducerId, () => ({ ...request, transactionalId: '' }))
    await everyVersion(transcript, InitProducerId, version => ({
      ...request,
      transactionalId: `late-${version}`,
      transactionTimeoutMs: 99_999_999,
    }))
    for (const transactionTimeoutMs of [0, -1]) {
      await transcript.ask(InitProducerId, 4, { ...request, transactionalId: 'zero', transactionTimeoutMs }).catch(goOn)
    }
    const known = await initialize(transcript, 'known')
    const { producerId, producerEpoch } = known
    const again = (change: { producerId?: number; producerEpoch?: number }) =>
      transcript
        .ask(InitProducerId, 4, { ...request, transactionalId: 'known', producerId, producerEpoch, ...change })
        .catch(goOn)
    await again({})
    await again({})
    await again({ producerEpoch: producerEpoch + 9 })
    await again({ producerId: 4_000_000_000 })
    await again({ producerId: -1, producerEpoch: 3 })
    await again({ producerEpoch: -1 })
  }),
  script('a transaction of the first protocol', async transcript => {
    await createTopics(transcript, { name: 'first-protocol' })
    const topic = 'first-protocol'
    const producer = await initialize(transcript, 'first-protocol')
    await transcript.ask(Produce, 9, send(producer, topic, 0, ['early'])).catch(goOn)
    await transcript.ask(AddPartitionsToTxn, 3, addPartitions(3, producer, topic))
    await transcript.ask(Produce, 9, send(producer, topic, 0, ['a', 'b']))
    await look(transcript, topic)
    await transcript.ask(DescribeTransactions, 0, { transactionalIds: ['first-protocol', 'nope'] })
    await transcript.ask(DescribeProducers, 0, { topics: [{ name: topic, partitionIndexes: [0, 9] }] })
    await transcript.ask(EndTxn, 3, { ...producer, committed: true })
    await settle(transcript, topic, 3)
    await transcript.ask(EndTxn, 3, { ...producer, committed: true })
    await transcript.ask(EndTxn, 3, { ...producer, committed: false })
    await look(transcript, topic)
    await transcript.ask(AddPartitionsToTxn, 3, addPartitions(3, producer, topic))
    await transcript.ask(Produce, 9, send(producer, topic, 2, ['c', 'd']))
    await transcript.ask(EndTxn, 3, { ...producer, committed: false })
    await settle(transcript, topic, 6)
    await look(transcript, topic)
    await transcript.ask(DescribeTransactions, 0, { transactionalIds: ['first-protocol'] })
  }),
  script('a transaction of the second protocol', async transcript => {
    const topic = 'second-protocol'
    const [topicId] = await createTopics(transcript, { name: topic })
    const producer = await initialize(transcript, 'second-protocol')
    const { producerId, producerEpoch, transactionalId } = producer
    const records = batch(['a', 'b'], { producerId, producerEpoch, baseSequence: 0, isTransactional: true })
    await transcript.ask(Produce, 13, produceRequest({ topic, topicId: topicId!, records, transactionalId }))
    await look(transcript, topic)
    const ended = await transcript.ask(EndTxn, 5, { ...producer, committed: true })
    await settle(transcript, topic, 3)
    await transcript.ask(EndTxn, 5, { ...producer, committed: true }).catch(goOn)
    await transcript.ask(EndTxn, 5, { ...producer, committed: false }).catch(goOn)
    await look(transcript, topic)
    const next = { ...producer, producerEpoch: ended.producerEpoch! }
    await transcript.ask(EndTxn, 5, { ...next, committed: false }).catch(goOn)
    await transcript.ask(EndTxn, 5, { ...next, producerEpoch: 99, committed: false }).catch(goOn)
    await transcript.ask(Produce, 12, send(producer, topic, 2, ['old'])).catch(goOn)
  }),
  script('transactions that cannot be', async transcript => {
    await createTopics(transcript, { name: 'no-transaction' })
    const producer = await initialize(transcript, 'no-transaction')
    const strangers: Producer[] = [
      { ...producer, transactionalId: 'never-initialized' },
      { ...producer, producerEpoch: producer.producerEpoch + 5 },
      { ...producer, producerId: 4_000_000_000 },
      { ...producer, transactionalId: '' },
    ]
    for (const stranger of strangers) {
      await everyVersion(transcript, EndTxn, () => ({ ...stranger, committed: true }))
      await everyVersion(transcript, AddOffsetsToTxn, () => ({ ...stranger, groupId: 'g' }))
      for (const version of [0, 1, 2, 3]) {
        await transcript
          .ask(AddPartitionsToTxn, version, addPartitions(version, stranger, 'no-transaction'))
          .catch(goOn)
      }
      for (const version of [9, 11, 12]) {
        await transcript.ask(Produce, version, send(stranger, 'no-transaction', 0, ['a'])).catch(goOn)
      }
    }
    for (const version of [0, 1, 2, 3]) {
      await transcript.ask(AddPartitionsToTxn, version, addPartitions(version, producer, 'nope')).catch(goOn)
      const both = addPartitions(version, producer, 'no-transaction', [0, 9])
      await transcript.ask(AddPartitionsToTxn, version, both).catch(goOn)
    }
    await everyVersion(transcript, EndTxn, () => ({ ...producer, committed: true }))
  }),
  script('offsets in a transaction', async transcript => {
    const [topicId] = await createTopics(transcript, { name: 'staged' })
    const producer = await initialize(transcript, 'staged')
    const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: 'm' }]
    const commit = (version: number, groupId: string) => ({
      ...producer,
      groupId,
      topics: [version >= 6 ? { topicId: topicId!, partitions } : { name: 'staged', partitions }],
    })
    for (const version of [0, 2, 3])
      await transcript.ask(TxnOffsetCommit, version, commit(version, 'staging')).catch(goOn)
    await transcript.ask(AddOffsetsToTxn, 3, { ...producer, groupId: 'staging' })
    for (const version of [0, 2, 3])
      await transcript.ask(TxnOffsetCommit, version, commit(version, 'staging')).catch(goOn)
    const member = { ...commit(3, 'staging'), generationIdOrMemberEpoch: 3, memberId: 'x' }
    await transcript.ask(TxnOffsetCommit, 3, member).catch(goOn)
    const fetch = { groupId: 'staging', topics: [{ name: 'staged', partitionIndexes: [0] }], requireStable: true }
    await transcript.ask(OffsetFetch, 7, fetch)
    await transcript.ask(OffsetFetch, 7, { ...fetch, requireStable: false })
    await transcript.ask(EndTxn, 3, { ...producer, committed: true })
    await untilThere('the committed offset', async () => {
      const { topics } = await transcript.prepare(OffsetFetch, 7, fetch)
      return topics![0]!.partitions[0]!.errorCode === 0 ? true : undefined
    })
    await transcript.ask(OffsetFetch, 7, fetch)
    await transcript.ask(AddOffsetsToTxn, 3, { ...producer, groupId: '' }).catch(goOn)
  }),
  script('looking at transactions', async transcript => {
    await transcript.ask(DescribeTransactions, 0, { transactionalIds: [] })
    await transcript.ask(DescribeTransactions, 0, { transactionalIds: ['nope', ''] })
    await transcript.ask(DescribeProducers, 0, { topics: [{ name: 'nope', partitionIndexes: [0] }] })
    await transcript.ask(DescribeProducers, 0, { topics: [] })
    const none = { stateFilters: ['Ongoing'], producerIdFilters: [] }
    await everyVersion(transcript, ListTransactions, () => none)
    await everyVersion(transcript, ListTransactions, () => ({ stateFilters: ['nope'], producerIdFilters: [] }))
    await everyVersion(transcript, ListTransactions, () => ({ stateFilters: [], producerIdFilters: [4_000_000_000] }))
    await transcript.ask(ListTransactions, 2, { ...none, transactionalIdPattern: '[' }).catch(goOn)
    await transcript.ask(ListTransactions, 2, {
      stateFilters: [],
      producerIdFilters: [],
      transactionalIdPattern: 'first-p.*',
    })
    await everyVersion(transcript, WriteTxnMarkers, () => ({ markers: [] }))
    await everyVersion(transcript, WriteTxnMarkers, () => ({
      markers: [
        {
          producerId: 4_000_000_000,
          producerEpoch: 0,
          transactionResult: false,
          coordinatorEpoch: 0,
          topics: [{ name: 'nope', partitionIndexes: [0] }],
        },
      ],
    }))
  }),
]
