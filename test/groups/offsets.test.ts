/** Committed offsets: who may set them, and that nobody else moves them. */
import { describe, expect, test } from 'vitest'
import type { Groups, NewOffset } from '../../lib/groups/index.ts'
import { codeOf, driven, Fleet, formGroup, joinRequest, memberRequest, syncRequest, Watched } from './support/fleet.ts'
import { settled } from './support/virtual-clock.ts'

const topicId = 'a'.repeat(32)
const otherTopicId = 'b'.repeat(32)

function at(partition: number, offset: number, options: Partial<NewOffset> = {}): NewOffset {
  return { topicId, partition, offset, leaderEpoch: -1, metadata: '', ...options }
}

async function commit(groups: Groups, who: ReturnType<typeof memberRequest>, ...offsets: NewOffset[]) {
  return (await groups.commitOffsets({ ...who, offsets })).map(({ error }) => error)
}

async function fetched(groups: Groups, ...partitions: number[]) {
  const found = await groups.fetchOffsets({
    groupId: 'g',
    partitions: partitions.map(partition => ({ topicId, partition })),
    requireStable: true,
  })
  return found.map(({ offset }) => offset)
}

const nobody = memberRequest('', -1)

describe('offsets', () => {
  test('are kept with what the client said about them, and read by every process', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 1)
    const who = memberRequest(ids[0]!, 1)
    expect(
      await commit(groups, who, at(0, 7, { leaderEpoch: 3, metadata: 'né' }), at(40, 9), at(3, 2 ** 53 - 1)),
    ).toEqual([undefined, undefined, undefined])
    const request = {
      groupId: 'g',
      partitions: [0, 1, 40, 3].map(partition => ({ topicId, partition })),
      requireStable: false,
    }
    expect(await fleet.start().fetchOffsets(request)).toMatchObject([
      { topicId, partition: 0, offset: 7, leaderEpoch: 3, metadata: 'né' },
      { topicId, partition: 1, offset: -1, leaderEpoch: -1, metadata: '' },
      { topicId, partition: 40, offset: 9, leaderEpoch: -1, metadata: '' },
      { topicId, partition: 3, offset: 2 ** 53 - 1 },
    ])
  })

  test('of a group or topic that committed none are -1; all of nothing is nothing', async () => {
    const groups = new Fleet().start()
    expect(await fetched(groups, 0, 17)).toEqual([-1, -1])
    expect(await groups.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: true })).toEqual([])
  })

  test('can all be asked for', async () => {
    const groups = new Fleet().start()
    await commit(groups, nobody, at(1, 1), at(100, 2), at(5, 3, { topicId: otherTopicId }))
    const all = await groups.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: true })
    expect(all.map(({ topicId: id, partition, offset }) => [id[0], partition, offset])).toEqual([
      ['a', 1, 1],
      ['a', 100, 2],
      ['b', 5, 3],
    ])
  })

  test('with too much metadata are refused alone', async () => {
    const groups = new Fleet().start()
    expect(
      await commit(
        groups,
        nobody,
        at(0, 1, { metadata: 'x'.repeat(4_097) }),
        at(1, 1, { metadata: 'é'.repeat(4_096) }),
      ),
    ).toEqual(['OFFSET_METADATA_TOO_LARGE', undefined])
    expect(await fetched(groups, 0, 1)).toEqual([-1, 1])
  })

  test('are stored in one write for each block of 16 partitions', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    await commit(groups, nobody, at(0, 1))
    const before = fleet.items.writes
    await commit(groups, nobody, ...Array.from({ length: 32 }, (_, partition) => at(partition, 1)))
    expect(fleet.items.writes - before).toBe(2)
  })

  test('that wait together are stored together', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    await commit(groups, nobody, at(0, 1))
    const before = fleet.items.writes
    await Promise.all(Array.from({ length: 50 }, (_, i) => commit(groups, nobody, at(i % 16, i))))
    expect(fleet.items.writes - before).toBeLessThanOrEqual(3)
    expect(await fetched(groups, 0, 1, 15)).toEqual([48, 49, 47])
  })

  test('go with their topic', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    await commit(groups, nobody, at(0, 1), at(90, 1), at(0, 1, { topicId: otherTopicId }))
    await groups.removeTopicOffsets(topicId)
    expect(fleet.items.keys().filter(key => key.includes('o#'))).toEqual([`group#g/o#${otherTopicId}#000000`])
  })
})

