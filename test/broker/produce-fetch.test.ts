import { afterEach, describe, expect, test } from 'vitest'
import type { Log } from '../../lib/log/index.ts'
import {
  CreateTopics,
  errorCodes,
  Fetch,
  type FetchRequest,
  InitProducerId,
  ListOffsets,
  type MessageInput,
  Produce,
} from '../../lib/protocol/index.ts'
import { batchOf, valuesIn } from '../support/batches.ts'
import { startTestBroker, type TestBroker, type TestBrokerOptions } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

let broker: TestBroker
let client: WireClient
const others: WireClient[] = []

afterEach(async () => {
  for (const other of others.splice(0)) other.end()
  client.end()
  await broker.close()
})

/** A broker with a topic `t` of four partitions, a client, and the topic's id. */
async function start(options: TestBrokerOptions = {}): Promise<string> {
  broker = await startTestBroker(options)
  client = await WireClient.connect(broker.port)
  const { topics } = await client.request(CreateTopics, 7, {
    topics: [{ name: 't', numPartitions: 4, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
    validateOnly: false,
  })
  return topics[0]!.topicId
}

async function another(): Promise<WireClient> {
  const other = await WireClient.connect(broker.port)
  others.push(other)
  return other
}

interface Sent {
  readonly version?: number
  readonly name?: string
  readonly topicId?: string
  readonly partition?: number
  readonly acks?: number
  readonly transactionalId?: string
  readonly timeoutMs?: number
}

function produceBody(records: Buffer | null, sent: Sent) {
  const { name = 't', topicId, partition = 0, acks = -1, transactionalId = null, timeoutMs = 10_000 } = sent
  return {
    transactionalId,
    acks,
    timeoutMs,
    topicData: [
      { name, ...(topicId ? { topicId } : {}), partitionData: [{ index: partition, records: records && [records] }] },
    ],
  }
}

async function produce(records: Buffer | null, sent: Sent = {}) {
  const { responses } = await client.request(Produce, sent.version ?? 9, produceBody(records, sent))
  return responses[0]!.partitionResponses[0]!
}

interface Wanted {
  readonly topicId?: string
  readonly partitions?: readonly {
    readonly partition?: number
    readonly offset?: number
    readonly maxBytes?: number
    readonly epoch?: number
  }[]
  readonly request?: Partial<MessageInput<typeof FetchRequest>>
}

function fetchBody({ topicId, partitions = [{}], request = {} }: Wanted) {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 50_000_000,
    isolationLevel: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic: 't',
        ...(topicId ? { topicId } : {}),
        partitions: partitions.map(({ partition = 0, offset = 0, maxBytes = 1_000_000, epoch = -1 }) => ({
          partition,
          currentLeaderEpoch: epoch,
          fetchOffset: offset,
          partitionMaxBytes: maxBytes,
        })),
      },
    ],
    ...request,
  }
}

