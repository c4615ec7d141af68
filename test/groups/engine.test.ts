/** The rules of the classic group protocol, as members meet them. */
import { describe, expect, test } from 'vitest'
import type { Synced } from '../../lib/groups/index.ts'
import { aJoin, bytes, Engine, textOf } from './support/engine.ts'

/** A stable group; the first member leads. */
function stableGroup(members: number, options: Parameters<Engine['enter']>[0] = {}) {
  const engine = new Engine()
  const ids = Array.from({ length: members }, () => engine.enter(options))
  engine.pass(1_500)
  const [leader, ...followers] = ids
  for (const id of followers) engine.sync(id)
  engine.sync(leader!, Object.fromEntries(ids.map(id => [id, `of ${id}`])))
  expect(engine.group.state).toBe('Stable')
  return { engine, ids, leader: leader!, followers }
}

describe('joining', () => {
  test('a new member is given an id and asked to come back with it', () => {
    const engine = new Engine()
    const first = engine.join()
    expect(first).toEqual({ error: 'MEMBER_ID_REQUIRED', memberId: 'client-1' })
    expect(engine.join({ memberId: 'client-1' })).toEqual({ heldAs: 'client-1' })
    engine.pass(500)
    expect(engine.joined('client-1')).toMatchObject({
      memberId: 'client-1',
      generation: 1,
      leader: 'client-1',
      protocolType: 'consumer',
      protocolName: 'range',
      skipAssignment: false,
      members: [{ memberId: 'client-1', instanceId: undefined }],
    })
  })

  test('an id that nobody was given is unknown', () => {
    expect(new Engine().join({ memberId: 'made-up' })).toMatchObject({
      error: 'UNKNOWN_MEMBER_ID',
      memberId: 'made-up',
    })
    expect(stableGroup(1).engine.join({ memberId: 'made-up' })).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
  })

  test('an id that nobody comes back with does not hold up a rebalance for ever', () => {
    const { engine, ids } = stableGroup(1)
    engine.join()
    engine.join({ memberId: ids[0]! })
    expect(engine.group.state).toBe('PreparingRebalance')
    engine.pass(10_000)
    expect(engine.joined(ids[0]!)).toMatchObject({ generation: 2 })
  })

  test('the leader alone learns the members and their metadata', () => {
    const engine = new Engine()
    const a = engine.enter({ protocols: [{ name: 'range', metadata: bytes('a') }] })
    const b = engine.enter({ protocols: [{ name: 'range', metadata: bytes('b') }] })
    engine.pass(1_500)
    expect(engine.joined(b)).toMatchObject({ leader: a, members: [] })
    expect(engine.joined(a)).toMatchObject({
      members: [
        { memberId: a, metadata: bytes('a') },
        { memberId: b, metadata: bytes('b') },
      ],
    })
  })

  test('an empty group waits for more members, longer while they keep coming, at most the rebalance timeout', () => {
    const engine = new Engine({ initialRebalanceDelayMs: 1_000 })
    const first = engine.enter({ rebalanceTimeoutMs: 2_500 })
    engine.pass(900)
    engine.enter({ rebalanceTimeoutMs: 2_500 })
    engine.pass(1_000)
    expect(engine.joined(first)).toBeUndefined()
    engine.enter({ rebalanceTimeoutMs: 2_500 })
    engine.pass(1_000)
    expect(engine.joined(first)).toMatchObject({ generation: 1 })
    expect(engine.group.members.size).toBe(3)
  })

  test('without a delay a lone member need not wait', () => {
    const engine = new Engine({ initialRebalanceDelayMs: 0 })
    expect(engine.joined(engine.enter())).toMatchObject({ generation: 1 })
  })

  test('the protocol that most members prefer, among those that all have, is chosen', () => {
    const engine = new Engine()
    const names = (...list: string[]) => ({ protocols: list.map(name => ({ name, metadata: bytes(name) })) })
    const a = engine.enter(names('sticky', 'range', 'roundrobin'))
    engine.enter(names('roundrobin', 'range'))
    engine.enter(names('cooperative', 'roundrobin', 'range'))
    engine.pass(2_000)
    expect(engine.joined(a)).toMatchObject({
      protocolName: 'roundrobin',
      members: [{ metadata: bytes('roundrobin') }, {}, {}],
    })
  })

  test('a member with another type, or no protocol in common, is refused', () => {
    const { engine } = stableGroup(1)
    const refused = { error: 'INCONSISTENT_GROUP_PROTOCOL' }
    expect(engine.join({ protocolType: 'connect' })).toMatchObject(refused)
    expect(engine.join({ protocols: [{ name: 'sticky', metadata: bytes('') }] })).toMatchObject(refused)
    expect(new Engine().join({ protocols: [] })).toMatchObject(refused)
    expect(new Engine().join({ protocolType: '' })).toMatchObject(refused)
  })

  test('a group has a largest size', () => {
    const engine = new Engine({ membersMax: 2 })
    engine.enter()
    engine.enter()
    expect(engine.join({ requiresMemberId: false })).toEqual({ error: 'GROUP_MAX_SIZE_REACHED', memberId: '' })
    engine.pass(2_000)
    expect(engine.group.members.size).toBe(2)
    expect(engine.join()).toEqual({ error: 'GROUP_MAX_SIZE_REACHED', memberId: '' })
  })

  test('a document that is full takes no further members, but what members share counts once', () => {
    const engine = new Engine()
    const shared = [{ name: 'range', metadata: new Uint8Array(100_000).fill(1) }]
    for (let i = 0; i < 20; i++) engine.enter({ protocols: shared })
    const own = (fill: number) => [{ name: 'range', metadata: new Uint8Array(100_000).fill(fill) }]
    engine.enter({ protocols: own(2) })
    expect(engine.join({ protocols: own(3) })).toMatchObject({ error: 'GROUP_MAX_SIZE_REACHED' })
    expect(engine.join({ protocols: shared })).toMatchObject({ error: 'MEMBER_ID_REQUIRED' })
  })

  test('a new member whose request is held too long is gone', () => {
    const { engine } = stableGroup(1, { sessionTimeoutMs: 1_000_000, rebalanceTimeoutMs: 1_000_000 })
    const late = engine.enter()
    engine.pass(299_999)
    expect(engine.joined(late)).toBeUndefined()
    engine.pass(1)
    expect(engine.joined(late)).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
  })
})

