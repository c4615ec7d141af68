/** Formats of groups and transactions: sample values with every field in use. */
import type { ConsumerDocument } from '../../lib/groups/consumer-document.ts'
import {
  type ClassicDocument,
  decodeGroupDocument,
  encodeGroupDocument,
  type GroupDocument,
} from '../../lib/groups/group-document.ts'
import { GROUP_KINDS, listedKindOf } from '../../lib/groups/group-kinds.ts'
import { checkGroupListing, encodeGroupListing } from '../../lib/groups/group-listing.ts'
import { decodeOffsetsBlock, encodeOffsetsBlock, type OffsetsBlock } from '../../lib/groups/offsets-block.ts'
import type { StreamsDocument, StreamsMember } from '../../lib/groups/streams-document.ts'
import { decodeShareGroup, encodeShareGroup, type ShareGroup } from '../../lib/share/share-group-document.ts'
import type { SharePartition } from '../../lib/share/share-partition.ts'
import { decodeSharePartition, encodeSharePartition } from '../../lib/share/share-partition-document.ts'
import {
  checkTransactionListing,
  decodeTransaction,
  encodeTransaction,
  encodeTransactionListing,
  type TransactionDocument,
  transactionStates,
} from '../../lib/transactions/transaction-document.ts'
import { OTHER_TOPIC_ID, TIME, TOPIC_ID } from './log-formats.ts'
import { type StoredFormat, storedFormat } from './stored-format.ts'

export function groupFormats(): StoredFormat[] {
  return [
    ...(['Empty', 'CompletingRebalance', 'Stable', 'Dead'] as const).map(state =>
      storedFormat<GroupDocument>({
        ...group,
        name: `group-classic-${state.toLowerCase()}`,
        sample: () => classic(state),
      }),
    ),
    storedFormat<GroupDocument>({ ...group, name: 'group-consumer', sample: consumer }),
    storedFormat<GroupDocument>({
      ...group,
      name: 'group-consumer-dead',
      sample: () => ({ ...consumer(), state: 'Dead', members: new Map(), topics: new Map(), regexes: new Map() }),
    }),
    storedFormat<GroupDocument>({ ...group, name: 'group-streams', sample: streams }),
    storedFormat<GroupDocument>({
      ...group,
      name: 'group-streams-dead',
      sample: () => ({
        ...streams(),
        state: 'Dead',
        topology: undefined,
        description: undefined,
        topics: new Map(),
        regexes: new Map(),
        members: new Map(),
      }),
    }),
    storedFormat<ShareGroup>({
      name: 'group-share',
      source: 'lib/share/share-group-document.ts',
      sample: () => ({ ...share(), changedAt: 0 }),
      encode: encodeShareGroup,
      decode: decodeShareGroup,
      isOld: true,
    }),
    storedFormat<ShareGroup>({
      name: 'group-share-2',
      source: 'lib/share/share-group-document.ts',
      sample: share,
      encode: encodeShareGroup,
      decode: decodeShareGroup,
    }),
    storedFormat<SharePartition>({
      name: 'share-partition',
      source: 'lib/share/share-partition-document.ts',
      sample: sharePartition,
      encode: encodeSharePartition,
      decode: decodeSharePartition,
    }),
    ...Object.entries(GROUP_KINDS).map(([name, kind]) =>
      storedFormat<number>({
        name: `group-listing-${name}`,
        source: 'lib/groups/group-listing.ts',
        sample: () => kind,
        encode: encodeGroupListing,
        decode: bytes => {
          checkGroupListing(bytes)
          return listedKindOf(bytes)
        },
      }),
    ),
    storedFormat<OffsetsBlock>({
      name: 'offsets-block',
      source: 'lib/groups/offsets-block.ts',
      sample: offsets,
      encode: encodeOffsetsBlock,
      decode: decodeOffsetsBlock,
    }),
    ...transactionStates.map(state =>
      storedFormat<TransactionDocument>({
        name: `transaction-${state.toLowerCase()}`,
        source: 'lib/transactions/transaction-document.ts',
        sample: () => transaction(state),
        encode: encodeTransaction,
        decode: decodeTransaction,
      }),
    ),
    storedFormat({
      name: 'transaction-listing',
      source: 'lib/transactions/transaction-document.ts',
      sample: () => undefined,
      encode: encodeTransactionListing,
      decode: checkTransactionListing,
    }),
  ]
}

const group = { source: 'lib/groups/group-document.ts', encode: encodeGroupDocument, decode: decodeGroupDocument }

