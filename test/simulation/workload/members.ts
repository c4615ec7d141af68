/**
 * A member of a consumer group that lives by Kafka's rules: it joins, syncs (and assigns, where it leads), sends heartbeats,
 * commits offsets for what it owns, and does as it is told by errors. It writes down what it was told.
 */
import { GroupError, type Groups, type Joined } from '../../../lib/groups/index.ts'
import type { Assignment, Heartbeat, Join, OffsetCommit } from '../checker/index.ts'
import type { GroupPlan, MemberPlan } from '../group-plan.ts'
import { RemoteError } from '../world/network.ts'
import { CALL_TIMEOUT_MS, Client, failureOf, type Scene } from './client.ts'
import { fetchOffsets, TOPIC_ID } from './offsets.ts'
import { Pauses } from './pauses.ts'

const PROTOCOL = 'range'
const PROTOCOL_TYPE = 'consumer'

/** How often a heartbeat is due in a session, as Kafka's consumers have it. */
const HEARTBEATS_A_SESSION = 3

/** What a member may be told, and what it does then. */
const orders = new Map<string, 'again' | 'anew' | 'find' | 'end'>([
  ['MEMBER_ID_REQUIRED', 'again'],
  ['REBALANCE_IN_PROGRESS', 'again'],
  ['ILLEGAL_GENERATION', 'again'],
  ['UNKNOWN_MEMBER_ID', 'anew'],
  // Nobody was in it for so long that it went.
  ['GROUP_ID_NOT_FOUND', 'anew'],
  ['FENCED_INSTANCE_ID', 'end'],
  ['NOT_COORDINATOR', 'find'],
  ['COORDINATOR_NOT_AVAILABLE', 'find'],
  ['REQUEST_TIMED_OUT', 'find'],
  ['CONNECTION_LOST', 'find'],
  ['CLIENT_TIMEOUT', 'find'],
  ['CLOSED', 'find'],
])

/** Which gateway coordinates the group, as `gateway` believes. */
export type CoordinatorSeenBy = (gateway: number) => number

/** As whom a member commits, and what. */
interface Standing {
  readonly memberId: string
  readonly generation: number
  readonly partitions: readonly number[]
}

export class Member {
  readonly plan: MemberPlan
  readonly #group: GroupPlan
  readonly #client: Client
  readonly #anywhere: Client
  readonly #coordinatorSeenBy: CoordinatorSeenBy
  /** The gateway that the member holds to be the coordinator. */
  #coordinator = 0
  #memberId = ''
  #generation = -1
  #partitions: readonly number[] = []
  #ended = false
  #retired = false
  readonly #behind = new Set<Promise<void>>()
  readonly #pauses: Pauses

  constructor(scene: Scene, group: GroupPlan, plan: MemberPlan, coordinatorSeenBy: CoordinatorSeenBy) {
    this.plan = plan
    this.#group = group
    this.#coordinatorSeenBy = coordinatorSeenBy
    this.#client = new Client(scene, `${group.name}/${plan.name}`, () => this.#findCoordinator())
    this.#anywhere = new Client(scene, `${group.name}/${plan.name}*`)
    this.#pauses = new Pauses(scene.world, this.#client.name, plan.pauses, 'member pause')
  }

  get ended(): boolean {
    return this.#ended
  }

  /** -1 while it does not know what it owns. */
  get generation(): number {
    return this.#generation
  }

  get partitions(): readonly number[] {
    return this.#partitions
  }

  /** Until its planned end, or until it is retired. */
  async live(): Promise<void> {
    const { world } = this.#client.scene
    await world.sleep(Math.max(0, this.plan.joinAt - world.time))
    while (!this.#isOver()) {
      try {
        if (this.#generation < 0) await this.#join()
        else await this.#work()
      } catch (error) {
        await this.#obey(error)
      }
    }
    const leaves = !this.#ended && (this.#retired || this.plan.end?.kind === 'leave')
    this.#ended = true
    if (leaves) await this.#leave()
    await Promise.all(this.#behind)
  }

  /** Its life ends when it has finished what it is at: it leaves the group. */
  retire(): void {
    this.#retired = true
  }

  /** Tells the coordinator, insisting. A static member keeps its place, as Kafka's consumers do. */
  async #leave(): Promise<void> {
    const memberId = this.#memberId
    if (this.plan.instance !== undefined || memberId === '') return
    const request = { groupId: this.#group.name, members: [{ memberId, instanceId: undefined }] }
    for (;;) {
      try {
        await this.#ask('leave', groups => groups.leave(request))
        return
      } catch (error) {
        failureOf(error)
        this.#client.reconnect()
        await this.#client.pause(500)
      }
    }
  }

  #isOver(): boolean {
    return (
      this.#ended || this.#retired || (this.plan.end !== undefined && this.#client.scene.world.time >= this.plan.end.at)
    )
  }

  // ---------------------------------------------------------------- the coordinator

  /** Asks any gateway. */
  #findCoordinator(): number {
    const { rng, scene } = this.#client
    this.#coordinator = this.#coordinatorSeenBy(rng.below(scene.cluster.size))
    return this.#coordinator
  }