describe('rebalancing', () => {
  test('a new member sends everyone back to join, and all meet in the next generation', () => {
    const { engine, ids } = stableGroup(2)
    const [a, b] = ids as [string, string]
    const c = engine.enter()
    expect(engine.heartbeat(a)).toBe('REBALANCE_IN_PROGRESS')
    expect(engine.sync(b)).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
    engine.join({ memberId: a })
    engine.join({ memberId: b })
    for (const id of [a, b, c]) expect(engine.joined(id)).toMatchObject({ generation: 2, leader: a })
    expect(engine.stored).toMatchObject({ state: 'CompletingRebalance', generation: 2 })
  })

  test('members that do not come back within the rebalance timeout are out, and the generation with them', () => {
    const { engine, ids } = stableGroup(2, { sessionTimeoutMs: 100_000 })
    const [a, b] = ids as [string, string]
    engine.join({ memberId: b, protocols: [{ name: 'range', metadata: bytes('changed') }] })
    engine.pass(60_000)
    expect(engine.joined(b)).toMatchObject({ generation: 2, leader: b })
    expect(engine.heartbeat(a, { generation: 1 })).toBe('UNKNOWN_MEMBER_ID')
  })

  test('the leader that joins again starts a rebalance, a follower that changed nothing does not', () => {
    const { engine, leader, followers } = stableGroup(2)
    expect(engine.join({ memberId: followers[0]! })).toMatchObject({ generation: 1, leader, members: [] })
    expect(engine.group.state).toBe('Stable')
    expect(engine.join({ memberId: leader })).toEqual({ heldAs: leader })
    expect(engine.group.state).toBe('PreparingRebalance')
  })

  test('who missed the answer to its join gets it again', () => {
    const engine = new Engine()
    const id = engine.enter()
    engine.pass(500)
    expect(engine.join({ memberId: id })).toMatchObject({ generation: 1, members: [{ memberId: id }] })
  })

  test('a join with new metadata while others wait for their assignment begins a rebalance', () => {
    const engine = new Engine()
    const [a, b] = [engine.enter(), engine.enter()]
    engine.pass(1_500)
    engine.sync(b)
    engine.join({ memberId: a, protocols: [{ name: 'range', metadata: bytes('changed') }] })
    expect(engine.synced(b)).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
  })

  test('the last one that is waited for completes the rebalance, also by leaving or dying', () => {
    for (const end of ['leaves', 'dies']) {
      const { engine, ids } = stableGroup(2)
      const [a, b] = ids as [string, string]
      engine.join({ memberId: a })
      if (end === 'leaves') engine.leave({ memberId: b })
      else engine.pass(10_000)
      expect(engine.joined(a)).toMatchObject({ generation: 2, members: [{ memberId: a }] })
    }
  })
})