describe('Produce', () => {
  test.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])('version %i appends, and answers the offset', async version => {
    const topicId = await start()
    expect(await produce(batchOf(['a', 'b']), { version, topicId })).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await produce(batchOf(['c']), { version, topicId })).toMatchObject({ errorCode: 0, baseOffset: 2 })
  })

  test('partitions of a request succeed or fail each for itself', async () => {
    await start()
    const damaged = batchOf(['x'])
    damaged[damaged.length - 1]! ^= 1
    const { responses } = await client.request(Produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [
        {
          name: 't',
          partitionData: [
            { index: 0, records: [batchOf(['fine'])] },
            { index: 1, records: [damaged] },
            { index: 2, records: [batchOf(['one']), batchOf(['two'])] },
            { index: 3, records: null },
            { index: 4, records: [batchOf(['where?'])] },
            { index: -1, records: [batchOf(['where?'])] },
          ],
        },
        { name: 'missing', partitionData: [{ index: 0, records: [batchOf(['x'])] }] },
      ],
    })
    expect(responses.map(topic => topic.partitionResponses.map(({ errorCode }) => errorCode))).toEqual([
      [
        0,
        errorCodes.CORRUPT_MESSAGE,
        errorCodes.INVALID_RECORD,
        errorCodes.INVALID_RECORD,
        errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
        errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
      ],
      [errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ])
    expect(responses[0]!.partitionResponses[1]!.errorMessage).toContain('CRC')
  })

  test('an id that no topic has', async () => {
    await start()
    const answer = await produce(batchOf(['x']), { version: 13, topicId: 'ab'.repeat(16) })
    expect(answer.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_ID)
  })

  test.each([5, -2])('acks=%i are refused', async acks => {
    await start()
    expect((await produce(batchOf(['x']), { acks })).errorCode).toBe(errorCodes.INVALID_REQUIRED_ACKS)
  })

  test.each([0, -1])('a timeout of %i ms is one for replicas, and appends all the same', async timeoutMs => {
    await start()
    expect(await produce(batchOf(['x']), { timeoutMs })).toMatchObject({ errorCode: 0, baseOffset: 0 })
  })

  test('acks=0 gets no answer, and the records are there', async () => {
    await start()
    client.send(Produce, 9, produceBody(batchOf(['quiet']), { acks: 0 }))
    const { baseOffset } = await produce(batchOf(['loud']))
    expect(baseOffset).toBe(1)
  })

  test('acks=0 with an error closes the connection', async () => {
    await start()
    client.send(Produce, 9, produceBody(batchOf(['x']), { acks: 0, name: 'missing' }))
    await client.closed()
    expect(broker.logged.join()).toContain('CLOSE_CONNECTION')
  })

  test('zstd needs version 7', async () => {
    await start()
    const batch = batchOf(['x'], { compression: 'zstd' })
    expect((await produce(batch, { version: 6 })).errorCode).toBe(errorCodes.UNSUPPORTED_COMPRESSION_TYPE)
    expect((await produce(batch, { version: 7 })).errorCode).toBe(0)
  })

  test('a batch above max.message.bytes is refused', async () => {
    await start()
    const answer = await produce(batchOf(['x'.repeat(2_000_000)]))
    expect(answer.errorCode).toBe(errorCodes.MESSAGE_TOO_LARGE)
  })

  test('an idempotent batch sent twice gets its first offset; a gap is refused', async () => {
    await start()
    const { producerId, producerEpoch } = await client.request(InitProducerId, 5, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    })
    const at = (baseSequence: number) => batchOf(['x', 'y'], { producerId, producerEpoch, baseSequence })
    await produce(batchOf(['first']))
    expect(await produce(at(0))).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(await produce(at(0))).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect((await produce(at(7))).errorCode).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(await produce(at(2))).toMatchObject({ errorCode: 0, baseOffset: 3 })
  })

  test('many requests in flight reach the log in the order sent, and are answered in it', async () => {
    await start()
    const sent = Array.from({ length: 200 }, (_, i) => client.send(Produce, 9, produceBody(batchOf([String(i)]), {})))
    for (const [i, correlationId] of sent.entries()) {
      const { responses } = await client.receive(Produce, 9, correlationId)
      expect(responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: i })
    }
  })

  test('idempotent requests pipelined keep their sequence', async () => {
    await start()
    const ids = { producerId: (await initProducer()).producerId, producerEpoch: 0 }
    const sent = Array.from({ length: 100 }, (_, baseSequence) =>
      client.send(Produce, 9, produceBody(batchOf(['x'], { ...ids, baseSequence }), {})),
    )
    for (const [i, correlationId] of sent.entries()) {
      const { responses } = await client.receive(Produce, 9, correlationId)
      expect(responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: i })
    }
  })

  test('a transactional batch needs a transactional id', async () => {
    await start()
    const transactional = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true }
    const { errorCode } = await produce(batchOf(['x'], transactional))
    expect(errorCode).toBe(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  })
})

