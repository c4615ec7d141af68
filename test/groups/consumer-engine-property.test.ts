/**
 * Members of both protocols that join, lose answers, stop, die, leave, come back and change what they are subscribed to, in any
 * order, on the pure engine: no partition has two members that hold it, and once nothing changes any more every
 * partition of every topic that somebody is subscribed to has one.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConsumerEngine, EngineMember } from './support/consumer-engine.ts'

const MEMBERS = 4
const TOPICS = ['a', 'b', 'ab']
const SUBSCRIPTIONS = [['a'], ['b'], ['a', 'b'], ['a', 'b', 'ab'], []]

type Action =
  | { readonly do: 'beat' | 'beat slowly' | 'lose answer' | 'leave' | 'die' | 'return'; readonly member: number }
  | { readonly do: 'subscribe'; readonly member: number; readonly topics: number }
  | { readonly do: 'regex'; readonly member: number; readonly regex: string }
  | { readonly do: 'partitions'; readonly topic: number; readonly partitions: number }
  | { readonly do: 'remake' | 'remove'; readonly topic: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'assignor'; readonly member: number; readonly assignor: string }

const member = fc.nat({ max: MEMBERS - 1 })
const topic = fc.nat({ max: TOPICS.length - 1 })

const action: fc.Arbitrary<Action> = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('beat' as const), member }), weight: 8 },
  fc.record({
    do: fc.constantFrom(
      'beat slowly' as const,
      'lose answer' as const,
      'leave' as const,
      'die' as const,
      'return' as const,
    ),
    member,
  }),
  fc.record({ do: fc.constant('subscribe' as const), member, topics: fc.nat({ max: SUBSCRIPTIONS.length - 1 }) }),
  fc.record({ do: fc.constant('regex' as const), member, regex: fc.constantFrom('a.*', '', '.*b') }),
  fc.record({ do: fc.constant('partitions' as const), topic, partitions: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ do: fc.constantFrom('remake' as const, 'remove' as const), topic }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(100, 5_000, 20_000) }),
  fc.record({ do: fc.constant('assignor' as const), member, assignor: fc.constantFrom('uniform', 'range') }),
)

test('a partition has one holder at most, and one in the end', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 5, maxLength: 60 }), fc.boolean(), (actions, withStatic) => {
      const engine = new ConsumerEngine()
      for (const name of TOPICS) engine.topics.set(name, 3)
      const members = Array.from(
        { length: MEMBERS },
        (_, i) => new EngineMember(engine, `m${i}`, withStatic && i % 2 === 0 ? `i${i}` : undefined),
      )
      let epoch = 0
      for (const each of actions) {
        act(engine, members, each)
        expectOneHolder(members)
        expect(engine.group.epoch).toBeGreaterThanOrEqual(epoch)
        epoch = engine.group.epoch
      }
      for (let round = 0; round < 12; round++) for (const each of members) each.beat()
      engine.pass(100_000)
      for (let round = 0; round < 12; round++) for (const each of members) each.beat()
      expectOneHolder(members)
      expectAllHeld(engine, members)
    }),
    { numRuns: 600 },
  )
})

function act(engine: ConsumerEngine, members: readonly EngineMember[], action: Action): void {
  if ('member' in action) {
    const one = members[action.member]!
    if (action.do === 'beat') one.beat()
    if (action.do === 'beat slowly') one.beat({ slow: true })
    if (action.do === 'lose answer') one.beat({ loseAnswer: true })
    if (action.do === 'leave') one.leave()
    if (action.do === 'die') one.die()
    if (action.do === 'return') one.leaveForAWhile()
    if (action.do === 'subscribe') one.subscribe(SUBSCRIPTIONS[action.topics]!)
    if (action.do === 'regex') one.regex = action.regex
    if (action.do === 'assignor') one.assignor = action.assignor
  } else if (action.do === 'pass') engine.pass(action.ms)
  else if (action.do === 'partitions') {
    const name = TOPICS[action.topic]!
    engine.topics.set(name, Math.max(action.partitions, engine.topics.partitions(name)))
  } else if (action.do === 'remake') engine.topics.remake(TOPICS[action.topic]!, 2)
  else engine.topics.remove(TOPICS[action.topic]!)
}

function expectOneHolder(members: readonly EngineMember[]): void {
  const holders = new Map<string, string>()
  for (const each of members) {
    for (const place of each.holds()) {
      expect(holders.get(place), `${place} is held by ${each.id} too`).toBeUndefined()
      holders.set(place, each.id)
    }
  }
}

function expectAllHeld(engine: ConsumerEngine, members: readonly EngineMember[]): void {
  const held = new Set(members.flatMap(each => [...each.holds()]))
  const wanted = new Set<string>()
  for (const each of members) {
    if (!each.isIn) continue
    for (const name of TOPICS) {
      const shape = engine.topics.named(name)
      const isWanted =
        each.topicNames.includes(name) || (each.regex !== '' && engine.topics.matching(each.regex).includes(name))
      if (shape && isWanted) for (let p = 0; p < shape.partitions; p++) wanted.add(`${shape.id}/${p}`)
    }
  }
  expect([...held].sort()).toEqual([...wanted].sort())
}