describe('assignment', () => {
  test('followers wait for the leader; each gets its own, and who is forgotten gets nothing', () => {
    const engine = new Engine()
    const [a, b, c] = [engine.enter(), engine.enter(), engine.enter()]
    engine.pass(2_000)
    expect(engine.sync(b)).toEqual({ heldAs: b })
    expect(engine.sync(c)).toEqual({ heldAs: c })
    engine.sync(a, { [a]: 'for a', [b]: 'for b' })
    expect([a, b, c].map(id => textOf((engine.synced(id) as { assignment: Uint8Array }).assignment))).toEqual([
      'for a',
      'for b',
      '',
    ])
    expect(engine.synced(a)).toMatchObject({ protocolType: 'consumer', protocolName: 'range' })
    expect(engine.stored).toMatchObject({ state: 'Stable', generation: 1 })
  })

  test('a stable group tells it again', () => {
    const { engine, followers } = stableGroup(2)
    expect(engine.sync(followers[0]!)).toMatchObject({ assignment: bytes(`of ${followers[0]}`) })
  })

  test('of another generation, member, type or protocol: refused', () => {
    const { engine, leader } = stableGroup(1)
    expect(engine.sync(leader, {}, { generation: 0 })).toMatchObject({ error: 'ILLEGAL_GENERATION' })
    expect(engine.sync('nobody')).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
    expect(engine.sync(leader, {}, { protocolType: 'connect' })).toMatchObject({ error: 'INCONSISTENT_GROUP_PROTOCOL' })
    expect(engine.sync(leader, {}, { protocolName: 'sticky' })).toMatchObject({ error: 'INCONSISTENT_GROUP_PROTOCOL' })
    expect(engine.sync(leader, {}, { protocolType: 'consumer', protocolName: 'range' })).toHaveProperty('assignment')
  })

  test('who does not ask for it within the rebalance timeout is out', () => {
    const engine = new Engine()
    const [a, b] = [engine.enter({ rebalanceTimeoutMs: 20_000 }), engine.enter({ rebalanceTimeoutMs: 20_000 })]
    engine.pass(1_500)
    engine.sync(a, {})
    for (let i = 0; i < 5; i++) {
      engine.pass(4_000)
      engine.heartbeat(a)
      engine.heartbeat(b)
    }
    expect(engine.heartbeat(b)).toBe('UNKNOWN_MEMBER_ID')
    expect(engine.heartbeat(a)).toBe('REBALANCE_IN_PROGRESS')
  })

  test('an assignment too large to store is refused, and the group tries again', () => {
    const engine = new Engine()
    const [a, b] = [engine.enter(), engine.enter()]
    engine.pass(1_500)
    engine.sync(b)
    engine.sync(a, { [a]: 'x'.repeat(400_000) })
    for (const id of [a, b]) expect(engine.synced(id)).toMatchObject({ error: 'UNKNOWN_SERVER_ERROR' })
    expect(engine.group.state).toBe('PreparingRebalance')
  })
})

