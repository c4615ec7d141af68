/**
 * A member of a share group (KIP-932): it joins, is heard of, takes the assignments that it is told, changes what it subscribes to, does as
 * errors say, and goes. It writes down each answer; and who was heard of in time must not be put out, nor called a stranger.
 */
import { ShareError } from '../../../lib/share/index.ts'
import type { Membership } from '../checker/index.ts'
import { SURE_MS } from '../consumer-group-plan.ts'
import { SHARE_HEARTBEAT_MS, type ShareGroupMemberPlan } from '../share-group-plan.ts'
import type { Service } from '../system.ts'
import { Client, failureOf, type Scene } from './client.ts'
import { Pauses } from './pauses.ts'

/** What a member may be told, and what it does then. */
const orders = new Map<string, 'anew' | 'find'>([
  ['FENCED_MEMBER_EPOCH', 'anew'],
  ['UNKNOWN_MEMBER_ID', 'anew'],
  ['GROUP_ID_NOT_FOUND', 'anew'],
  ['NOT_COORDINATOR', 'find'],
  ['COORDINATOR_NOT_AVAILABLE', 'find'],
  ['CONNECTION_LOST', 'find'],
  ['CLIENT_TIMEOUT', 'find'],
  ['CLOSED', 'find'],
])

/** Heartbeats. */
const SAYS_ALL_EVERY = 8

export interface ShareGroupSurroundings {
  readonly group: string
  /** Which gateway coordinates the group, as `gateway` believes. */
  coordinatorSeenBy(gateway: number): number
}

export class ShareGroupMember {
  readonly plan: ShareGroupMemberPlan
  readonly #client: Client
  readonly #surroundings: ShareGroupSurroundings
  #coordinator = 0
  #epoch = 0
  /** How often it has joined. */
  #lives = 0
  /** What it was told to fetch from, by topic id. */
  #assignment: ReadonlyMap<string, readonly number[]> = new Map()
  /** What it said last, where that was answered: else it says it again, as Kafka's client does. */
  #saidTopics: string | undefined
  #beats = 0
  /** When it sent the last heartbeat that was answered. */
  #heardAtMs = Number.NEGATIVE_INFINITY
  #ended = false
  #retired = false
  readonly #pauses: Pauses

  constructor(scene: Scene, plan: ShareGroupMemberPlan, surroundings: ShareGroupSurroundings) {
    this.plan = plan
    this.#surroundings = surroundings
    this.#client = new Client(scene, `${surroundings.group}/${plan.name}`, () => this.#findCoordinator())
    this.#pauses = new Pauses(scene.world, this.#client.name, plan.pauses)
  }

  get ended(): boolean {
    return this.#ended
  }

  get epoch(): number {
    return this.#epoch
  }

  get assignment(): ReadonlyMap<string, readonly number[]> {
    return this.#assignment
  }

  /** Names of the topics that it wants now, sorted. */
  get topicNames(): readonly string[] {
    const { time } = this.#client.scene.world
    const { topics } = this.plan.subscriptions.findLast(({ at }) => at <= time)!
    return topics.map(topic => `topic-${topic}`).sort()
  }

  retire(): void {
    this.#retired = true
  }

  /** Until its planned end, or until it is retired. */
  async live(): Promise<void> {
    const { world } = this.#client.scene
    await world.sleep(Math.max(0, this.plan.joinAt - world.time))
    while (!this.#isOver()) {
      try {
        await this.#beat()
        await this.#pauses.sleep(SHARE_HEARTBEAT_MS * (0.3 + this.#client.rng.fraction()))
      } catch (error) {
        await this.#obey(error)
      }
    }
    this.#ended = true
    if (this.#retired || this.plan.end?.kind === 'leave') await this.#leave()
  }

  #isOver(): boolean {
    const { end } = this.plan
    return this.#retired || (end !== undefined && this.#client.scene.world.time >= end.at)
  }

