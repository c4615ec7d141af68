/** One process or several, coordinating a group over one store. */
import { describe, expect, test } from 'vitest'
import { decodeGroupDocument, groupDocumentKey } from '../../lib/groups/group-document.ts'
import { bytes, textOf } from './support/engine.ts'
import { codeOf, driven, Fleet, formGroup, joinRequest, memberRequest, syncRequest, Watched } from './support/fleet.ts'
import { settled } from './support/virtual-clock.ts'

describe('one process', () => {
  test('takes a group through its life, storing it three times', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids, generation } = await formGroup(fleet, groups, 3)
    expect(generation).toBe(1)
    expect(fleet.items.writes).toBe(2)
    expect(fleet.items.keys()).toEqual(['group#g/doc', 'groups/g'])
    expect(await groups.describe('g')).toMatchObject({
      state: 'Stable',
      protocolType: 'consumer',
      protocolName: 'range',
      members: ids.map(id => ({
        memberId: id,
        clientId: 'client',
        clientHost: '/127.0.0.1',
        metadata: bytes('topics'),
        assignment: bytes(`of ${id}`),
      })),
    })
    await groups.leave({ groupId: 'g', members: ids.map(memberId => ({ memberId, instanceId: undefined })) })
    expect(fleet.items.writes).toBe(3)
    expect(await groups.describe('g')).toMatchObject({ state: 'Empty', members: [] })
  })

  test('writes nothing while nothing happens', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    const before = fleet.items.contents()
    for (let i = 0; i < 100; i++) {
      await fleet.advance(3_000)
      for (const id of ids) expect(await codeOf(groups.heartbeat(memberRequest(id, 1)))).toBeUndefined()
    }
    expect(fleet.items.contents()).toBe(before)
  })

  test('notices a death and gives the partitions to who is left', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    const [alive] = ids as [string, string]
    for (let i = 0; i < 3; i++) {
      await fleet.advance(3_000)
      expect(await codeOf(groups.heartbeat(memberRequest(alive, 1)))).toBeUndefined()
    }
    await fleet.advance(1_000)
    expect(await codeOf(groups.heartbeat(memberRequest(alive, 1)))).toBe('REBALANCE_IN_PROGRESS')
    expect(await groups.join(joinRequest({ memberId: alive }))).toMatchObject({
      generation: 2,
      members: [{ memberId: alive }],
    })
  })

  test('answers a request that another one took the place of', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    const first = new Watched(groups.join(joinRequest({ memberId: ids[0]! })))
    await settled()
    const second = new Watched(groups.join(joinRequest({ memberId: ids[0]! })))
    await settled()
    expect(first.code).toBe('REBALANCE_IN_PROGRESS')
    expect(second.isSettled).toBe(false)
    await groups.leave({ groupId: 'g', members: [{ memberId: ids[1]!, instanceId: undefined }] })
    await settled()
    expect(second.value).toMatchObject({ generation: 2 })
  })

  test('answers a held request when its connection closes, and keeps the place', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    const connection = new AbortController()
    const held = new Watched(groups.join(joinRequest({ memberId: ids[0]! }), connection.signal))
    await settled()
    connection.abort()
    await settled()
    expect(held.code).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(await groups.join(joinRequest({ memberId: ids[1]! }))).toMatchObject({ generation: 2 })
    expect(await groups.join(joinRequest({ memberId: ids[0]! }))).toMatchObject({ generation: 2 })
  })

  test('answers everyone when it closes', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    const held = new Watched(groups.join(joinRequest({ memberId: ids[0]! })))
    await settled()
    await groups.close()
    await settled()
    expect(held.code).toBe('NOT_COORDINATOR')
    expect(await codeOf(groups.heartbeat(memberRequest(ids[1]!, 1)))).toBe('NOT_COORDINATOR')
  })

  test('refuses what Kafka refuses before it looks at a group', async () => {
    const groups = new Fleet().start()
    expect(await codeOf(groups.join(joinRequest({ groupId: '' })))).toBe('INVALID_GROUP_ID')
    expect(await codeOf(groups.join(joinRequest({ groupId: 'x'.repeat(1_001) })))).toBe('INVALID_GROUP_ID')
    expect(await codeOf(groups.join(joinRequest({ sessionTimeoutMs: 5_999 })))).toBe('INVALID_SESSION_TIMEOUT')
    expect(await codeOf(groups.join(joinRequest({ sessionTimeoutMs: 1_800_001 })))).toBe('INVALID_SESSION_TIMEOUT')
    expect(await codeOf(groups.heartbeat(memberRequest('x', 1)))).toBe('UNKNOWN_MEMBER_ID')
  })

  test('keeps what it was sent, not the buffer it came in', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const frame = Buffer.from('topics')
    const joining = new Watched(groups.join(joinRequest({ protocols: [{ name: 'range', metadata: frame }] })))
    frame.fill(0)
    await fleet.advance(500)
    expect(textOf(joining.value!.members[0]!.metadata)).toBe('topics')
  })
})

