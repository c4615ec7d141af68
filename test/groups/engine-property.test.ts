/**
 * Members that join, assign, die, leave, repeat themselves and change coordinators in any order, on the pure engine:
 * a partition has one owner in a generation, every held request is answered, and in the end everyone owns a share.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Joined, Synced } from '../../lib/groups/index.ts'
import { Engine, textOf } from './support/engine.ts'

const PARTITIONS = 4
const SESSION_MS = 10_000
const REBALANCE_MS = 20_000

/** A client as Kafka's are: joins, syncs (the leader assigns), sends heartbeats, obeys errors. */
class Client {
  memberId = ''
  generation = -1
  phase: 'out' | 'joining' | 'syncing' | 'member' = 'out'
  partitions: string[] = []
  leading: readonly string[] | undefined
  readonly instanceId: string | undefined
  readonly #engine: Engine
  readonly #history: History

  constructor(engine: Engine, history: History, instanceId: string | undefined) {
    this.#engine = engine
    this.#history = history
    this.instanceId = instanceId
  }

  /** The next thing that a client does. */
  act(): void {
    this.listen()
    if (this.phase === 'out') this.#join()
    else if (this.phase === 'syncing') this.#sync()
    else if (this.phase === 'member') this.#obey(this.#engine.heartbeat(this.memberId, this.#identity()))
  }

  /** Takes the answers to its held requests. */
  listen(): void {
    if (this.phase === 'joining') {
      const answer = this.#history.take('join', this.memberId)
      if (answer && 'error' in answer) this.#obey(answer.error)
      else if (answer) this.#joined(answer as Joined)
    }
    if (this.phase === 'syncing') {
      const answer = this.#history.take('sync', this.memberId)
      if (answer && 'error' in answer) this.#obey(answer.error)
      else if (answer) this.#synced(answer as Synced)
    }
  }

  leave(): void {
    if (this.phase === 'out' || this.memberId === '') return
    this.#engine.leave({ memberId: this.memberId, instanceId: this.instanceId })
    this.forget()
  }

  /** The process dies; another may start in its place. */
  forget(): void {
    this.memberId = ''
    this.rejoin()
  }

  rejoin(): void {
    this.phase = 'out'
    this.partitions = []
  }

  #identity() {
    return { instanceId: this.instanceId, generation: this.generation }
  }

  #join(): void {
    const { memberId, instanceId } = this
    const timeouts = { sessionTimeoutMs: SESSION_MS, rebalanceTimeoutMs: REBALANCE_MS }
    const outcome = this.#engine.join({ memberId, instanceId, ...timeouts })
    if ('heldAs' in outcome) {
      this.memberId = outcome.heldAs
      this.phase = 'joining'
    } else if ('error' in outcome && outcome.error === 'MEMBER_ID_REQUIRED') this.memberId = outcome.memberId
    else if ('error' in outcome) this.#obey(outcome.error)
    else this.#joined(outcome)
  }

  #joined(answer: Joined): void {
    this.#history.sawGeneration(answer)
    this.generation = answer.generation
    this.phase = 'syncing'
    const assigns = answer.leader === this.memberId && !answer.skipAssignment
    this.leading = assigns ? answer.members.map(({ memberId }) => memberId) : undefined
  }

  #sync(): void {
    const assignments: Record<string, string> = {}
    this.leading?.forEach((id, index, ids) => {
      const own = Array.from({ length: PARTITIONS }, (_, partition) => partition).filter(p => p % ids.length === index)
      assignments[id] = own.join(',')
    })
    const outcome = this.#engine.sync(this.memberId, assignments, this.#identity())
    if ('heldAs' in outcome) return
    if ('error' in outcome) this.#obey(outcome.error)
    else this.#synced(outcome)
  }

  #synced({ assignment }: Synced): void {
    this.phase = 'member'
    this.partitions = textOf(assignment).split(',').filter(Boolean)
    this.#history.owns(this.generation, this.instanceId ?? this.memberId, this.partitions)
  }

  #obey(error: string | undefined): void {
    if (error === undefined) return
    if (error === 'UNKNOWN_MEMBER_ID' || error === 'FENCED_INSTANCE_ID') this.memberId = ''
    this.rejoin()
  }
}