  async #beat(): Promise<void> {
    const { world, history } = this.#client.scene
    const { name } = this.plan
    const joins = this.#epoch === 0
    if (joins) this.#lives++
    const topicNames = this.topicNames
    // Again now and then: a former request, given up with its connection, may come last, and nothing in it says that it is old.
    const saysAll = this.#beats++ % SAYS_ALL_EVERY === 0
    const saysTopics = joins || saysAll || this.#saidTopics !== topicNames.join()
    const membership: Membership = {
      kind: 'membership',
      group: this.#surroundings.group,
      member: name,
      life: this.#lives,
      said: this.#epoch,
      told: undefined,
      assignment: undefined,
      invoked: world.tick(),
      completed: Infinity,
    }
    history.push(membership)
    const askedAtMs = world.time
    const answer = await this.#ask(`heartbeat in ${this.#epoch}`, shares =>
      shares.heartbeat({ ...this.#identity, epoch: this.#epoch, topicNames: saysTopics ? topicNames : undefined }),
    )
    membership.told = answer.epoch
    membership.completed = world.tick()
    this.#heardAtMs = askedAtMs
    this.#saidTopics = topicNames.join()
    this.#epoch = answer.epoch
    if (!answer.assignment) return
    this.#assignment = new Map(answer.assignment.map(({ topicId, partitions }) => [topicId, partitions]))
    membership.assignment = [...this.#assignment].map(([id, partitions]) => `${id}:${partitions}`).join(' ')
    world.count('share assignment')
    world.note(this.#client.name, `told epoch ${answer.epoch}, ${membership.assignment || 'nothing'}`)
  }

  get #identity() {
    const { name } = this.plan
    return { groupId: this.#surroundings.group, memberId: name, rackId: undefined, clientId: name, clientHost: name }
  }

  // ---------------------------------------------------------------- calls and orders

  #findCoordinator(): number {
    const { rng, scene } = this.#client
    this.#coordinator = this.#surroundings.coordinatorSeenBy(rng.below(scene.cluster.size))
    return this.#coordinator
  }

  /** A gateway that does not hold itself to be the coordinator says so. */
  #ask<T>(name: string, work: (shares: Service['shares']) => Promise<T>): Promise<T> {
    void this.#client.connection
    const asked = this.#coordinator
    return this.#client.call(name, async ({ shares }) => {
      if (this.#surroundings.coordinatorSeenBy(asked) !== asked)
        throw new ShareError('NOT_COORDINATOR', 'so it believes')
      return work(shares)
    })
  }

  async #obey(error: unknown): Promise<void> {
    const { code } = failureOf(error)
    const { scene, rng, name } = this.#client
    const order = orders.get(code)
    this.#saidTopics = undefined
    scene.world.count(`share member told ${code}`)
    scene.world.note(name, `told ${code}`)
    if (order === undefined) scene.violations.push({ property: 'false-refusal', what: `${name} was told ${code}` })
    if (order === 'find') this.#client.reconnect()
    if (order === 'anew') {
      const silentMs = scene.world.time - this.#heardAtMs
      if (silentMs < SURE_MS) {
        const what = `${name} was told ${code} ${silentMs} ms after it sent what was answered in epoch ${this.#epoch}`
        scene.violations.push({ property: 'false-eviction', what })
      }
      this.#epoch = 0
      this.#heardAtMs = Number.NEGATIVE_INFINITY
      this.#assignment = new Map()
    }
    await this.#pauses.sleep(rng.spread(10, 500))
  }

  /** Insists until it is surely out. */
  async #leave(): Promise<void> {
    for (;;) {
      try {
        await this.#ask('leave', shares => shares.heartbeat({ ...this.#identity, epoch: -1, topicNames: undefined }))
        return
      } catch (error) {
        if (orders.get(failureOf(error).code) === 'anew') return
        this.#client.reconnect()
        await this.#client.pause(500)
      }
    }
  }
}