describe('sessions', () => {
  test('a member that is silent for its session timeout loses its partitions', () => {
    const { engine, ids } = stableGroup(2)
    const [a, b] = ids as [string, string]
    engine.pass(9_000)
    expect(engine.heartbeat(a)).toBeUndefined()
    engine.pass(1_000)
    expect(engine.heartbeat(a)).toBe('REBALANCE_IN_PROGRESS')
    engine.join({ memberId: a })
    expect(engine.joined(a)).toMatchObject({ generation: 2, members: [{ memberId: a }] })
    expect(engine.heartbeat(b)).toBe('UNKNOWN_MEMBER_ID')
  })

  test('who waits for us is not silent', () => {
    const { engine, ids } = stableGroup(2, { rebalanceTimeoutMs: 100_000 })
    const [a, b] = ids as [string, string]
    engine.join({ memberId: a })
    for (let i = 0; i < 20; i++) {
      engine.pass(4_000)
      engine.heartbeat(b)
    }
    engine.join({ memberId: b })
    for (const id of [a, b]) expect(engine.joined(id)).toMatchObject({ generation: 2 })
  })

  test('a heartbeat of an old generation is told so', () => {
    const { engine, leader } = stableGroup(1)
    expect(engine.heartbeat(leader, { generation: 0 })).toBe('ILLEGAL_GENERATION')
    expect(new Engine().heartbeat('x')).toBe('UNKNOWN_MEMBER_ID')
  })

  test('the last member leaves an empty group, which can be joined again', () => {
    const { engine, leader } = stableGroup(1)
    expect(engine.leave({ memberId: leader })).toEqual([undefined])
    expect(engine.stored).toMatchObject({ state: 'Empty', generation: 2, members: [], protocolName: undefined })
    const next = engine.enter({ protocolType: 'connect', protocols: [{ name: 'v1', metadata: bytes('') }] })
    engine.pass(500)
    expect(engine.joined(next)).toMatchObject({ generation: 3, protocolType: 'connect' })
  })

  test('leaving in batches tells of each member', () => {
    const { engine, ids } = stableGroup(3)
    engine.join({ memberId: '' })
    expect(
      engine.leave({ memberId: ids[1]! }, { memberId: 'nobody' }, { memberId: 'client-4' }, { instanceId: 'x' }),
    ).toEqual([undefined, 'UNKNOWN_MEMBER_ID', undefined, 'UNKNOWN_MEMBER_ID'])
    expect(engine.group.state).toBe('PreparingRebalance')
    expect(engine.group.pending.size).toBe(0)
  })

  test('an id that was only given out leaves without a rebalance', () => {
    const { engine } = stableGroup(1)
    engine.join()
    engine.leave({ memberId: 'client-2' })
    expect(engine.group.state).toBe('Stable')
  })
})

