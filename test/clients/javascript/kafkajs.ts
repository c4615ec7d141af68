/** KafkaJS. It has no static members and no cooperative rebalancing; its codecs but gzip are plug-ins. */
import { deepStrictEqual as equal, ok, rejects } from 'node:assert'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs, {
  type CompressionTypes,
  type Consumer,
  type ConsumerConfig,
  type EachMessagePayload,
  type Kafka,
  type KafkaMessage,
  type Message,
  type Producer,
  type ProducerConfig,
} from 'kafkajs'
import { compressFrame, decompressFrame } from 'lz4-napi'
import { compress, uncompress } from 'snappy'
import {
  type Case,
  CODECS,
  type Codec,
  INTEROP_RECORDS,
  interopTopic,
  range,
  restartServer,
  runCases,
  uniqueName,
  until,
} from './harness.ts'

// Node does not find all of its names.
const {
  AssignerProtocol,
  CompressionCodecs,
  CompressionTypes: Types,
  ConfigResourceTypes,
  logLevel,
  PartitionAssigners,
  Partitioners,
} = kafkajs

type Encoder = { buffer: Buffer }
CompressionCodecs[Types.Snappy] = () => ({
  compress: ({ buffer }: Encoder) => compress(buffer),
  decompress: uncompressSnappy,
})
CompressionCodecs[Types.LZ4] = () => ({
  compress: ({ buffer }: Encoder) => compressFrame(buffer),
  decompress: decompressFrame,
})
CompressionCodecs[Types.ZSTD] = () => ({
  compress: ({ buffer }: Encoder) => promisify(zstdCompress)(buffer),
  decompress: promisify(zstdDecompress),
})

const compressionTypes: Readonly<Record<Codec, CompressionTypes>> = {
  none: Types.None,
  gzip: Types.GZIP,
  snappy: Types.Snappy,
  lz4: Types.LZ4,
  zstd: Types.ZSTD,
}

/** Java writes snappy as a row of blocks behind a header of 16 bytes, librdkafka as one block. */
async function uncompressSnappy(data: Buffer): Promise<Buffer> {
  if (data.subarray(1, 7).toString() !== 'SNAPPY') return (await uncompress(data)) as Buffer
  const blocks = []
  for (let at = 16; at < data.length; at += 4 + data.readUInt32BE(at)) {
    blocks.push((await uncompress(data.subarray(at + 4, at + 4 + data.readUInt32BE(at)))) as Buffer)
  }
  return Buffer.concat(blocks)
}

function connect(bootstrap: string): Kafka {
  return new kafkajs.Kafka({
    brokers: [bootstrap],
    clientId: 'clients-kafkajs',
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 60 },
  })
}

/** An admin that does not try again what failed for good. */
async function withAdmin<T>(bootstrap: string, use: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = connect(bootstrap).admin({ retry: { retries: 5 } })
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

async function createTopic(bootstrap: string, name: string, numPartitions = 1): Promise<string> {
  const topic = uniqueName(name)
  await withAdmin(bootstrap, admin => admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true }))
  return topic
}

async function withProducer<T>(
  bootstrap: string,
  config: ProducerConfig,
  use: (producer: Producer) => Promise<T>,
): Promise<T> {
  const producer = connect(bootstrap).producer({ createPartitioner: Partitioners.DefaultPartitioner, ...config })
  await producer.connect()
  try {
    return await use(producer)
  } finally {
    await producer.disconnect()
  }
}

/** Values `from` … `to` - 1 as text, each in `partition`. */
function numbered(from: number, to: number, partition = 0): Message[] {
  return range(from, to).map(index => ({ value: String(index), partition }))
}

/** Idempotent, so that a retry on a topic that is not ready yet leaves no second copy. */
async function produce(bootstrap: string, topic: string, messages: Message[], codec: Codec = 'none'): Promise<void> {
  await withProducer(bootstrap, { idempotent: true, maxInFlightRequests: 1 }, async producer => {
    await producer.send({ topic, messages, compression: compressionTypes[codec] })
  })
}

