/** @platformatic/kafka, with its own codecs; groups with its round-robin and cooperative-sticky assignors. */
import { deepStrictEqual as equal, ok, rejects } from 'node:assert'
import {
  Admin,
  Consumer,
  type ConsumerOptions,
  cooperativeStickyAssigner,
  type GroupOptions,
  type Message,
  type MessageToProduce,
  type ProduceOptions,
  Producer,
  roundRobinAssigner,
  type StreamOptions,
} from '@platformatic/kafka'
import {
  type Case,
  CODECS,
  type Codec,
  INTEROP_RECORDS,
  interopTopic,
  pause,
  range,
  restartServer,
  runCases,
  uniqueName,
  until,
} from './harness.ts'

type Record = Message<Buffer, Buffer, Buffer, Buffer>
type NewRecord = MessageToProduce<Buffer, Buffer, Buffer, Buffer>

const base = (bootstrap: string) => ({
  clientId: 'clients-platformatic',
  bootstrapBrokers: [bootstrap],
  retries: 200,
  retryDelay: 100,
  connectTimeout: 2_000,
  // A topic that was made a moment ago must be seen.
  metadataMaxAge: 100,
})

async function withAdmin<T>(bootstrap: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ ...base(bootstrap), retries: 5 })
  try {
    return await use(admin)
  } finally {
    await admin.close()
  }
}

async function createTopic(bootstrap: string, name: string, partitions = 1): Promise<string> {
  const topic = uniqueName(name)
  await withAdmin(bootstrap, admin => admin.createTopics({ topics: [topic], partitions, replicas: 1 }))
  return topic
}

type Produce = ProduceOptions<Buffer, Buffer, Buffer, Buffer>

async function withProducer<T>(
  bootstrap: string,
  options: Produce,
  use: (producer: Producer) => Promise<T>,
): Promise<T> {
  const producer = new Producer({ ...base(bootstrap), ...options })
  try {
    return await use(producer)
  } finally {
    await producer.close()
  }
}

/** Values `from` … `to` - 1 as text, each in `partition`. */
function numbered(topic: string, from: number, to: number, partition = 0): NewRecord[] {
  return range(from, to).map(index => ({ topic, partition, value: Buffer.from(String(index)) }))
}

async function produce(bootstrap: string, messages: NewRecord[], options: Produce = {}): Promise<void> {
  await withProducer(
    bootstrap,
    { idempotent: true, ...options },
    async producer => void (await producer.send({ messages })),
  )
}

interface Reading {
  readonly topic: string
  readonly count: number
  readonly options?: Partial<ConsumerOptions<Buffer, Buffer, Buffer, Buffer>>
  readonly stream?: Partial<StreamOptions>
}

/** In a new group, alone. */
async function read(bootstrap: string, { topic, count, options, stream }: Reading): Promise<Record[]> {
  const reader = await startReading(bootstrap, topic, options, stream)
  try {
    await reader.until(count)
    return reader.got
  } finally {
    await reader.close()
  }
}

interface Reader {
  readonly consumer: Consumer
  readonly got: Record[]
  until(count: number): Promise<void>
  close(): Promise<void>
}

async function startReading(
  bootstrap: string,
  topic: string,
  options: Partial<ConsumerOptions<Buffer, Buffer, Buffer, Buffer>> = {},
  stream: Partial<StreamOptions> = {},
): Promise<Reader> {
  const consumer = new Consumer({
    ...base(bootstrap),
    groupId: uniqueName('read'),
    maxWaitTime: 200,
    heartbeatInterval: 300,
    autocommit: 100,
    ...options,
  } as ConsumerOptions<Buffer, Buffer, Buffer, Buffer>)
  const got: Record[] = []
  const messages = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', ...stream })
  let failure: Error | undefined
  const isMine = (partition: number) =>
    consumer.assignments?.some(one => one.topic === topic && one.partitions.includes(partition)) ?? true
  // Its stream goes on for a moment with partitions that are another member's already.
  messages.on('data', message => void (isMine(message.partition) && got.push(message)))
  messages.on('error', error => {
    failure = error
  })
  return {
    consumer,
    got,
    until: count =>
      until(
        `reading ${count} records`,
        () => {
          if (failure) throw failure
          return got.length >= count
        },
        () => got.length,
      ),
    close: async () => {
      await messages.close()
      await consumer.close(true)
    },
  }
}

