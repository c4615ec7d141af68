/** The pure engine of streams groups (KIP-1071): topologies against topics, tasks, and who may have them. */
import { describe, expect, test } from 'vitest'
import { NOTHING } from '../../lib/groups/assignment.ts'
import { decodeGroupDocument, encodeGroupDocument } from '../../lib/groups/group-document.ts'
import type { StreamsHeartbeat } from '../../lib/groups/index.ts'
import { defaultGroupSettings } from '../../lib/groups/settings.ts'
import { assignTasks } from '../../lib/groups/streams-assignor.ts'
import { NO_TASKS, type StreamsDocument, type Subtopology, type Tasks } from '../../lib/groups/streams-document.ts'
import { endpointsOf, newStreamsGroup, newStreamsMember, streamsStateOf } from '../../lib/groups/streams-group.ts'
import {
  heartbeatOfStreams,
  refusalOfStreamsHeartbeat,
  removeStreamsMembers,
  type StreamsStep,
} from '../../lib/groups/streams-heartbeat.ts'
import { configureTopology } from '../../lib/groups/streams-topology.ts'
import { EngineTopics } from './support/consumer-engine.ts'

const internal = (name: string) => ({ name, partitions: 0, replicationFactor: 0, configs: [] })

const nothing: Omit<Subtopology, 'id'> = {
  sourceTopics: [],
  sourceRegexes: [],
  changelogTopics: [],
  repartitionSinkTopics: [],
  repartitionSourceTopics: [],
  copartitionGroups: [],
}

/** Word count: lines are split, and counted by word behind a repartition topic. */
const words = {
  epoch: 0,
  subtopologies: [
    { ...nothing, id: '0', sourceTopics: ['lines'], repartitionSinkTopics: ['by-word'] },
    { ...nothing, id: '1', repartitionSourceTopics: [internal('by-word')], changelogTopics: [internal('counts')] },
  ],
}

class Engine {
  readonly topics = new EngineTopics()
  group: StreamsDocument = newStreamsGroup(1, 0)
  standbyReplicas = 0
  reassigns = false

  constructor(partitions: number) {
    this.topics.set('lines', partitions)
    this.topics.set('by-word', partitions)
    this.topics.set('counts', partitions)
  }

  beat(options: Partial<StreamsHeartbeat> & { memberId: string; epoch: number }): StreamsStep {
    const request = { ...aHeartbeat, ...options }
    const refusal = refusalOfStreamsHeartbeat(request)
    if (refusal) return refusal
    const step = heartbeatOfStreams(this.group, request, this.topics, this.moment)
    if (!('error' in step)) this.keep(step.group)
    return step
  }

  join(memberId: string, options: Partial<StreamsHeartbeat> = {}) {
    return this.must({ ...joining, processId: memberId, ...options, memberId, epoch: 0 })
  }

  must(options: Parameters<Engine['beat']>[0]): Exclude<StreamsStep, { error: unknown }> {
    const step = this.beat(options)
    if ('error' in step) throw new Error(`${step.error}: ${step.message}`)
    return step
  }

  get moment() {
    const settings = { ...defaultGroupSettings, streamsStandbyReplicas: this.standbyReplicas }
    return { wallTime: 5, settings, reassigns: this.reassigns }
  }

  keep(group: StreamsDocument): void {
    this.group = decodeGroupDocument(encodeGroupDocument(group)) as StreamsDocument
  }
}

const aHeartbeat: StreamsHeartbeat = {
  groupId: 'g',
  memberId: '',
  instanceId: undefined,
  epoch: 0,
  endpointEpoch: 0,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  rackId: undefined,
  rebalanceTimeoutMs: undefined,
  topology: undefined,
  owned: undefined,
  processId: undefined,
  endpoint: undefined,
  tags: undefined,
  shutsDown: false,
}
const joining = { topology: words, owned: NO_TASKS, rebalanceTimeoutMs: 60_000, processId: 'p', tags: [] }

