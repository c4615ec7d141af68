/**
 * One consumer group in the hands of this process: its document as last read or written, who is alive, and the alarm that
 * ends sessions. One mailbox: a step is taken, stored and answered before the next begins, topics are looked up within it,
 * so requests count in the order in which they came.
 *
 * What can happen, and what holds (coordinated-group.ts has the same for classic groups):
 * - Two processes believe they coordinate the group. The document names one; whoever begins to serve a group with members
 *   writes its own token in first, so the other's next write conflicts, and it lets go. All that a step decides by is in
 *   the document that its write expects: nothing that was not stored is answered, and no partition is given out twice.
 * - No heartbeat is answered from a document older than a third of the session or DOCUMENT_FRESH_MS, so a coordinator
 *   that was replaced cannot keep a member at work longer than the new one waits for it.
 * - This process was frozen: it heard nobody, so everyone gets a fresh session. A new coordinator gives fresh ones too.
 * - The outcome of a write stays unknown: this process lets go, and the next request reads the document anew.
 * - The group becomes classic, or was: see coordination.ts.
 */
import { invariant, Mailbox } from '../base/index.ts'
import { type Expected, StoreError, type Version } from '../storage/index.ts'
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
  Synced,
  SyncRequest,
} from './contract.ts'
import { type Coordination, type CoordinationOptions, OtherKindError } from './coordination.ts'
import { GroupError, type GroupErrorCode, groupErrorOf } from './errors.ts'
import { GroupAlarm } from './group-alarm.ts'
import { encodeGroupDocument, type GroupDocument } from './group-document.ts'
import { isRefusal, refusalError } from './held-requests.ts'
import { MemberSessions } from './member-sessions.ts'
import { classicOf, consumerOf, isToBeClassic, refusalOfUpgrade, topicsOfClassic } from './migration.ts'
import {
  CONFLICT_ATTEMPTS_MAX,
  DOCUMENT_BYTES_MAX,
  DOCUMENT_FRESH_MS,
  FROZEN_MS,
  GROUP_QUEUE_MAX,
  IDLE_GROUP_MS,
  RECONCILING_HEARTBEAT_MS,
  RECONCILING_HEARTBEAT_MS_A_MEMBER,
  TOPICS_REFRESH_MS,
} from './settings.ts'

interface Held {
  readonly group: ConsumerDocument
  readonly version: Expected
  /** Monotonic, from before the read or write began: the document was still this one then. */
  readonly asOf: number
}

export class CoordinatedConsumerGroup implements Coordination {
  readonly #options: CoordinationOptions
  readonly #mailbox = new Mailbox(GROUP_QUEUE_MAX)
  readonly #sessions = new MemberSessions()
  #held: Held | undefined
  /** Monotonic: when the topics were looked at. */
  #lookedAt = Number.NEGATIVE_INFINITY
  #letGo = false
  #usedAt: number
  readonly #alarm: GroupAlarm

  constructor(options: CoordinationOptions) {
    this.#options = options
    this.#alarm = new GroupAlarm(options.clock, this.#mailbox)
    this.#usedAt = options.clock.monotonic()
  }

  get letGo(): boolean {
    return this.#letGo
  }

  at(): undefined {}

  // ---------------------------------------------------------------- members of the consumer protocol

  consumerHeartbeat(request: ConsumerHeartbeat): Promise<ConsumerHeartbeatAnswer> {
    return this.#run(async () => {
      const refusal = refusalOfHeartbeat(request)
      if (refusal) throw new GroupError(refusal.error, refusal.message)
      if (request.regex) this.#options.catalog.checkRegex(request.regex)
      const memberId = request.memberId === '' ? this.#options.drawMemberId('') : request.memberId
      const group = await this.#fresh(request.epoch === 0)
      const seen = await this.#look(group, request.topicNames ?? [], request.regex ? [request.regex] : [])
      const step = heartbeatOfConsumer(group, { ...request, memberId }, seen, this.#moment())
      if ('error' in step) throw new GroupError(step.error, step.message, { memberId })
      await this.#store(step.group)
      const { member, assignment } = step
      if (!member) return { memberId, epoch: request.epoch, heartbeatIntervalMs: 0, assignment: undefined }
      this.#heardOf(memberId)
      return { memberId, epoch: member.epoch, heartbeatIntervalMs: this.#intervalFor(member.id), assignment }
    })
  }