function classic(state: ClassicDocument['state']): ClassicDocument {
  const none = state === 'Empty' || state === 'Dead'
  const metadata = Buffer.from('metadata of the leader')
  return {
    kind: 'classic',
    incarnation: 2 ** 52 + 3,
    coordinator: none ? 0 : 2 ** 50 + 1,
    state,
    stateChangedAt: TIME,
    generation: 17,
    protocolType: 'consumer',
    protocolName: none ? undefined : 'range',
    leader: none ? undefined : 'member-1',
    rejoin: state === 'Stable',
    members: none
      ? []
      : [
          {
            id: 'member-1',
            instanceId: 'static-1',
            clientId: 'client ü',
            clientHost: '/10.0.0.7',
            sessionTimeoutMs: 45_000,
            rebalanceTimeoutMs: 300_000,
            protocols: [
              { name: 'range', metadata },
              { name: 'roundrobin', metadata },
            ],
            assignment: Buffer.of(0, 1, 2, 255),
          },
          {
            id: 'member-2',
            instanceId: undefined,
            clientId: '',
            clientHost: '/10.0.0.8',
            sessionTimeoutMs: 6_000,
            rebalanceTimeoutMs: -1,
            protocols: [{ name: 'range', metadata: Buffer.from('of another') }],
            assignment: Buffer.alloc(0),
          },
        ],
  }
}

function consumer(): ConsumerDocument {
  const member = {
    clientId: 'client',
    clientHost: '/10.0.0.7',
    rebalanceTimeoutMs: 300_000,
    topicNames: ['orders'],
    regex: undefined,
    assignor: undefined,
    revoking: new Map(),
  }
  return {
    kind: 'consumer',
    incarnation: 2 ** 52 + 3,
    coordinator: 2 ** 50 + 1,
    state: 'Live',
    stateChangedAt: TIME,
    epoch: 9,
    assignor: 'uniform',
    topics: new Map([
      ['orders', { id: TOPIC_ID, partitions: 300 }],
      ['payments', { id: OTHER_TOPIC_ID, partitions: 3 }],
    ]),
    regexes: new Map([['pay.*', ['payments']]]),
    members: new Map([
      [
        'member-1',
        {
          ...member,
          id: 'member-1',
          instanceId: 'static-1',
          rackId: 'eu-1a',
          regex: 'pay.*',
          assignor: 'range',
          epoch: 8,
          previousEpoch: 7,
          state: 'unrevoked',
          assigned: new Map([
            [TOPIC_ID, [0, 1, 2, 7, 200]],
            [OTHER_TOPIC_ID, [0]],
          ]),
          revoking: new Map([[OTHER_TOPIC_ID, [1, 2]]]),
          target: new Map([[TOPIC_ID, [0, 1]]]),
          classic: undefined,
        },
      ],
      [
        'member-2',
        {
          ...member,
          id: 'member-2',
          instanceId: undefined,
          rackId: undefined,
          epoch: 9,
          previousEpoch: 8,
          state: 'stable',
          assigned: new Map([[TOPIC_ID, [3, 4]]]),
          target: new Map([[TOPIC_ID, [3, 4]]]),
          classic: { sessionTimeoutMs: 45_000, protocols: [{ name: 'range', metadata: Buffer.of(0, 1) }] },
        },
      ],
      [
        'member-3',
        {
          ...member,
          id: 'member-3',
          instanceId: 'static-3',
          rackId: undefined,
          epoch: -2,
          previousEpoch: 0,
          state: 'unreleased',
          assigned: new Map(),
          target: new Map([[TOPIC_ID, [299]]]),
          classic: undefined,
        },
      ],
    ]),
  }
}

