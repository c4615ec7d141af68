/**
 * Members that live by Kafka's rules, on several processes over one store that loses answers, with processes that freeze,
 * end, and disagree on who coordinates. Checked against what members were told: one owner of a partition in each
 * generation, committed offsets that only their owners move, and a calm end. The same seed gives the same run.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GroupError, type Groups, type Joined } from '../../lib/groups/index.ts'
import { bytes, textOf } from './support/engine.ts'
import { Fleet, joinRequest, seededRandom } from './support/fleet.ts'

const PARTITIONS = 3
const SESSION_MS = 6_000
const REBALANCE_MS = 8_000
const TOPIC_ID = 'c'.repeat(32)

/** What members were told, and whether it fits together. */
class History {
  readonly #owners = new Map<string, string>()
  readonly #committed = new Map<number, number>()

  owns(generation: number, memberId: string, partitions: readonly number[]): void {
    for (const partition of partitions) {
      const place = `${generation}/${partition}`
      expect(this.#owners.get(place) ?? memberId, `owners of ${place}`).toBe(memberId)
      this.#owners.set(place, memberId)
    }
  }

  acknowledged(partition: number, offset: number): void {
    expect(offset, `partition ${partition} moved back`).toBeGreaterThanOrEqual(this.committed(partition))
    this.#committed.set(partition, offset)
  }

  committed(partition: number): number {
    return this.#committed.get(partition) ?? -1
  }
}

/** Where members look for the coordinator: one process, or whichever each was last told. */
interface Cluster {
  coordinatorFor(member: number): Groups
  chance(): number
  sleep(ms: number): Promise<void>
}

class Member {
  partitions: number[] = []
  generation = -1
  memberId = ''
  alive = true
  /** Commits by which this member moved partitions on, one record each. */
  commits = 0
  readonly #index: number
  readonly #cluster: Cluster
  readonly #history: History

  constructor(index: number, cluster: Cluster, history: History) {
    this.#index = index
    this.#cluster = cluster
    this.#history = history
  }

  async live(): Promise<void> {
    while (this.alive) {
      try {
        const joined = await this.#groups.join(this.#joinRequest())
        this.memberId = joined.memberId
        await this.#sync(joined)
        while (this.alive) {
          await this.#cluster.sleep(SESSION_MS / 3)
          if (!this.alive) return
          await this.#groups.heartbeat(this.#identity)
          await this.#commit()
        }
      } catch (error) {
        await this.#obey(error)
      }
    }
  }

  get #groups(): Groups {
    return this.#cluster.coordinatorFor(this.#index)
  }

  get #identity() {
    return { groupId: 'g', memberId: this.memberId, instanceId: undefined, generation: this.generation }
  }

  #joinRequest() {
    const timeouts = { sessionTimeoutMs: SESSION_MS, rebalanceTimeoutMs: REBALANCE_MS }
    return joinRequest({ memberId: this.memberId, requiresMemberId: true, clientId: `m${this.#index}`, ...timeouts })
  }

  async #sync(joined: Joined): Promise<void> {
    this.generation = joined.generation
    const ids = joined.members.map(({ memberId }) => memberId)
    const assignments = ids.map((memberId, index) => {
      const own = Array.from({ length: PARTITIONS }, (_, partition) => partition).filter(p => p % ids.length === index)
      return { memberId, assignment: bytes(own.join(',')) }
    })
    const protocol = { protocolType: 'consumer', protocolName: 'range' }
    const synced = await this.#groups.sync({ ...this.#identity, ...protocol, assignments })
    this.partitions = textOf(synced.assignment).split(',').filter(Boolean).map(Number)
    this.#history.owns(this.generation, this.memberId, this.partitions)
  }

  async #commit(): Promise<void> {
    const partitions = this.partitions.map(partition => ({ topicId: TOPIC_ID, partition }))
    const known = this.partitions.map(partition => this.#history.committed(partition))
    const from = await this.#groups.fetchOffsets({ groupId: 'g', partitions, requireStable: true })
    const offsets = from.map(({ topicId, partition, offset }, index) => {
      expect(offset, `partition ${partition} lost a commit`).toBeGreaterThanOrEqual(known[index]!)
      return { topicId, partition, offset: offset + 1, leaderEpoch: -1, metadata: `${this.generation}` }
    })
    const results = await this.#groups.commitOffsets({ ...this.#identity, offsets })
    const failed = results.find(({ error }) => error !== undefined)
    if (failed) throw new GroupError(failed.error!, 'commit')
    for (const { partition, offset } of offsets) this.#history.acknowledged(partition, offset)
    this.commits += offsets.length
  }

  async #obey(error: unknown): Promise<void> {
    if (!(error instanceof GroupError)) throw error
    this.partitions = []
    if (error.code === 'MEMBER_ID_REQUIRED') this.memberId = error.memberId
    else if (error.code === 'UNKNOWN_MEMBER_ID') this.memberId = ''
    else if (error.code !== 'REBALANCE_IN_PROGRESS' && error.code !== 'ILLEGAL_GENERATION') {
      expect(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'REQUEST_TIMED_OUT', 'FENCED_INSTANCE_ID']).toContain(
        error.code,
      )
    }
    await this.#cluster.sleep(100 + 200 * this.#cluster.chance())
  }
}

