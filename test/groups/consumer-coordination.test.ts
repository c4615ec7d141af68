/** Consumer groups (KIP-848) over a store, by processes that come, go, freeze and disagree. */
import { describe, expect, test } from 'vitest'
import { readConsumerAssignment, writeConsumerAssignment } from '../../lib/groups/consumer-subscription.ts'
import { type Assignment, assignmentOf, type ConsumerHeartbeat, type Groups } from '../../lib/groups/index.ts'
import { aHeartbeat, owning } from './support/consumer-engine.ts'
import { codeOf, driven, Fleet, joinRequest, memberRequest, syncRequest, Watched } from './support/fleet.ts'

const SESSION_MS = 45_000
const NOTHING = assignmentOf([])

/** A member that does what it is told at once. */
class Caller {
  epoch = 0
  owned: Assignment = NOTHING
  groups: Groups
  /** What it was told last to have, whether it has done so or not. */
  told: Assignment = NOTHING
  readonly #fleet: Fleet
  readonly #base: Partial<ConsumerHeartbeat>

  constructor(fleet: Fleet, groups: Groups, base: Partial<ConsumerHeartbeat> & { memberId: string }) {
    this.#fleet = fleet
    this.groups = groups
    this.#base = { topicNames: ['a'], rebalanceTimeoutMs: 20_000, ...base }
  }