const values = (got: readonly Record[]) => got.map(({ value }) => String(value))
const texts = (from: number, to: number) => range(from, to).map(String)

const isError = (id: string) => (error: unknown) => errorIds(error).includes(id)

function errorIds(error: unknown): string[] {
  const { apiId, errors = [], cause } = error as { apiId?: string; errors?: unknown[]; cause?: unknown }
  return [...(apiId === undefined ? [] : [apiId]), ...errors.flatMap(errorIds), ...(cause ? errorIds(cause) : [])]
}

/**
 * After a rebalance a member may ask twice for its committed offsets, and then it reads again what it read between: so what each
 * has read is counted once, and no two may have read the same.
 */
async function changeMembers(bootstrap: string, options: GroupOptions): Promise<void> {
  const topic = await createTopic(bootstrap, 'group', 6)
  const groupId = uniqueName('group')
  const join = () => startReading(bootstrap, topic, { groupId, ...options })
  const owned = ({ consumer }: Reader) => consumer.assignments?.find(one => one.topic === topic)?.partitions ?? []
  const first = await join()
  const isAll = () => owned(first).length === 6
  await until('all for the first', isAll, () => owned(first))
  const second = await join()
  const both = () => [owned(first), owned(second)]
  await until('half each', () => both().every(one => one.length === 3), both)
  equal(both().flat().sort(), range(0, 6))
  const spread = (from: number, to: number) =>
    range(from, to).flatMap(index => numbered(topic, index, index + 1, index % 6))
  await produce(bootstrap, spread(0, 600))
  const read = () => [distinct(first.got), distinct(second.got)]
  await until(
    'records of both',
    () => read().flat().length >= 600,
    () => read().map(one => one.length),
  )
  equal(read().flat().sort(), texts(0, 600).sort())
  equal(
    read().map(one => one.length),
    [300, 300],
  )
  await untilCommitted(bootstrap, groupId, 600)
  await second.close()
  await until('all for the first again', isAll, () => owned(first))
  first.got.length = 0
  await produce(bootstrap, spread(600, 900))
  await until(
    'records of the rest',
    () => distinct(first.got).length >= 300,
    () => distinct(first.got).length,
  )
  equal(distinct(first.got).sort(), texts(600, 900).sort())
  await first.close()
}

const distinct = (got: readonly Record[]) => [...new Set(values(got))]

async function untilCommitted(bootstrap: string, group: string, records: number): Promise<void> {
  await withAdmin(bootstrap, async admin => {
    let committed = 0
    while (committed < records) {
      const [listed] = await admin.listConsumerGroupOffsets({ groups: [group] })
      const partitions = listed?.topics.flatMap(topic => topic.partitions) ?? []
      committed = partitions.reduce((sum, { committedOffset }) => sum + Number(committedOffset), 0)
      await pause(50)
    }
  })
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
}

function everyOther(topic: string, from: number, to: number): NewRecord[] {
  return range(from, to).flatMap(index => numbered(topic, index, index + 1, index % 2))
}

const LATEST = -1n
const EARLIEST = -2n

async function listOffset(bootstrap: string, topic: string, timestamp: bigint, partitionIndex = 0): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex, timestamp }] }]
  const [listed] = await withAdmin(bootstrap, admin => admin.listOffsets({ topics }))
  return Number(listed?.partitions[0]?.offset)
}

const TOPIC_RESOURCE = 2

