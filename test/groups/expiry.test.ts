/** Committed offsets that are over go, and with them groups that nobody is in (KIP-211); nothing else does. */
import { describe, expect, test } from 'vitest'
import {
  expireGroupsJob,
  forgetTopicsInGroups,
  type Groups,
  type NewOffset,
  offsetsBlocksOf,
} from '../../lib/groups/index.ts'
import { runJob } from '../support/upkeep-pass.ts'
import { aHeartbeat } from './support/consumer-engine.ts'
import {
  driven,
  Fleet,
  formGroup,
  joinRequest,
  memberRequest,
  seededRandom,
  syncRequest,
  Watched,
} from './support/fleet.ts'
import { VirtualClock } from './support/virtual-clock.ts'

const DAY = 24 * 3_600_000
const topicId = 'a'.repeat(32)
const otherTopicId = 'b'.repeat(32)
const nobody = memberRequest('', -1)

/** A fleet, and an upkeep whose clock is ahead by as much as the test says. */
function openRig() {
  const fleet = new Fleet()
  const groups = fleet.start()
  const clock = new VirtualClock()
  fleet.clocks.push(clock)
  const names = new Map([
    [topicId, 'orders'],
    [otherTopicId, 'payments'],
  ])
  const find = async (key: { id: string } | { name: string }) => {
    const name = 'id' in key ? names.get(key.id) : undefined
    return name === undefined ? undefined : { id: topicId, name, partitions: 1, shardSize: 1, configs: {} }
  }
  const parts = { items: fleet.items, topics: { find }, clock, random: seededRandom(99) }
  const job = expireGroupsJob(parts, { offsetsRetentionMs: 7 * DAY, intervalMs: 1_000 })
  const expire = async (afterMs = 0, options = {}) => {
    clock.jump(afterMs)
    return (await driven(fleet, runJob(job, options))).map(({ what }) => what)
  }
  return { fleet, groups, clock, names, parts, expire }
}

function at(partition: number, offset: number, id = topicId): NewOffset {
  return { topicId: id, partition, offset, leaderEpoch: -1, metadata: '' }
}

async function commit(groups: Groups, ...offsets: NewOffset[]) {
  return (await groups.commitOffsets({ ...nobody, offsets })).map(({ error }) => error)
}

async function fetched(groups: Groups, ...partitions: number[]) {
  const places = partitions.map(partition => ({ topicId, partition }))
  const found = await groups.fetchOffsets({ groupId: 'g', partitions: places, requireStable: true })
  return found.map(({ offset, error }) => error ?? offset)
}