describe('a second process', () => {
  test('takes over, and its members go on', async () => {
    const fleet = new Fleet()
    const [first, second] = [fleet.start(), fleet.start()]
    const { ids } = await formGroup(fleet, first, 2)
    await fleet.advance(9_000)
    for (const id of ids) expect(await codeOf(second.heartbeat(memberRequest(id, 1)))).toBeUndefined()
    expect(textOf((await second.sync(syncRequest(ids[1]!, 1))).assignment)).toBe(`of ${ids[1]}`)
    await fleet.advance(9_000)
    for (const id of ids) expect(await codeOf(second.heartbeat(memberRequest(id, 1)))).toBeUndefined()
  })

  test('ends the first one: it answers nothing from what it remembers, and does not harm the members', async () => {
    const fleet = new Fleet()
    const [first, second] = [fleet.start(), fleet.start()]
    const { ids } = await formGroup(fleet, first, 2)
    for (const id of ids) await second.heartbeat(memberRequest(id, 1))
    await fleet.advance(4_000)
    expect(await codeOf(first.heartbeat(memberRequest(ids[0]!, 1)))).toBe('NOT_COORDINATOR')
    for (let i = 0; i < 10; i++) {
      await fleet.advance(4_000)
      for (const id of ids) expect(await codeOf(second.heartbeat(memberRequest(id, 1)))).toBeUndefined()
    }
  })

  test('ends requests that the first one holds', async () => {
    const fleet = new Fleet()
    const [first, second] = [fleet.start(), fleet.start()]
    const { ids } = await formGroup(fleet, first, 2)
    const held = new Watched(first.join(joinRequest({ memberId: ids[0]! })))
    await settled()
    await second.heartbeat(memberRequest(ids[1]!, 1))
    await fleet.advance(4_000)
    expect(held.code).toBe('NOT_COORDINATOR')
  })

  test('that forms the same new group at the same time: one wins, the other tells its members to look again', async () => {
    const fleet = new Fleet()
    const [first, second] = [fleet.start(), fleet.start()]
    const joins = [new Watched(first.join(joinRequest())), new Watched(second.join(joinRequest()))]
    await fleet.advance(1_000)
    const outcomes = joins.map(({ value, code }) => value?.generation ?? code).sort()
    expect(outcomes).toEqual([1, 'NOT_COORDINATOR'])
  })

  test('removes a member that died with the first one, after its session', async () => {
    const fleet = new Fleet()
    const [first, second] = [fleet.start(), fleet.start()]
    const { ids } = await formGroup(fleet, first, 2)
    await first.close()
    for (let ms = 0; ms < 10_000; ms += 2_000) {
      expect(await codeOf(second.heartbeat(memberRequest(ids[0]!, 1)))).toBeUndefined()
      await fleet.advance(2_000)
    }
    expect(await codeOf(second.heartbeat(memberRequest(ids[0]!, 1)))).toBe('REBALANCE_IN_PROGRESS')
  })

  test('sees the same generation assigned once, whoever stores the assignment', async () => {
    const fleet = new Fleet()
    const [first, second] = [fleet.start(), fleet.start()]
    const joining = new Watched(first.join(joinRequest()))
    await fleet.advance(1_000)
    const { memberId } = joining.value!
    const syncs = [
      first.sync(syncRequest(memberId, 1, { [memberId]: 'by first' })),
      second.sync(syncRequest(memberId, 1, { [memberId]: 'by second' })),
    ]
    const outcomes = await driven(fleet, Promise.allSettled(syncs))
    const assigned = new Set(
      outcomes.flatMap(each => (each.status === 'fulfilled' ? textOf(each.value.assignment) : [])),
    )
    expect(assigned.size).toBe(1)
    const stored = decodeGroupDocument((await fleet.items.get(groupDocumentKey('g')))!.value)
    if (stored.kind !== 'classic') throw new Error(stored.kind)
    expect([...assigned]).toEqual([textOf(stored.members[0]!.assignment)])
  })
})