describe('who may commit', () => {
  test('nobody of an unknown generation, group or member', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    expect(await commit(groups, memberRequest('m', 3), at(0, 1))).toEqual(['GROUP_ID_NOT_FOUND'])
    const { ids } = await formGroup(fleet, groups, 1)
    expect(await commit(groups, memberRequest(ids[0]!, 0), at(0, 1))).toEqual(['ILLEGAL_GENERATION'])
    expect(await commit(groups, memberRequest(ids[0]!, 2), at(0, 1))).toEqual(['ILLEGAL_GENERATION'])
    expect(await commit(groups, memberRequest('m', 1), at(0, 1))).toEqual(['UNKNOWN_MEMBER_ID'])
    expect(await commit(groups, nobody, at(0, 1))).toEqual(['UNKNOWN_MEMBER_ID'])
    expect(await fetched(groups, 0)).toEqual([-1])
  })

  test('anyone without membership, as long as the group is empty', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    expect(await commit(groups, nobody, at(0, 1))).toEqual([undefined])
    expect(await groups.describe('g')).toMatchObject({ state: 'Empty', protocolType: '' })
    const { ids } = await formGroup(fleet, groups, 1)
    expect(await commit(groups, nobody, at(0, 2))).toEqual(['UNKNOWN_MEMBER_ID'])
    await groups.leave({ groupId: 'g', members: [{ memberId: ids[0]!, instanceId: undefined }] })
    expect(await commit(groups, nobody, at(0, 3))).toEqual([undefined])
    expect(await fetched(groups, 0)).toEqual([3])
  })

  test('a static member that was replaced: not', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 1, { instanceId: 'one' })
    await groups.join(joinRequest({ instanceId: 'one' }))
    expect(await commit(groups, { ...memberRequest(ids[0]!, 1), instanceId: 'one' as never }, at(0, 1))).toEqual([
      'FENCED_INSTANCE_ID',
    ])
  })

  test('members of the last generation while they join, of the next one only once they are assigned', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    const joining = new Watched(groups.join(joinRequest({ memberId: ids[0]! })))
    await settled()
    expect(await commit(groups, memberRequest(ids[1]!, 1), at(0, 1))).toEqual([undefined])
    expect(await commit(fleet.start(), memberRequest(ids[1]!, 1), at(0, 2))).toEqual([undefined])
    await groups.join(joinRequest({ memberId: ids[1]! }))
    await settled()
    expect(joining.value).toMatchObject({ generation: 2 })
    expect(await commit(groups, memberRequest(ids[1]!, 1), at(0, 3))).toEqual(['ILLEGAL_GENERATION'])
    expect(await commit(groups, memberRequest(ids[1]!, 2), at(0, 3))).toEqual(['REBALANCE_IN_PROGRESS'])
    expect(await fetched(groups, 0)).toEqual([2])
  })

  test('a commit keeps the session alive', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 1)
    for (let i = 0; i < 5; i++) {
      await fleet.advance(8_000)
      expect(await commit(groups, memberRequest(ids[0]!, 1), at(0, i))).toEqual([undefined])
    }
  })
})

