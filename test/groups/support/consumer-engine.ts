import { type Assignment, assignmentOf, NOTHING, union } from '../../../lib/groups/assignment.ts'
import type { ConsumerDocument, ConsumerMember, TopicShape } from '../../../lib/groups/consumer-document.ts'
import { newConsumerGroup, placesIn, type TopicsSeen } from '../../../lib/groups/consumer-group.ts'
import {
  type ConsumerStep,
  heartbeatOfConsumer,
  refreshTopics,
  refusalOfHeartbeat,
  removeMembers,
} from '../../../lib/groups/consumer-heartbeat.ts'
import { decodeGroupDocument, encodeGroupDocument } from '../../../lib/groups/group-document.ts'
import type { ConsumerHeartbeat } from '../../../lib/groups/index.ts'
import { defaultGroupSettings, type GroupSettings } from '../../../lib/groups/settings.ts'

export const SESSION_MS = 45_000

/** Topics that change under a group's feet. */
export class EngineTopics implements TopicsSeen {
  readonly #topics = new Map<string, TopicShape>()
  #made = 0

  set(name: string, partitions: number): string {
    const id = this.#topics.get(name)?.id ?? (++this.#made).toString(16).padStart(32, '0')
    this.#topics.set(name, { id, partitions })
    return id
  }

  /** A topic of the same name, with another id. */
  remake(name: string, partitions: number): void {
    this.remove(name)
    this.set(name, partitions)
  }

  remove(name: string): void {
    this.#topics.delete(name)
  }

  partitions(name: string): number {
    return this.#topics.get(name)?.partitions ?? 0
  }

  named(name: string): TopicShape | undefined {
    return this.#topics.get(name)
  }

  matching(regex: string): readonly string[] {
    return [...this.#topics.keys()].filter(name => new RegExp(`^(?:${regex})$`).test(name)).sort()
  }
}

/** The pure engine of consumer groups; every step's document is written and read again, as it is by the driver. */
export class ConsumerEngine {
  readonly topics = new EngineTopics()
  readonly settings: GroupSettings
  group: ConsumerDocument
  now = 0
  /** When each member was heard of last. */
  readonly #heardAt = new Map<string, number>()

  constructor(settings: Partial<GroupSettings> = {}) {
    this.settings = { ...defaultGroupSettings, ...settings }
    this.group = newConsumerGroup(1, 0, this.settings.consumerAssignor)
  }

  heartbeat(options: Partial<ConsumerHeartbeat> & { memberId: string; epoch: number }): ConsumerStep {
    const request = { ...aHeartbeat, ...options }
    const refusal = refusalOfHeartbeat(request)
    if (refusal) return refusal
    const step = heartbeatOfConsumer(this.group, request, this.topics, this.#moment())
    if ('error' in step) return step
    this.#keep(step.group)
    this.#heardAt.set(request.memberId, this.now)
    return step
  }

  /** Joins, and must be let in. */
  join(memberId: string, options: Partial<ConsumerHeartbeat> = {}) {
    return this.must({ topicNames: ['a'], rebalanceTimeoutMs: 60_000, owned: NOTHING, ...options, memberId, epoch: 0 })
  }

  must(options: Parameters<ConsumerEngine['heartbeat']>[0]): Extract<ConsumerStep, { group: ConsumerDocument }> {
    const step = this.heartbeat(options)
    if ('error' in step) throw new Error(`${step.error}: ${step.message}`)
    return step
  }

  errorOf(options: Parameters<ConsumerEngine['heartbeat']>[0]): string | undefined {
    const step = this.heartbeat(options)
    return 'error' in step ? step.error : undefined
  }

  remove(...ids: string[]): void {
    this.#keep(removeMembers(this.group, ids, this.#moment()))
  }

  lookAtTopics(): void {
    this.#keep(refreshTopics(this.group, this.topics, this.#moment()))
  }

  member(id: string): ConsumerMember {
    const member = this.group.members.get(id)
    if (!member) throw new Error(`no member ${id}`)
    return member
  }

  /** What each member has or has yet to give up, as text. */
  get holdings(): Record<string, string> {
    const entries = [...this.group.members.values()].map(({ id, assigned, revoking }): [string, string] => [
      id,
      textOfAssignment(union(assigned, revoking)),
    ])
    return Object.fromEntries(entries)
  }

  /** Who was not heard of for a session is put out, away or not. */
  pass(ms: number): void {
    this.now += ms
    const isLate = (id: string) => this.now - (this.#heardAt.get(id) ?? 0) >= SESSION_MS
    this.remove(...[...this.group.members.keys()].filter(isLate))
  }

  #moment() {
    return { wallTime: 1_000 + this.now, settings: this.settings }
  }

  #keep(group: ConsumerDocument): void {
    if (group !== this.group) this.group = decodeGroupDocument(encodeGroupDocument(group)) as ConsumerDocument
  }
}

/** A member as Kafka's consumers are: what it was told last it takes, it gives up first, and it says so in the next heartbeat. */
export class EngineMember {
  readonly id: string
  readonly #engine: ConsumerEngine
  readonly #instanceId: string | undefined
  memberId: string
  topicNames: readonly string[] = ['a']
  regex = ''
  assignor: string | undefined
  heardAt = 0
  #epoch = 0
  #owned: Assignment = NOTHING
  #isDead = false
  #lives = 0
  /** The answer to the last heartbeat was lost, or it has just begun: everything is said again. */
  #saysAll = true
  /** What it was told to have, and has not taken and given up yet. */
  #told: Assignment | undefined