const countOf = ({ active }: Tasks) => [...active.values()].reduce((sum, { length }) => sum + length, 0)

describe('a topology', () => {
  test('has as many tasks as its topics have partitions, through repartition topics too', () => {
    const topics = new EngineTopics()
    topics.set('lines', 3)
    const { status, missing, tasks } = configureTopology(words, topics)
    expect(status).toMatchObject({ status: 'MISSING_INTERNAL_TOPICS' })
    expect(missing.map(({ name, partitions }) => [name, partitions])).toEqual([
      ['by-word', 3],
      ['counts', 3],
    ])
    expect(tasks.size).toBe(0)
    for (const { name, partitions } of missing) topics.set(name, partitions)
    expect([...configureTopology(words, topics).tasks]).toEqual([
      ['0', 3],
      ['1', 3],
    ])
  })

  test('waits for its source topics, and for topics that fit together', () => {
    const topics = new EngineTopics()
    expect(configureTopology(words, topics).status).toEqual({
      status: 'MISSING_SOURCE_TOPICS',
      detail: 'Source topics lines are missing.',
    })
    topics.set('lines', 3)
    topics.set('by-word', 3)
    topics.set('counts', 2)
    expect(configureTopology(words, topics).status?.status).toBe('INCORRECTLY_PARTITIONED_TOPICS')
    const copartitionGroups = [{ sourceTopics: [0, 1], sourceRegexes: [], repartitionSourceTopics: [] }]
    const join = {
      epoch: 0,
      subtopologies: [{ ...nothing, id: '0', sourceTopics: ['lines', 'counts'], copartitionGroups }],
    }
    expect(configureTopology(join, topics).status?.status).toBe('INCORRECTLY_PARTITIONED_TOPICS')
  })
})

