/** The pure engine of consumer groups, rule by rule (KIP-848; refusals as Apache Kafka has them). */
import { describe, expect, test } from 'vitest'
import { countOf, NOTHING } from '../../lib/groups/assignment.ts'
import { assignors } from '../../lib/groups/assignors.ts'
import { stateOf } from '../../lib/groups/consumer-group.ts'
import { ConsumerEngine, owning, textOfAssignment } from './support/consumer-engine.ts'

function withTopic(partitions: number) {
  const engine = new ConsumerEngine()
  return { engine, a: engine.topics.set('a', partitions) }
}

describe('a member that joins', () => {
  test('gets everything in epoch 1, at once', () => {
    const { engine, a } = withTopic(3)
    const { member, assignment } = engine.join('one')
    expect(member).toMatchObject({ epoch: 1, state: 'stable' })
    expect(assignment).toEqual(owning(a, 0, 1, 2))
    expect(stateOf(engine.group)).toBe('Stable')
  })

  test('waits for what others have until they say that they gave it up', () => {
    const { engine, a } = withTopic(2)
    engine.join('one')
    const second = engine.join('two')
    expect(second.member).toMatchObject({ epoch: 2, state: 'unreleased' })
    expect(second.assignment).toEqual(NOTHING)
    const told = engine.must({ memberId: 'one', epoch: 1 })
    expect(told.member).toMatchObject({ epoch: 1, state: 'unrevoked' })
    expect(countOf(told.assignment!)).toBe(1)
    expect(engine.must({ memberId: 'two', epoch: 2 }).assignment).toBeUndefined()
    // Neither silence on what it has, nor having it still, gives it up.
    engine.must({ memberId: 'one', epoch: 1 })
    engine.must({ memberId: 'one', epoch: 1, owned: owning(a, 0, 1) })
    expect(engine.must({ memberId: 'two', epoch: 2 }).assignment).toBeUndefined()
    expect(engine.must({ memberId: 'one', epoch: 1, owned: told.assignment }).member).toMatchObject({
      epoch: 2,
      state: 'stable',
    })
    expect(countOf(engine.must({ memberId: 'two', epoch: 2 }).assignment!)).toBe(1)
    expect(stateOf(engine.group)).toBe('Stable')
  })

  test.each([
    [{ rebalanceTimeoutMs: undefined }, 'RebalanceTimeoutMs must be provided in first request.'],
    [{ owned: undefined }, 'TopicPartitions must be empty when (re-)joining.'],
    [{ owned: owning('1'.repeat(32), 0) }, 'TopicPartitions must be empty when (re-)joining.'],
    [
      { topicNames: undefined },
      'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
    ],
    [{ instanceId: '' }, "InstanceId can't be empty."],
    [{ rackId: '' }, "RackId can't be empty."],
  ])('and says too little (%j) is refused', (options, message) => {
    const { engine } = withTopic(1)
    const request = {
      memberId: 'one',
      epoch: 0,
      topicNames: ['a'],
      rebalanceTimeoutMs: 1_000,
      owned: NOTHING,
      ...options,
    }
    expect(engine.heartbeat(request)).toEqual({ error: 'INVALID_REQUEST', message })
  })

  test('and asks for an assignor that there is not is refused', () => {
    const { engine } = withTopic(1)
    expect(() => engine.join('one', { assignor: 'mine' })).toThrow(/UNSUPPORTED_ASSIGNOR.*uniform, range/)
  })

  test('a full group is refused', () => {
    const engine = new ConsumerEngine({ consumerMembersMax: 1 })
    engine.join('one')
    expect(() => engine.join('two')).toThrow(/GROUP_MAX_SIZE_REACHED/)
    engine.join('one')
  })
})