describe('static members', () => {
  const one = { instanceId: 'one' }
  const two = { instanceId: 'two' }

  function staticGroup() {
    const engine = new Engine()
    const [a, b] = [engine.enter(one), engine.enter(two)]
    engine.pass(1_500)
    engine.sync(b)
    engine.sync(a, { [a]: 'for one', [b]: 'for two' })
    return { engine, a, b }
  }

  test('need no second round', () => expect(new Engine().join(one)).toEqual({ heldAs: 'one-1' }))

  test('that start again get their assignment back, without a rebalance', () => {
    const { engine, b } = staticGroup()
    const outcome = engine.join(two) as { heldAs: string }
    expect(outcome.heldAs).not.toBe(b)
    expect(engine.joined(outcome.heldAs)).toMatchObject({
      generation: 1,
      leader: 'one-1',
      skipAssignment: false,
      members: [],
    })
    expect(engine.group.state).toBe('Stable')
    expect(engine.sync(outcome.heldAs, {}, two)).toMatchObject({ assignment: bytes('for two') })
    expect(engine.stored!.members.map(({ id }) => id)).toEqual(['one-1', outcome.heldAs])
  })

  test('that led and start again lead on, but must not assign anew', () => {
    const { engine } = staticGroup()
    const { heldAs } = engine.join(one) as { heldAs: string }
    expect(engine.joined(heldAs)).toMatchObject({
      leader: heldAs,
      skipAssignment: true,
      members: [{ instanceId: 'one' }, { instanceId: 'two' }],
    })
  })

  test('that led and speak an old version are not told that they lead', () => {
    const { engine, a } = staticGroup()
    const { heldAs } = engine.join({ ...one, supportsSkippingAssignment: false }) as { heldAs: string }
    expect(engine.joined(heldAs)).toMatchObject({ leader: a, skipAssignment: false, members: [] })
  })

  test('that were replaced are fenced', () => {
    const { engine, b } = staticGroup()
    engine.join(two)
    expect(engine.heartbeat(b, two)).toBe('FENCED_INSTANCE_ID')
    expect(engine.sync(b, {}, two)).toMatchObject({ error: 'FENCED_INSTANCE_ID' })
    expect(engine.join({ ...two, memberId: b })).toMatchObject({ error: 'FENCED_INSTANCE_ID' })
    expect(engine.leave({ memberId: b, ...two })).toEqual(['FENCED_INSTANCE_ID'])
  })

  test('that were replaced while their request was held are fenced at once', () => {
    const { engine, a } = staticGroup()
    engine.join({ ...one, memberId: a })
    engine.join(one)
    expect(engine.joined(a)).toMatchObject({ error: 'FENCED_INSTANCE_ID' })
  })

  test('that start again with another protocol begin a rebalance', () => {
    const engine = new Engine()
    const both = ['range', 'sticky'].map(name => ({ name, metadata: bytes('') }))
    const a = engine.enter({ ...one, protocols: both })
    engine.pass(500)
    engine.sync(a, {})
    engine.join({ ...one, protocols: [...both].reverse() })
    expect(engine.group.state).not.toBe('Stable')
  })

  test('that start again while others wait for their assignment begin a rebalance', () => {
    const engine = new Engine()
    const [a, b] = [engine.enter(one), engine.enter(two)]
    engine.pass(1_500)
    engine.sync(a === engine.group.leader ? b : a)
    engine.join(two)
    expect(engine.group.state).toBe('PreparingRebalance')
  })

  test('keep their place when they do not come back in time, until their session ends', () => {
    const { engine, a, b } = staticGroup()
    for (const member of engine.group.members.values()) expect(member.sessionTimeoutMs).toBe(10_000)
    engine.enter({ ...aJoin, requiresMemberId: false, rebalanceTimeoutMs: 5_000 })
    engine.join({ ...one, memberId: a, rebalanceTimeoutMs: 5_000 })
    engine.pass(9_999)
    expect(engine.group.members.has(b)).toBe(true)
    engine.pass(1)
    expect(engine.group.members.has(b)).toBe(false)
  })

  test('are removed by their instance id alone', () => {
    const { engine } = staticGroup()
    expect(engine.leave({ instanceId: 'two' })).toEqual([undefined])
    expect(engine.group.members.size).toBe(1)
  })
})

describe('a process that takes over', () => {
  test('a stable group goes on, each member with a fresh session', () => {
    const { engine, ids } = stableGroup(2)
    engine.pass(9_000)
    engine.takeOver()
    engine.pass(9_000)
    for (const id of ids) expect(engine.heartbeat(id)).toBeUndefined()
    expect(textOf((engine.sync(ids[1]!) as Synced).assignment)).toBe(`of ${ids[1]}`)
  })

  test('after the joins were answered, the leader assigns as if nothing had happened', () => {
    const engine = new Engine()
    const [a, b] = [engine.enter(), engine.enter()]
    engine.pass(1_500)
    engine.takeOver()
    engine.sync(b)
    engine.sync(a, { [b]: 'for b' })
    expect(engine.synced(b)).toMatchObject({ assignment: bytes('for b') })
  })

  test('while members were joining, those of the last generation go on', () => {
    const { engine, ids } = stableGroup(2)
    engine.enter()
    engine.join({ memberId: ids[0]! })
    engine.takeOver()
    expect(engine.heartbeat(ids[1]!)).toBeUndefined()
    expect(engine.group.generation).toBe(1)
  })

  test('a member that died with the old process is out after its session', () => {
    const { engine, ids } = stableGroup(2)
    engine.takeOver()
    engine.pass(9_999)
    engine.heartbeat(ids[0]!)
    engine.pass(1)
    expect(engine.heartbeat(ids[0]!)).toBe('REBALANCE_IN_PROGRESS')
  })
})
