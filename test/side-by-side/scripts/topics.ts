import {
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeTopicPartitions,
  Metadata,
} from '../../../lib/protocol/index.ts'
import { untilThere } from '../patience.ts'
import { createTopics, newTopic } from '../requests.ts'
import { everyVersion, goOn, script } from '../script.ts'
import type { Transcript } from '../transcript.ts'

type NewTopic = ReturnType<typeof newTopic>
type Change = Partial<Omit<NewTopic, 'assignments'>> & {
  readonly assignments?: { partitionIndex: number; brokerIds: number[] }[]
}

const unknownId = 'abcdefabcdefabcdefabcdefabcdefab'

export const topicScripts = [
  script('CreateTopics', async transcript => {
    await everyVersion(transcript, CreateTopics, version => ask({ ...newTopic({ name: `made-${version}` }) }))
    await everyVersion(transcript, CreateTopics, version => ask(newTopic({ name: `made-${version}` })))
    await everyVersion(transcript, CreateTopics, () => ask(newTopic({ name: 'only-checked', partitions: 3 }), true))
    await everyVersion(transcript, CreateTopics, () => ask(newTopic({ name: 'made-7' }), true))
    await everyVersion(transcript, CreateTopics, () => ({ topics: [], timeoutMs: 1_000, validateOnly: false }))
    await everyVersion(transcript, CreateTopics, version =>
      ask(newTopic({ name: `configured-${version}`, configs: { 'cleanup.policy': 'compact', 'retention.ms': '5' } })),
    )
  }),
  ...Object.entries(flawed()).map(([name, change]) =>
    script(`CreateTopics that cannot be: ${name}`, async transcript => {
      const topic = { ...newTopic({ name: `flawed-${name.replaceAll(' ', '-')}` }), ...change }
      await everyVersion(transcript, CreateTopics, () => ask(topic))
      await transcript.ask(CreateTopics, 7, ask(topic, true)).catch(goOn)
    }),
  ),
  script('CreateTopics with a name twice', async transcript => {
    const topics = [newTopic({ name: 'twice' }), newTopic({ name: 'once' }), newTopic({ name: 'twice' })]
    await everyVersion(transcript, CreateTopics, () => ({ topics, timeoutMs: 5_000, validateOnly: true }))
  }),
  script('CreateTopics with an assignment', async transcript => {
    const assignments = [0, 1].map(partitionIndex => ({ partitionIndex, brokerIds: [1] }))
    const topic = { name: 'assigned', numPartitions: -1, replicationFactor: -1, assignments, configs: [] }
    await transcript.ask(CreateTopics, 7, { topics: [topic], timeoutMs: 5_000, validateOnly: false })
    await settle(transcript, 'assigned')
    await transcript.ask(Metadata, 12, { topics: [{ name: 'assigned' }] })
  }),
  script('CreatePartitions', async transcript => {
    await createTopics(transcript, { name: 'grown', partitions: 2 })
    const grow = (name: string, count: number, assignments: { brokerIds: number[] }[] | null = null) => ({
      topics: [{ name, count, assignments }],
      timeoutMs: 5_000,
    })
    const every = (body: ReturnType<typeof grow>, validateOnly = false) =>
      everyVersion(transcript, CreatePartitions, () => ({ ...body, validateOnly }))
    await every(grow('grown', 4), true)
    await every(grow('grown', 2))
    await every(grow('grown', 1))
    await every(grow('grown', 0))
    await every(grow('grown', -1))
    await every(grow('nope', 4))
    await every(grow('a b', 4))
    await every(grow('', 4))
    await every(grow('grown', 3, []))
    await every(grow('grown', 3, [{ brokerIds: [1] }, { brokerIds: [1] }]), true)
    await every(grow('grown', 3, [{ brokerIds: [7] }]))
    await every(grow('grown', 3, [{ brokerIds: [] }]))
    await every(grow('grown', 3, [{ brokerIds: [1, 1] }]))
    await every(grow('grown', 3, [{ brokerIds: [1] }]), true)
    await everyVersion(transcript, CreatePartitions, () => ({ topics: [], timeoutMs: 1_000, validateOnly: false }))
    const twice = [...grow('grown', 3).topics, ...grow('grown', 4).topics]
    await everyVersion(transcript, CreatePartitions, () => ({ topics: twice, timeoutMs: 1_000, validateOnly: false }))
    await transcript.ask(CreatePartitions, 3, { ...grow('grown', 3), validateOnly: false })
    await settle(transcript, 'grown')
    await transcript.ask(Metadata, 12, { topics: [{ name: 'grown' }] })
  }),
  script('DeleteTopics', async transcript => {
    for (let version = 1; version <= 6; version++) await createTopics(transcript, { name: `gone-${version}` })
    const byName = (version: number, name: string) =>
      version < 6 ? { topicNames: [name], timeoutMs: 5_000 } : { topics: [{ name, topicId: ZERO }], timeoutMs: 5_000 }
    await everyVersion(transcript, DeleteTopics, version => byName(version, `gone-${version}`))
    await everyVersion(transcript, DeleteTopics, version => byName(version, 'nope'))
    await everyVersion(transcript, DeleteTopics, version => byName(version, 'a b'))
    await everyVersion(transcript, DeleteTopics, version => byName(version, ''))
    await everyVersion(transcript, DeleteTopics, version =>
      version < 6 ? { topicNames: [], timeoutMs: 1_000 } : { topics: [], timeoutMs: 1_000 },
    )
    const [id] = await createTopics(transcript, { name: 'by-id' })
    const byId = (topicId: string, name: string | null = null) => ({ topics: [{ name, topicId }], timeoutMs: 5_000 })
    await transcript.ask(DeleteTopics, 6, byId(unknownId)).catch(goOn)
    await transcript.ask(DeleteTopics, 6, byId(ZERO)).catch(goOn)
    await transcript.ask(DeleteTopics, 6, byId(id!, 'by-id')).catch(goOn)
    await transcript.ask(DeleteTopics, 6, { topics: [...byId(id!).topics, ...byId(id!).topics], timeoutMs: 5_000 })
    await transcript.ask(DeleteTopics, 6, byId(id!)).catch(goOn)
  }),
  script('Metadata', async transcript => {
    const [id] = await createTopics(transcript, { name: 'told', partitions: 2 })
    const options = { allowAutoTopicCreation: false }
    await everyVersion(transcript, Metadata, () => ({ topics: [{ name: 'told' }], ...options }))
    await everyVersion(transcript, Metadata, version => ({
      topics: [{ name: 'told' }, { name: version < 4 ? 'told' : 'nope' }],
      ...options,
    }))
    await everyVersion(transcript, Metadata, version =>
      version < 4 ? { topics: [{ name: 'a b' }] } : { topics: [{ name: 'a b' }], ...options },
    )
    for (const version of [1, 4, 9, 12, 13]) {
      await transcript.ask(Metadata, version, { topics: [], ...options })
    }
    for (const version of [8, 9, 10, 13]) {
      await transcript.ask(Metadata, version, {
        topics: [{ name: 'told' }],
        ...options,
        includeTopicAuthorizedOperations: true,
        ...(version <= 10 ? { includeClusterAuthorizedOperations: true } : {}),
      })
    }
    for (const version of [12, 13]) {
      await transcript.ask(Metadata, version, { topics: [{ name: null, topicId: id! }], ...options }).catch(goOn)
      await transcript.ask(Metadata, version, { topics: [{ name: null, topicId: unknownId }], ...options }).catch(goOn)
      await transcript.ask(Metadata, version, { topics: [{ name: null, topicId: ZERO }], ...options }).catch(goOn)
      await transcript.ask(Metadata, version, { topics: [{ name: 'told', topicId: id! }], ...options }).catch(goOn)
    }
    await transcript.ask(Metadata, 10, { topics: [{ name: null, topicId: id! }], ...options }).catch(goOn)
    await transcript.ask(Metadata, 11, { topics: [{ name: 'told', topicId: id! }], ...options }).catch(goOn)
    await transcript.ask(Metadata, 12, { topics: [{ name: '' }], ...options }).catch(goOn)
  }),
  script('DescribeTopicPartitions', async transcript => {
    await createTopics(transcript, { name: 'dtp-a', partitions: 3 }, { name: 'dtp-b', partitions: 2 })
    const ask = (
      names: readonly string[],
      responsePartitionLimit: number,
      cursor: { topicName: string; partitionIndex: number } | null = null,
    ) =>
      transcript
        .ask(DescribeTopicPartitions, 0, { topics: names.map(name => ({ name })), responsePartitionLimit, cursor })
        .catch(goOn)
    const both = ['dtp-b', 'dtp-a']
    await ask(both, 2_000)
    await ask(['dtp-a', 'dtp-a', 'nope', 'a b'], 2_000)
    for (const limit of [0, -1, 1, 2, 3, 4, 5]) await ask(both, limit)
    await ask(both, 2, { topicName: 'dtp-a', partitionIndex: 1 })
    await ask(both, 2, { topicName: 'dtp-a', partitionIndex: 2 })
    await ask(both, 2, { topicName: 'dtp-b', partitionIndex: 0 })
    await ask(both, 2, { topicName: 'dtp-a', partitionIndex: 9 })
    await ask(both, 2, { topicName: 'dtp-a', partitionIndex: -1 })
    await ask(both, 2, { topicName: 'dtp-0', partitionIndex: 0 })
    await ask(both, 2, { topicName: 'zzz', partitionIndex: 0 })
  }),
]

