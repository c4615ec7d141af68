/** Groups whose configs an administrator changes while they run (KIP-848, KIP-1071). */
import { expect, test } from 'vitest'
import type { Groups, StreamsHeartbeat } from '../../lib/groups/index.ts'
import { assignmentOf, type ConsumerHeartbeat } from '../../lib/groups/index.ts'
import { NO_TASKS } from '../../lib/groups/streams-document.ts'
import { aHeartbeat } from './support/consumer-engine.ts'
import { codeOf, driven, Fleet } from './support/fleet.ts'

const joins = { epoch: 0, rebalanceTimeoutMs: 20_000 }

function fleetWith(partitions: number) {
  const fleet = new Fleet()
  fleet.topics.set('a', partitions)
  const groups = fleet.start()
  const beat = (request: Partial<ConsumerHeartbeat>) =>
    driven(fleet, groups.consumerHeartbeat({ ...aHeartbeat, memberId: 'one', ...request }))
  return { fleet, groups, beat }
}

test('a member of a consumer group is told another interval at its next heartbeat', async () => {
  const { fleet, beat } = fleetWith(1)
  const joined = await beat({ ...joins, topicNames: ['a'], owned: assignmentOf([]) })
  expect(joined.heartbeatIntervalMs).toBe(1_000)
  fleet.configs = { 'consumer.heartbeat.interval.ms': '7000' }
  expect((await beat({ epoch: joined.epoch })).heartbeatIntervalMs).toBe(7_000)
  fleet.configs = {}
  expect((await beat({ epoch: joined.epoch })).heartbeatIntervalMs).toBe(1_000)
})

test('a member of a consumer group lives as long as the group says, with its next coordinator too', async () => {
  const { fleet, beat } = fleetWith(1)
  fleet.configs = { 'consumer.session.timeout.ms': '60000' }
  const { epoch } = await beat({ ...joins, topicNames: ['a'], owned: assignmentOf([]) })
  await fleet.advance(59_000)
  await beat({ epoch })
  const next = fleet.start()
  const heartbeat = { ...aHeartbeat, memberId: 'one', epoch }
  await fleet.advance(10_000)
  await driven(fleet, next.consumerHeartbeat(heartbeat))
  await fleet.advance(59_000)
  await driven(fleet, next.consumerHeartbeat(heartbeat))
  await fleet.advance(61_000)
  expect(await codeOf(driven(fleet, next.consumerHeartbeat(heartbeat)))).toBe('UNKNOWN_MEMBER_ID')
})

// ---------------------------------------------------------------- streams groups

const changelog = { name: 'counts', partitions: 0, replicationFactor: 0, configs: [] }
const counting = {
  epoch: 0,
  subtopologies: [
    {
      id: '0',
      sourceTopics: ['a'],
      sourceRegexes: [],
      changelogTopics: [changelog],
      repartitionSinkTopics: [],
      repartitionSourceTopics: [],
      copartitionGroups: [],
    },
  ],
}
const aStreamsHeartbeat: StreamsHeartbeat = {
  groupId: 's',
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

class StreamsCaller {
  epoch = 0
  tasks = NO_TASKS
  readonly #memberId: string
  readonly #fleet: Fleet
  readonly #groups: Groups

  constructor(fleet: Fleet, groups: Groups, memberId: string) {
    this.#fleet = fleet
    this.#groups = groups
    this.#memberId = memberId
  }

  /** Joins with the first call. Answers the interval that it is told. */
  async beat(): Promise<number> {
    const memberId = this.#memberId
    const joining = { topology: counting, owned: NO_TASKS, rebalanceTimeoutMs: 60_000, processId: memberId, tags: [] }
    const request = { ...aStreamsHeartbeat, memberId, epoch: this.epoch, owned: this.tasks }
    const answer = await driven(
      this.#fleet,
      this.#groups.streamsHeartbeat(this.epoch === 0 ? { ...request, ...joining } : request),
    )
    this.epoch = answer.epoch
    this.tasks = answer.tasks ?? this.tasks
    return answer.heartbeatIntervalMs
  }

  get standbys(): number {
    return [...this.tasks.standby.values()].reduce((sum, partitions) => sum + partitions.length, 0)
  }
}

test('a streams group takes another interval and other standby replicas at the next heartbeats', async () => {
  const { fleet, groups } = fleetWith(4)
  fleet.topics.set('counts', 4)
  const callers = ['one', 'two'].map(memberId => new StreamsCaller(fleet, groups, memberId))
  const settle = async () => {
    for (let turn = 0; turn < 4; turn++) for (const caller of callers) await caller.beat()
  }
  await settle()
  expect(callers.map(({ standbys }) => standbys)).toEqual([0, 0])
  const epochBefore = callers[0]!.epoch
  fleet.configs = { 'streams.num.standby.replicas': '1', 'streams.heartbeat.interval.ms': '8000' }
  await settle()
  expect(callers.map(({ standbys }) => standbys)).toEqual([2, 2])
  expect(await callers[0]!.beat()).toBe(8_000)
  expect(callers[0]!.epoch).toBe(epochBefore + 1)
})