function initProducer() {
  return client.request(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
}

describe('Fetch', () => {
  test.each([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18])(
    'version %i reads what was produced',
    async version => {
      const topicId = await start()
      await produce(batchOf(['a', 'b']))
      await produce(batchOf(['c']))
      const answer = await client.request(Fetch, version, fetchBody({ topicId, partitions: [{ offset: 1 }] }))
      const partition = answer.responses[0]!.partitions[0]!
      expect(partition).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3 })
      expect(valuesIn(partition.records)).toEqual(['0:a', '1:b', '2:c'])
      expect(answer.sessionId).toBe(0)
    },
  )

  test('stored bytes come back as they were sent, from the magic byte on', async () => {
    await start()
    const batch = batchOf(['squeezed', 'squeezed'], { compression: 'gzip' })
    await produce(batch)
    await produce(batch)
    const { responses } = await client.request(Fetch, 11, fetchBody({ partitions: [{ offset: 2 }] }))
    const records = Buffer.from(responses[0]!.partitions[0]!.records!)
    expect(records.readBigInt64BE(0)).toBe(2n)
    expect(records.subarray(16).equals(batch.subarray(16))).toBe(true)
  })

  test('errors: offsets out of range, unknown topics, ids, partitions and leader epochs', async () => {
    await start()
    await produce(batchOf(['a']))
    const codeOf = async (version: number, wanted: Wanted) =>
      (await client.request(Fetch, version, fetchBody(wanted))).responses[0]!.partitions[0]!.errorCode
    expect(await codeOf(11, { partitions: [{ offset: 2 }] })).toBe(errorCodes.OFFSET_OUT_OF_RANGE)
    expect(await codeOf(11, { partitions: [{ offset: -1 }] })).toBe(errorCodes.OFFSET_OUT_OF_RANGE)
    expect(await codeOf(11, { partitions: [{ partition: 9 }] })).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await codeOf(11, { partitions: [{ partition: -1 }] })).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await codeOf(13, { topicId: '12'.repeat(16) })).toBe(errorCodes.UNKNOWN_TOPIC_ID)
    expect(await codeOf(11, { partitions: [{ epoch: 1 }] })).toBe(errorCodes.UNKNOWN_LEADER_EPOCH)
    expect(await codeOf(11, { partitions: [{ epoch: 0 }] })).toBe(0)
  })

  test('sessions are declined, and an unknown one is not found', async () => {
    await start()
    const opened = await client.request(Fetch, 11, fetchBody({ request: { sessionId: 0, sessionEpoch: 0 } }))
    expect(opened).toMatchObject({ errorCode: 0, sessionId: 0 })
    const continued = await client.request(Fetch, 11, fetchBody({ request: { sessionId: 77, sessionEpoch: 3 } }))
    expect(continued).toMatchObject({ errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND, responses: [] })
  })

  test('waits for a record, and answers when it comes', async () => {
    await start()
    const reader = await another()
    const answer = reader.request(Fetch, 11, fetchBody({ request: { maxWaitMs: 600_000 } }))
    await produce(batchOf(['here']))
    expect(valuesIn((await answer).responses[0]!.partitions[0]!.records)).toEqual(['0:here'])
  })

  test('waits until there are minBytes', async () => {
    await start()
    const reader = await another()
    const batch = batchOf(['a'])
    const request = { maxWaitMs: 600_000, minBytes: batch.length * 3 }
    const answer = reader.request(Fetch, 11, fetchBody({ partitions: [{}, { partition: 1 }], request }))
    for (const partition of [0, 1, 0]) await produce(batch, { partition })
    const { partitions } = (await answer).responses[0]!
    expect(partitions.map(({ records }) => valuesIn(records))).toEqual([['0:a', '1:a'], ['0:a']])
  })

  test('does not wait where nothing comes in time, or where there is an error', async () => {
    await start()
    const quiet = await client.request(Fetch, 11, fetchBody({ request: { maxWaitMs: 10 } }))
    expect(quiet.responses[0]!.partitions[0]).toMatchObject({
      errorCode: 0,
      highWatermark: 0,
      records: Buffer.alloc(0),
    })
    const partitions = [{}, { partition: 99 }]
    const refused = await client.request(Fetch, 11, fetchBody({ partitions, request: { maxWaitMs: 600_000 } }))
    expect(refused.responses[0]!.partitions.map(partition => partition.errorCode)).toEqual([0, 3])
  })

  test('while one waits, the next request of its connection is worked on', async () => {
    await start()
    const waiting = client.send(Fetch, 11, fetchBody({ request: { maxWaitMs: 600_000 } }))
    const produced = client.send(Produce, 9, produceBody(batchOf(['mine']), {}))
    const fetched = await client.receive(Fetch, 11, waiting)
    expect(valuesIn(fetched.responses[0]!.partitions[0]!.records)).toEqual(['0:mine'])
    expect((await client.receive(Produce, 9, produced)).responses[0]!.partitionResponses[0]!.errorCode).toBe(0)
  })

  test('the first batch fits always, further ones only within the limits', async () => {
    await start()
    const batch = batchOf(['x'.repeat(1_000)])
    for (const partition of [1, 1, 2]) await produce(batch, { partition })
    const all = [{ partition: 0 }, { partition: 1 }, { partition: 2 }]
    const counts = async (partitionMaxBytes: number, maxBytes: number) => {
      const partitions = all.map(partition => ({ ...partition, maxBytes: partitionMaxBytes }))
      const { responses } = await client.request(Fetch, 11, fetchBody({ partitions, request: { maxBytes } }))
      return responses[0]!.partitions.map(({ records }) => valuesIn(records).length)
    }
    expect(await counts(0, 0)).toEqual([0, 1, 0])
    expect(await counts(100_000, 0)).toEqual([0, 1, 0])
    expect(await counts(1, 1)).toEqual([0, 1, 0])
    expect(await counts(100_000, 1)).toEqual([0, 1, 0])
    expect(await counts(1, 100_000)).toEqual([0, 1, 0])
    expect(await counts(batch.length, 100_000)).toEqual([0, 1, 1])
    expect(await counts(100_000, batch.length * 2)).toEqual([0, 2, 0])
    expect(await counts(100_000, 100_000)).toEqual([0, 2, 1])
  })

  test('read_committed answers a list of aborted transactions, read_uncommitted none', async () => {
    await start()
    const committed = await client.request(Fetch, 11, fetchBody({ request: { isolationLevel: 1 } }))
    expect(committed.responses[0]!.partitions[0]!.abortedTransactions).toEqual([])
    const uncommitted = await client.request(Fetch, 11, fetchBody({}))
    expect(uncommitted.responses[0]!.partitions[0]!.abortedTransactions).toBeNull()
  })

  test('a request without partitions is answered at once', async () => {
    await start()
    const answer = await client.request(Fetch, 11, fetchBody({ request: { topics: [], maxWaitMs: 600_000 } }))
    expect(answer.responses).toEqual([])
  })

  test('500 connections that fetch and do not read hold no more than the memory there is', async () => {
    const MiB = 1024 * 1024
    let reads = 0
    const counting = (log: Log): Log => ({
      ...log,
      topics: log.topics,
      producerIds: log.producerIds,
      append: request => log.append(request),
      read: request => {
        reads++
        return log.read(request)
      },
      waitForRecords: (...args) => log.waitForRecords(...args),
      findOffset: (...args) => log.findOffset(...args),
      close: () => log.close(),
    })
    await start({ limits: { memoryBytes: 16 * MiB, stalledMs: 300, sweepMs: 50 }, wrapLog: counting })
    for (let i = 0; i < 40; i++) await produce(batchOf(['x'.repeat(MiB / 5)]))
    const silent = await Promise.all(Array.from({ length: 500 }, another))
    for (const other of silent) {
      other.socket.pause()
      for (let i = 0; i < 10; i++)
        other.send(Fetch, 11, fetchBody({ partitions: [{ maxBytes: 8 * MiB }], request: { maxWaitMs: 600_000 } }))
    }
    let most = 0
    for (let quiet = 0, last = 0; quiet < 200; quiet = reads === last ? quiet + 1 : 0, last = reads) {
      await new Promise(resolve => setImmediate(resolve))
      most = Math.max(most, broker.gateway.memoryBytes)
    }
    expect(reads).toBeGreaterThan(8)
    // What may pass the budget: a first batch for each of the few reads that were under way when it ran out.
    expect(most).toBeLessThan(16 * MiB + 4 * MiB)
    // Who takes nothing is closed in the end, so that who reads gets its records.
    const { responses } = await client.request(Fetch, 11, fetchBody({ request: { maxWaitMs: 600_000 } }))
    expect(valuesIn(responses[0]!.partitions[0]!.records)).not.toEqual([])
  })
})