  /** `keeps`: it does not give up what it should. */
  async beat({ keeps = false, epoch = this.epoch } = {}): Promise<void> {
    const request = { ...aHeartbeat, ...this.#base, epoch, owned: this.owned }
    const answer = await driven(this.#fleet, this.groups.consumerHeartbeat(request))
    this.epoch = answer.epoch
    this.told = answer.assignment ?? this.told
    if (answer.assignment && !keeps) this.owned = answer.assignment
  }
}

function fleetWith(partitions: number) {
  const fleet = new Fleet()
  const a = fleet.topics.set('a', partitions)
  return { fleet, a, groups: fleet.start() }
}

/** Lets time pass while these send heartbeats. */
async function passWhile(fleet: Fleet, ms: number, callers: readonly Caller[]): Promise<void> {
  for (let left = ms; left > 0; left -= 3_000) {
    for (const caller of callers) await caller.beat()
    await fleet.advance(Math.min(left, 3_000))
  }
}

describe('a member', () => {
  test('that dies loses its partitions after its session, to those who live', async () => {
    const { fleet, a, groups } = fleetWith(2)
    const [one, two] = ['one', 'two'].map(memberId => new Caller(fleet, groups, { memberId })) as [Caller, Caller]
    await one.beat()
    await passWhile(fleet, 9_000, [two, one])
    expect(two.owned.get(a)).toHaveLength(1)
    await passWhile(fleet, SESSION_MS - 12_000, [two])
    expect(two.owned.get(a)).toHaveLength(1)
    await passWhile(fleet, 15_000, [two])
    expect(two.owned).toEqual(owning(a, 0, 1))
    expect(await codeOf(driven(fleet, one.beat()))).toBe('UNKNOWN_MEMBER_ID')
  })

  test('that lives but does not give up what it should is put out after its rebalance timeout', async () => {
    const { fleet, a, groups } = fleetWith(2)
    const [one, two] = ['one', 'two'].map(memberId => new Caller(fleet, groups, { memberId })) as [Caller, Caller]
    await one.beat()
    await two.beat()
    for (let second = 0; second < 18; second += 3) {
      await one.beat({ keeps: true })
      await two.beat()
      await fleet.advance(3_000)
    }
    expect(two.owned).toEqual(NOTHING)
    await fleet.advance(6_000)
    expect(await codeOf(driven(fleet, one.beat({ keeps: true })))).toBe('UNKNOWN_MEMBER_ID')
    await two.beat()
    expect(two.owned).toEqual(owning(a, 0, 1))
  })

  test('that is told to give up more, having given up what it should, has its time for that too', async () => {
    const { fleet, groups } = fleetWith(3)
    const [one, two, three] = ['one', 'two', 'three'].map(memberId => new Caller(fleet, groups, { memberId })) as [
      Caller,
      Caller,
      Caller,
    ]
    const passKeeping = async (ms: number, others: readonly Caller[]) => {
      for (let left = ms; left > 0; left -= 3_000) {
        await one.beat({ keeps: true })
        for (const other of others) await other.beat()
        await fleet.advance(3_000)
      }
    }
    await one.beat()
    await two.beat()
    await passKeeping(12_000, [two])
    await three.beat()
    await passKeeping(3_000, [two, three])
    const before = one.epoch
    one.owned = one.told
    await one.beat({ keeps: true })
    expect(one.epoch).toBe(before)
    await passKeeping(12_000, [two, three])
    await one.beat({ keeps: true })
  })

  test('hears of new partitions within seconds', async () => {
    const { fleet, a, groups } = fleetWith(1)
    const one = new Caller(fleet, groups, { memberId: 'one' })
    await one.beat()
    fleet.topics.set('a', 3)
    await fleet.advance(6_000)
    await one.beat()
    expect(one.owned).toEqual(owning(a, 0, 1, 2))
  })

  test('that says nothing new costs no write, and few reads', async () => {
    const { fleet, groups } = fleetWith(1)
    const one = new Caller(fleet, groups, { memberId: 'one' })
    await one.beat()
    await one.beat()
    const { writes, reads } = fleet.items
    await passWhile(fleet, 60_000, [one])
    expect(fleet.items.writes).toBe(writes)
    expect(fleet.items.reads - reads).toBeLessThanOrEqual(13)
  })

  test('with a regular expression that is none is refused, and gets no place', async () => {
    const { fleet, groups } = fleetWith(1)
    const one = new Caller(fleet, groups, { memberId: 'one', regex: 'a(' })
    expect(await codeOf(one.beat())).toBe('INVALID_REGULAR_EXPRESSION')
    expect(await codeOf(groups.describeConsumerGroup('g'))).toBe('GROUP_ID_NOT_FOUND')
  })

  test('of a group that there is not, or is a classic one, is told so', async () => {
    const { fleet, groups } = fleetWith(1)
    const one = new Caller(fleet, groups, { memberId: 'one' })
    expect(await codeOf(one.beat({ epoch: 3 }))).toBe('GROUP_ID_NOT_FOUND')
    const joined = await driven(fleet, groups.join(joinRequest({ groupId: 'g' })))
    await driven(fleet, groups.sync(syncRequest(joined.memberId, joined.generation, { [joined.memberId]: '' })))
    expect(await codeOf(one.beat({ epoch: 3 }))).toBe('GROUP_ID_NOT_FOUND')
    // What its members say to each other is not a consumer's.
    expect(await codeOf(one.beat())).toBe('GROUP_ID_NOT_FOUND')
    await driven(fleet, groups.heartbeat(memberRequest(joined.memberId, joined.generation)))
  })
})

describe('a static member that changes its protocol', () => {
  const subscription = Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 97, 255, 255, 255, 255])
  const rejoining = joinRequest({ instanceId: 'i', protocols: [{ name: 'range', metadata: subscription }] })

  test('takes its own place: of the classic one that it was, which does not leave', async () => {
    const { fleet, a, groups } = fleetWith(2)
    const { memberId, generation } = await driven(fleet, groups.join(rejoining))
    const assignments = [{ memberId, assignment: writeConsumerAssignment([['a', [0, 1]]], 0) }]
    const sync = { ...syncRequest(memberId, generation), instanceId: 'i', assignments }
    await driven(fleet, groups.sync(sync))
    const later = new Caller(fleet, groups, { memberId: 'later', instanceId: 'i' })
    await later.beat()
    expect(later.owned).toEqual(owning(a, 0, 1))
    const former = { ...memberRequest(memberId, generation), instanceId: 'i' }
    expect(await codeOf(driven(fleet, groups.heartbeat(former)))).toBe('FENCED_INSTANCE_ID')
    const third = new Caller(fleet, groups, { memberId: 'third', instanceId: 'i' })
    expect(await codeOf(third.beat())).toBe('UNRELEASED_INSTANCE_ID')
  })

  test('takes its own place: of the consumer that it was, though that lives', async () => {
    const { fleet, groups } = fleetWith(2)
    const [one, other] = ['i', 'j'].map(
      instanceId => new Caller(fleet, groups, { memberId: `member ${instanceId}`, instanceId }),
    ) as [Caller, Caller]
    await one.beat()
    await passWhile(fleet, 9_000, [one, other])
    const joined = await driven(fleet, groups.join(rejoining))
    const synced = await driven(
      fleet,
      groups.sync({ ...syncRequest(joined.memberId, joined.generation), instanceId: 'i' }),
    )
    expect(readConsumerAssignment(synced.assignment)?.topics).toHaveLength(1)
    expect(await codeOf(one.beat())).toBe('FENCED_INSTANCE_ID')
    await other.beat()
    expect(other.epoch).toBe(joined.generation)
  })
})