describe('a member', () => {
  test('alone has every task; a second waits until the first says what it gave up', () => {
    const engine = new Engine(2)
    const first = engine.join('one')
    expect(countOf(first.tasks!)).toBe(4)
    expect(streamsStateOf(engine.group)).toBe('Stable')
    expect(countOf(engine.join('two').tasks!)).toBe(0)
    const told = engine.must({ memberId: 'one', epoch: 1 })
    expect(countOf(told.tasks!)).toBe(2)
    expect(engine.must({ memberId: 'two', epoch: 2 }).tasks).toBeUndefined()
    engine.must({ memberId: 'one', epoch: 1, owned: told.tasks })
    expect(countOf(engine.must({ memberId: 'two', epoch: 2 }).tasks!)).toBe(2)
    expect(streamsStateOf(engine.group)).toBe('Stable')
  })

  test('with an older topology gets nothing and is told so; a newer one takes over', () => {
    const engine = new Engine(2)
    engine.join('one')
    const newer = { ...words, epoch: 1 }
    const fresh = engine.join('two', { topology: newer })
    expect(fresh.status).toEqual([])
    const old = engine.must({ memberId: 'one', epoch: 1, owned: NO_TASKS })
    expect(old.status.map(({ status }) => status)).toEqual(['STALE_TOPOLOGY'])
    expect(countOf(old.member!.target)).toBe(0)
    expect(
      engine.beat({ ...joining, memberId: 'three', epoch: 0, topology: { ...newer, subtopologies: [] } }),
    ).toMatchObject({ error: 'STREAMS_INVALID_TOPOLOGY' })
  })

  test('keeps what it was told until it was told less, and says that it has no more', () => {
    const engine = new Engine(2)
    engine.join('one')
    engine.join('two')
    // Sent in its epoch, before it has begun with the tasks that it was told.
    const told = engine.must({ memberId: 'one', epoch: 1, owned: NO_TASKS })
    expect(told).toMatchObject({ member: { epoch: 1, state: 'unrevoked' } })
    expect(countOf(told.tasks!)).toBe(2)
    expect(engine.must({ memberId: 'two', epoch: 2 }).tasks).toBeUndefined()
    engine.must({ memberId: 'one', epoch: 1, owned: told.tasks })
    expect(countOf(engine.must({ memberId: 'two', epoch: 2 }).tasks!)).toBe(2)
  })

  test('a static one that comes back to less than it had is in the group at once: it has nothing', () => {
    const engine = new Engine(4)
    engine.join('one', { instanceId: 'i' })
    engine.must({ memberId: 'one', instanceId: 'i', epoch: -2 })
    engine.join('two')
    const back = engine.join('new', { instanceId: 'i' })
    expect(back.member).toMatchObject({ epoch: engine.group.epoch, state: 'stable' })
    expect(countOf(back.tasks!)).toBe(4)
  })

  test('may ask everyone to shut down', () => {
    const engine = new Engine(2)
    engine.join('one')
    engine.join('two')
    engine.must({ memberId: 'one', epoch: 1, shutsDown: true })
    expect(engine.must({ memberId: 'two', epoch: 2 }).status.map(({ status }) => status)).toEqual([
      'SHUTDOWN_APPLICATION',
    ])
  })

  test('tells its endpoint, and learns of the others’', () => {
    const engine = new Engine(2)
    const endpoint = { host: 'here', port: 80 }
    engine.join('one', { endpoint })
    expect(engine.group.endpointEpoch).toBe(1)
    const [told] = endpointsOf(engine.group)
    expect(told).toMatchObject(endpoint)
    expect([...told!.active]).toEqual([
      ['lines', [0, 1]],
      ['by-word', [0, 1]],
    ])
  })

  test('that goes leaves its tasks; an unknown or wrong one is refused', () => {
    const engine = new Engine(2)
    engine.join('one')
    engine.join('two')
    engine.keep(removeStreamsMembers(engine.group, ['one'], engine.moment))
    expect(countOf(engine.must({ memberId: 'two', epoch: 2 }).tasks!)).toBe(4)
    expect(engine.beat({ memberId: 'one', epoch: 1 })).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
    expect(engine.beat({ memberId: 'two', epoch: 9 })).toMatchObject({ error: 'FENCED_MEMBER_EPOCH' })
    expect(engine.beat({ ...joining, memberId: 'x', epoch: 0, topology: undefined })).toMatchObject({
      error: 'INVALID_REQUEST',
    })
  })
})

describe('tasks', () => {
  const member = (id: string, processId: string, target: Tasks = NO_TASKS) => ({
    ...newStreamsMember(id),
    processId,
    target,
  })
  const tasks = new Map([
    ['0', 3],
    ['1', 3],
  ])
  const { subtopologies } = words

  test('are even among members, stay where they were, and have standbys on other processes', () => {
    const first = assignTasks({
      members: [member('a', 'p'), member('b', 'q')],
      tasks,
      subtopologies,
      standbyReplicas: 1,
    })
    expect([...first.values()].map(countOf)).toEqual([3, 3])
    for (const [id, { active, standby }] of first) {
      const other = first.get(id === 'a' ? 'b' : 'a')!
      expect(standby).toEqual(new Map([['1', other.active.get('1')!]]))
      expect(active.get('1')).not.toEqual(standby.get('1'))
    }
    const again = [member('a', 'p', first.get('a')!), member('b', 'q', first.get('b')!), member('c', 'r')]
    const second = assignTasks({ members: again, tasks, subtopologies, standbyReplicas: 1 })
    expect([...second.values()].map(countOf)).toEqual([2, 2, 2])
    for (const id of ['a', 'b']) {
      for (const [subtopology, partitions] of second.get(id)!.active) {
        for (const partition of partitions) expect(first.get(id)!.active.get(subtopology)).toContain(partition)
      }
    }
  })

  test('have no standby where there is one process only', () => {
    const given = assignTasks({
      members: [member('a', 'p'), member('b', 'p')],
      tasks,
      subtopologies,
      standbyReplicas: 1,
    })
    for (const { standby } of given.values()) expect(standby).toEqual(NOTHING)
  })
})
