/** Offsets staged in transactions: committed or dropped with them, and by whom they may be staged (KIP-98, KIP-447). */
import { describe, expect, test } from 'vitest'
import { type Groups, type NewOffset, offsetsBlocksOf } from '../../lib/groups/index.ts'
import { draftOf, endTransaction, refusalOfStaging, stageOffset } from '../../lib/groups/staged-offsets.ts'
import { driven, Fleet, formGroup, joinRequest, memberRequest, syncRequest } from './support/fleet.ts'

const topicId = 'a'.repeat(32)
const nobody = memberRequest('', -1)

function at(partition: number, offset: number): NewOffset {
  return { topicId, partition, offset, leaderEpoch: -1, metadata: '' }
}

interface Staging {
  readonly who?: ReturnType<typeof memberRequest>
  readonly producerId?: number
  readonly transaction?: number
}

async function stage(groups: Groups, offsets: readonly NewOffset[], staging: Staging = {}) {
  const { who = nobody, producerId = 1, transaction = 1 } = staging
  const results = await groups.stageOffsets({ ...who, offsets, producerId, transaction })
  return results.map(({ error }) => error)
}

function end(
  groups: Groups,
  outcome: 'commit' | 'abort',
  { producerId = 1, transaction = 1, partitions = [0, 40] } = {},
) {
  const blocks = offsetsBlocksOf(partitions.map(partition => ({ topicId, partition })))
  return groups.endTransaction({ groupId: 'g', blocks, producerId, transaction, outcome })
}

async function fetched(groups: Groups, requireStable: boolean, ...partitions: number[]) {
  const asked = partitions.map(partition => ({ topicId, partition }))
  const found = await groups.fetchOffsets({ groupId: 'g', partitions: asked, requireStable })
  return found.map(({ offset, error }) => error ?? offset)
}

describe('staged offsets', () => {
  test('count when their transaction is committed, and are told as unstable until then', async () => {
    const fleet = new Fleet()
    const [groups, other] = [fleet.start(), fleet.start()]
    await groups.commitOffsets({ ...nobody, offsets: [at(0, 1), at(1, 1)] })
    expect(await stage(groups, [at(0, 5), at(40, 6)])).toEqual([undefined, undefined])
    expect(await fetched(other, true, 0, 1, 40)).toEqual(['UNSTABLE_OFFSET_COMMIT', 1, 'UNSTABLE_OFFSET_COMMIT'])
    expect(await fetched(other, false, 0, 1, 40)).toEqual([1, 1, -1])
    const all = await other.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: true })
    expect(all.map(({ partition, error }) => [partition, error])).toEqual([
      [1, undefined],
      [0, 'UNSTABLE_OFFSET_COMMIT'],
      [40, 'UNSTABLE_OFFSET_COMMIT'],
    ])
    await end(other, 'commit')
    expect(await fetched(groups, true, 0, 1, 40)).toEqual([5, 1, 6])
  })

  test('are dropped when it is aborted; an end may be repeated, and changes nothing then', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    await stage(groups, [at(0, 5)])
    await end(groups, 'abort')
    const before = fleet.items.contents()
    await end(groups, 'commit')
    await end(fleet.start(), 'commit')
    expect(fleet.items.contents()).toBe(before)
    expect(await fetched(groups, true, 0)).toEqual([-1])
  })

  test('of a transaction that has ended are refused, though no block had any of it', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    await end(groups, 'abort', { transaction: 3 })
    expect(await stage(fleet.start(), [at(0, 5)], { transaction: 3 })).toEqual(['INVALID_TXN_STATE'])
    expect(await stage(groups, [at(0, 5)], { transaction: 2 })).toEqual(['INVALID_TXN_STATE'])
    expect(await stage(groups, [at(0, 5)], { transaction: 4 })).toEqual([undefined])
    expect(await stage(groups, [at(0, 6)], { producerId: 2, transaction: 1 })).toEqual([undefined])
  })

  test('of several producers count in the order staged, as do offsets committed alone', async () => {
    const groups = new Fleet().start()
    await stage(groups, [at(0, 1), at(1, 1), at(2, 1)], { producerId: 1 })
    await stage(groups, [at(0, 2)], { producerId: 2 })
    await groups.commitOffsets({ ...nobody, offsets: [at(1, 3)] })
    await end(groups, 'commit', { producerId: 2 })
    expect(await fetched(groups, true, 0, 1, 2)).toEqual([2, 3, 'UNSTABLE_OFFSET_COMMIT'])
    await end(groups, 'commit', { producerId: 1 })
    expect(await fetched(groups, true, 0, 1, 2)).toEqual([2, 3, 1])
  })

  test('go with a group that is deleted', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    await stage(groups, [at(0, 5)])
    await groups.delete('g')
    await driven(fleet, groups.commitOffsets({ ...nobody, offsets: [at(1, 1)] }))
    await end(groups, 'commit')
    expect(await fetched(groups, true, 0, 1)).toEqual([-1, 1])
  })

  test('with too much metadata are refused, and with them all of the request', async () => {
    const groups = new Fleet().start()
    const long = { ...at(1, 1), metadata: 'x'.repeat(4_097) }
    const tooLarge = 'OFFSET_METADATA_TOO_LARGE'
    expect(await stage(groups, [at(0, 1), long])).toEqual([tooLarge, tooLarge])
    expect(await fetched(groups, true, 0)).toEqual([-1])
  })
})