async function run(seed: number): Promise<{ counts: Record<string, number>; contents: string }> {
  const random = seededRandom(seed)
  const chance = () => Buffer.from(random.bytes(4)).readUInt32LE() / 2 ** 32
  const pick = (count: number) => Math.floor(chance() * count)
  const fleet = new Fleet({ sessionTimeoutMinMs: 1_000 })
  let processes = [fleet.start(), fleet.start()]
  let coordinator = 0
  let disagreeing = false
  let faults = 0.05
  const counts: Record<string, number> = {}
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1
  }
  fleet.items.faultOf = () => {
    const draw = chance()
    const fault =
      draw < faults ? 'lost-after' : draw < 2 * faults ? 'lost-before' : draw < 2.5 * faults ? 'refused' : undefined
    if (fault) count(fault)
    return fault
  }
  fleet.items.readFault = () => chance() < faults / 4
  fleet.items.before = () => {
    if (chance() >= faults) return
    count('late')
    return fleet.clocks[0]!.sleep(pick(12_000))
  }
  const history = new History()
  const cluster: Cluster = {
    coordinatorFor: member => processes[(disagreeing ? member + coordinator : coordinator) % processes.length]!,
    chance,
    sleep: ms => fleet.clocks[0]!.sleep(ms),
  }
  const ending: Promise<void>[] = []
  const members: Member[] = []
  const lives: Promise<void>[] = []
  const enter = () => {
    const member = new Member(members.length, cluster, history)
    members.push(member)
    lives.push(member.live())
  }
  for (let i = 0; i < 3; i++) enter()

  for (let round = 0; round < 25; round++) {
    const event = pick(8)
    if (event === 0) coordinator = pick(2)
    else if (event === 1) disagreeing = !disagreeing
    else if (event === 2) {
      count('frozen')
      fleet.clocks[pick(fleet.clocks.length)]!.jump(pick(20_000))
    } else if (event === 3 && members.length < 8) enter()
    else if (event === 4) {
      const living = members.filter(({ alive }) => alive)
      if (living.length > 1) living[pick(living.length)]!.alive = false
    } else if (event === 5) {
      count('restarted')
      const ended = pick(2)
      const old = processes[ended]!
      processes = processes.with(ended, fleet.start())
      ending.push(old.close())
    } else if (event === 6) fleet.items.deliverAgain()
    await fleet.advance(500 + pick(6_000))
  }
  faults = 0
  disagreeing = false
  await fleet.advance(40_000)

  const living = members.filter(({ alive }) => alive)
  expect(living.flatMap(({ partitions }) => partitions).sort()).toEqual([0, 1, 2])
  expect(new Set(living.map(({ generation }) => generation)).size).toBe(1)
  const ends = await processes[0]!.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: true })
  for (const { partition, offset } of ends) expect(offset).toBeGreaterThanOrEqual(history.committed(partition))
  for (const member of members) member.alive = false
  for (const each of processes) ending.push(each.close())
  await fleet.advance(15_000)
  await Promise.all([...lives, ...ending])
  counts.commits = members.reduce((sum, { commits }) => sum + commits, 0)
  return { counts, contents: fleet.items.contents() }
}

test('one owner for each partition, no commit lost, and a calm end, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async seed => {
      const { counts } = await run(seed)
      expect(counts.commits).toBeGreaterThan(0)
    }),
    { numRuns: 30 },
  )
}, 120_000)

test('a run is a function of its seed', async () => {
  expect(await run(42)).toEqual(await run(42))
}, 30_000)