describe('epochs', () => {
  test('that were never given, or are long past, are fenced', () => {
    const { engine, a } = withTopic(1)
    engine.join('one')
    engine.must({ memberId: 'one', epoch: 1, topicNames: ['a', 'b'] })
    engine.must({ memberId: 'one', epoch: 2, topicNames: ['a'] })
    expect(engine.errorOf({ memberId: 'one', epoch: 4 })).toBe('FENCED_MEMBER_EPOCH')
    expect(engine.errorOf({ memberId: 'one', epoch: 1, owned: owning(a, 0) })).toBe('FENCED_MEMBER_EPOCH')
    expect(
      engine.errorOf({ memberId: 'one', epoch: 0, owned: NOTHING, topicNames: ['a'], rebalanceTimeoutMs: 1 }),
    ).toBe('FENCED_MEMBER_EPOCH')
  })

  test('the one before is good, for a lost answer, where the member has no more than it should', () => {
    const { engine, a } = withTopic(1)
    engine.join('one')
    engine.must({ memberId: 'one', epoch: 1, topicNames: ['a', 'b'] })
    expect(engine.errorOf({ memberId: 'one', epoch: 1, owned: owning(a, 0, 1) })).toBe('FENCED_MEMBER_EPOCH')
    expect(engine.errorOf({ memberId: 'one', epoch: 1 })).toBe('FENCED_MEMBER_EPOCH')
    expect(engine.must({ memberId: 'one', epoch: 1, owned: owning(a, 0) }).member!.epoch).toBe(2)
  })

  test('who comes in the one before is told what it has: it knows of the new epoch by no other answer', () => {
    const { engine, a } = withTopic(2)
    engine.join('one')
    engine.join('two')
    engine.must({ memberId: 'one', epoch: 1 })
    engine.must({ memberId: 'one', epoch: 1, owned: owning(a, 0) })
    // An old one comes late: its answer goes to nobody.
    expect(engine.must({ memberId: 'two', epoch: 2, owned: NOTHING }).assignment).toEqual(owning(a, 1))
    engine.must({ memberId: 'one', epoch: -1 })
    expect(engine.must({ memberId: 'two', epoch: 2, owned: owning(a, 1) })).toMatchObject({
      assignment: owning(a, 0, 1),
    })
    expect(engine.must({ memberId: 'two', epoch: 2, owned: owning(a, 1) })).toMatchObject({
      member: { epoch: 3 },
      assignment: owning(a, 0, 1),
    })
  })

  test('of somebody unknown are refused', () => {
    const { engine } = withTopic(1)
    engine.join('one')
    expect(engine.errorOf({ memberId: 'two', epoch: 1 })).toBe('UNKNOWN_MEMBER_ID')
    expect(engine.errorOf({ memberId: 'two', epoch: -1 })).toBe('UNKNOWN_MEMBER_ID')
  })

  test('what an old heartbeat says of partitions gives nothing up', () => {
    const { engine, a } = withTopic(2)
    engine.join('one')
    engine.topics.set('a', 3)
    engine.must({ memberId: 'one', epoch: 1, topicNames: ['a'] })
    expect(engine.member('one')).toMatchObject({ epoch: 2, previousEpoch: 1 })
    engine.join('two')
    // Sent in epoch 1, before the third partition was told, and late.
    const late = engine.must({ memberId: 'one', epoch: 1, owned: owning(a, 0) })
    expect(late.member).toMatchObject({ state: 'stable', assigned: owning(a, 0, 1, 2) })
    expect(engine.must({ memberId: 'two', epoch: 3 }).member!.assigned).toEqual(NOTHING)
  })

  test('go no further for who has not heard of the last one: each answer may be lost, and the group goes on', () => {
    const { engine, a } = withTopic(2)
    engine.join('one')
    engine.topics.set('a', 3)
    engine.must({ memberId: 'one', epoch: 1, topicNames: ['a'] })
    engine.join('two')
    for (let lost = 0; lost < 3; lost++) {
      const again = engine.must({ memberId: 'one', epoch: 1, owned: owning(a, 0, 1) })
      expect(again).toMatchObject({ member: { epoch: 2, previousEpoch: 1 }, assignment: owning(a, 0, 1, 2) })
    }
    expect(engine.must({ memberId: 'one', epoch: 2, owned: owning(a, 0, 1, 2) }).member!.state).toBe('unrevoked')
  })
})