function streams(): StreamsDocument {
  const none = new Map<string, readonly number[]>()
  const noTasks = { active: none, standby: none, warmup: none }
  const member: StreamsMember = {
    id: 'member-1',
    instanceId: 'static-1',
    rackId: 'eu-1a',
    clientId: 'client ü',
    clientHost: '/10.0.0.7',
    rebalanceTimeoutMs: 300_000,
    topologyEpoch: 2,
    processId: 'process-1',
    endpoint: { host: 'app.example.com', port: 8_080 },
    tags: [{ key: 'zone', value: 'a' }],
    epoch: 8,
    previousEpoch: 7,
    state: 'unrevoked',
    assigned: { active: new Map([['0', [0, 1, 5]]]), standby: new Map([['1', [0]]]), warmup: new Map([['1', [2]]]) },
    revoking: { ...noTasks, active: new Map([['1', [1]]]) },
    target: { ...noTasks, active: new Map([['0', [0]]]) },
  }
  const settled = { ...noTasks, active: new Map([['0', [2]]]) }
  const internal = (name: string, partitions: number) => ({
    name,
    partitions,
    replicationFactor: 3,
    configs: [{ key: 'cleanup.policy', value: 'compact' }],
  })
  return {
    kind: 'streams',
    incarnation: 2 ** 52 + 3,
    coordinator: 2 ** 50 + 1,
    state: 'Live',
    stateChangedAt: TIME,
    epoch: 9,
    endpointEpoch: 4,
    shutsDown: true,
    topology: {
      epoch: 2,
      subtopologies: [
        {
          id: '0',
          sourceTopics: ['orders'],
          sourceRegexes: ['pay.*'],
          changelogTopics: [internal('app-store-changelog', 0)],
          repartitionSinkTopics: ['app-by-name-repartition'],
          repartitionSourceTopics: [internal('app-by-id-repartition', 6)],
          copartitionGroups: [{ sourceTopics: [0], sourceRegexes: [0], repartitionSourceTopics: [0] }],
        },
      ],
    },
    topics: new Map([['orders', { id: TOPIC_ID, partitions: 300 }]]),
    regexes: new Map([['pay.*', ['payments']]]),
    description: { epoch: 2, bytes: Buffer.of(1, 2, 255) },
    members: new Map([
      ['member-1', member],
      [
        'member-2',
        {
          ...member,
          id: 'member-2',
          instanceId: undefined,
          rackId: undefined,
          endpoint: undefined,
          tags: [],
          epoch: -2,
          state: 'stable',
          assigned: settled,
          revoking: noTasks,
          target: settled,
        },
      ],
    ]),
  }
}

function share(): ShareGroup {
  return {
    coordinator: 2 ** 50 + 1,
    isDead: false,
    epoch: 300,
    changedAt: TIME,
    topics: [
      { id: TOPIC_ID, name: 'orders', partitions: 300 },
      { id: OTHER_TOPIC_ID, name: 'payments', partitions: 3 },
    ],
    members: [
      {
        id: 'member-1',
        rackId: 'eu-1a',
        clientId: 'client',
        clientHost: '/10.0.0.7',
        subscription: ['orders', 'payments'],
        assignment: [
          { topicId: OTHER_TOPIC_ID, partitions: [0, 2] },
          { topicId: TOPIC_ID, partitions: [299] },
        ],
      },
      { id: 'member-2', rackId: undefined, clientId: '', clientHost: '', subscription: [], assignment: [] },
    ],
  }
}

function sharePartition(): SharePartition {
  return {
    start: 1_000,
    lastLock: 2 ** 47 + 2,
    locks: new Map([
      [2 ** 47 + 1, { memberId: 'member-1', giver: 2 ** 50 + 1, session: 2, durationMs: 30_000 }],
      [2 ** 47 + 2, { memberId: 'member-1', giver: 2 ** 50 + 1, session: 3, durationMs: 60_000 }],
    ]),
    runs: [
      { first: 1_000, last: 1_009, state: 'acquired', deliveries: 1, lock: 2 ** 47 + 1 },
      { first: 1_010, last: 1_300, state: 'done' },
      { first: 1_301, last: 1_301, state: 'available', deliveries: 4 },
      { first: 1_302, last: 1_303, state: 'acquired', deliveries: 2, lock: 2 ** 47 + 2 },
    ],
  }
}

function offsets(): OffsetsBlock {
  const stored = { offset: 70_000, leaderEpoch: 5, metadata: 'from a client ü', committedAt: TIME }
  return {
    incarnation: 2 ** 52 + 3,
    offsets: new Map([
      [16, stored],
      [31, { offset: -1, leaderEpoch: -1, metadata: '', committedAt: 0 }],
    ]),
    staged: [{ producerId: 7_000_001, transaction: 12, partition: 16, stored: { ...stored, offset: 70_100 } }],
    ended: new Map([
      [7_000_002, 1],
      [7_000_001, 11],
    ]),
  }
}

function transaction(state: TransactionDocument['state']): TransactionDocument {
  const isEmpty = state === 'Empty'
  return {
    state,
    producerId: 7_000_001,
    epoch: 32_766,
    lastEpoch: isEmpty ? -1 : 32_765,
    previousProducerId: isEmpty ? -1 : 6_999_999,
    nextProducerId: state.startsWith('Prepare') ? 7_001_000 : -1,
    transaction: isEmpty ? 0 : 12,
    timeoutMs: 60_000,
    startedAt: isEmpty ? -1 : TIME,
    changedAt: TIME + 20,
    topics: isEmpty ? [] : [{ topicId: TOPIC_ID, partitions: [0, 299] }],
    groups: isEmpty
      ? []
      : [
          { groupId: 'billing', blocks: [{ topicId: TOPIC_ID, block: 18 }] },
          { groupId: 'later', blocks: [] },
        ],
  }
}
