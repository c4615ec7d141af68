/**
 * A member of a consumer group, of the consumer protocol (KIP-848), of the classic one, or of a streams group (KIP-1071), which lives
 * by Kafka's rules: it gives up first, says so, takes what it is told, commits for what it has, and does as errors say. It writes down from when
 * to when it held each partition.
 */
import { readConsumerAssignment, writeConsumerAssignment } from '../../../lib/groups/consumer-subscription.ts'
import {
  type Assignment,
  assignmentOf,
  type ConsumerHeartbeat,
  GroupError,
  type Groups,
  type Joined,
} from '../../../lib/groups/index.ts'
import type { Join, OffsetCommit } from '../checker/index.ts'
import { CONSUMER_HEARTBEAT_MS, CONSUMER_SESSION_MS, type ConsumerMemberPlan, SURE_MS } from '../consumer-group-plan.ts'
import { RemoteError } from '../world/network.ts'
import { CALL_TIMEOUT_MS, Client, failureOf, type Scene } from './client.ts'
import { Holdings, type Telling } from './holdings.ts'
import { fetchOffsets } from './offsets.ts'
import { Pauses } from './pauses.ts'
import { asStreams, describeTasks, heldOf, NOTHING_HELD, type TasksHeld } from './streams-tasks.ts'

const PROTOCOL = 'range'
const REGEX = 'topic-[0]'

/** What a member may be told, and what it does then. */
const orders = new Map<string, 'again' | 'anew' | 'find' | 'end' | 'wait'>([
  ['MEMBER_ID_REQUIRED', 'again'],
  ['REBALANCE_IN_PROGRESS', 'again'],
  ['ILLEGAL_GENERATION', 'again'],
  ['STALE_MEMBER_EPOCH', 'wait'],
  ['FENCED_MEMBER_EPOCH', 'anew'],
  ['UNKNOWN_MEMBER_ID', 'anew'],
  ['GROUP_ID_NOT_FOUND', 'anew'],
  ['UNRELEASED_INSTANCE_ID', 'wait'],
  ['FENCED_INSTANCE_ID', 'end'],
  ['COORDINATOR_LOAD_IN_PROGRESS', 'wait'],
  ['INCONSISTENT_GROUP_PROTOCOL', 'wait'],
  ['NOT_COORDINATOR', 'find'],
  ['COORDINATOR_NOT_AVAILABLE', 'find'],
  ['REQUEST_TIMED_OUT', 'find'],
  ['STORE_OUTCOME_UNKNOWN', 'find'],
  ['STORE_UNAVAILABLE', 'find'],
  ['STORE_THROTTLED', 'find'],
  ['CONNECTION_LOST', 'find'],
  ['CLIENT_TIMEOUT', 'find'],
  ['CLOSED', 'find'],
])

/** After these nobody was admitted. */
const refusals = new Set([
  'UNRELEASED_INSTANCE_ID',
  'FENCED_INSTANCE_ID',
  'UNKNOWN_MEMBER_ID',
  'GROUP_ID_NOT_FOUND',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'INCONSISTENT_GROUP_PROTOCOL',
])

export interface ConsumerSurroundings {
  readonly topic: string
  /** Of a streams group. */
  readonly standbyReplicas: number
  /** Which gateway coordinates the group, as `gateway` believes. */
  coordinatorSeenBy(gateway: number): number
}

export class ConsumerMember {
  /** The most partitions that the topic was seen to have. */
  partitionsSeen = 1
  readonly #plan: ConsumerMemberPlan
  readonly #group: string
  readonly #client: Client
  readonly #surroundings: ConsumerSurroundings
  readonly #holdings: Holdings
  #coordinator = 0
  #topicId = ''
  #memberId: string
  #epoch = 0
  /** What it was told to have, where it has not done that yet. */
  #told: (Telling & { readonly tasks: TasksHeld }) | undefined
  /** A consumer's are all active. */
  #tasks = NOTHING_HELD
  #saysAll = true
  /** What it has changed, and the coordinator has not heard of it. */
  #saysOwned = false
  /** When it sent the last heartbeat of the newer protocols that was answered. */
  #heardAtMs = Number.NEGATIVE_INFINITY
  #refusedSinceMs = Infinity
  #ended = false
  #retired = false
  readonly #pauses: Pauses