interface Reading {
  readonly topic: string
  readonly count: number
  readonly config?: Partial<ConsumerConfig>
  readonly fromBeginning?: boolean
  /** Seeks here first. */
  readonly offsets?: Readonly<Record<number, string>>
}

/** KafkaJS reads in groups only: a new one, alone. */
async function read(bootstrap: string, reading: Reading): Promise<EachMessagePayload[]> {
  const { topic, count, config, fromBeginning = true, offsets = {} } = reading
  const consumer = connect(bootstrap).consumer({ groupId: uniqueName('read'), maxWaitTimeInMs: 200, ...config })
  const got: EachMessagePayload[] = []
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning })
    await consumer.run({
      eachMessage: async payload => void got.push(payload),
    })
    for (const [partition, offset] of Object.entries(offsets)) {
      consumer.seek({ topic, partition: Number(partition), offset })
    }
    await until(
      `reading ${count} records`,
      () => got.length >= count,
      () => got.length,
    )
    return got
  } finally {
    await consumer.disconnect()
  }
}

const values = (got: readonly EachMessagePayload[]) => got.map(({ message }) => String(message.value))
const texts = (from: number, to: number) => range(from, to).map(String)

/** The type of a Kafka error, or of the errors inside it. */
function errorTypes(error: unknown): string[] {
  const { type, errors, groups, cause, error: inner } = error as Readonly<Record<string, unknown>>
  const parts = [errors, groups, cause, inner].flat().filter(part => typeof part === 'object' && part !== null)
  return [...(typeof type === 'string' ? [type] : []), ...parts.flatMap(errorTypes)]
}

const isError = (type: string) => (error: unknown) => errorTypes(error).includes(type)