describe('a process that was frozen', () => {
  test('does not end the sessions of members it could not hear', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    fleet.clocks[0]!.jump(3_600_000)
    await fleet.advance(1)
    for (const id of ids) expect(await codeOf(groups.heartbeat(memberRequest(id, 1)))).toBeUndefined()
    await fleet.advance(15_000)
    expect(await codeOf(groups.heartbeat(memberRequest(ids[0]!, 1)))).toBe('UNKNOWN_MEMBER_ID')
  })

  test('does not confirm an assignment that was replaced meanwhile', async () => {
    const fleet = new Fleet()
    const [first, second] = [fleet.start(), fleet.start()]
    const { ids } = await formGroup(fleet, first, 2)
    await second.leave({ groupId: 'g', members: [{ memberId: ids[1]!, instanceId: undefined }] })
    await second.join(joinRequest({ memberId: ids[0]! }))
    fleet.clocks[0]!.jump(3_600_000)
    expect(await codeOf(first.heartbeat(memberRequest(ids[1]!, 1)))).toBe('NOT_COORDINATOR')
    expect(await codeOf(first.heartbeat(memberRequest(ids[1]!, 1)))).toBe('UNKNOWN_MEMBER_ID')
  })
})

describe('a store that takes its time', () => {
  test('nobody is told of an assignment that was replaced before the store said that it is stored', async () => {
    const fleet = new Fleet()
    const [first, second] = [fleet.start(), fleet.start()]
    const { memberId, generation } = await driven(fleet, first.join(joinRequest()))
    const answer = Promise.withResolvers<void>()
    fleet.items.afterWrite = () => answer.promise
    const synced = new Watched(first.sync(syncRequest(memberId, generation, { [memberId]: 'all' })))
    await fleet.advance(100)
    fleet.items.afterWrite = () => {}
    await driven(fleet, second.leave({ groupId: 'g', members: [{ memberId, instanceId: undefined }] }))
    const other = await driven(fleet, second.join(joinRequest()))
    expect(other.generation).toBeGreaterThan(generation)
    await fleet.advance(5_000)
    answer.resolve()
    await fleet.advance(100)
    expect(synced.code).toBe('NOT_COORDINATOR')
  })

  test('and then does not answer: everyone who waits is told to look again', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { memberId, generation } = await driven(fleet, groups.join(joinRequest()))
    const answer = Promise.withResolvers<void>()
    fleet.items.afterWrite = () => answer.promise
    const synced = new Watched(groups.sync(syncRequest(memberId, generation, { [memberId]: 'all' })))
    await fleet.advance(5_000)
    fleet.items.afterWrite = () => {}
    fleet.items.readFault = () => true
    answer.resolve()
    await fleet.advance(100)
    expect(synced.code).toBe('COORDINATOR_NOT_AVAILABLE')
    fleet.items.readFault = () => false
    const again = await driven(fleet, groups.sync(syncRequest(memberId, generation)))
    expect(textOf(again.assignment)).toBe('all')
  })
})

describe('a store that fails', () => {
  test('whose answer was lost after the effect changes nothing for the members', async () => {
    const fleet = new Fleet()
    fleet.items.faultOf = () => (fleet.items.writes % 2 === 1 ? 'lost-after' : undefined)
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    expect(await codeOf(groups.heartbeat(memberRequest(ids[0]!, 1)))).toBeUndefined()
  })

  test('before the effect, of unknown outcome: is tried again', async () => {
    const fleet = new Fleet()
    fleet.items.faultOf = () => (fleet.items.writes % 3 !== 0 ? 'lost-before' : undefined)
    const groups = fleet.start()
    await formGroup(fleet, groups, 2)
  })

  test('for long: everyone who waits is told, and the group goes on when it is back', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const held = new Watched(groups.join(joinRequest()))
    fleet.items.faultOf = () => 'lost-before'
    await fleet.advance(10_000)
    expect(held.code).toBe('COORDINATOR_NOT_AVAILABLE')
    fleet.items.faultOf = () => undefined
    fleet.items.deliverAgain()
    expect(await groups.describe('g')).toMatchObject({ state: 'CompletingRebalance' })
    const { memberId } = (await groups.describe('g')).members[0]!
    expect(await groups.join(joinRequest({ memberId }))).toMatchObject({ generation: 1, leader: memberId })
  })

  test('surely without effect: what was asked is refused, what waits goes on waiting', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    const held = new Watched(groups.join(joinRequest({ memberId: ids[0]! })))
    await settled()
    fleet.items.faultOf = () => 'refused'
    expect(await codeOf(groups.join(joinRequest({ memberId: ids[1]! })))).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(held.isSettled).toBe(false)
    fleet.items.faultOf = () => undefined
    expect(await groups.join(joinRequest({ memberId: ids[1]! }))).toMatchObject({ generation: 2 })
    await settled()
    expect(held.value).toMatchObject({ generation: 2 })
  })

  test('that cannot be read: heartbeats are not answered from memory for ever', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 1)
    fleet.items.readFault = () => true
    await fleet.advance(4_000)
    expect(await codeOf(groups.heartbeat(memberRequest(ids[0]!, 1)))).toBe('COORDINATOR_NOT_AVAILABLE')
  })

  test('that delivers every write once more, late: nothing changes', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 2)
    await groups.commitOffsets({
      ...memberRequest(ids[0]!, 1),
      offsets: [{ topicId: 'a'.repeat(32), partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }],
    })
    const before = fleet.items.contents()
    fleet.items.deliverAgain()
    expect(fleet.items.contents()).toBe(before)
  })
})