const ZERO = '0'.repeat(32)

function ask(topic: Omit<NewTopic, 'assignments'> & Pick<Change, 'assignments'>, validateOnly = false) {
  return { topics: [{ assignments: [], ...topic }], timeoutMs: 20_000, validateOnly }
}

function flawed(): Record<string, Change> {
  const assignment = (...replicas: number[][]) => ({
    numPartitions: -1,
    replicationFactor: -1,
    assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
  })
  return {
    'no partitions': { numPartitions: 0 },
    'negative partitions': { numPartitions: -2 },
    'no replicas': { replicationFactor: 0 },
    'too many replicas': { replicationFactor: 3 },
    'a bad name': { name: 'a b' },
    'an empty name': { name: '' },
    'a dot': { name: '.' },
    'two dots': { name: '..' },
    'a long name': { name: 'x'.repeat(250) },
    'an unknown config': { configs: [{ name: 'nope', value: '1' }] },
    'a bad config': { configs: [{ name: 'retention.ms', value: 'x' }] },
    'a low config': { configs: [{ name: 'segment.bytes', value: '1' }] },
    'a null config': { configs: [{ name: 'retention.ms', value: null as unknown as string }] },
    'a config twice': {
      configs: [
        { name: 'retention.ms', value: '1' },
        { name: 'retention.ms', value: 'x' },
      ],
    },
    'assignment and number': { ...assignment([1]), numPartitions: 1 },
    'assignment and replicas': { ...assignment([1]), replicationFactor: 1 },
    'assignment to nobody': assignment([]),
    'assignment to a stranger': assignment([7]),
    'assignment twice to one': assignment([1, 1]),
    'assignment with a gap': { ...assignment([1]), assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
    'assignment of a partition twice': {
      ...assignment([1]),
      assignments: [
        { partitionIndex: 0, brokerIds: [1] },
        { partitionIndex: 0, brokerIds: [1] },
      ],
    },
  }
}

/** Kafka tells of a new topic a little later. */
async function settle(transcript: Transcript, name: string): Promise<void> {
  await untilThere(name, async () => {
    const { topics } = await transcript.prepare(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
    const isThere = topics[0]!.errorCode === 0 && topics[0]!.partitions.every(({ errorCode }) => errorCode === 0)
    return isThere ? true : undefined
  })
}