describe('ListOffsets', () => {
  async function offsetAt(
    version: number,
    timestamp: number,
    more: { partition?: number; epoch?: number; name?: string } = {},
  ) {
    const { partition = 0, epoch = -1, name = 't' } = more
    const { topics } = await client.request(ListOffsets, version, {
      replicaId: -1,
      topics: [{ name, partitions: [{ partitionIndex: partition, currentLeaderEpoch: epoch, timestamp }] }],
    })
    const { errorCode, offset, timestamp: found } = topics[0]!.partitions[0]!
    return errorCode === 0 ? [offset, found] : errorCode
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])('version %i finds the ends and times', async version => {
    await start()
    await produce(batchOf(['a'], { timestamp: 1_000 }))
    await produce(batchOf(['b'], { timestamp: 3_000 }))
    await produce(batchOf(['c'], { timestamp: 2_000 }))
    expect(await offsetAt(version, -2)).toEqual([0, -1])
    expect(await offsetAt(version, -1)).toEqual([3, -1])
    expect(await offsetAt(version, 1_001)).toEqual([1, 3_000])
    expect(await offsetAt(version, 3_001)).toEqual([-1, -1])
    expect(await offsetAt(version, -3)).toEqual(version < 7 ? errorCodes.UNSUPPORTED_VERSION : [1, 3_000])
    expect(await offsetAt(version, -4)).toEqual(version < 8 ? errorCodes.UNSUPPORTED_VERSION : [0, -1])
    expect(await offsetAt(version, -5)).toEqual(version < 9 ? errorCodes.UNSUPPORTED_VERSION : [-1, -1])
    expect(await offsetAt(version, -6)).toEqual(version < 11 ? errorCodes.UNSUPPORTED_VERSION : [-1, -1])
    expect(await offsetAt(version, -7)).toBe(errorCodes.UNSUPPORTED_VERSION)
  })

  test('refuses unknown topics, partitions and epochs', async () => {
    await start()
    expect(await offsetAt(8, -1, { name: 'missing' })).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await offsetAt(8, -1, { partition: 4 })).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await offsetAt(8, -1, { epoch: 3 })).toBe(errorCodes.UNKNOWN_LEADER_EPOCH)
  })

  test('refuses a partition that is asked for twice', async () => {
    await start()
    const partitions = [0, 1, 0].map(partitionIndex => ({ partitionIndex, timestamp: -1 }))
    const { topics } = await client.request(ListOffsets, 7, { replicaId: -1, topics: [{ name: 't', partitions }] })
    expect(topics[0]!.partitions.map(partition => partition.errorCode)).toEqual([42, 0])
  })
})