describe('what a member was told', () => {
  test('is its own until it was told less, and says that it has no more', () => {
    const { engine, a } = withTopic(4)
    expect(engine.join('one').assignment).toEqual(owning(a, 0, 1, 2, 3))
    engine.join('two')
    // Sent in its epoch, before it has taken what it was told: its topic's name, or its callbacks, are still to come.
    const told = engine.must({ memberId: 'one', epoch: 1, owned: NOTHING })
    expect(told).toMatchObject({ member: { epoch: 1, state: 'unrevoked' } })
    expect(countOf(told.assignment!)).toBe(2)
    expect(engine.must({ memberId: 'two', epoch: 2 }).assignment).toBeUndefined()
    // It has taken them meanwhile.
    engine.must({ memberId: 'one', epoch: 1, owned: owning(a, 0, 1, 2, 3) })
    expect(engine.must({ memberId: 'two', epoch: 2 }).assignment).toBeUndefined()
    engine.must({ memberId: 'one', epoch: 1, owned: told.assignment })
    expect(countOf(engine.must({ memberId: 'two', epoch: 2 }).assignment!)).toBe(2)
  })
})

describe('a member that goes', () => {
  test('leaves its partitions to the others', () => {
    const { engine, a } = withTopic(2)
    engine.join('one')
    engine.join('two')
    engine.must({ memberId: 'one', epoch: -1 })
    expect(engine.must({ memberId: 'two', epoch: 2 }).assignment).toEqual(owning(a, 0, 1))
    engine.must({ memberId: 'two', epoch: -1 })
    expect(stateOf(engine.group)).toBe('Empty')
    expect(engine.group.stateChangedAt).toBe(1_000)
  })

  test('a static one keeps its place while it is away, and gets its partitions back under another id', () => {
    const { engine, a } = withTopic(2)
    engine.join('one', { instanceId: 'i' })
    engine.join('two')
    engine.must({ memberId: 'one', instanceId: 'i', epoch: 1, owned: owning(a, 0) })
    const before = engine.member('one').assigned
    expect(
      engine.errorOf({
        memberId: 'new',
        instanceId: 'i',
        epoch: 0,
        owned: NOTHING,
        topicNames: ['a'],
        rebalanceTimeoutMs: 1,
      }),
    ).toBe('UNRELEASED_INSTANCE_ID')
    engine.must({ memberId: 'one', instanceId: 'i', epoch: -2 })
    const epoch = engine.group.epoch
    const back = engine.join('new', { instanceId: 'i' })
    expect(back.assignment).toEqual(before)
    expect(engine.group.epoch).toBe(epoch)
    expect(engine.errorOf({ memberId: 'one', instanceId: 'i', epoch: 1 })).toBe('FENCED_INSTANCE_ID')
    expect(engine.errorOf({ memberId: 'one', instanceId: 'j', epoch: 1 })).toBe('UNKNOWN_MEMBER_ID')
    expect([...engine.group.members.keys()].sort()).toEqual(['new', 'two'])
  })

  test('a static one that comes back to less than it had is in the group at once: it holds nothing', () => {
    const { engine } = withTopic(4)
    engine.join('one', { instanceId: 'i' })
    engine.must({ memberId: 'one', instanceId: 'i', epoch: -2 })
    engine.join('two')
    const back = engine.join('new', { instanceId: 'i' })
    expect(back.member).toMatchObject({ epoch: engine.group.epoch, state: 'stable' })
    expect(countOf(back.assignment!)).toBe(2)
    expect(countOf(engine.must({ memberId: 'two', epoch: engine.member('two').epoch }).assignment!)).toBe(2)
  })
})