describe('another process', () => {
  test('takes the group over with everyone in it, and the one before lets go', async () => {
    const { fleet, a, groups } = fleetWith(2)
    const other = fleet.start()
    const one = new Caller(fleet, groups, { memberId: 'one' })
    await one.beat()
    one.groups = other
    await one.beat()
    expect(one).toMatchObject({ epoch: 1, owned: owning(a, 0, 1) })
    await fleet.advance(6_000)
    one.groups = groups
    expect(await codeOf(one.beat())).toBe('NOT_COORDINATOR')
  })

  test('that took it over is noticed before a change is stored', async () => {
    const { fleet, groups } = fleetWith(2)
    const other = fleet.start()
    const one = new Caller(fleet, groups, { memberId: 'one' })
    const two = new Caller(fleet, other, { memberId: 'two' })
    await one.beat()
    await two.beat()
    one.groups = other
    await one.beat()
    const three = new Caller(fleet, groups, { memberId: 'three' })
    expect(await codeOf(three.beat())).toBe('NOT_COORDINATOR')
    expect((await groups.describeConsumerGroup('g')).members.map(({ memberId }) => memberId)).toEqual(['one', 'two'])
  })

  test('that took it over while the store took its time: nobody is told what was stored before that', async () => {
    const { fleet, a, groups } = fleetWith(2)
    const other = fleet.start()
    const answer = Promise.withResolvers<void>()
    fleet.items.afterWrite = () => answer.promise
    const told = new Watched(new Caller(fleet, groups, { memberId: 'one' }).beat())
    await fleet.advance(100)
    fleet.items.afterWrite = () => {}
    const two = new Caller(fleet, other, { memberId: 'two' })
    await passWhile(fleet, SESSION_MS + 6_000, [two])
    expect(two.owned).toEqual(owning(a, 0, 1))
    answer.resolve()
    await fleet.advance(100)
    expect(told.code).toBe('NOT_COORDINATOR')
  })

  test('that finds a rebalance of classic members who are gone ends it when their sessions are over', async () => {
    const { fleet, a, groups } = fleetWith(2)
    const subscription = Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 97, 255, 255, 255, 255])
    await driven(fleet, groups.join(joinRequest({ protocols: [{ name: 'range', metadata: subscription }] })))
    await groups.close()
    const one = new Caller(fleet, fleet.start(), { memberId: 'one' })
    expect(await codeOf(one.beat())).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    await fleet.advance(60_000)
    await one.beat()
    expect(one.owned).toEqual(owning(a, 0, 1))
  })

  test('gives everyone a fresh session', async () => {
    const { fleet, groups } = fleetWith(2)
    const one = new Caller(fleet, groups, { memberId: 'one' })
    await one.beat()
    await fleet.advance(40_000)
    const two = new Caller(fleet, fleet.start(), { memberId: 'two' })
    await two.beat()
    await passWhile(fleet, 30_000, [two])
    one.groups = two.groups
    await one.beat()
    expect(one.epoch).toBe(1)
  })

  test('a process that was frozen puts nobody out who could not be heard', async () => {
    const { fleet, groups } = fleetWith(2)
    const one = new Caller(fleet, groups, { memberId: 'one' })
    await one.beat()
    fleet.clocks[0]!.jump(100_000)
    await fleet.advance(1_000)
    await one.beat()
    expect(one.epoch).toBe(1)
  })

  test('a write whose outcome stays unknown gives nothing away', async () => {
    const { fleet, a, groups } = fleetWith(1)
    const one = new Caller(fleet, groups, { memberId: 'one' })
    let faults = 1
    fleet.items.faultOf = () => (faults-- > 0 ? 'lost-after' : undefined)
    expect(await codeOf(one.beat())).toBeUndefined()
    expect(one.owned).toEqual(owning(a, 0))
    const two = new Caller(fleet, groups, { memberId: 'two' })
    fleet.items.faultOf = () => 'lost-before'
    expect(await codeOf(two.beat())).toBe('COORDINATOR_NOT_AVAILABLE')
    fleet.items.faultOf = () => undefined
    await one.beat()
    expect((await groups.describeConsumerGroup('g')).members).toHaveLength(1)
  })
})

