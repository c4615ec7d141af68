/** The transaction APIs on the wire, in the versions where they differ. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  ApiVersions,
  CreateTopics,
  DescribeProducers,
  DescribeTransactions,
  EndTxn,
  errorCodes,
  Fetch,
  InitProducerId,
  ListTransactions,
  OffsetFetch,
  Produce,
  TxnOffsetCommit,
  WriteTxnMarkers,
} from '../../lib/protocol/index.ts'
import { batchOf, valuesIn } from '../support/batches.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

let broker: TestBroker
let client: WireClient
let topicId: string

beforeEach(async () => {
  broker = await startTestBroker()
  client = await WireClient.connect(broker.port)
  const { topics } = await client.request(CreateTopics, 7, {
    topics: [{ name: 't', numPartitions: 4, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
    validateOnly: false,
  })
  topicId = topics[0]!.topicId
})

afterEach(async () => {
  client.end()
  await broker.close()
})

interface Identity {
  readonly producerId: number
  readonly producerEpoch: number
}

async function init(transactionalId = 'tx', version = 5): Promise<Identity> {
  const answer = await client.request(InitProducerId, version, { transactionalId, transactionTimeoutMs: 60_000 })
  expect(answer.errorCode).toBe(0)
  return answer
}

async function produce(version: number, identity: Identity, partition = 0, baseSequence = 0, transactionalId = 'tx') {
  const { producerId, producerEpoch } = identity
  const records = batchOf([`v${baseSequence}`], { producerId, producerEpoch, baseSequence, isTransactional: true })
  const partitionData = [{ index: partition, records: [records] }]
  const { responses } = await client.request(Produce, version, {
    transactionalId,
    acks: -1,
    timeoutMs: 10_000,
    topicData: [version >= 13 ? { topicId, partitionData } : { name: 't', partitionData }],
  })
  return responses[0]!.partitionResponses[0]!.errorCode
}

async function addPartitions(identity: Identity, partitions: number[], { version = 3, name = 't' } = {}) {
  const { resultsByTopicV3AndBelow } = await client.request(AddPartitionsToTxn, version, {
    v3AndBelowTransactionalId: 'tx',
    v3AndBelowProducerId: identity.producerId,
    v3AndBelowProducerEpoch: identity.producerEpoch,
    v3AndBelowTopics: [{ name, partitions }],
  })
  return resultsByTopicV3AndBelow[0]!.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode)
}

function end(version: number, { producerId, producerEpoch }: Identity, committed = true) {
  return client.request(EndTxn, version, { transactionalId: 'tx', producerId, producerEpoch, committed })
}

async function readCommitted(partition = 0): Promise<string[]> {
  const { responses } = await client.request(Fetch, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    isolationLevel: 1,
    topics: [{ topic: 't', partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
    forgottenTopicsData: [],
  })
  return valuesIn(responses[0]!.partitions[0]!.records)
}

async function stage(version: number, { producerId, producerEpoch }: Identity, committedOffset: number) {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
  const { topics } = await client.request(TxnOffsetCommit, version, {
    transactionalId: 'tx',
    groupId: 'g',
    producerId,
    producerEpoch,
    topics: [version >= 6 ? { topicId, partitions } : { name: 't', partitions }],
  })
  return topics[0]!.partitions[0]!.errorCode
}

async function fetchOffset(requireStable: boolean) {
  const { groups } = await client.request(OffsetFetch, 9, {
    groups: [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }],
    requireStable,
  })
  const { committedOffset, errorCode } = groups[0]!.topics[0]!.partitions[0]!
  return { committedOffset, errorCode }
}

test('ApiVersions tells clients to use the second protocol, in a form that each can read', async () => {
  const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
  const [old, fresh] = [await client.request(ApiVersions, 3, software), await client.request(ApiVersions, 4, software)]
  expect(old.supportedFeatures).toEqual([])
  expect(fresh.supportedFeatures).toContainEqual({ name: 'transaction.version', minVersion: 0, maxVersion: 2 })
  for (const { finalizedFeatures, finalizedFeaturesEpoch } of [old, fresh]) {
    expect(finalizedFeaturesEpoch).toBeGreaterThanOrEqual(0)
    expect(finalizedFeatures).toContainEqual({ name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 2 })
  }
})

describe('InitProducerId', () => {
  test('raises the epoch; an old one is refused by its name in each version', async () => {
    const first = await init()
    const second = await init()
    expect(second).toMatchObject({ producerId: first.producerId, producerEpoch: first.producerEpoch + 1 })
    const goOn = async (version: number) => {
      const expected = { producerId: first.producerId, producerEpoch: first.producerEpoch }
      const body = { transactionalId: 'tx', transactionTimeoutMs: 60_000, ...expected }
      return (await client.request(InitProducerId, version, body)).errorCode
    }
    expect(await goOn(3)).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
    expect(await goOn(4)).toBe(errorCodes.PRODUCER_FENCED)
  })

  test('refuses a timeout that is too long, and halves of an identity', async () => {
    const body = { transactionalId: 'tx', transactionTimeoutMs: 900_001 }
    expect((await client.request(InitProducerId, 5, body)).errorCode).toBe(errorCodes.INVALID_TRANSACTION_TIMEOUT)
    const half = { transactionalId: 'tx', transactionTimeoutMs: 1_000, producerId: 1 }
    expect((await client.request(InitProducerId, 5, half)).errorCode).toBe(errorCodes.INVALID_REQUEST)
  })
})

describe('Produce', () => {
  test('adds the partition from version 12 on, and wants it added before', async () => {
    const identity = await init()
    expect(await produce(9, identity)).toBe(errorCodes.INVALID_TXN_STATE)
    expect(await produce(11, identity)).toBe(errorCodes.TRANSACTION_ABORTABLE)
    expect(await produce(12, identity)).toBe(0)
    expect(await produce(13, identity, 1)).toBe(0)
    expect(await produce(9, identity, 2)).toBe(errorCodes.INVALID_TXN_STATE)
    expect(await addPartitions(identity, [2])).toEqual([0])
    expect(await produce(9, identity, 2)).toBe(0)
    expect(await readCommitted()).toEqual([])
    expect(await end(5, identity)).toMatchObject({
      errorCode: 0,
      producerId: identity.producerId,
      producerEpoch: identity.producerEpoch + 1,
    })
    expect(await readCommitted()).toEqual(['0:v0', expect.stringMatching(/^1:/)])
  })

  test('of a fenced or unknown producer is refused', async () => {
    const old = await init()
    const fresh = await init()
    for (const version of [9, 12]) {
      expect(await produce(version, old)).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
      expect(await produce(version, { ...fresh, producerId: 999 })).toBe(errorCodes.INVALID_PRODUCER_ID_MAPPING)
      expect(await produce(version, fresh, 0, 0, 'nobody')).toBe(errorCodes.INVALID_PRODUCER_ID_MAPPING)
      expect(await produce(version, fresh, 9)).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    }
  })

  test('requests of a transaction that are under way together are written in order', async () => {
    const { producerId, producerEpoch } = await init()
    const ids = Array.from({ length: 20 }, (_, baseSequence) => {
      const batch = { producerId, producerEpoch, baseSequence, isTransactional: true }
      const partitionData = [{ index: 0, records: [batchOf([`${baseSequence}`], batch)] }]
      const topicData = [{ name: 't', partitionData }]
      return client.send(Produce, 12, { transactionalId: 'tx', acks: -1, timeoutMs: 10_000, topicData })
    })
    for (const [index, id] of ids.entries()) {
      const { responses } = await client.receive(Produce, 12, id)
      expect(responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: index })
    }
  })
})

describe('AddPartitionsToTxn', () => {
  test('adds all or none', async () => {
    const identity = await init()
    const unknown = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    expect(await addPartitions(identity, [0, 9])).toEqual([errorCodes.OPERATION_NOT_ATTEMPTED, unknown])
    expect(await addPartitions(identity, [0], { name: 'nowhere' })).toEqual([unknown])
    expect(await produce(9, identity)).toBe(errorCodes.INVALID_TXN_STATE)
    const old = { ...identity, producerEpoch: identity.producerEpoch - 1 }
    expect(await addPartitions(old, [0], { version: 1 })).toEqual([errorCodes.INVALID_PRODUCER_EPOCH])
    expect(await addPartitions(old, [0], { version: 2 })).toEqual([errorCodes.PRODUCER_FENCED])
  })

  test('takes several transactions at once from version 4 on, and may only look', async () => {
    const [a, b] = [await init('a'), await init('b')]
    const add = async (version: number, verifyOnly: boolean) => {
      const transactions = [a, b].map(({ producerId, producerEpoch }, index) => {
        const topics = [{ name: 't', partitions: [index] }]
        return { transactionalId: 'ab'[index]!, producerId, producerEpoch, verifyOnly, topics }
      })
      const { resultsByTransaction } = await client.request(AddPartitionsToTxn, version, { transactions })
      return resultsByTransaction.map(each => each.topicResults[0]!.resultsByPartition[0]!.partitionErrorCode)
    }
    expect(await add(4, true)).toEqual([errorCodes.INVALID_TXN_STATE, errorCodes.INVALID_TXN_STATE])
    expect(await add(5, true)).toEqual([errorCodes.TRANSACTION_ABORTABLE, errorCodes.TRANSACTION_ABORTABLE])
    expect(await add(5, false)).toEqual([0, 0])
    expect(await add(4, true)).toEqual([0, 0])
  })
})

describe('EndTxn', () => {
  test('by each protocol: repeated, of the other outcome, and late', async () => {
    const identity = await init()
    await produce(12, identity)
    expect(await end(4, identity)).toMatchObject({ errorCode: 0 })
    expect(await end(4, identity)).toMatchObject({ errorCode: 0 })
    expect((await end(4, identity, false)).errorCode).toBe(errorCodes.INVALID_TXN_STATE)
    await produce(12, identity, 0, 1)
    const next = await end(5, identity, false)
    expect(next).toMatchObject({ errorCode: 0, producerEpoch: identity.producerEpoch + 1 })
    expect(await end(5, identity, false)).toEqual(next)
    expect((await end(5, identity)).errorCode).toBe(errorCodes.INVALID_TXN_STATE)
    await produce(12, next)
    expect((await end(5, identity)).errorCode).toBe(errorCodes.PRODUCER_FENCED)
    expect((await end(1, identity)).errorCode).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
    expect((await end(2, identity)).errorCode).toBe(errorCodes.PRODUCER_FENCED)
    expect(await end(5, { ...next, producerId: 999 })).toMatchObject({
      errorCode: errorCodes.INVALID_PRODUCER_ID_MAPPING,
      producerId: -1,
      producerEpoch: -1,
    })
  })
})

describe('offsets in transactions', () => {
  test('are added by their use from version 5 on, before by AddOffsetsToTxn', async () => {
    const identity = await init()
    expect(await stage(3, identity, 1)).toBe(errorCodes.INVALID_TXN_STATE)
    expect(await stage(4, identity, 1)).toBe(errorCodes.TRANSACTION_ABORTABLE)
    const { producerId, producerEpoch } = identity
    const added = await client.request(AddOffsetsToTxn, 3, {
      transactionalId: 'tx',
      producerId,
      producerEpoch,
      groupId: 'g',
    })
    expect(added.errorCode).toBe(0)
    expect(await stage(3, identity, 1)).toBe(0)
    expect(await fetchOffset(true)).toEqual({ committedOffset: -1, errorCode: errorCodes.UNSTABLE_OFFSET_COMMIT })
    expect(await fetchOffset(false)).toEqual({ committedOffset: -1, errorCode: 0 })
    const next = await end(5, identity)
    expect(await fetchOffset(true)).toEqual({ committedOffset: 1, errorCode: 0 })
    expect(await stage(5, next, 2)).toBe(0)
    expect(await stage(6, next, 3)).toBe(0)
    await end(5, next)
    expect(await fetchOffset(true)).toEqual({ committedOffset: 3, errorCode: 0 })
    expect(await stage(5, next, 4)).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
  })
})

describe('administration', () => {
  test('describes and lists', async () => {
    const identity = await init()
    await init('other')
    await produce(12, identity, 3)
    const described = await client.request(DescribeTransactions, 0, { transactionalIds: ['tx', 'nobody'] })
    expect(described.transactionStates).toMatchObject([
      {
        errorCode: 0,
        transactionState: 'Ongoing',
        transactionTimeoutMs: 60_000,
        producerId: identity.producerId,
        producerEpoch: identity.producerEpoch,
        topics: [{ topic: 't', partitions: [3] }],
      },
      { errorCode: errorCodes.TRANSACTIONAL_ID_NOT_FOUND, transactionalId: 'nobody' },
    ])
    const list = async (filters: {
      stateFilters?: string[]
      transactionalIdPattern?: string
      durationFilter?: number
    }) => {
      const asked = { stateFilters: [], producerIdFilters: [], ...filters }
      const { errorCode, unknownStateFilters, transactionStates } = await client.request(ListTransactions, 2, asked)
      const ids = transactionStates.map(({ transactionalId }) => transactionalId)
      return { errorCode, unknownStateFilters, ids }
    }
    const found = { errorCode: 0, unknownStateFilters: [] }
    expect(await list({})).toEqual({ ...found, ids: ['other', 'tx'] })
    expect(await list({ stateFilters: ['Ongoing'] })).toEqual({ ...found, ids: ['tx'] })
    expect(await list({ stateFilters: ['Bogus', 'Dead'] })).toEqual({
      ...found,
      unknownStateFilters: ['Bogus'],
      ids: [],
    })
    expect(await list({ transactionalIdPattern: 'o.*' })).toEqual({ ...found, ids: ['other'] })
    expect(await list({ transactionalIdPattern: 'o' })).toEqual({ ...found, ids: [] })
    expect(await list({ durationFilter: 100_000 })).toEqual({ ...found, ids: [] })
    expect((await list({ transactionalIdPattern: '(' })).errorCode).toBe(errorCodes.INVALID_REGULAR_EXPRESSION)
  })

  test('a transaction that hangs is found and aborted', async () => {
    const identity = await init()
    await produce(12, identity)
    const topics = [{ name: 't', partitionIndexes: [0, 9] }]
    const { topics: answers } = await client.request(DescribeProducers, 0, { topics })
    expect(answers[0]!.partitions).toMatchObject([
      { errorCode: 0, activeProducers: [{ ...pick(identity), lastSequence: 0, currentTxnStartOffset: 0 }] },
      { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION },
    ])
    const mark = async (transactionResult: boolean, version: number) => {
      const marker = { ...pick(identity), transactionResult, topics: [{ name: 't', partitionIndexes: [0] }] }
      const { markers } = await client.request(WriteTxnMarkers, version, {
        markers: [{ ...marker, coordinatorEpoch: 0 }],
      })
      return markers[0]!.topics[0]!.partitions[0]!.errorCode
    }
    expect(await mark(true, 2)).toBe(errorCodes.INVALID_REQUEST)
    expect(await mark(false, 1)).toBe(0)
    expect((await end(5, identity)).errorCode).toBe(errorCodes.INVALID_TXN_STATE)
    const described = await client.request(DescribeTransactions, 0, { transactionalIds: ['tx'] })
    expect(described.transactionStates[0]).toMatchObject({ transactionState: 'CompleteAbort' })
  })
})

function pick({ producerId, producerEpoch }: Identity): Identity {
  return { producerId, producerEpoch }
}