const cases: Readonly<{ [name: string]: Case }> = {
  'topic-lifecycle': async bootstrap => {
    const topic = uniqueName('lifecycle')
    await withAdmin(bootstrap, async admin => {
      const [created] = await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
      equal(created?.partitions, 3)
      ok((await admin.listTopics()).includes(topic))
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
      equal(topics.get(topic)?.partitionsCount, 3)
      equal(topics.get(topic)?.id, created?.id)
      await produce(bootstrap, numbered(topic, 0, 10))
      await admin.deleteTopics({ topics: [topic] })
      ok(!(await admin.listTopics()).includes(topic))
      const [again] = await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 })
      ok(again?.id !== created?.id)
      equal(await listOffset(bootstrap, topic, LATEST), 0)
    })
  },

  'topic-errors': async bootstrap => {
    const topic = await createTopic(bootstrap, 'errors')
    await withAdmin(bootstrap, async admin => {
      await rejects(admin.createTopics({ topics: [topic] }), isError('TOPIC_ALREADY_EXISTS'))
      await rejects(admin.deleteTopics({ topics: ['no-such-topic'] }), isError('UNKNOWN_TOPIC_OR_PARTITION'))
      await rejects(admin.createTopics({ topics: ['a b'] }), isError('INVALID_TOPIC_EXCEPTION'))
      await rejects(admin.createTopics({ topics: [uniqueName('none')], partitions: 0 }), isError('INVALID_PARTITIONS'))
    })
  },

  'create-partitions': async bootstrap => {
    const topic = await createTopic(bootstrap, 'grow')
    const grow = (admin: Admin, count: number) =>
      admin.createPartitions({ topics: [{ name: topic, count, assignments: null as never }] })
    await withAdmin(bootstrap, async admin => {
      await grow(admin, 4)
      await produce(bootstrap, numbered(topic, 0, 5, 3))
      equal(values(await read(bootstrap, { topic, count: 5 })), texts(0, 5))
      await rejects(grow(admin, 2), isError('INVALID_PARTITIONS'))
    })
  },

  'describe-configs': async bootstrap => {
    const topic = uniqueName('configs')
    await withAdmin(bootstrap, async admin => {
      await admin.createTopics({ topics: [topic], configs: [{ name: 'retention.ms', value: '3600000' }] })
      const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: null } as const]
      const [described] = await admin.describeConfigs({ resources })
      const configs = new Map(described?.configs.map(({ name, value }) => [name, value]))
      equal(configs.get('retention.ms'), '3600000')
      equal(configs.get('cleanup.policy'), 'delete')
      ok(Number(configs.get('max.message.bytes')) >= 1_000_000)
    })
  },

  cluster: async bootstrap => {
    const { id, brokers, controllerId } = await withAdmin(bootstrap, admin => admin.metadata({ topics: [] }))
    ok(id.length > 0)
    ok(brokers.has(controllerId))
    ok([...brokers.values()].some(({ host, port }) => `${host}:${port}` === bootstrap))
  },

  'hundred-partitions': async bootstrap => {
    const topic = await createTopic(bootstrap, 'hundred', 100)
    await produce(
      bootstrap,
      range(0, 100).flatMap(partition => numbered(topic, partition * 2, partition * 2 + 2, partition)),
    )
    const got = await read(bootstrap, { topic, count: 200 })
    for (const partition of range(0, 100)) {
      const own = values(got.filter(one => one.partition === partition))
      equal(own, texts(partition * 2, partition * 2 + 2))
    }
  },

  'unknown-topic': async bootstrap => {
    const topics = ['no-such-topic']
    const asked = withAdmin(bootstrap, admin => admin.metadata({ topics, autocreateTopics: false }))
    await rejects(asked, /Unknown topic/)
  },

  records: async bootstrap => {
    const topic = await createTopic(bootstrap, 'records')
    const bytes = Buffer.from
    const messages: NewRecord[] = [
      {
        topic,
        key: bytes('key'),
        value: bytes('value'),
        timestamp: 1_700_000_000_000n,
        headers: new Map([
          [bytes('one'), bytes('first')],
          [bytes('empty'), bytes('')],
        ]),
      },
      { topic, value: bytes('no key'), timestamp: 1_700_000_000_001n },
      { topic, key: bytes('no value'), timestamp: 1_700_000_000_002n },
      { topic, key: bytes(''), value: bytes(''), timestamp: 1_700_000_000_003n },
      {
        topic,
        key: bytes('ключ'),
        value: bytes('値 🗻'),
        timestamp: 1_700_000_000_004n,
        headers: new Map([[bytes('größe'), bytes('ß')]]),
      },
    ]
    await produce(bootstrap, messages)
    const got = await read(bootstrap, { topic, count: messages.length })
    const text = (value: Buffer | null | undefined) => (value === null || value === undefined ? null : String(value))
    const form = ({ key, value, timestamp, headers }: NewRecord | Record) => [
      text(key),
      text(value),
      timestamp,
      [...((headers ?? new Map()) as Map<Buffer, Buffer>)].map(pair => pair.map(String)),
    ]
    equal(got.map(form), messages.map(form))
    equal(
      got.map(({ offset }) => offset),
      [0n, 1n, 2n, 3n, 4n],
    )
  },

  ...Object.fromEntries(
    CODECS.map(codec => [
      `codec-${codec}`,
      async (bootstrap: string) => {
        const topic = await createTopic(bootstrap, codec)
        await produce(bootstrap, numbered(topic, 0, 1000), { compression: codec as Codec })
        equal(values(await read(bootstrap, { topic, count: 1000 })), texts(0, 1000))
      },
    ]),
  ),

  'big-records': async bootstrap => {
    const topic = await createTopic(bootstrap, 'big')
    const big = range(0, 5).map(index => ({ topic, value: Buffer.from(String(index).repeat(900_000)) }))
    for (const message of big) await produce(bootstrap, [message])
    equal(
      values(await read(bootstrap, { topic, count: 5 })),
      big.map(({ value }) => String(value)),
    )
    const tooBig = produce(bootstrap, [{ topic, value: Buffer.alloc(3_000_000) }])
    await rejects(tooBig, isError('MESSAGE_TOO_LARGE'))
  },

  ...Object.fromEntries(
    [0, 1, -1].map(acks => [
      `acks-${acks === -1 ? 'all' : acks}`,
      async (bootstrap: string) => {
        const topic = await createTopic(bootstrap, 'acks')
        await withProducer(bootstrap, { acks }, async producer => {
          for (const index of range(0, 20)) {
            const { offsets } = await producer.send({ messages: numbered(topic, index, index + 1) })
            if (acks !== 0) equal(offsets?.[0]?.offset, BigInt(index))
          }
        })
        equal(values(await read(bootstrap, { topic, count: 20 })), texts(0, 20))
      },
    ]),
  ),

  throughput: async bootstrap => {
    const topic = await createTopic(bootstrap, 'throughput', 2)
    await withProducer(bootstrap, { idempotent: true }, async producer => {
      for (let from = 0; from < 50_000; from += 500)
        await producer.send({ messages: everyOther(topic, from, from + 500) })
    })
    await equalEveryOther(bootstrap, topic, 50_000)
  },

  crash: async bootstrap => {
    const topic = await createTopic(bootstrap, 'crash', 2)
    let sent = 0
    await withProducer(bootstrap, { idempotent: true }, async producer => {
      const sendHundred = async () => {
        await producer.send({ messages: everyOther(topic, sent, sent + 100) })
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
    equal(await listOffset(bootstrap, topic, LATEST), sent / 2)
  },

  'read-earliest': async bootstrap => {
    const topic = await createTopic(bootstrap, 'earliest')
    await produce(bootstrap, numbered(topic, 0, 10))
    equal(values(await read(bootstrap, { topic, count: 10, stream: { mode: 'earliest' } })), texts(0, 10))
  },

  'read-latest': async bootstrap => {
    const topic = await createTopic(bootstrap, 'latest')
    await produce(bootstrap, numbered(topic, 0, 10))
    const reader = await startReading(bootstrap, topic, {}, { mode: 'latest' })
    await produce(bootstrap, numbered(topic, 10, 15))
    await reader.until(5)
    equal(values(reader.got), texts(10, 15))
    await reader.close()
  },

  'read-offset': async bootstrap => {
    const topic = await createTopic(bootstrap, 'offset')
    await produce(bootstrap, numbered(topic, 0, 50))
    await produce(bootstrap, numbered(topic, 50, 100))
    const stream: Partial<StreamOptions> = { mode: 'manual', offsets: [{ topic, partition: 0, offset: 37n }] }
    equal(values(await read(bootstrap, { topic, count: 63, stream })), texts(37, 100))
  },

  'read-timestamp': async bootstrap => {
    const topic = await createTopic(bootstrap, 'timestamp')
    const at = (index: number) => 1_700_000_000_000n + 1000n * BigInt(index)
    await produce(
      bootstrap,
      numbered(topic, 0, 20).map((message, index) => ({ ...message, timestamp: at(index) })),
    )
    equal(await listOffset(bootstrap, topic, at(7)), 7)
    equal(await listOffset(bootstrap, topic, at(7) + 1n), 8)
    equal(await listOffset(bootstrap, topic, 0n), 0)
    equal(await listOffset(bootstrap, topic, at(20)), -1)
    const offset = BigInt(await listOffset(bootstrap, topic, at(12)))
    const stream: Partial<StreamOptions> = { mode: 'manual', offsets: [{ topic, partition: 0, offset }] }
    equal(values(await read(bootstrap, { topic, count: 8, stream })), texts(12, 20))
  },

  'list-offsets': async bootstrap => {
    const topic = await createTopic(bootstrap, 'list', 3)
    await produce(bootstrap, [...numbered(topic, 0, 10, 0), ...numbered(topic, 0, 4, 2)])
    const offsets = async (timestamp: bigint) =>
      Promise.all([0, 1, 2].map(partition => listOffset(bootstrap, topic, timestamp, partition)))
    equal(await offsets(EARLIEST), [0, 0, 0])
    equal(await offsets(LATEST), [10, 0, 4])
  },

  'fetch-max-bytes': async bootstrap => {
    const topic = await createTopic(bootstrap, 'bytes')
    for (const from of range(0, 10)) await produce(bootstrap, numbered(topic, from * 100, from * 100 + 100))
    const options = { maxBytes: 200, maxBytesPerPartition: 100, minBytes: 1 }
    equal(values(await read(bootstrap, { topic, count: 1000, options })), texts(0, 1000))
  },

  'group-roundrobin': bootstrap => changeMembers(bootstrap, { partitionAssigner: roundRobinAssigner }),

  'group-cooperative': bootstrap =>
    changeMembers(bootstrap, {
      protocols: [{ name: 'cooperative-sticky', version: 1 }],
      partitionAssigner: cooperativeStickyAssigner,
    }),

  'commit-resume': async bootstrap => {
    const topic = await createTopic(bootstrap, 'commit')
    const groupId = uniqueName('commit')
    await produce(bootstrap, numbered(topic, 0, 10))
    const first = await startReading(bootstrap, topic, { groupId, autocommit: false })
    await first.until(10)
    await first.consumer.commit({ offsets: [{ topic, partition: 0, offset: 4n, leaderEpoch: 0 }] })
    await first.close()
    const second = await startReading(bootstrap, topic, { groupId, autocommit: false })
    await second.until(6)
    equal(values(second.got), texts(4, 10))
    await second.close()
    const [group] = await withAdmin(bootstrap, admin => admin.listConsumerGroupOffsets({ groups: [groupId] }))
    equal(group?.topics[0]?.partitions[0]?.committedOffset, 4n)
  },

  groups: async bootstrap => {
    const topic = await createTopic(bootstrap, 'groups', 2)
    const groupId = uniqueName('groups')
    const member = await startReading(bootstrap, topic, { groupId, autocommit: false })
    await withAdmin(bootstrap, async admin => {
      ok((await admin.listGroups({})).has(groupId))
      const described = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
      equal(String(described?.state), 'Stable')
      equal(
        [...(described?.members.values() ?? [])].map(one => one.assignments?.get(topic)?.partitions),
        [[0, 1]],
      )
      await rejects(admin.deleteGroups({ groups: [groupId] }), isError('NON_EMPTY_GROUP'))
      await member.close()
      await admin.alterConsumerGroupOffsets({
        groupId,
        topics: [{ name: topic, partitionOffsets: [{ partition: 1, offset: 3n }] }],
      })
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
      equal(
        group?.topics[0]?.partitions.map(one => [one.partitionIndex, one.committedOffset]),
        [[1, 3n]],
      )
      await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionIndexes: [1] }] })
      await admin.deleteGroups({ groups: [groupId] })
      ok(!(await admin.listGroups({})).has(groupId))
    })
  },

  'interop-write': async (bootstrap, writer) => {
    for (const codec of CODECS) {
      const topic = interopTopic(writer, codec)
      await withAdmin(bootstrap, admin => admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 }))
      const bytes = (text: string | null) => (text === null ? {} : Buffer.from(text))
      const messages = INTEROP_RECORDS.map(({ key, value }) => ({
        topic,
        headers: new Map([[Buffer.from('writer'), Buffer.from(writer)]]),
        ...(key === null ? {} : { key: bytes(key) }),
        ...(value === null ? {} : { value: bytes(value) }),
      })) as NewRecord[]
      await produce(bootstrap, messages, { compression: codec })
    }
  },

  'interop-read': async (bootstrap, writer) => {
    for (const codec of CODECS) {
      const got = await read(bootstrap, { topic: interopTopic(writer, codec), count: INTEROP_RECORDS.length })
      const text = (bytes: Buffer | null | undefined) => bytes?.toString() ?? null
      equal(
        got.map(({ key, value }) => ({ key: text(key), value: text(value) })),
        INTEROP_RECORDS,
        codec,
      )
      for (const { headerEntries } of got)
        equal(
          headerEntries.map(pair => pair.map(String)),
          [['writer', writer]],
        )
    }
  },
}

await runCases(cases)