const cases: Record<string, Case> = {
  'topic-lifecycle': async bootstrap => {
    const topic = uniqueName('lifecycle')
    await withAdmin(bootstrap, async admin => {
      ok(await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }))
      ok((await admin.listTopics()).includes(topic))
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      equal(topics[0]?.partitions.map(({ partitionId }) => partitionId).sort(), [0, 1, 2])
      await produce(bootstrap, topic, numbered(0, 10))
      await admin.deleteTopics({ topics: [topic] })
      ok(!(await admin.listTopics()).includes(topic))
      ok(await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true }))
      const offsets = await admin.fetchTopicOffsets(topic)
      equal(
        offsets.map(({ high }) => high),
        ['0', '0'],
      )
    })
  },

  'topic-errors': async bootstrap => {
    const topic = await createTopic(bootstrap, 'errors')
    await withAdmin(bootstrap, async admin => {
      equal(await admin.createTopics({ topics: [{ topic }] }), false)
      await rejects(admin.deleteTopics({ topics: ['no-such-topic'] }), isError('UNKNOWN_TOPIC_OR_PARTITION'))
      await rejects(admin.createTopics({ topics: [{ topic: 'a b' }] }), isError('INVALID_TOPIC_EXCEPTION'))
      const none = [{ topic: uniqueName('none'), numPartitions: 0 }]
      await rejects(admin.createTopics({ topics: none }), isError('INVALID_PARTITIONS'))
    })
  },

  'create-partitions': async bootstrap => {
    const topic = await createTopic(bootstrap, 'grow')
    await withAdmin(bootstrap, async admin => {
      await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
      await produce(bootstrap, topic, numbered(0, 5, 3))
      equal(values(await read(bootstrap, { topic, count: 5 })), texts(0, 5))
      await rejects(admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }), isError('INVALID_PARTITIONS'))
    })
  },

  'describe-configs': async bootstrap => {
    const topic = uniqueName('configs')
    await withAdmin(bootstrap, async admin => {
      const configEntries = [{ name: 'retention.ms', value: '3600000' }]
      await admin.createTopics({ topics: [{ topic, configEntries }] })
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }]
      const described = await admin.describeConfigs({ resources, includeSynonyms: false })
      const configs = new Map(described.resources[0]?.configEntries.map(entry => [entry.configName, entry]))
      equal(configs.get('retention.ms')?.configValue, '3600000')
      equal(configs.get('cleanup.policy')?.configValue, 'delete')
      ok(Number(configs.get('max.message.bytes')?.configValue) >= 1_000_000)
    })
  },

  cluster: async bootstrap => {
    const { clusterId, controller, brokers } = await withAdmin(bootstrap, admin => admin.describeCluster())
    ok(clusterId.length > 0)
    ok(brokers.some(({ nodeId }) => nodeId === controller))
    ok(brokers.some(({ host, port }) => `${host}:${port}` === bootstrap))
  },

  'hundred-partitions': async bootstrap => {
    const topic = await createTopic(bootstrap, 'hundred', 100)
    await produce(
      bootstrap,
      topic,
      range(0, 100).flatMap(partition => [
        { value: `${partition}-a`, partition },
        { value: `${partition}-b`, partition },
      ]),
    )
    const got = await read(bootstrap, { topic, count: 200 })
    for (const partition of range(0, 100)) {
      const own = values(got.filter(one => one.partition === partition))
      equal(own, [`${partition}-a`, `${partition}-b`])
    }
  },

  records: async bootstrap => {
    const topic = await createTopic(bootstrap, 'records')
    const messages: Message[] = [
      {
        key: 'key',
        value: 'value',
        timestamp: '1700000000000',
        headers: { one: 'first', many: ['a', 'b'], empty: '' },
      },
      { key: null, value: 'no key', timestamp: '1700000000001' },
      { key: 'no value', value: null, timestamp: '1700000000002' },
      { key: '', value: '', timestamp: '1700000000003' },
      { key: 'ключ', value: '値 🗻', timestamp: '1700000000004', headers: { größe: 'ß' } },
    ]
    await produce(bootstrap, topic, messages)
    const got = (await read(bootstrap, { topic, count: messages.length })).map(({ message }) => message)
    const plain = (bytes: unknown) => (bytes === null || bytes === undefined ? null : String(bytes))
    const headers = ({ headers = {} }: KafkaMessage | Message) =>
      Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.map(plain) : plain(value)])
    const form = (message: KafkaMessage | Message) => [
      plain(message.key),
      plain(message.value),
      message.timestamp,
      headers(message),
    ]
    equal(got.map(form), messages.map(form))
    equal(
      got.map(({ offset }) => offset),
      texts(0, 5),
    )
  },

  ...Object.fromEntries(
    CODECS.map(codec => [
      `codec-${codec}`,
      async (bootstrap: string) => {
        const topic = await createTopic(bootstrap, codec)
        await produce(bootstrap, topic, numbered(0, 1000), codec)
        equal(values(await read(bootstrap, { topic, count: 1000 })), texts(0, 1000))
      },
    ]),
  ),

  'big-records': async bootstrap => {
    const topic = await createTopic(bootstrap, 'big')
    const big = range(0, 5).map(index => ({ value: String(index).repeat(900_000) }))
    for (const message of big) await produce(bootstrap, topic, [message])
    equal(
      values(await read(bootstrap, { topic, count: 5 })),
      big.map(({ value }) => value),
    )
    const tooBig = { topic, messages: [{ value: Buffer.alloc(3_000_000) }] }
    await withProducer(bootstrap, { retry: { retries: 0 } }, producer =>
      rejects(producer.send(tooBig), isError('MESSAGE_TOO_LARGE')),
    )
  },

  ...Object.fromEntries(
    ([0, 1, -1] as const).map(acks => [
      `acks-${acks === -1 ? 'all' : acks}`,
      async (bootstrap: string) => {
        const topic = await createTopic(bootstrap, 'acks')
        await withProducer(bootstrap, {}, async producer => {
          for (const index of range(0, 20)) {
            const [answer] = await producer.send({ topic, acks, messages: [{ value: String(index) }] })
            if (acks !== 0) equal(answer?.baseOffset, String(index))
          }
        })
        equal(values(await read(bootstrap, { topic, count: 20 })), texts(0, 20))
      },
    ]),
  ),

  throughput: async bootstrap => {
    const topic = await createTopic(bootstrap, 'throughput', 2)
    await withProducer(bootstrap, { idempotent: true, maxInFlightRequests: 1 }, async producer => {
      for (let from = 0; from < 50_000; from += 500) {
        const messages = range(from, from + 500).map(index => ({ value: String(index), partition: index % 2 }))
        await producer.send({ topic, messages, acks: -1 })
      }
    })
    await equalEveryOther(bootstrap, topic, 50_000)
  },

  crash: async bootstrap => {
    const topic = await createTopic(bootstrap, 'crash', 2)
    let sent = 0
    await withProducer(bootstrap, { idempotent: true, maxInFlightRequests: 1 }, async producer => {
      const sendHundred = async () => {
        const messages = range(sent, sent + 100).map(index => ({ value: String(index), partition: index % 2 }))
        await producer.send({ topic, messages, acks: -1 })
        sent += 100
      }
      while (sent < 2_000) await sendHundred()
      let back = false
      const restarted = restartServer().then(() => {
        back = true
      })
      while (!back) await sendHundred()
      await restarted
      for (const end = sent + 2_000; sent < end; ) await sendHundred()
    })
    await equalEveryOther(bootstrap, topic, sent)
  },

  'read-earliest': async bootstrap => {
    const topic = await createTopic(bootstrap, 'earliest')
    await produce(bootstrap, topic, numbered(0, 10))
    equal(values(await read(bootstrap, { topic, count: 10 })), texts(0, 10))
  },

  'read-latest': async bootstrap => {
    const topic = await createTopic(bootstrap, 'latest')
    await produce(bootstrap, topic, numbered(0, 10))
    const consumer = connect(bootstrap).consumer({ groupId: uniqueName('read'), maxWaitTimeInMs: 200 })
    const got: EachMessagePayload[] = []
    let fetched = false
    consumer.on(consumer.events.FETCH, () => {
      fetched = true
    })
    try {
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: false })
      await consumer.run({ eachMessage: async payload => void got.push(payload) })
      await until(
        'a first fetch',
        () => fetched,
        () => fetched,
      )
      await produce(bootstrap, topic, numbered(10, 15))
      await until(
        'reading',
        () => got.length >= 5,
        () => values(got),
      )
      equal(values(got), texts(10, 15))
    } finally {
      await consumer.disconnect()
    }
  },

  'read-offset': async bootstrap => {
    const topic = await createTopic(bootstrap, 'offset')
    await produce(bootstrap, topic, numbered(0, 50))
    await produce(bootstrap, topic, numbered(50, 100))
    equal(values(await read(bootstrap, { topic, count: 63, offsets: { 0: '37' } })).slice(-63), texts(37, 100))
  },

  'read-timestamp': async bootstrap => {
    const topic = await createTopic(bootstrap, 'timestamp')
    const at = (index: number) => 1_700_000_000_000 + 1000 * index
    await produce(
      bootstrap,
      topic,
      numbered(0, 20).map((message, index) => ({ ...message, timestamp: String(at(index)) })),
    )
    const found = (time: number) =>
      withAdmin(bootstrap, async admin => (await admin.fetchTopicOffsetsByTimestamp(topic, time))[0]?.offset)
    equal(await found(at(7)), '7')
    equal(await found(at(7) + 1), '8')
    equal(await found(0), '0')
    const offset = (await found(at(12))) ?? ''
    equal(values(await read(bootstrap, { topic, count: 8, offsets: { 0: offset } })).slice(-8), texts(12, 20))
  },

  'list-offsets': async bootstrap => {
    const topic = await createTopic(bootstrap, 'list', 3)
    await produce(bootstrap, topic, [...numbered(0, 10, 0), ...numbered(0, 4, 2)])
    const offsets = await withAdmin(bootstrap, admin => admin.fetchTopicOffsets(topic))
    equal(
      offsets.sort((a, b) => a.partition - b.partition).map(({ low, high }) => [low, high]),
      [
        ['0', '10'],
        ['0', '0'],
        ['0', '4'],
      ],
    )
  },

  'fetch-max-bytes': async bootstrap => {
    const topic = await createTopic(bootstrap, 'bytes')
    for (const from of range(0, 10)) await produce(bootstrap, topic, numbered(from * 100, from * 100 + 100))
    const config = { maxBytes: 200, maxBytesPerPartition: 100, minBytes: 1 }
    equal(values(await read(bootstrap, { topic, count: 1000, config })), texts(0, 1000))
  },

  'out-of-range': async bootstrap => {
    const topic = await createTopic(bootstrap, 'range')
    await produce(bootstrap, topic, numbered(0, 10))
    const got = values(await read(bootstrap, { topic, count: 10, offsets: { 0: '1000' } }))
    equal(got.slice(-10), texts(0, 10))
  },

  'pause-seek': async bootstrap => {
    const topic = await createTopic(bootstrap, 'pause', 2)
    const consumer = connect(bootstrap).consumer({ groupId: uniqueName('read'), maxWaitTimeInMs: 200 })
    const got: EachMessagePayload[] = []
    const of = (partition: number) => values(got.filter(one => one.partition === partition))
    try {
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ eachMessage: async payload => void got.push(payload) })
      await produce(bootstrap, topic, [...numbered(0, 5, 0), ...numbered(0, 5, 1)])
      await until(
        'the first ten',
        () => got.length === 10,
        () => got.length,
      )
      consumer.pause([{ topic, partitions: [0] }])
      await produce(bootstrap, topic, [...numbered(5, 10, 0), ...numbered(5, 10, 1)])
      await until(
        'the other partition',
        () => of(1).length === 10,
        () => of(1),
      )
      equal(of(0), texts(0, 5))
      consumer.seek({ topic, partition: 0, offset: '2' })
      consumer.resume([{ topic, partitions: [0] }])
      await until(
        'from the new place',
        () => of(0).length === 13,
        () => of(0),
      )
      equal(of(0), [...texts(0, 5), ...texts(2, 10)])
    } finally {
      await consumer.disconnect()
    }
  },

  'group-roundrobin': async bootstrap => {
    const topic = await createTopic(bootstrap, 'group', 6)
    const groupId = uniqueName('group')
    const first = await join(bootstrap, groupId, topic)
    await until(
      'all for the first',
      () => first.owned.length === 6,
      () => first.owned,
    )
    const second = await join(bootstrap, groupId, topic)
    await until(
      'half each',
      () => first.owned.length === 3 && second.owned.length === 3,
      () => [first.owned, second.owned],
    )
    equal([...first.owned, ...second.owned].sort(), range(0, 6))
    await produce(
      bootstrap,
      topic,
      range(0, 600).map(index => ({ value: String(index), partition: index % 6 })),
    )
    await until(
      'records of both',
      () => first.got.length + second.got.length >= 600,
      () => first.got.length + second.got.length,
    )
    equal(
      [...first.got, ...second.got].map(Number).sort((a, b) => a - b),
      range(0, 600),
    )
    await second.leave()
    await until(
      'all for the first again',
      () => first.owned.length === 6,
      () => first.owned,
    )
    first.got.length = 0
    await produce(
      bootstrap,
      topic,
      range(600, 900).map(index => ({ value: String(index), partition: index % 6 })),
    )
    await until(
      'records of the rest',
      () => first.got.length >= 300,
      () => first.got.length,
    )
    equal(
      first.got.map(Number).sort((a, b) => a - b),
      range(600, 900),
    )
    await first.leave()
  },

  'commit-resume': async bootstrap => {
    const topic = await createTopic(bootstrap, 'commit')
    const groupId = uniqueName('commit')
    await produce(bootstrap, topic, numbered(0, 10))
    const run = async (count: number, commit?: string) => {
      const consumer = connect(bootstrap).consumer({ groupId, maxWaitTimeInMs: 200 })
      const got: EachMessagePayload[] = []
      try {
        await consumer.connect()
        await consumer.subscribe({ topic, fromBeginning: true })
        await consumer.run({ autoCommit: false, eachMessage: async payload => void got.push(payload) })
        await until(
          `reading ${count}`,
          () => got.length >= count,
          () => got.length,
        )
        if (commit) await consumer.commitOffsets([{ topic, partition: 0, offset: commit, metadata: 'a note' }])
        return values(got)
      } finally {
        await consumer.disconnect()
      }
    }
    equal(await run(10, '4'), texts(0, 10))
    equal(await run(6), texts(4, 10))
    const offsets = await withAdmin(bootstrap, admin => admin.fetchOffsets({ groupId, topics: [topic] }))
    equal(offsets, [{ topic, partitions: [{ partition: 0, offset: '4', metadata: 'a note' }] }])
  },

  groups: async bootstrap => {
    const topic = await createTopic(bootstrap, 'groups', 2)
    const groupId = uniqueName('groups')
    await produce(bootstrap, topic, [...numbered(0, 5, 0), ...numbered(0, 5, 1)])
    const member = await join(bootstrap, groupId, topic)
    await until(
      'a member',
      () => member.owned.length === 2,
      () => member.owned,
    )
    await withAdmin(bootstrap, async admin => {
      ok(
        (await admin.listGroups()).groups.some(group => group.groupId === groupId && group.protocolType === 'consumer'),
      )
      const described = await admin.describeGroups([groupId])
      equal(described.groups[0]?.state, 'Stable')
      equal(described.groups[0]?.members.length, 1)
      const [one] = described.groups[0]?.members ?? []
      equal(
        AssignerProtocol.MemberAssignment.decode(one?.memberAssignment as Buffer)?.assignment[topic]?.sort(),
        [0, 1],
      )
      equal(one?.clientId, 'clients-kafkajs')
      const impatient = connect(bootstrap).admin({ retry: { retries: 0 } })
      await rejects(impatient.deleteGroups([groupId]), isError('NON_EMPTY_GROUP'))
      await impatient.disconnect()
      await member.leave()
      await admin.setOffsets({ groupId, topic, partitions: [{ partition: 1, offset: '3' }] })
      const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
      equal(offsets?.partitions.find(({ partition }) => partition === 1)?.offset, '3')
      await admin.resetOffsets({ groupId, topic, earliest: true })
      await admin.deleteGroups([groupId])
      ok(!(await admin.listGroups()).groups.some(group => group.groupId === groupId))
    })
  },

  'interop-write': async (bootstrap, writer) => {
    for (const codec of CODECS) {
      const topic = interopTopic(writer, codec)
      await withAdmin(bootstrap, admin =>
        admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true }),
      )
      const messages = INTEROP_RECORDS.map(record => ({ ...record, headers: { writer } }))
      await produce(bootstrap, topic, messages, codec)
    }
  },

  'interop-read': async (bootstrap, writer) => {
    for (const codec of CODECS) {
      const got = await read(bootstrap, { topic: interopTopic(writer, codec), count: INTEROP_RECORDS.length })
      const records = got.map(({ message }) => ({
        key: message.key?.toString() ?? null,
        value: message.value?.toString() ?? null,
      }))
      equal(records, INTEROP_RECORDS, codec)
      for (const { message } of got) equal(String(message.headers?.writer), writer)
    }
  },
}

