/**
 * One consumer group in the hands of this process (group-keeper.ts has what holds). Topics are looked up within a step, so
 * requests count in the order in which they came. The group may become classic, or may have been: see coordination.ts.
 */
import {
  heartbeatOfClassic,
  joinConsumerGroup,
  leaveConsumerGroup,
  syncConsumerGroup,
  topicsAskedFor,
} from './classic-members.ts'
import type { ConsumerDocument } from './consumer-document.ts'
import { newConsumerGroup, type TopicsSeen } from './consumer-group.ts'
import {
  type ConsumerMoment,
  heartbeatOfConsumer,
  refreshTopics,
  refusalOfHeartbeat,
  removeMembers,
} from './consumer-heartbeat.ts'
import type {
  ConsumerHeartbeat,
  ConsumerHeartbeatAnswer,
  Joined,
  JoinRequest,
  LeaveRequest,
  LeftMember,
  MemberRequest,
  StreamsHeartbeat,
  StreamsHeartbeatAnswer,
  Synced,
  SyncRequest,
} from './contract.ts'
import { type Coordination, type CoordinationOptions, OtherKindError } from './coordination.ts'
import { GroupError } from './errors.ts'
import type { GroupDocument } from './group-document.ts'
import { GroupKeeper } from './group-keeper.ts'
import { isRefusal, refusalError } from './held-requests.ts'
import { classicOf, consumerOf, isToBeClassic, refusalOfUpgrade, topicsOfClassic } from './migration.ts'
import {
  type GroupSettings,
  RECONCILING_HEARTBEAT_MS,
  RECONCILING_HEARTBEAT_MS_A_MEMBER,
  TOPICS_REFRESH_MS,
} from './settings.ts'

export class CoordinatedConsumerGroup implements Coordination {
  readonly #options: CoordinationOptions
  readonly #keeper: GroupKeeper<ConsumerDocument>
  /** Monotonic: when the topics were looked at. */
  #lookedAt = Number.NEGATIVE_INFINITY
  /** What holds for this group, as of its last request. */
  #settings: GroupSettings
  /** The request in hand may make the group. */
  #joins = false