describe('races', () => {
  test.each(['get', 'write'])('a member that is replaced while its commit waits at a %s moves nothing', async held => {
    const fleet = new Fleet()
    const [first, other, slow] = [fleet.start(), fleet.start(), fleet.start()]
    const { ids } = await formGroup(fleet, first, 2)
    await commit(first, memberRequest(ids[0]!, 1), at(0, 10))
    const reached = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    fleet.items.before = (what, { sk }) => {
      if (what !== held || !sk.startsWith('o#')) return
      fleet.items.before = () => {}
      reached.resolve()
      return release.promise
    }
    const late = commit(slow, memberRequest(ids[0]!, 1), at(0, 11))
    await reached.promise
    await other.leave({ groupId: 'g', members: [{ memberId: ids[0]!, instanceId: undefined }] })
    const { generation } = await other.join(joinRequest({ memberId: ids[1]! }))
    await other.sync(syncRequest(ids[1]!, generation, { [ids[1]!]: 'all' }))
    expect(await commit(other, memberRequest(ids[1]!, generation), at(0, 20))).toEqual([undefined])
    release.resolve()
    expect(await driven(fleet, late)).toEqual(['UNKNOWN_MEMBER_ID'])
    expect(await fetched(other, 0)).toEqual([20])
  })

  test('processes that commit to the same block at once all succeed', async () => {
    const fleet = new Fleet()
    const processes = [fleet.start(), fleet.start(), fleet.start()]
    const committing = processes.map((groups, partition) =>
      Promise.all(Array.from({ length: 5 }, (_, i) => commit(groups, nobody, at(partition, i)))),
    )
    await fleet.advance(5_000)
    expect((await Promise.all(committing)).flat(2)).toEqual(Array(15).fill(undefined))
    expect(await fetched(processes[0]!, 0, 1, 2)).toEqual([4, 4, 4])
  })

  test('a commit whose answer was lost is acknowledged once it is found', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    fleet.items.faultOf = () => (fleet.items.writes % 2 === 1 ? 'lost-after' : undefined)
    const committing = commit(groups, nobody, at(0, 1))
    await fleet.advance(1_000)
    expect(await committing).toEqual([undefined])
    expect(await fetched(groups, 0)).toEqual([1])
  })

  test('a store that does not come back: the caller is told that it may have been done', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    await commit(groups, nobody, at(0, 1))
    fleet.items.faultOf = () => 'lost-before'
    const committing = commit(groups, nobody, at(0, 2))
    await fleet.advance(20_000)
    expect(await committing).toEqual(['REQUEST_TIMED_OUT'])
    fleet.items.faultOf = () => 'refused'
    expect(await commit(groups, nobody, at(0, 2))).toEqual(['COORDINATOR_NOT_AVAILABLE'])
  })
})

describe('deleting offsets', () => {
  const remove = (groups: Groups, ...partitions: number[]) =>
    groups.deleteOffsets({ groupId: 'g', topics: [{ id: topicId, name: 'flights', partitions }] })

  test('of an empty group', async () => {
    const groups = new Fleet().start()
    await commit(groups, nobody, at(0, 1), at(1, 1), at(20, 1))
    expect(await remove(groups, 0, 20, 21)).toMatchObject([
      { partition: 0, error: undefined },
      { error: undefined },
      { error: undefined },
    ])
    expect(await fetched(groups, 0, 1, 20)).toEqual([-1, 1, -1])
  })

  test('of topics that a consumer is subscribed to is refused, of others not', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const subscription = (name: string) =>
      Buffer.concat([Buffer.from([0, 1, 0, 0, 0, 1, 0, name.length]), Buffer.from(name)])
    await formGroup(fleet, groups, 1, { protocols: [{ name: 'range', metadata: subscription('flights') }] })
    expect(await remove(groups, 0)).toMatchObject([{ error: 'GROUP_SUBSCRIBED_TO_TOPIC' }])
    const others = { groupId: 'g', topics: [{ id: otherTopicId, name: 'trains', partitions: [0] }] }
    expect(await groups.deleteOffsets(others)).toMatchObject([{ error: undefined }])
  })

  test('of a group that is unknown, or in use by others than consumers, is refused', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    expect(await codeOf(remove(groups, 0))).toBe('GROUP_ID_NOT_FOUND')
    const joining = new Watched(groups.join(joinRequest({ protocolType: 'connect' })))
    await fleet.advance(500)
    expect(joining.value).toMatchObject({ generation: 1 })
    expect(await codeOf(remove(groups, 0))).toBe('NON_EMPTY_GROUP')
  })
})