/** Even numbers in partition 0, odd ones in 1. */
async function equalEveryOther(bootstrap: string, topic: string, count: number): Promise<void> {
  const got = await read(bootstrap, { topic, count })
  for (const partition of [0, 1]) {
    const own = values(got.filter(one => one.partition === partition))
    equal(
      own,
      texts(0, count).filter((_, index) => index % 2 === partition),
    )
  }
  const ends = await withAdmin(bootstrap, admin => admin.fetchTopicOffsets(topic))
  equal(
    ends.map(({ high }) => Number(high)),
    [count / 2, count / 2],
  )
}

interface Member {
  owned: number[]
  /** Values, as they came. */
  readonly got: string[]
  leave(): Promise<void>
}

async function join(bootstrap: string, groupId: string, topic: string): Promise<Member> {
  const consumer: Consumer = connect(bootstrap).consumer({
    groupId,
    maxWaitTimeInMs: 200,
    heartbeatInterval: 300,
    partitionAssigners: [PartitionAssigners.roundRobin],
  })
  const member: Member = { owned: [], got: [], leave: () => consumer.disconnect() }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.owned = [...(payload.memberAssignment[topic] ?? [])].sort()
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ message }) => void member.got.push(String(message.value)),
  })
  return member
}

await runCases(cases)