describe('administration', () => {
  test('lists groups with their states', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    await formGroup(fleet, groups, 1)
    await groups.commitOffsets({
      ...memberRequest('', -1),
      groupId: 'simple',
      offsets: [{ topicId: 'a'.repeat(32), partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }],
    })
    expect(await fleet.start().list()).toEqual([
      { groupId: 'g', state: 'Stable', protocolType: 'consumer', type: 'classic' },
      { groupId: 'simple', state: 'Empty', protocolType: '', type: 'classic' },
    ])
  })

  test('describes a group while it is forming, where it is coordinated', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    void groups.join(joinRequest())
    await settled()
    expect(await groups.describe('g')).toMatchObject({
      state: 'PreparingRebalance',
      protocolName: '',
      members: [{ assignment: bytes('') }],
    })
    expect(await codeOf(fleet.start().describe('g'))).toBe('GROUP_ID_NOT_FOUND')
  })

  test('deletes an empty group with all it has committed, so that a new one starts clean', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const { ids } = await formGroup(fleet, groups, 1)
    const offsets = [0, 20, 40, 60].map(partition => ({
      topicId: 'a'.repeat(32),
      partition,
      offset: 5,
      leaderEpoch: -1,
      metadata: '',
    }))
    await groups.commitOffsets({ ...memberRequest(ids[0]!, 1), offsets })
    expect(await codeOf(groups.delete('g'))).toBe('NON_EMPTY_GROUP')
    await groups.leave({ groupId: 'g', members: [{ memberId: ids[0]!, instanceId: undefined }] })
    await groups.delete('g')
    expect(fleet.items.keys().filter(key => !key.startsWith('lifetimes#'))).toEqual([])
    expect(await codeOf(groups.delete('g'))).toBe('GROUP_ID_NOT_FOUND')
    await formGroup(fleet, groups, 1)
    expect(await groups.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: true })).toEqual([])
  })

  test('a deletion that was interrupted is finished by who comes next', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    await groups.commitOffsets({
      ...memberRequest('', -1),
      offsets: [{ topicId: 'a'.repeat(32), partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }],
    })
    fleet.items.faultOf = ([first]) => (first!.kind === 'delete' ? 'refused' : undefined)
    expect(await codeOf(groups.delete('g'))).toBe('COORDINATOR_NOT_AVAILABLE')
    fleet.items.faultOf = () => undefined
    const { ids } = await formGroup(fleet, fleet.start(), 1)
    expect(ids.length).toBe(1)
    expect(await groups.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: false })).toEqual([])
  })

  test('a commit that was on its way while the group was deleted is judged by the next one, and is in that', async () => {
    const fleet = new Fleet()
    const groups = fleet.start()
    const commit = {
      ...memberRequest('', -1),
      offsets: [{ topicId: 'a'.repeat(32), partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }],
    }
    await groups.commitOffsets({ ...commit, offsets: [{ ...commit.offsets[0]!, partition: 99 }] })
    let release = () => {}
    fleet.items.before = (what, { sk }) => {
      if (what !== 'write' || !sk.startsWith('o#')) return
      fleet.items.before = () => {}
      return new Promise(resolve => {
        release = resolve
      })
    }
    const late = groups.commitOffsets(commit)
    await settled()
    const other = fleet.start()
    await other.delete('g')
    await other.commitOffsets({ ...commit, offsets: [{ ...commit.offsets[0]!, partition: 50 }] })
    release()
    expect((await driven(fleet, late)).map(({ error }) => error)).toEqual([undefined])
    const found = await other.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: false })
    expect(found.map(({ partition }) => partition)).toEqual([0, 50])
  })
})