  constructor(scene: Scene, group: string, plan: ConsumerMemberPlan, surroundings: ConsumerSurroundings) {
    this.#plan = plan
    this.#group = group
    this.#surroundings = surroundings
    this.#memberId = plan.protocol === 'classic' ? '' : `${plan.name}-0`
    this.#client = new Client(scene, `${group}/${plan.name}`, () => this.#findCoordinator())
    this.#pauses = new Pauses(scene.world, this.#client.name, plan.pauses)
    const { instance, protocol, rebalanceMs } = plan
    const sessionMs = protocol === 'classic' ? plan.sessionMs : CONSUMER_SESSION_MS
    this.#holdings = new Holdings(scene, { group, sessionMs, rebalanceMs, ...(instance !== undefined && { instance }) })
  }

  get ended(): boolean {
    return this.#ended
  }

  get epoch(): number {
    return this.#epoch
  }

  get partitions(): readonly number[] {
    return this.#tasks.active
  }

  get standbys(): readonly number[] {
    return this.#tasks.standby
  }

  /** Members of one process share its state. */
  get process(): string {
    return this.#plan.process ?? this.#memberId
  }

  retire(): void {
    this.#retired = true
  }

  /** Until its planned end, or until it is retired. */
  async live(): Promise<void> {
    const { world } = this.#client.scene
    await world.sleep(Math.max(0, this.#plan.joinAt - world.time))
    while (!this.#isOver()) {
      try {
        if (this.#topicId === '') await this.#findTopic()
        else if (this.#plan.protocol === 'classic') await this.#workClassic()
        else await this.#work()
      } catch (error) {
        await this.#obey(error)
      }
    }
    const kind = this.#ended ? 'die' : this.#retired ? 'leave' : this.#plan.end!.kind
    this.#ended = true
    this.#giveUpAll()
    if (kind !== 'die') await this.#leave(kind)
  }

  #isOver(): boolean {
    const { end } = this.#plan
    return this.#ended || this.#retired || (end !== undefined && this.#client.scene.world.time >= end.at)
  }

  async #findTopic(): Promise<void> {
    const { topic: name } = this.#surroundings
    const topic = await this.#client.call('find the topic', ({ log }) => log.topics.find({ name }))
    if (topic) {
      this.#topicId = topic.id
      this.partitionsSeen = topic.partitions
    } else await this.#client.pause(500)
  }

  // ---------------------------------------------------------------- the consumer protocol

  async #work(): Promise<void> {
    if (this.#epoch > 0 && this.#client.rng.chance(this.#plan.commitChance / 2)) await this.#commit()
    await this.#doAsTold()
    await this.#beat()
    const { rng } = this.#client
    if (rng.chance(this.#plan.commitChance)) await this.#commit()
    if (rng.chance(0.2)) await this.#fetch()
    if (this.#told === undefined) await this.#pauses.sleep(CONSUMER_HEARTBEAT_MS * (0.3 + rng.fraction()))
  }

  /** Gives up first, which may take its time, while it is heard of as if nothing had changed; then takes. */
  async #doAsTold(): Promise<void> {
    const told = this.#told
    if (!told) return
    const wanted = this.#placesOf(told.tasks)
    const given = this.#holdings.places.filter(place => !wanted.includes(place))
    if (given.length > 0) {
      if (this.#client.rng.chance(this.#plan.commitChance)) await this.#commit()
      const ms = this.#client.rng.fraction() * this.#plan.revokeMs
      await this.#pauses.sleep(ms / 2)
      if (ms > CONSUMER_HEARTBEAT_MS / 2) await this.#beat()
      await this.#pauses.sleep(ms / 2)
      // Meanwhile it may have been told otherwise.
      if (this.#told !== told) return
      for (const place of given) this.#holdings.giveUp(place)
    }
    for (const place of wanted) this.#holdings.take(this.#memberId, place, told)
    this.#tasks = told.tasks
    this.#told = undefined
    this.#saysOwned = true
  }

  async #beat(): Promise<void> {
    const { world } = this.#client.scene
    const { instance, rebalanceMs, byRegex, protocol } = this.#plan
    const { topic, standbyReplicas } = this.#surroundings
    const all = this.#epoch === 0 || this.#saysAll
    const wanted = this.#told && this.#placesOf(this.#told.tasks)
    const isGivingUp = this.#holdings.places.some(place => wanted?.includes(place) === false)
    const askedAtMs = world.time
    const began = world.tick()
    this.#holdings.asked()
    const saysOwned = all || this.#client.rng.chance(0.3) || this.#saysOwned
    const common = {
      ...this.#identity,
      epoch: this.#epoch,
      rebalanceTimeoutMs: all ? rebalanceMs : undefined,
      instanceId: instance,
    }
    const heartbeat =
      protocol === 'streams'
        ? asStreams(
            { ...common, processId: this.process, owned: saysOwned ? this.#tasks : undefined },
            { topic, isStateful: standbyReplicas > 0 },
          )
        : asConsumer({
            ...common,
            topicNames: all ? (byRegex ? [] : [topic]) : undefined,
            regex: all && byRegex ? REGEX : undefined,
            owned: saysOwned ? assignmentOf([[this.#topicId, this.partitions]]) : undefined,
          })
    this.#saysAll = true
    const beat = () => this.#ask(`heartbeat in ${this.#epoch}`, heartbeat)
    const answer = await (this.#epoch === 0 ? this.#recordJoin(beat) : beat())
    this.#saysAll = false
    this.#saysOwned = false
    this.#epoch = answer.epoch
    this.#heardAtMs = askedAtMs
    world.note(this.#client.name, `told epoch ${answer.epoch}`)
    const told =
      answer.tasks ?? (answer.assignment && { active: answer.assignment.get(this.#topicId) ?? [], standby: [] })
    const places = told && this.#placesOf(told)
    this.#holdings.answered(askedAtMs, {
      ...{ hasGivenUp: saysOwned && !isGivingUp, joins: common.epoch === 0, told: places },
    })
    if (!told) return
    this.#told = { tasks: told, invoked: world.tick(), fromMs: world.time }
    world.note(this.#client.name, `told to have ${describeTasks(told)}`)
    if (protocol === 'streams') this.#recordTasks(told, began)
    for (const partition of told.active) this.partitionsSeen = Math.max(this.partitionsSeen, partition + 1)
  }

  #placesOf(tasks: TasksHeld): string[] {
    return heldOf(tasks, this.#plan.protocol === 'streams' ? this.process : undefined)
  }

  #recordTasks({ active, standby }: TasksHeld, invoked: number): void {
    const { world, history } = this.#client.scene
    const { instance } = this.#plan
    history.push({
      kind: 'tasks',
      ...{
        group: this.#group,
        member: this.#memberId,
        process: this.process,
        ...(instance !== undefined && { instance }),
      },
      ...{ epoch: this.#epoch, active, standby, standbyReplicas: this.#surroundings.standbyReplicas },
      ...{ invoked, completed: world.tick() },
    })
    if (standby.length > 0) world.count('standby tasks told')
  }

  /** A static member's, which may take the place of another. */
  async #recordJoin<T extends { readonly memberId: string }>(ask: () => Promise<T>): Promise<T> {
    const { instance } = this.#plan
    if (instance === undefined) return ask()
    const { world, history } = this.#client.scene
    const join: Join = {
      kind: 'join',
      group: this.#group,
      member: this.#memberId,
      instance,
      given: '',
      via: this.#client.connection.via,
      invoked: world.tick(),
      completed: Infinity,
    }
    history.push(join)
    try {
      const answer = await ask()
      join.given = answer.memberId
      join.completed = world.tick()
      join.completedAtMs = world.time
      return answer
    } catch (error) {
      join.refused = refusals.has(failureOf(error).code)
      throw error
    }
  }

  get #identity() {
    const { name } = this.#plan
    return {
      groupId: this.#group,
      memberId: this.#memberId,
      clientId: name,
      clientHost: name,
      rackId: undefined,
      assignor: undefined,
    }
  }

  // ---------------------------------------------------------------- the classic protocol, eager

  async #workClassic(): Promise<void> {
    if (this.#epoch === 0) return this.#join()
    const { rng, scene } = this.#client
    await this.#pauses.sleep((this.#plan.sessionMs / 3) * (0.3 + rng.fraction()))
    if (this.#isOver()) return
    const at = scene.world.time
    const request = this.#standing
    await this.#ask('classic heartbeat', groups => groups.heartbeat(request))
    this.#holdings.answered(at, { hasGivenUp: false, joins: false, told: undefined })
    if (rng.chance(this.#plan.commitChance)) await this.#commit()
  }

  async #join(): Promise<void> {
    const { sessionMs, rebalanceMs, instance, name } = this.#plan
    const subscription = Buffer.concat([
      Buffer.from([0, 0, 0, 0, 0, 1, 0, this.#surroundings.topic.length]),
      Buffer.from(this.#surroundings.topic),
      Buffer.from([255, 255, 255, 255]),
    ])
    const request = {
      groupId: this.#group,
      memberId: this.#memberId,
      instanceId: instance,
      clientId: name,
      clientHost: name,
      protocolType: 'consumer',
      protocols: [{ name: PROTOCOL, metadata: subscription }],
      sessionTimeoutMs: sessionMs,
      rebalanceTimeoutMs: rebalanceMs,
      requiresMemberId: true,
      supportsSkippingAssignment: true,
    }
    const joined = await this.#recordJoin(() =>
      this.#ask('join', (groups, signal) => groups.join(request, signal), CALL_TIMEOUT_MS + 3 * rebalanceMs),
    )
    this.#memberId = joined.memberId
    const at = this.#client.scene.world.time
    const synced = await this.#ask(
      'sync',
      (groups, signal) =>
        groups.sync(
          {
            ...this.#standing,
            generation: joined.generation,
            protocolType: 'consumer',
            protocolName: PROTOCOL,
            assignments: this.#assign(joined),
          },
          signal,
        ),
      CALL_TIMEOUT_MS + 3 * rebalanceMs,
    )
    this.#epoch = joined.generation
    const { world } = this.#client.scene
    const told = { invoked: world.tick(), fromMs: world.time }
    const own = [...(readConsumerAssignment(synced.assignment)?.topics ?? [])].filter(
      ([topic]) => topic === this.#surroundings.topic,
    )
    this.#tasks = { active: own.flatMap(([, partitions]) => partitions), standby: [] }
    for (const place of this.#placesOf(this.#tasks)) this.#holdings.take(this.#memberId, place, told, at)
    await this.#fetch()
  }

  #assign({ leader, memberId, members, skipAssignment }: Joined) {
    if (leader !== memberId || skipAssignment) return []
    const ids = members.map(member => member.memberId).sort()
    return ids.map((id, index) => {
      const all = Array.from({ length: this.partitionsSeen }, (_, partition) => partition)
      const own = all.filter(partition => partition % ids.length === index)
      return { memberId: id, assignment: writeConsumerAssignment([[this.#surroundings.topic, own]], 0) }
    })
  }

  get #standing() {
    return { groupId: this.#group, memberId: this.#memberId, instanceId: this.#plan.instance, generation: this.#epoch }
  }

  // ---------------------------------------------------------------- what it holds

  #giveUpAll(): void {
    this.#holdings.giveUpAll()
    this.#tasks = NOTHING_HELD
    this.#told = undefined
  }

  /** Each commit has an offset that no other commit has, so that a fetch tells whose it saw. */
  async #commit(): Promise<void> {
    const { world, history } = this.#client.scene
    const commits = this.partitions.map(
      (partition): OffsetCommit => ({
        kind: 'commit',
        group: this.#group,
        member: this.#memberId,
        generation: this.#epoch,
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
      ...{ topicId: this.#topicId, partition: Number(partition), offset, leaderEpoch: -1, metadata: '' },
    }))
    const request = { ...this.#standing, offsets }
    const results = await this.#client.call('commit', ({ groups }) => groups.commitOffsets(request))
    for (const [i, { error }] of results.entries()) {
      const commit = commits[i]!
      commit.outcome = error === undefined ? 'done' : error === 'REQUEST_TIMED_OUT' ? 'unknown' : 'refused'
      commit.completed = world.tick()
      world.count(`consumer commit ${commit.outcome}`)
    }
    const refused = results.find(({ error }) => error !== undefined)?.error
    if (refused) throw new RemoteError(refused, 'commit')
  }

  async #fetch(): Promise<void> {
    const places = this.partitions.map(partition => ({ topicId: this.#topicId, partition }))
    if (places.length > 0) await fetchOffsets(this.#client, this.#group, places)
  }

  // ---------------------------------------------------------------- calls and orders

  #findCoordinator(): number {
    const { rng, scene } = this.#client
    this.#coordinator = this.#surroundings.coordinatorSeenBy(rng.below(scene.cluster.size))
    return this.#coordinator
  }

  /** A gateway that does not hold itself to be the coordinator says so. */
  #ask<T>(name: string, work: (groups: Groups, signal: AbortSignal) => Promise<T>, timeoutMs?: number): Promise<T> {
    void this.#client.connection
    const asked = this.#coordinator
    return this.#client.call(
      name,
      async ({ groups }, signal) => {
        if (this.#surroundings.coordinatorSeenBy(asked) !== asked)
          throw new GroupError('NOT_COORDINATOR', 'so it believes')
        return work(groups, signal)
      },
      timeoutMs,
    )
  }

  async #obey(error: unknown): Promise<void> {
    const { code } = failureOf(error)
    const { scene, rng, name } = this.#client
    const order = orders.get(code)
    scene.world.count(`consumer member told ${code}`)
    scene.world.note(name, `told ${code}`)
    if (order === undefined) scene.violations.push({ property: 'false-refusal', what: `${name} was told ${code}` })
    if (order === 'end' || this.#isRefusedFor(code, scene.world.time)) this.#ended = true
    if (order === 'anew') this.#checkEviction(code)
    if (order === 'again' || order === 'anew') {
      this.#giveUpAll()
      this.#epoch = 0
      this.#saysAll = true
    }
    if (order === 'anew') this.#memberId = this.#plan.protocol === 'classic' ? '' : this.#memberId
    if (code === 'MEMBER_ID_REQUIRED') this.#memberId = memberIdOf(error)
    if (order === 'find') this.#client.reconnect()
    await this.#pauses.sleep(order === 'wait' ? rng.spread(100, 3_000) : rng.spread(10, 500))
  }

  /** Whom nobody replaces, who owes nothing for long and was heard of in time is not put out. */
  #checkEviction(code: string): void {
    const { scene, name } = this.#client
    const silentMs = scene.world.time - this.#heardAtMs
    this.#heardAtMs = Number.NEGATIVE_INFINITY
    const owesForLong = this.#holdings.owedMs >= (2 / 3) * this.#plan.rebalanceMs
    if (silentMs >= SURE_MS || this.#plan.instance !== undefined || owesForLong) return
    const what = `${name} was told ${code} ${silentMs} ms after it sent what was answered in epoch ${this.#epoch}`
    scene.violations.push({ property: 'false-eviction', what })
  }

  /** Another life of its own has its place, and lives: it gives up. */
  #isRefusedFor(code: string, now: number): boolean {
    if (code !== 'UNRELEASED_INSTANCE_ID') this.#refusedSinceMs = Infinity
    else this.#refusedSinceMs = Math.min(this.#refusedSinceMs, now)
    return now - this.#refusedSinceMs > 3 * CONSUMER_SESSION_MS
  }

  /** Tells the coordinator, insisting. */
  async #leave(kind: 'leave' | 'away'): Promise<void> {
    if (this.#epoch === 0) return
    const epoch = kind === 'away' ? -2 : -1
    const { instance, protocol } = this.#plan
    const classic = { groupId: this.#group, members: [{ memberId: this.#memberId, instanceId: instance }] }
    const nothing = { rebalanceTimeoutMs: undefined, topicNames: undefined, regex: undefined, owned: undefined }
    const request = { ...this.#identity, ...nothing, instanceId: instance, epoch }
    const goodbye =
      protocol === 'streams'
        ? asStreams({ ...request, processId: this.process, owned: undefined }, { topic: '', isStateful: false })
        : asConsumer(request)
    for (;;) {
      try {
        if (protocol === 'classic') await this.#ask('leave', groups => groups.leave(classic))
        else await this.#ask('leave', goodbye)
        return
      } catch (error) {
        const { code } = failureOf(error)
        if (orders.get(code) === 'anew' || orders.get(code) === 'end') return
        this.#client.reconnect()
        await this.#client.pause(500)
      }
    }
  }
}

function memberIdOf(error: unknown): string {
  return error instanceof RemoteError && error.cause instanceof GroupError ? error.cause.memberId : ''
}

interface BeatAnswer {
  readonly memberId: string
  readonly epoch: number
  readonly assignment?: Assignment | undefined
  /** Of a streams group. */
  readonly tasks?: TasksHeld | undefined
}

type Heartbeat = (groups: Groups) => Promise<BeatAnswer>

function asConsumer(request: ConsumerHeartbeat): Heartbeat {
  return groups => groups.consumerHeartbeat(request)
}