describe('offsets', () => {
  async function withMember() {
    const { fleet, a, groups } = fleetWith(1)
    const one = new Caller(fleet, groups, { memberId: 'one' })
    await one.beat()
    const commit = (memberId: string, generation: number) =>
      groups.commitOffsets({
        ...memberRequest(memberId, generation),
        offsets: [{ topicId: a, partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }],
      })
    return { groups, a, one, commit, fleet }
  }

  test('are committed by a member in its epoch only', async () => {
    const { commit } = await withMember()
    const errors = await Promise.all(
      (
        [
          ['one', 0],
          ['one', 2],
          ['two', 1],
          ['', -1],
          ['one', 1],
        ] as const
      ).map(async ([id, epoch]) => (await commit(id, epoch))[0]!.error),
    )
    expect(errors).toEqual([
      'STALE_MEMBER_EPOCH',
      'STALE_MEMBER_EPOCH',
      'UNKNOWN_MEMBER_ID',
      'UNKNOWN_MEMBER_ID',
      undefined,
    ])
  })

  test('are read by anybody, and by a member in its epoch only', async () => {
    const { groups, a } = await withMember()
    const fetch = (memberId: string | undefined, memberEpoch: number) =>
      groups.fetchOffsets({
        groupId: 'g',
        partitions: [{ topicId: a, partition: 0 }],
        requireStable: false,
        memberId,
        memberEpoch,
      })
    expect(await fetch(undefined, -1)).toHaveLength(1)
    expect(await fetch('one', 1)).toHaveLength(1)
    expect(await codeOf(fetch('one', 2))).toBe('STALE_MEMBER_EPOCH')
    expect(await codeOf(fetch('two', 1))).toBe('UNKNOWN_MEMBER_ID')
  })

  test('staged in a transaction need the epoch too; old clients do not say it', async () => {
    const { groups, a } = await withMember()
    const stage = async (memberId: string, generation: number) => {
      const offsets = [{ topicId: a, partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }]
      const [result] = await groups.stageOffsets({
        ...memberRequest(memberId, generation),
        offsets,
        producerId: 1,
        transaction: 1,
      })
      return result!.error
    }
    expect([await stage('one', 0), await stage('two', 1), await stage('', -1), await stage('one', 1)]).toEqual([
      'ILLEGAL_GENERATION',
      'UNKNOWN_MEMBER_ID',
      undefined,
      undefined,
    ])
  })

  test('outlive the members, and the group is then anybody’s', async () => {
    const { groups, a, one, commit, fleet } = await withMember()
    await commit('one', 1)
    expect(await codeOf(groups.delete('g'))).toBe('NON_EMPTY_GROUP')
    const deletion = { groupId: 'g', topics: [{ id: a, name: 'a', partitions: [0] }] }
    expect((await groups.deleteOffsets(deletion))[0]!.error).toBe('GROUP_SUBSCRIBED_TO_TOPIC')
    await one.beat({ epoch: -1 })
    expect(await groups.list()).toEqual([{ groupId: 'g', state: 'Empty', protocolType: 'consumer', type: 'consumer' }])
    const joined = await driven(fleet, groups.join(joinRequest({ groupId: 'g' })))
    expect(joined.generation).toBeGreaterThan(1)
    const [offset] = await groups.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: false })
    expect(offset).toMatchObject({ topicId: a, offset: 5 })
  })
})