/** What clients were told, and whether it fits together. */
class History {
  readonly #engine: Engine
  readonly #owners = new Map<string, string>()
  readonly #generations = new Map<number, string>()
  #seen = 0
  #unread: { to: string; memberId: string; answer: object }[] = []

  constructor(engine: Engine) {
    this.#engine = engine
  }

  take(to: 'join' | 'sync', memberId: string): { error: string } | Joined | Synced | undefined {
    this.#unread.push(...this.#engine.replies.slice(this.#seen))
    this.#seen = this.#engine.replies.length
    const found = this.#unread.find(reply => reply.to === to && reply.memberId === memberId)
    this.#unread = this.#unread.filter(reply => reply !== found)
    return found?.answer as ReturnType<History['take']>
  }

  sawGeneration({ generation, protocolName }: Joined): void {
    expect(this.#generations.get(generation) ?? protocolName).toBe(protocolName)
    this.#generations.set(generation, protocolName)
  }

  owns(generation: number, owner: string, partitions: readonly string[]): void {
    for (const partition of partitions) {
      const place = `${generation}/${partition}`
      expect(this.#owners.get(place) ?? owner, `owners of ${place}`).toBe(owner)
      this.#owners.set(place, owner)
    }
  }
}

const step = fc.record({
  who: fc.nat({ max: 4 }),
  what: fc.constantFrom('act', 'act', 'act', 'act', 'pass', 'pass', 'leave', 'die', 'repeat', 'take over'),
  ms: fc.oneof(fc.nat({ max: 600 }), fc.nat({ max: SESSION_MS }), fc.nat({ max: REBALANCE_MS })),
})

test('one owner, an answer for everyone, and a stable end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const engine = new Engine()
      const history = new History(engine)
      const clients = [undefined, undefined, undefined, 'one', 'two'].map(id => new Client(engine, history, id))
      let generation = 0
      for (const { who, what, ms } of steps) {
        const client = clients[who]!
        if (what === 'act') client.act()
        else if (what === 'pass') engine.pass(ms)
        else if (what === 'leave') client.leave()
        else if (what === 'die') client.forget()
        else if (what === 'repeat') client.rejoin()
        else {
          engine.takeOver()
          for (const each of clients) {
            each.listen()
            if (each.phase === 'joining' || each.phase === 'syncing') each.rejoin()
          }
        }
        for (const each of clients) each.listen()
        expectSound(engine)
        if (what !== 'take over') expect(engine.group.generation).toBeGreaterThanOrEqual(generation)
        generation = engine.stored?.generation ?? 0
      }
      expectCalm(engine, clients)
    }),
    { numRuns: 400 },
  )
})

function expectSound({ group, stored }: Engine): void {
  const members = [...group.members.values()]
  const instances = members.flatMap(({ instanceId }) => instanceId ?? [])
  expect(new Set(instances).size).toBe(instances.length)
  if (group.state === 'Empty') expect(members).toEqual([])
  else if (group.state !== 'PreparingRebalance') expect(group.members.has(group.leader!)).toBe(true)
  expect(members.some(({ joining }) => joining) && group.state !== 'PreparingRebalance').toBe(false)
  expect(members.some(({ syncing }) => syncing) && group.state !== 'CompletingRebalance').toBe(false)
  expect(group.rebalance === undefined).toBe(group.state !== 'PreparingRebalance')
  if (stored && group.state === 'Stable')
    expect(stored).toMatchObject({ state: 'Stable', generation: group.generation })
}

/** Once everyone behaves, everyone is a member, nobody waits, and all partitions have an owner. */
function expectCalm(engine: Engine, clients: readonly Client[]): void {
  for (let round = 0; round < 60; round++) {
    for (const client of clients) client.act()
    engine.pass(1_000)
  }
  for (const client of clients) client.act()
  expect(engine.group.state).toBe('Stable')
  expect(engine.group.members.size).toBe(clients.length)
  expect(clients.map(({ phase }) => phase)).toEqual(clients.map(() => 'member'))
  expect(clients.flatMap(({ partitions }) => partitions).sort()).toEqual(['0', '1', '2', '3'])
}