function keysOf({ items }: Fleet): string[] {
  return items.keys().map(key => key.split(/[#/]/)[0]!)
}

describe('a group that only stores offsets', () => {
  test('keeps each for the retention since its commit, and goes with the last', async () => {
    const { fleet, groups, expire } = openRig()
    await commit(groups, at(0, 7), at(40, 8))
    expect(await expire(7 * DAY - 1)).toEqual([])
    fleet.clocks[0]!.jump(3 * DAY)
    await commit(groups, at(1, 9))
    expect(await expire(1)).toEqual([`offsets of group g in ${topicId}/0`, `offsets of group g in ${topicId}/40`])
    expect(await fetched(groups, 0, 1, 40)).toEqual([-1, 9, -1])
    expect(await expire()).toEqual([])
    expect(await expire(3 * DAY)).toEqual(['group g'])
    expect(await groups.list()).toEqual([])
    expect(keysOf(fleet)).toEqual(['lifetimes'])
  })

  test('writes nothing where nothing is over, and in a dry run', async () => {
    const { fleet, groups, expire } = openRig()
    await commit(groups, at(0, 7))
    const { writes } = fleet.items
    expect(await expire(DAY)).toEqual([])
    expect(await expire(7 * DAY, { dry: true })).toEqual(['group g'])
    expect(fleet.items.writes).toBe(writes)
    expect(await fetched(groups, 0)).toEqual([7])
  })

  test('may have more blocks than one write takes', async () => {
    const { fleet, groups, expire } = openRig()
    await commit(groups, ...Array.from({ length: 230 }, (_, i) => at(16 * i, i)))
    expect(await expire(7 * DAY)).toEqual(['group g'])
    expect(keysOf(fleet)).toEqual(['lifetimes'])
  })
})

describe('a group of members', () => {
  test('keeps its offsets while somebody is in it, however old they are', async () => {
    const { fleet, groups, expire } = openRig()
    await formGroup(fleet, groups, 1)
    await commitAs(groups, fleet)
    expect(await expire(30 * DAY)).toEqual([])
    expect(await fetched(groups, 0)).toEqual([5])
  })

  test('keeps them for the retention after the last has left', async () => {
    const { fleet, groups, expire } = openRig()
    const { ids } = await formGroup(fleet, groups, 1)
    await groups.commitOffsets({ ...memberRequest(ids[0]!, 1), offsets: [at(0, 5)] })
    fleet.clocks[0]!.jump(20 * DAY)
    await groups.leave({ groupId: 'g', members: [{ memberId: ids[0]!, instanceId: undefined }] })
    expect(await expire(20 * DAY + 7 * DAY - 60_000)).toEqual([])
    expect(await fetched(groups, 0)).toEqual([5])
    expect(await expire(60_000)).toEqual(['group g'])
  })

  test('of the consumer protocol loses those of topics that nobody is subscribed to', async () => {
    const { fleet, groups, names, expire } = openRig()
    const id = fleet.topics.set('orders', 3)
    names.set(id, 'orders')
    const joined = await driven(
      fleet,
      groups.consumerHeartbeat({
        ...aHeartbeat,
        groupId: 'g',
        memberId: 'm',
        epoch: 0,
        topicNames: ['orders'],
        owned: new Map(),
        rebalanceTimeoutMs: 60_000,
      }),
    )
    const who = { groupId: 'g', memberId: 'm', instanceId: undefined, generation: joined.epoch }
    const stored = await groups.commitOffsets({ ...who, offsets: [at(0, 5, id), at(1, 6, otherTopicId)] })
    expect(stored.map(({ error }) => error)).toEqual([undefined, undefined])
    expect(await expire(7 * DAY)).toEqual([`offsets of group g in ${otherTopicId}/1`])
    const left = await groups.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: true })
    expect(left.map(({ offset }) => offset)).toEqual([5])
  })

  async function commitAs(groups: Groups, fleet: Fleet) {
    const description = await groups.describe('g')
    const memberId = description.members[0]!.memberId
    await driven(fleet, groups.commitOffsets({ ...memberRequest(memberId, 1), offsets: [at(0, 5)] }))
  }
})

describe('an open transaction', () => {
  test('keeps the offset that it is to replace, and the group', async () => {
    const { groups, fleet, expire } = openRig()
    await commit(groups, at(0, 1), at(1, 1))
    await groups.stageOffsets({ ...nobody, offsets: [at(0, 5)], producerId: 1, transaction: 1 })
    expect(await expire(7 * DAY)).toEqual([`offsets of group g in ${topicId}/1`])
    const blocks = offsetsBlocksOf([{ topicId, partition: 0 }])
    const end = { groupId: 'g', blocks, producerId: 1, transaction: 1, outcome: 'commit' } as const
    await driven(fleet, groups.endTransaction(end))
    expect(await fetched(groups, 0, 1)).toEqual([5, -1])
    expect(await expire()).toEqual(['group g'])
    expect(keysOf(fleet)).toEqual(['lifetimes'])
  })

  test('that ends where its group is gone leaves nothing that nobody finds', async () => {
    const { groups, fleet, expire } = openRig()
    const blocks = offsetsBlocksOf([{ topicId, partition: 0 }])
    await groups.endTransaction({ groupId: 'g', blocks, producerId: 1, transaction: 1, outcome: 'abort' })
    expect(await expire(7 * DAY)).toEqual(['group g'])
    expect(keysOf(fleet)).toEqual(['lifetimes'])
  })
})

describe('at the same time', () => {
  /** Does `meanwhile` right before the pass writes. */
  async function raced(rig: ReturnType<typeof openRig>, meanwhile: () => Promise<unknown>) {
    let isDone = false
    rig.fleet.items.before = async what => {
      if (what !== 'write' || isDone) return
      isDone = true
      await meanwhile()
    }
    await rig.expire(7 * DAY)
    expect(isDone).toBe(true)
  }

  test('a commit is kept: alone, and beside others that are over', async () => {
    for (const others of [[], [at(1, 1)], [at(60, 1)]]) {
      const rig = openRig()
      await commit(rig.groups, at(0, 1), ...others)
      await raced(rig, () => {
        rig.fleet.clocks[0]!.jump(7 * DAY)
        return commit(rig.groups, at(0, 2))
      })
      expect(await fetched(rig.groups, 0)).toEqual([2])
      await rig.expire()
      expect(await fetched(rig.groups, 0, 1, 60)).toEqual([2, -1, -1])
    }
  })

  test('a first commit in another block is kept', async () => {
    const rig = openRig()
    await commit(rig.groups, at(0, 1))
    await raced(rig, () => {
      rig.fleet.clocks[0]!.jump(7 * DAY)
      return commit(rig.groups, at(40, 2))
    })
    expect(await fetched(rig.groups, 40)).toEqual([2])
  })

  test('a member that joins finds the offsets', async () => {
    const rig = openRig()
    await commit(rig.groups, at(0, 1), at(40, 1))
    await commit(rig.groups, at(41, 1))
    await raced(rig, async () => {
      const joined = await joinAndSync(rig)
      expect(joined).toBe(1)
    })
    expect(await fetched(rig.groups, 0, 40)).toEqual([1, 1])
  })

  async function joinAndSync({ fleet, groups }: ReturnType<typeof openRig>) {
    const joining = groups.join(joinRequest())
    await fleet.advance(3_000)
    const { memberId, generation } = await joining
    await groups.sync(syncRequest(memberId, generation, { [memberId]: 'all' }))
    return generation
  }

  test('a coordinator that has the group in memory makes it anew', async () => {
    const { fleet, groups, expire } = openRig()
    await commit(groups, at(0, 1))
    const joining = new Watched(groups.join(joinRequest()))
    await expire(7 * DAY)
    await fleet.advance(3_000)
    expect(joining.code).toBe('NOT_COORDINATOR')
    const { generation } = await formGroup(fleet, groups, 1)
    expect(generation).toBe(1)
    expect(await fetched(groups, 0)).toEqual([-1])
  })
})

test('the write that made a group, come again after its end, makes nothing', async () => {
  const { fleet, groups, expire } = openRig()
  await commit(groups, at(0, 1))
  const made = fleet.items.sent.filter(operations => operations.every(one => one.kind !== 'delete'))
  expect(await expire(7 * DAY)).toEqual(['group g'])
  expect((await fleet.items.write(made[0]!)).written).toBe(false)
  expect(await groups.list()).toEqual([])
})

test('what groups committed for deleted topics goes, in every group', async () => {
  const { fleet, groups, parts } = openRig()
  await commit(groups, at(0, 1), at(40, 1), at(0, 2, otherTopicId))
  await groups.commitOffsets({ ...nobody, groupId: 'h', offsets: [at(0, 3)] })
  await driven(fleet, forgetTopicsInGroups(parts, new Set([topicId, 'd'.repeat(32)])))
  const left = await groups.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: true })
  expect(left.map(one => one.topicId)).toEqual([otherTopicId])
  expect(keysOf(fleet)).toEqual(['group', 'group', 'group', 'groups', 'groups'])
})
