import {
  AddRaftVoter,
  AlterClientQuotas,
  AlterPartitionReassignments,
  AlterReplicaLogDirs,
  AlterUserScramCredentials,
  ApiVersions,
  CreateAcls,
  CreateDelegationToken,
  DeleteAcls,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeCluster,
  DescribeDelegationToken,
  DescribeLogDirs,
  DescribeQuorum,
  DescribeUserScramCredentials,
  ElectLeaders,
  ExpireDelegationToken,
  ListPartitionReassignments,
  RemoveRaftVoter,
  RenewDelegationToken,
  SaslAuthenticate,
  SaslHandshake,
  UnregisterBroker,
  UnregisterController,
  UpdateFeatures,
} from '../../../lib/protocol/index.ts'
import { untilThere } from '../patience.ts'
import { append, batch, createTopics } from '../requests.ts'
import { everyVersion, goOn, script } from '../script.ts'

const software = { clientSoftwareName: 'side-by-side', clientSoftwareVersion: '1.0' }

/** Kafka holds the scripts that follow to a quota. */
const unreachableRate = 1e12

export const administrationScripts = [
  script('ApiVersions', async transcript => {
    await everyVersion(transcript, ApiVersions, () => software)
    await transcript.ask(ApiVersions, 3, { ...software, clientSoftwareName: 'no good' })
    await transcript.ask(ApiVersions, 3, { ...software, clientSoftwareVersion: '' })
    await transcript.ask(ApiVersions, 5, { ...software, clusterId: 'another', nodeId: 1 })
    await transcript.ask(ApiVersions, 5, { ...software, clusterId: 'another', nodeId: -1 })
  }),
  script('DescribeCluster', async transcript => {
    for (const endpointType of [1, 2, 3]) {
      const request = { includeClusterAuthorizedOperations: true, endpointType, includeFencedBrokers: true }
      await everyVersion(transcript, DescribeCluster, () => request)
    }
    await everyVersion(transcript, DescribeCluster, () => ({ includeClusterAuthorizedOperations: false }))
  }),
  script('log directories', async transcript => {
    await createTopics(transcript, { name: 'dirs', partitions: 2 })
    const topics = [
      { topic: 'dirs', partitions: [0, 9] },
      { topic: 'nope', partitions: [0] },
    ]
    await everyVersion(transcript, DescribeLogDirs, () => ({ topics }))
    await everyVersion(transcript, DescribeLogDirs, () => ({ topics: [] }))
    await append(transcript, { topic: 'dirs', records: batch(['a', 'b']) })
    await append(transcript, { topic: 'dirs', records: batch(['c']), partition: 1 })
    await everyVersion(transcript, DescribeLogDirs, () => ({ topics: [{ topic: 'dirs', partitions: [0, 1] }] }))
    const dirs = [
      {
        path: '/nope',
        topics: [
          { name: 'dirs', partitions: [0, 1] },
          { name: 'nope', partitions: [0] },
        ],
      },
    ]
    await everyVersion(transcript, AlterReplicaLogDirs, () => ({ dirs }))
    await everyVersion(transcript, AlterReplicaLogDirs, () => ({ dirs: [] }))
    const { results } = await transcript.prepare(DescribeLogDirs, 4, { topics: [] })
    const own = dirs.map(dir => ({ ...dir, path: results[0]!.logDir }))
    await everyVersion(transcript, AlterReplicaLogDirs, () => ({ dirs: own }))
  }),
  script('DescribeQuorum', async transcript => {
    const ask = (topicName: string, partitionIndex: number) => ({
      topics: [{ topicName, partitions: [{ partitionIndex }] }],
    })
    await everyVersion(transcript, DescribeQuorum, () => ask('nope', 0))
    await everyVersion(transcript, DescribeQuorum, () => ask('__cluster_metadata', 1))
    await everyVersion(transcript, DescribeQuorum, () => ask('__cluster_metadata', 0))
    await everyVersion(transcript, DescribeQuorum, () => ({ topics: [] }))
  }),
  script('ElectLeaders', async transcript => {
    await createTopics(transcript, { name: 'elect' })
    const topicPartitions = [
      { topic: 'elect', partitions: [0, 9] },
      { topic: 'nope', partitions: [0] },
    ]
    await everyVersion(transcript, ElectLeaders, () => ({ electionType: 0, topicPartitions, timeoutMs: 1_000 }))
    await everyVersion(transcript, ElectLeaders, () => ({ electionType: 1, topicPartitions, timeoutMs: 1_000 }))
    await everyVersion(transcript, ElectLeaders, () => ({ electionType: 0, topicPartitions: [], timeoutMs: 1_000 }))
    for (const version of [1, 2]) {
      await transcript.ask(ElectLeaders, version, { electionType: 7, topicPartitions, timeoutMs: 1_000 }).catch(goOn)
    }
  }),
  script('partition reassignments', async transcript => {
    await createTopics(transcript, { name: 'moved', partitions: 2 })
    const alter = (partitions: { partitionIndex: number; replicas: number[] | null }[], name = 'moved') => ({
      timeoutMs: 1_000,
      topics: [{ name, partitions }],
    })
    const change = (body: ReturnType<typeof alter>) => everyVersion(transcript, AlterPartitionReassignments, () => body)
    await change(
      alter([
        { partitionIndex: 0, replicas: [1] },
        { partitionIndex: 1, replicas: null },
      ]),
    )
    await change(
      alter([
        { partitionIndex: 9, replicas: [1] },
        { partitionIndex: -1, replicas: null },
      ]),
    )
    await change(
      alter([
        { partitionIndex: 0, replicas: [7] },
        { partitionIndex: 1, replicas: [] },
      ]),
    )
    await change(
      alter([
        { partitionIndex: 0, replicas: [1, 1] },
        { partitionIndex: 1, replicas: [-1] },
      ]),
    )
    await change(alter([{ partitionIndex: 0, replicas: [1] }], 'nope'))
    await change({ timeoutMs: 1_000, topics: [] })
    await transcript.ask(ListPartitionReassignments, 0, { timeoutMs: 1_000, topics: null })
    await transcript.ask(ListPartitionReassignments, 0, {
      timeoutMs: 1_000,
      topics: [
        { name: 'moved', partitionIndexes: [0, 9] },
        { name: 'nope', partitionIndexes: [0] },
      ],
    })
  }),
  script('UpdateFeatures', async transcript => {
    const update = (feature: string, maxVersionLevel: number, upgradeType = 1) => ({
      timeoutMs: 1_000,
      featureUpdates: [{ feature, maxVersionLevel, upgradeType }],
      validateOnly: false,
    })
    await everyVersion(transcript, UpdateFeatures, () => update('nope', 1))
    await everyVersion(transcript, UpdateFeatures, () => update('transaction.version', 2))
    await everyVersion(transcript, UpdateFeatures, () => update('transaction.version', 9))
    await everyVersion(transcript, UpdateFeatures, () => ({
      timeoutMs: 1_000,
      featureUpdates: [],
      validateOnly: false,
    }))
  }),
  script('voters among the controllers', async transcript => {
    const voter = { clusterId: null, voterId: 7, voterDirectoryId: '0123456789abcdef0123456789abcdef' }
    const listeners = [{ name: 'CONTROLLER', host: '127.0.0.1', port: 1 }]
    await everyVersion(transcript, AddRaftVoter, () => ({ ...voter, timeoutMs: 1_000, listeners }))
    await everyVersion(transcript, RemoveRaftVoter, () => voter)
  }),
  script('unregistering', async transcript => {
    await transcript.ask(UnregisterBroker, 0, { brokerId: 7 })
    await transcript.ask(UnregisterBroker, 0, { brokerId: -1 })
    await transcript.ask(UnregisterController, 0, { controllerId: 7 })
  }),
  script('client quotas', async transcript => {
    const describe = (entityType: string, matchType: number, match: string | null = null, strict = true) => ({
      components: [{ entityType, matchType, match }],
      strict,
    })
    await everyVersion(transcript, DescribeClientQuotas, () => ({ components: [], strict: false }))
    await everyVersion(transcript, DescribeClientQuotas, () => describe('user', 0, 'a'))
    await everyVersion(transcript, DescribeClientQuotas, () => describe('client-id', 1))
    await everyVersion(transcript, DescribeClientQuotas, () => describe('ip', 2, null, false))
    await everyVersion(transcript, DescribeClientQuotas, () => describe('nope', 0, 'a'))
    await everyVersion(transcript, DescribeClientQuotas, () => describe('user', 9, 'a'))
    await everyVersion(transcript, DescribeClientQuotas, () => describe('', 0, 'a'))
    const alter = (entityType: string, key: string, remove: boolean) => ({
      entries: [{ entity: [{ entityType, entityName: '127.0.0.1' }], ops: [{ key, value: 1_000, remove }] }],
      validateOnly: false,
    })
    await everyVersion(transcript, AlterClientQuotas, () => alter('user', 'nope', false))
    await everyVersion(transcript, AlterClientQuotas, () => alter('nope', 'producer_byte_rate', false))
    await everyVersion(transcript, AlterClientQuotas, () => alter('user', 'producer_byte_rate', true))
    await everyVersion(transcript, AlterClientQuotas, () => alter('ip', 'producer_byte_rate', true))
    await everyVersion(transcript, AlterClientQuotas, () => ({ entries: [], validateOnly: false }))
    await everyVersion(transcript, AlterClientQuotas, () => ({
      entries: [{ entity: [], ops: [{ key: 'producer_byte_rate', value: 1, remove: true }] }],
      validateOnly: false,
    }))
    const set = (entityName: string | null, key: string, value: number) => ({
      entries: [{ entity: [{ entityType: 'user', entityName }], ops: [{ key, value, remove: false }] }],
      validateOnly: false,
    })
    const ipSet = (value: number) => ({
      entries: [
        {
          entity: [{ entityType: 'ip', entityName: '127.0.0.1' }],
          ops: [{ key: 'connection_creation_rate', value, remove: false }],
        },
      ],
    })
    await transcript.ask(AlterClientQuotas, 1, set('a', 'producer_byte_rate', 1_000))
    await transcript.ask(AlterClientQuotas, 1, set('a', 'request_percentage', 12.5))
    await transcript.ask(AlterClientQuotas, 1, set('b', 'producer_byte_rate', 1.5))
    for (const value of [0, -1, 0.5, 1e300]) {
      await transcript.ask(AlterClientQuotas, 1, set('b', 'producer_byte_rate', value))
      await transcript.ask(AlterClientQuotas, 1, set('b', 'request_percentage', value))
      await transcript.ask(AlterClientQuotas, 1, set('b', 'controller_mutation_rate', value))
      await transcript.ask(AlterClientQuotas, 1, { ...set('b', 'x', 1), ...ipSet(value) })
    }
    await transcript.ask(AlterClientQuotas, 1, set('', 'producer_byte_rate', 1))
    await transcript.ask(AlterClientQuotas, 1, { ...set('c', 'producer_byte_rate', 1), validateOnly: true })
    await transcript.ask(AlterClientQuotas, 1, set(null, 'consumer_byte_rate', unreachableRate))
    const twice = [
      ['user', 'client-id'],
      ['client-id', 'user'],
    ].map((types, i) => ({
      entity: types.map(entityType => ({ entityType, entityName: 'twice' })),
      ops: [{ key: 'consumer_byte_rate', value: unreachableRate + i, remove: false }],
    }))
    await transcript.ask(AlterClientQuotas, 1, { entries: twice.slice(0, 1), validateOnly: true })
    await transcript.ask(AlterClientQuotas, 1, { entries: twice, validateOnly: true })
    await untilThere('the last quota', async () => {
      const { entries } = await transcript.prepare(DescribeClientQuotas, 1, describe('user', 1))
      return entries?.[0]
    })
    await transcript.ask(DescribeClientQuotas, 1, describe('user', 1))
    await transcript.ask(DescribeClientQuotas, 1, describe('user', 0, 'a'))
    await transcript.ask(DescribeClientQuotas, 1, describe('user', 0, 'c'))
    await transcript.ask(DescribeClientQuotas, 1, describe('user', 0))
    await transcript.ask(DescribeClientQuotas, 1, describe('user', 1, 'a'))
    for (const entityName of ['a', 'b', null]) {
      const keys = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate']
      const ops = keys.map(key => ({ key, value: 0, remove: true }))
      const entries = [{ entity: [{ entityType: 'user', entityName }], ops }]
      await transcript.ask(AlterClientQuotas, 1, { entries, validateOnly: false })
    }
  }),
  script('SCRAM credentials', async transcript => {
    await transcript.ask(DescribeUserScramCredentials, 0, { users: null })
    await transcript.ask(DescribeUserScramCredentials, 0, { users: [] })
    await transcript.ask(DescribeUserScramCredentials, 0, { users: [{ name: 'a' }, { name: '' }, { name: 'a' }] })
    const alter = (name: string, mechanism: number) => ({ deletions: [{ name, mechanism }], upsertions: [] })
    await transcript.ask(AlterUserScramCredentials, 0, alter('a', 1))
    await transcript.ask(AlterUserScramCredentials, 0, alter('', 1))
    await transcript.ask(AlterUserScramCredentials, 0, alter('a', 9))
    await transcript.ask(AlterUserScramCredentials, 0, { deletions: [], upsertions: [] })
    const salt = Buffer.from('salt')
    const upsertion = { name: 'b', mechanism: 1, iterations: 1, salt, saltedPassword: Buffer.alloc(32, 1) }
    await transcript.ask(AlterUserScramCredentials, 0, { deletions: [], upsertions: [upsertion] })
  }),
  script('ACLs', async transcript => {
    const filter = {
      resourceTypeFilter: 1,
      resourceNameFilter: null,
      patternTypeFilter: 1,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    }
    const acl = { principal: 'User:a', host: '*', operation: 3, permissionType: 3 }
    const creation = { resourceType: 2, resourceName: 't', resourcePatternType: 3, ...acl }
    await everyVersion(transcript, DescribeAcls, () => filter)
    await everyVersion(transcript, DescribeAcls, () => ({ ...filter, resourceNameFilter: 't', operation: 3 }))
    await everyVersion(transcript, CreateAcls, () => ({ creations: [creation, creation] }))
    await everyVersion(transcript, CreateAcls, () => ({ creations: [] }))
    await everyVersion(transcript, DeleteAcls, () => ({ filters: [filter] }))
    await everyVersion(transcript, DeleteAcls, () => ({ filters: [] }))
  }),
  script('delegation tokens', async transcript => {
    const hmac = Buffer.from('x')
    await everyVersion(transcript, CreateDelegationToken, () => ({ renewers: [], maxLifetimeMs: -1 }))
    await everyVersion(transcript, RenewDelegationToken, () => ({ hmac, renewPeriodMs: -1 }))
    await everyVersion(transcript, ExpireDelegationToken, () => ({ hmac, expiryTimePeriodMs: -1 }))
    await everyVersion(transcript, DescribeDelegationToken, () => ({ owners: null }))
    await everyVersion(transcript, DescribeDelegationToken, () => ({ owners: [] }))
  }),
  script('SASL on a listener without it', async transcript => {
    await everyVersion(transcript, SaslHandshake, () => ({ mechanism: 'PLAIN' }))
    await everyVersion(transcript, SaslHandshake, () => ({ mechanism: 'nope' }))
    await everyVersion(transcript, SaslAuthenticate, () => ({ authBytes: Buffer.from('\0a\0b') }))
  }),
]