describe('who may stage', () => {
  test('members of the generation, at any time of it; old clients, who say nothing of themselves', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    expect(await stage(groups, [at(0, 1)], { who: memberRequest('m', 3) })).toEqual(['ILLEGAL_GENERATION'])
    const { ids, generation } = await formGroup(fleet, groups, 1)
    const who = (memberId: string, of: number) => ({ who: memberRequest(memberId, of) })
    expect(await stage(groups, [at(0, 1)], who(ids[0]!, generation))).toEqual([undefined])
    expect(await stage(groups, [at(0, 1)], who(ids[0]!, generation - 1))).toEqual(['ILLEGAL_GENERATION'])
    expect(await stage(groups, [at(0, 1)], who('m', generation))).toEqual(['UNKNOWN_MEMBER_ID'])
    expect(await stage(groups, [at(0, 1)], who('m', -1))).toEqual(['UNKNOWN_MEMBER_ID'])
    expect(await stage(groups, [at(0, 2)])).toEqual([undefined])
  })

  test.each(['get', 'write'])('not a member that was replaced while its request waits at a %s', async held => {
    const fleet = new Fleet()
    const [first, other, slow] = [fleet.start(), fleet.start(), fleet.start()]
    const { ids } = await formGroup(fleet, first, 2)
    await first.commitOffsets({ ...memberRequest(ids[0]!, 1), offsets: [at(0, 10)] })
    const reached = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    fleet.items.before = (what, { sk }) => {
      if (what !== held || !sk.startsWith('o#')) return
      fleet.items.before = () => {}
      reached.resolve()
      return release.promise
    }
    const late = stage(slow, [at(0, 11)], { who: memberRequest(ids[0]!, 1) })
    await reached.promise
    await other.leave({ groupId: 'g', members: [{ memberId: ids[0]!, instanceId: undefined }] })
    const { generation } = await other.join(joinRequest({ memberId: ids[1]! }))
    await other.sync(syncRequest(ids[1]!, generation, { [ids[1]!]: 'all' }))
    // The new owner reads, and writes nothing.
    expect(await fetched(other, true, 0)).toEqual([10])
    release.resolve()
    expect(await driven(fleet, late)).toEqual(['UNKNOWN_MEMBER_ID'])
    expect(await fetched(other, true, 0)).toEqual([10])
  })
})

test('a block remembers the ends of 64 producers', () => {
  const draft = draftOf(undefined, 1)
  for (let producerId = 0; producerId < 100; producerId++) {
    endTransaction(draft, { producerId, transaction: 1, outcome: 'abort' })
  }
  expect(draft.ended.size).toBe(64)
  expect(refusalOfStaging(draft, { producerId: 99, transaction: 1 })).toBe('INVALID_TXN_STATE')
  stageOffset(draft, { producerId: 99, transaction: 2, partition: 0, stored: { ...at(0, 1), committedAt: 1 } })
  expect(draftOf({ incarnation: 1, ...draft }, 2)).toEqual({ offsets: new Map(), staged: [], ended: draft.ended })
})