  /** A gateway that does not hold itself to be the coordinator says so. */
  #ask<T>(name: string, work: (groups: Groups, signal: AbortSignal) => Promise<T>, timeoutMs?: number): Promise<T> {
    // Opened here, so that it is known who is asked.
    void this.#client.connection
    const asked = this.#coordinator
    return this.#client.call(
      name,
      async ({ groups }, signal) => {
        if (this.#coordinatorSeenBy(asked) !== asked)
          throw new GroupError('NOT_COORDINATOR', 'so this gateway believes')
        return work(groups, signal)
      },
      timeoutMs,
    )
  }

  // ---------------------------------------------------------------- in and out

  async #join(): Promise<void> {
    const { name, instance, sessionMs, rebalanceMs, twoRounds } = this.plan
    const request = {
      groupId: this.#group.name,
      memberId: this.#memberId,
      instanceId: instance,
      clientId: name,
      clientHost: name,
      protocolType: PROTOCOL_TYPE,
      protocols: [{ name: PROTOCOL, metadata: Buffer.from('all') }],
      sessionTimeoutMs: sessionMs,
      rebalanceTimeoutMs: rebalanceMs,
      requiresMemberId: twoRounds,
      supportsSkippingAssignment: true,
    }
    const { world, history } = this.#client.scene
    const join: Join = {
      kind: 'join',
      group: this.#group.name,
      member: this.#memberId,
      ...this.#instance,
      given: '',
      via: this.#client.connection.via,
      invoked: world.tick(),
      completed: Infinity,
    }
    history.push(join)
    const joined = await this.#ask(
      `join as ${this.#memberId}`,
      (groups, signal) => groups.join(request, signal),
      CALL_TIMEOUT_MS + this.#longestRebalanceMs(),
    )
    join.given = joined.memberId
    join.completed = world.tick()
    this.#memberId = joined.memberId
    await this.#sync(joined)
  }

  async #sync(joined: Joined): Promise<void> {
    const { world, history } = this.#client.scene
    const { generation, memberId } = joined
    const invoked = world.tick()
    const assignments = joined.leader === memberId && !joined.skipAssignment ? this.#assign(joined) : []
    const request = { ...this.#identity(generation), protocolType: PROTOCOL_TYPE, protocolName: PROTOCOL, assignments }
    const { assignment } = await this.#ask(
      `sync of generation ${generation}`,
      (groups, signal) => groups.sync(request, signal),
      CALL_TIMEOUT_MS + this.#longestRebalanceMs(),
    )
    this.#generation = generation
    this.#partitions = Buffer.from(assignment).toString().split(',').filter(Boolean).map(Number)
    world.note(this.#client.name, `told that it owns ${this.#partitions} in generation ${generation}`)
    const told: Assignment = {
      kind: 'assignment',
      group: this.#group.name,
      member: memberId,
      ...this.#instance,
      generation,
      partitions: this.#partitions.map(String),
      invoked,
      completed: world.tick(),
      completedAtMs: world.time,
    }
    history.push(told)
    await this.#fetch()
    if (this.#client.rng.chance(this.plan.commitChance)) await this.#commit()
  }

  /** Never twice the same: who is told one assignment and works by another shows. */
  #assign({ members }: Joined): { memberId: string; assignment: Uint8Array }[] {
    const ids = members.map(({ memberId }) => memberId).sort()
    const turn = this.#client.rng.below(ids.length)
    return ids.map((memberId, index) => {
      const own = this.#group.partitions.filter((_, i) => i % ids.length === (index + turn) % ids.length)
      return { memberId, assignment: Buffer.from(own.join(',')) }
    })
  }

  // ---------------------------------------------------------------- at work

  async #work(): Promise<void> {
    const { sessionMs, commitChance, looksFirst } = this.plan
    const { rng } = this.#client
    await this.#pauses.sleep((sessionMs / HEARTBEATS_A_SESSION) * (0.5 + rng.fraction()))
    if (this.#isOver()) return
    if (looksFirst) await this.#fetch()
    if (rng.chance(commitChance / 4)) await this.#commit()
    try {
      await this.#heartbeat()
    } catch (error) {
      // What is revoked is committed first, as Kafka's consumers do.
      const revoked = failureOf(error).code === 'REBALANCE_IN_PROGRESS' && rng.chance(commitChance)
      if (revoked) await this.#commit()
      throw error
    }
    if (rng.chance(commitChance / 2)) this.#commitBehind()
    else if (rng.chance(commitChance)) await this.#commit()
    if (rng.chance(0.3)) await this.#fetch()
  }

  async #heartbeat(): Promise<void> {
    const { world, history } = this.#client.scene
    const beat: Heartbeat = {
      kind: 'heartbeat',
      group: this.#group.name,
      member: this.#memberId,
      ...this.#instance,
      generation: this.#generation,
      sessionMs: this.plan.sessionMs,
      via: this.#client.connection.via,
      invokedAtMs: world.time,
      completedAtMs: Infinity,
      invoked: world.tick(),
      completed: Infinity,
      outcome: 'NO_ANSWER',
    }
    history.push(beat)
    try {
      const identity = this.#identity(this.#generation)
      await this.#ask('heartbeat', groups => groups.heartbeat(identity))
      beat.outcome = 'ok'
    } catch (error) {
      beat.outcome = failureOf(error).code
      throw error
    } finally {
      beat.completed = world.tick()
      beat.completedAtMs = world.time
    }
  }

  /** Each commit has an offset that no other commit has, so that a fetch tells whose it saw. */
  async #commit({ partitions, ...identity } = this.#standing, client = this.#someClient): Promise<void> {
    const { world, history } = client.scene
    const commits = partitions.map(
      (partition): OffsetCommit => ({
        kind: 'commit',
        group: this.#group.name,
        member: identity.memberId,
        ...this.#instance,
        generation: identity.generation,
        partition: String(partition),
        offset: world.tick(),
        invoked: world.tick(),
        completed: Infinity,
        outcome: 'unknown',
      }),
    )
    if (commits.length === 0) return
    history.push(...commits)
    const offsets = commits.map(({ partition, offset }) => ({
      ...{ topicId: TOPIC_ID, partition: Number(partition), offset, leaderEpoch: -1, metadata: '' },
    }))
    const results = await client.call(`commit ${offsets.map(({ partition, offset }) => `${partition}:${offset}`)}`, s =>
      s.groups.commitOffsets({ ...identity, groupId: this.#group.name, instanceId: this.plan.instance, offsets }),
    )
    for (const [i, { error }] of results.entries()) {
      const commit = commits[i]!
      commit.outcome = error === undefined ? 'done' : error === 'REQUEST_TIMED_OUT' ? 'unknown' : 'refused'
      commit.completed = world.tick()
      world.count(`commit ${commit.outcome}`)
    }
    const refused = results.find(({ error }) => error !== undefined)?.error
    if (refused) throw new RemoteError(refused, 'commit')
  }

  /** Sent without waiting for the answer, as `commitAsync` is: it may come when the member is in another generation. */
  #commitBehind(): void {
    const { rng } = this.#client
    const standing = this.#standing
    const commit = async () => {
      await this.#client.pause(this.plan.sessionMs * rng.pick([0, 0, 0.01, 0.2]))
      // Not behind a JoinGroup, whose answer may be long in coming.
      await this.#commit(standing, this.#anywhere).catch(failureOf)
    }
    const done = commit().finally(() => this.#behind.delete(done))
    this.#behind.add(done)
  }

  async #fetch(): Promise<void> {
    const places = this.#partitions.map(partition => ({ topicId: TOPIC_ID, partition }))
    if (places.length > 0) await fetchOffsets(this.#someClient, this.#group.name, places)
  }

  // ---------------------------------------------------------------- orders

  async #obey(error: unknown): Promise<void> {
    const { code } = failureOf(error)
    const { scene, rng, name } = this.#client
    const order = orders.get(code)
    scene.world.count(`member told ${code}`)
    scene.world.note(name, `told ${code}`)
    if (order === undefined) scene.violations.push({ property: 'false-refusal', what: `${name} was told ${code}` })
    if (order === 'end') this.#ended = true
    if ((order === 'again' || order === 'anew') && this.#generation >= 0) {
      if (rng.chance(this.plan.commitChance)) this.#commitBehind()
      this.#generation = -1
      this.#partitions = []
    }
    if (order === 'anew') this.#memberId = ''
    if (code === 'MEMBER_ID_REQUIRED') this.#memberId = memberIdOf(error)
    if (order === 'find') {
      this.#client.reconnect()
      this.#anywhere.reconnect()
    }
    await this.#pauses.sleep(rng.spread(10, 500))
  }

  get #instance(): { readonly instance?: string } {
    return this.plan.instance === undefined ? {} : { instance: this.plan.instance }
  }

  /** Offsets need no coordinator. */
  get #someClient(): Client {
    return this.#client.rng.chance(0.5) ? this.#anywhere : this.#client
  }

  get #standing(): Standing {
    return { memberId: this.#memberId, generation: this.#generation, partitions: this.#partitions }
  }

  #identity(generation: number) {
    return { groupId: this.#group.name, memberId: this.#memberId, instanceId: this.plan.instance, generation }
  }

  #longestRebalanceMs(): number {
    return Math.max(...this.#group.members.map(({ rebalanceMs }) => rebalanceMs))
  }
}

function memberIdOf(error: unknown): string {
  return error instanceof RemoteError && error.cause instanceof GroupError ? error.cause.memberId : ''
}