  /** A member on its way to its target is to come back soon. */
  #intervalFor(memberId: string): number {
    const { consumerHeartbeatIntervalMs } = this.#options.settings
    const members = this.#held?.group.members
    if (!members || members.get(memberId)?.state === 'stable') return consumerHeartbeatIntervalMs
    const soonMs = RECONCILING_HEARTBEAT_MS + members.size * RECONCILING_HEARTBEAT_MS_A_MEMBER
    return Math.min(consumerHeartbeatIntervalMs, soonMs)
  }

  // ---------------------------------------------------------------- members of the classic protocol

  join(request: JoinRequest): Promise<Joined> {
    return this.#run(async () => {
      const group = await this.#withMembers(request.memberId)
      const newMemberId = this.#options.drawMemberId(request.instanceId ?? request.clientId)
      const seen = await this.#look(group, topicsAskedFor(request), [])
      const step = joinConsumerGroup(group, request, newMemberId, seen, this.#moment())
      if ('error' in step) throw refusalError(step)
      await this.#store(step.group)
      this.#heardOf(step.member.id)
      this.#sessions.settled(step.member.id, 'join')
      this.#owes(step.member.id, 'sync', step.member.rebalanceTimeoutMs)
      return step.answer
    })
  }

  sync(request: SyncRequest): Promise<Synced> {
    return this.#run(async () => {
      const answer = syncConsumerGroup(await this.#withMembers(), request)
      if (isRefusal(answer)) throw refusalError(answer)
      this.#heardOf(request.memberId)
      this.#sessions.settled(request.memberId, 'sync')
      return answer
    })
  }

  heartbeat(request: MemberRequest): Promise<void> {
    return this.#run(async () => {
      let group = await this.#withMembers()
      if (this.#topicsAreOld()) {
        group = refreshTopics(group, await this.#look(group, [], []), this.#moment())
        await this.#store(group)
      }
      const step = heartbeatOfClassic(group, request)
      if ('error' in step) throw refusalError(step)
      this.#heardOf(step.member.id)
      if (!step.rejoins) return
      this.#owes(step.member.id, 'join', step.member.rebalanceTimeoutMs)
      throw refusalError({ error: 'REBALANCE_IN_PROGRESS', memberId: request.memberId })
    })
  }

  leave(request: LeaveRequest): Promise<readonly LeftMember[]> {
    return this.#run(async () => {
      const group = await this.#fresh(false)
      const { left, ids } = leaveConsumerGroup(group, request.members)
      await this.#store(removeMembers(group, ids, this.#moment()))
      return left
    })
  }

  heard(memberId: string): void {
    if (this.#sessions.has(memberId)) this.#heardOf(memberId)
  }

  // ---------------------------------------------------------------- time

  watch(): Promise<void> {
    return this.#alarm.watch(this)
  }

  async close(): Promise<void> {
    await this.#mailbox.run(() => this.#release('NOT_COORDINATOR'))
  }

  nextAlarm(): number {
    const next = this.#held ? this.#sessions.next() : undefined
    return next ?? this.#usedAt + IDLE_GROUP_MS
  }

  async ring(due: number): Promise<void> {
    const { clock } = this.#options
    const now = clock.monotonic()
    if (this.#letGo) return
    if (now - due > FROZEN_MS) this.#sessions.renewAll(now)
    try {
      const expired = this.#held ? this.#sessions.expired(now) : []
      if (expired.length > 0) await this.#store(removeMembers(await this.#fresh(false), expired, this.#moment()))
      else if (this.#sessions.next() === undefined && now - this.#usedAt >= IDLE_GROUP_MS)
        this.#release('NOT_COORDINATOR')
    } catch (error) {
      if (error instanceof GroupError) return
      this.#alarm.retryLater()
      if (error instanceof StoreError) return
      this.#release('COORDINATOR_NOT_AVAILABLE')
      throw error
    }
  }

  #heardOf(memberId: string): void {
    const member = this.#held?.group.members.get(memberId)
    if (!member) return
    const timeoutMs = member.classic?.sessionTimeoutMs ?? this.#options.settings.consumerSessionTimeoutMs
    this.#sessions.heard(memberId, this.#options.clock.monotonic(), timeoutMs)
  }

  #owes(memberId: string, what: string, withinMs: number): void {
    this.#sessions.owes(memberId, what, this.#options.clock.monotonic() + Math.max(0, withinMs))
  }

  /** Sessions of those who are there, and of who has to give something up, by when. */
  #followMembers(group: ConsumerDocument): void {
    this.#sessions.keepOnly(group.members)
    for (const member of group.members.values()) {
      if (!this.#sessions.has(member.id)) this.#heardOf(member.id)
      const owed = member.state === 'unrevoked' ? `revoke in ${member.epoch}` : undefined
      for (const debt of this.#sessions.debtsOf(member.id)) {
        if (debt.startsWith('revoke') && debt !== owed) this.#sessions.settled(member.id, debt)
      }
      if (owed !== undefined) this.#owes(member.id, owed, member.rebalanceTimeoutMs)
    }
  }

  // ---------------------------------------------------------------- reading

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#mailbox.run(async () => {
        if (this.#letGo) throw new GroupError('NOT_COORDINATOR', 'the group was let go')
        this.#usedAt = this.#options.clock.monotonic()
        try {
          return await work()
        } finally {
          this.#alarm.adjust(this)
        }
      })
    } catch (error) {
      throw groupErrorOf(error)
    }
  }

  /** The group, as the store had it not long ago. `joins`: where there is none, or a classic one, it becomes this. */
  async #fresh(joins: boolean): Promise<ConsumerDocument> {
    const held = this.#held
    if (!held) return this.#load(joins)
    if (this.#options.clock.monotonic() - held.asOf >= this.#staleAfterMs(held.group)) await this.#confirm(held)
    return held.group
  }

  /** For members of the classic protocol: a group without members is theirs. `memberId`: of one that joins. */
  async #withMembers(memberId?: string): Promise<ConsumerDocument> {
    const group = await this.#fresh(false)
    if (group.members.size > 0) return group
    if (memberId === undefined) throw refusalError({ error: 'UNKNOWN_MEMBER_ID', memberId: '' })
    this.#release('NOT_COORDINATOR')
    throw new OtherKindError('classic')
  }

  async #confirm(held: Held): Promise<void> {
    const asOf = this.#options.clock.monotonic()
    const { version } = await this.#options.items.readGroup(this.#options.groupId)
    if (version !== held.version) throw this.#release('NOT_COORDINATOR')
    this.#held = { ...held, asOf }
  }

  async #load(joins: boolean): Promise<ConsumerDocument> {
    const { items, groupId, clock, coordinator, settings, drawIncarnation } = this.#options
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      const asOf = clock.monotonic()
      const { value: document, version } = await items.readLivingGroup(groupId)
      if (document?.kind === 'consumer') {
        if (document.coordinator === coordinator || document.members.size === 0)
          return this.#hold(document, version, asOf)
        const claimed = { ...document, coordinator }
        const written = await items.writeGroup(groupId, version, claimed)
        if (written !== 'conflict') return this.#hold(claimed, written.version, asOf)
        await items.pause(attempt)
        continue
      }
      if (!joins) {
        this.#release('NOT_COORDINATOR')
        if (document) throw new OtherKindError('classic')
        throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
      }
      if (!document) {
        return this.#hold(newConsumerGroup(drawIncarnation(), clock.now(), settings.consumerAssignor), version, asOf)
      }
      return this.#hold(await this.#upgrade(document), version, asOf)
    }
    throw this.#release('NOT_COORDINATOR')
  }

  /** Stored with the first step. */
  async #upgrade(document: Extract<GroupDocument, { kind: 'classic' }>): Promise<ConsumerDocument> {
    const { groupId, catalog, settings } = this.#options
    const refusal = refusalOfUpgrade(groupId, document)
    if (!refusal) {
      return consumerOf(document, await catalog.look(topicsOfClassic(document), []), settings.consumerAssignor)
    }
    this.#release('NOT_COORDINATOR')
    throw new GroupError(refusal.error, refusal.message)
  }

  #hold(group: ConsumerDocument, version: Expected, asOf: number): ConsumerDocument {
    this.#held = { group, version, asOf }
    this.#followMembers(group)
    return group
  }

  #staleAfterMs(group: ConsumerDocument): number {
    let session = this.#options.settings.consumerSessionTimeoutMs
    for (const { classic } of group.members.values()) session = Math.min(session, classic?.sessionTimeoutMs ?? session)
    return Math.min(session / 3, DOCUMENT_FRESH_MS)
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
    const { clock, settings } = this.#options
    return { wallTime: clock.now(), settings }
  }

  // ---------------------------------------------------------------- writing

  /** Makes the step's group the group, on disk first. */
  async #store(group: ConsumerDocument): Promise<void> {
    const held = this.#held
    invariant(held !== undefined, 'a step on a group that was not read')
    if (group === held.group) return
    const { clock, coordinator } = this.#options
    const asOf = clock.monotonic()
    if (isToBeClassic(group)) {
      await this.#write(held.version, { ...classicOf(group, clock.now()), coordinator })
      this.#release('NOT_COORDINATOR')
      return
    }
    const claimed = { ...group, coordinator }
    if (encodeGroupDocument(claimed).length > DOCUMENT_BYTES_MAX) {
      throw new GroupError('GROUP_MAX_SIZE_REACHED', 'the group with this change does not fit into a stored document')
    }
    const version = await this.#write(held.version, claimed)
    const now = clock.monotonic()
    if (now - asOf > FROZEN_MS) this.#sessions.renewAll(now)
    this.#hold(claimed, version, asOf)
  }

  async #write(expected: Expected, group: GroupDocument): Promise<Version> {
    const { items, groupId } = this.#options
    try {
      const written = await items.writeGroup(groupId, expected, group)
      if (written !== 'conflict') return written.version
    } catch (error) {
      if (error instanceof StoreError && error.effect === 'unknown') this.#release('COORDINATOR_NOT_AVAILABLE')
      throw error
    }
    throw this.#release('NOT_COORDINATOR')
  }

  /** From now on this object refuses. Gives the error for the request in hand. */
  #release(code: GroupErrorCode): GroupError {
    this.#letGo = true
    this.#held = undefined
    this.#alarm.adjust(this)
    return new GroupError(code, `group '${this.#options.groupId}' is no longer coordinated here`)
  }
}