  constructor(engine: ConsumerEngine, id: string, instanceId: string | undefined) {
    this.id = id
    this.memberId = id
    this.#engine = engine
    this.#instanceId = instanceId
  }

  get isIn(): boolean {
    return !this.#isDead && this.#epoch > 0
  }

  *holds(): Generator<string> {
    // A member that was silent for its session has stopped by itself.
    if (this.#engine.now - this.heardAt >= SESSION_MS) return
    for (const [topicId, partition] of placesIn(this.#owned)) yield `${topicId}/${partition}`
  }

  subscribe(topicNames: readonly string[]): void {
    this.topicNames = topicNames
    this.#saysAll = true
  }

  /** `slow`: it has not yet done what it was told before. */
  beat({ loseAnswer = false, slow = false } = {}): void {
    if (this.#isDead) return
    if (!slow && this.#told) {
      this.#owned = this.#told
      this.#told = undefined
    }
    const joins = this.#epoch === 0
    const all = joins || this.#saysAll
    const step = this.#engine.heartbeat({
      memberId: this.memberId,
      instanceId: this.#instanceId,
      epoch: this.#epoch,
      rebalanceTimeoutMs: all ? 60_000 : undefined,
      topicNames: all ? this.topicNames : undefined,
      regex: this.regex,
      assignor: this.assignor,
      owned: this.#owned,
    })
    if (loseAnswer) {
      if (!('error' in step)) this.heardAt = this.#engine.now
      this.#saysAll = true
      return
    }
    if ('error' in step) {
      this.#refused(step.error)
      return
    }
    this.heardAt = this.#engine.now
    this.#saysAll = false
    this.#epoch = step.member!.epoch
    if (step.assignment === undefined) return
    this.#told = step.assignment
  }

  /** A static member goes, and its next life has another id; others leave. */
  leaveForAWhile(): void {
    this.leave(this.#instanceId === undefined ? -1 : -2)
  }

  leave(epoch = -1): void {
    if (this.#isDead || this.#epoch === 0) return
    this.#engine.heartbeat({ memberId: this.memberId, instanceId: this.#instanceId, epoch })
    this.#abandon()
    this.memberId = `${this.id}.${++this.#lives}`
  }

  die(): void {
    this.#isDead = true
    this.#told = undefined
    this.#owned = NOTHING
  }

  #refused(error: string): void {
    if (error === 'UNRELEASED_INSTANCE_ID') return
    this.#abandon()
  }

  #abandon(): void {
    this.#epoch = 0
    this.#owned = NOTHING
    this.#told = undefined
    this.#saysAll = true
  }
}

export function textOfAssignment(assignment: Assignment): string {
  return [...placesIn(assignment)]
    .map(([topicId, partition]) => `${Number(topicId)}:${partition}`)
    .sort()
    .join(' ')
}

export function owning(topicId: string, ...partitions: number[]): Assignment {
  return assignmentOf([[topicId, partitions]])
}

export const aHeartbeat: ConsumerHeartbeat = {
  groupId: 'g',
  memberId: '',
  instanceId: undefined,
  epoch: 0,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  rackId: undefined,
  rebalanceTimeoutMs: undefined,
  topicNames: undefined,
  regex: undefined,
  assignor: undefined,
  owned: undefined,
}