describe('subscriptions', () => {
  test('that change, and topics that grow, come or go, raise the epoch', () => {
    const { engine, a } = withTopic(1)
    engine.join('one', { topicNames: ['a', 'later'] })
    engine.topics.set('a', 2)
    expect(engine.must({ memberId: 'one', epoch: 1 }).assignment).toEqual(owning(a, 0, 1))
    const later = engine.topics.set('later', 1)
    expect(engine.must({ memberId: 'one', epoch: 2 }).assignment!.get(later)).toEqual([0])
    engine.topics.remove('later')
    engine.lookAtTopics()
    expect(engine.group.epoch).toBe(4)
    expect(engine.must({ memberId: 'one', epoch: 3, owned: owning(a, 0, 1) }).assignment).toEqual(owning(a, 0, 1))
  })

  test('by a regular expression follow the topics that match it', () => {
    const { engine, a } = withTopic(1)
    engine.join('one', { topicNames: [], regex: 'a.*' })
    const ab = engine.topics.set('ab', 1)
    engine.topics.set('ba', 1)
    const { assignment } = engine.must({ memberId: 'one', epoch: 1 })
    expect([...assignment!.keys()].sort()).toEqual([a, ab].sort())
    engine.must({ memberId: 'one', epoch: 2, regex: '', owned: NOTHING })
    expect(engine.member('one').assigned).toEqual(NOTHING)
  })

  test('the same again changes nothing', () => {
    const { engine, a } = withTopic(1)
    engine.join('one')
    const { group } = engine
    engine.must({ memberId: 'one', epoch: 1, topicNames: ['a'], rebalanceTimeoutMs: 60_000, owned: owning(a, 0) })
    expect(engine.group).toBe(group)
  })
})

describe('assignors', () => {
  const members = (count: number, topicNames: string[]) =>
    Array.from({ length: count }, (_, i) => ({ id: `m${i}`, instanceId: undefined, topicNames, target: NOTHING }))
  const topics = new Map([
    ['a', { id: '1'.padStart(32, '0'), partitions: 7 }],
    ['b', { id: '2'.padStart(32, '0'), partitions: 5 }],
  ])

  test('uniform gives everyone as many, and moves no more than it must', () => {
    const before = assignors.get('uniform')!(members(3, ['a', 'b']), topics)
    expect([...before.values()].map(countOf)).toEqual([4, 4, 4])
    const again = members(4, ['a', 'b']).map(member => ({ ...member, target: before.get(member.id) ?? NOTHING }))
    const after = assignors.get('uniform')!(again, topics)
    expect([...after.values()].map(countOf)).toEqual([3, 3, 3, 3])
    for (const [id, had] of before)
      for (const [topicId, parts] of after.get(id)!) {
        for (const partition of parts) expect(had.get(topicId)).toContain(partition)
      }
  })

  test('uniform evens out members of different subscriptions as far as they allow', () => {
    const mixed = [
      { id: 'x', instanceId: undefined, topicNames: ['a', 'b'], target: NOTHING },
      { id: 'y', instanceId: undefined, topicNames: ['a'], target: NOTHING },
    ]
    const given = assignors.get('uniform')!(mixed, topics)
    expect([...given.values()].map(countOf)).toEqual([6, 6])
  })

  test('range gives the same partitions of each topic to one member', () => {
    const given = assignors.get('range')!(members(2, ['a', 'b']), topics)
    expect([...given.values()].map(textOfAssignment)).toEqual(['1:0 1:1 1:2 1:3 2:0 2:1 2:2', '1:4 1:5 1:6 2:3 2:4'])
  })

  test('what a member prefers is used where nobody else prefers more', () => {
    const { engine } = withTopic(4)
    engine.join('one', { assignor: 'range' })
    expect(engine.group.assignor).toBe('range')
    engine.join('two', { assignor: 'uniform' })
    engine.join('three', { assignor: 'uniform' })
    expect(engine.group.assignor).toBe('uniform')
  })
})