  constructor(options: CoordinationOptions) {
    this.#options = options
    const { clock } = options
    this.#settings = options.settings
    this.#keeper = new GroupKeeper(options, {
      kind: 'consumer',
      begin: document => this.#begin(document),
      sessionTimeoutOf: ({ classic }) => classic?.sessionTimeoutMs ?? this.#settings.consumerSessionTimeoutMs,
      revokingOf: ({ revoking }) => [revoking],
      removeMembers: (group, ids) => removeMembers(group, ids, this.#moment()),
      becomes: group => (isToBeClassic(group) ? classicOf(group, clock.now()) : undefined),
    })
  }

  get letGo(): boolean {
    return this.#keeper.letGo
  }

  at(): undefined {}

  watch(): Promise<void> {
    return this.#keeper.watch()
  }

  close(): Promise<void> {
    return this.#keeper.close()
  }

  // ---------------------------------------------------------------- members of the consumer protocol

  consumerHeartbeat(request: ConsumerHeartbeat): Promise<ConsumerHeartbeatAnswer> {
    return this.#keeper.run(async () => {
      const refusal = refusalOfHeartbeat(request)
      if (refusal) throw new GroupError(refusal.error, refusal.message)
      if (request.regex) this.#options.catalog.checkRegex(request.regex)
      const memberId = request.memberId === '' ? this.#options.drawMemberId('') : request.memberId
      const group = await this.#fresh(request.epoch === 0)
      const seen = await this.#look(group, request.topicNames ?? [], request.regex ? [request.regex] : [])
      const step = heartbeatOfConsumer(group, { ...request, memberId }, seen, this.#moment())
      if ('error' in step) throw new GroupError(step.error, step.message, { memberId })
      await this.#keeper.store(step.group)
      const { member, assignment } = step
      if (!member) {
        const { epoch } = request
        return { memberId, epoch, heartbeatIntervalMs: 0, assignment: undefined, awaitsRevocation: false }
      }
      this.#keeper.heardOf(memberId)
      return {
        memberId,
        epoch: member.epoch,
        heartbeatIntervalMs: this.#intervalFor(member.id),
        assignment,
        awaitsRevocation: member.state === 'unrevoked',
      }
    })
  }

  /** A member on its way to its target is to come back soon. */
  #intervalFor(memberId: string): number {
    const { consumerHeartbeatIntervalMs } = this.#settings
    const members = this.#keeper.group?.members
    if (!members || members.get(memberId)?.state === 'stable') return consumerHeartbeatIntervalMs
    const soonMs = RECONCILING_HEARTBEAT_MS + members.size * RECONCILING_HEARTBEAT_MS_A_MEMBER
    return Math.min(consumerHeartbeatIntervalMs, soonMs)
  }

  // ---------------------------------------------------------------- members of the classic protocol

  join(request: JoinRequest): Promise<Joined> {
    return this.#keeper.run(async () => {
      const group = await this.#withMembers(request.memberId)
      const newMemberId = this.#options.drawMemberId(request.instanceId ?? request.clientId)
      const seen = await this.#look(group, topicsAskedFor(request), [])
      const step = joinConsumerGroup(group, request, newMemberId, seen, this.#moment())
      if ('error' in step) throw refusalError(step)
      await this.#keeper.store(step.group)
      this.#keeper.heardOf(step.member.id)
      this.#keeper.sessions.settled(step.member.id, 'join')
      this.#keeper.owes(step.member.id, 'sync', step.member.rebalanceTimeoutMs)
      return step.answer
    })
  }

  sync(request: SyncRequest): Promise<Synced> {
    return this.#keeper.run(async () => {
      const answer = syncConsumerGroup(await this.#withMembers(), request)
      if (isRefusal(answer)) throw refusalError(answer)
      this.#keeper.heardOf(request.memberId)
      this.#keeper.sessions.settled(request.memberId, 'sync')
      return answer
    })
  }

  heartbeat(request: MemberRequest): Promise<void> {
    return this.#keeper.run(async () => {
      let group = await this.#withMembers()
      if (this.#topicsAreOld()) {
        group = refreshTopics(group, await this.#look(group, [], []), this.#moment())
        await this.#keeper.store(group)
      }
      const step = heartbeatOfClassic(group, request)
      if ('error' in step) throw refusalError(step)
      this.#keeper.heardOf(step.member.id)
      if (!step.rejoins) return
      this.#keeper.owes(step.member.id, 'join', step.member.rebalanceTimeoutMs)
      throw refusalError({ error: 'REBALANCE_IN_PROGRESS', memberId: request.memberId })
    })
  }

  leave(request: LeaveRequest): Promise<readonly LeftMember[]> {
    return this.#keeper.run(async () => {
      const group = await this.#fresh(false)
      const { left, ids } = leaveConsumerGroup(group, request.members)
      await this.#keeper.store(removeMembers(group, ids, this.#moment()))
      return left
    })
  }

  /** A group without members is anybody's. */
  streamsHeartbeat({ epoch }: StreamsHeartbeat): Promise<StreamsHeartbeatAnswer> {
    return this.#streams(epoch === 0)
  }

  describeTopology(): Promise<void> {
    return this.#streams(false)
  }

  #streams(joins: boolean): Promise<never> {
    return this.#keeper.run(async () => {
      const group = await this.#fresh(false)
      if (group.members.size > 0 || !joins) {
        throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${this.#options.groupId} is not a streams group.`)
      }
      this.#keeper.release('NOT_COORDINATOR')
      throw new OtherKindError('streams')
    })
  }

  heard(memberId: string): void {
    if (this.#keeper.sessions.has(memberId)) this.#keeper.heardOf(memberId)
  }

  // ---------------------------------------------------------------- the group, and its topics

  /** `joins`: where there is none, or a classic one, it becomes this. */
  async #fresh(joins: boolean): Promise<ConsumerDocument> {
    this.#joins = joins
    this.#settings = await this.#options.configured()
    return this.#keeper.fresh()
  }

  /** For members of the classic protocol: a group without members is theirs. `memberId`: of one that joins. */
  async #withMembers(memberId?: string): Promise<ConsumerDocument> {
    const group = await this.#fresh(false)
    if (group.members.size > 0) return group
    if (memberId === undefined) throw refusalError({ error: 'UNKNOWN_MEMBER_ID', memberId: '' })
    this.#keeper.release('NOT_COORDINATOR')
    throw new OtherKindError('classic')
  }

  async #begin(document: GroupDocument | undefined): Promise<ConsumerDocument> {
    const { groupId, catalog, clock, drawIncarnation, settings } = this.#options
    if (!document) {
      if (this.#joins) return newConsumerGroup(drawIncarnation(), clock.now(), settings.consumerAssignor)
      throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    }
    if (document.kind === 'streams' && document.members.size === 0 && this.#joins) {
      const { incarnation, stateChangedAt, epoch } = document
      return { ...newConsumerGroup(incarnation, stateChangedAt, settings.consumerAssignor), epoch }
    }
    if (document.kind !== 'classic' || !this.#joins) throw new OtherKindError(document.kind)
    const refusal = refusalOfUpgrade(groupId, document)
    // Somebody must coordinate it until then: else the sessions of members that are gone would never end.
    if (refusal?.error === 'COORDINATOR_LOAD_IN_PROGRESS') throw new OtherKindError('classic')
    if (refusal) throw new GroupError(refusal.error, refusal.message)
    return consumerOf(document, await catalog.look(topicsOfClassic(document), []), settings.consumerAssignor)
  }

  #topicsAreOld(): boolean {
    return this.#options.clock.monotonic() - this.#lookedAt >= TOPICS_REFRESH_MS
  }

  /** The topics of the group, looked up again where that is due, or where a member asks for more. */
  async #look(group: ConsumerDocument, names: readonly string[], regexes: readonly string[]): Promise<TopicsSeen> {
    const isKnown = names.every(name => group.topics.has(name)) && regexes.every(regex => group.regexes.has(regex))
    if (isKnown && !this.#topicsAreOld()) {
      return { named: name => group.topics.get(name), matching: regex => group.regexes.get(regex) ?? [] }
    }
    const allNames = new Set(names)
    const allRegexes = new Set(regexes)
    for (const { topicNames, regex } of group.members.values()) {
      for (const name of topicNames) allNames.add(name)
      if (regex !== undefined) allRegexes.add(regex)
    }
    const now = this.#options.clock.monotonic()
    const isNew = regexes.some(regex => !group.regexes.has(regex))
    const seen = await this.#options.catalog.look(allNames, allRegexes, isNew ? 0 : undefined)
    this.#lookedAt = now
    return seen
  }

  #moment(): ConsumerMoment {
    return { wallTime: this.#options.clock.now(), settings: this.#settings }
  }
}
