/**
 * One group in the hands of this process: the document as last read or written, the requests held open, and the alarm
 * that ends sessions and phases. One mailbox: a step is taken, stored and answered before the next begins.
 *
 * What can happen, and what holds:
 * - Two processes believe they coordinate the group. The document names one (`coordinator`): whoever begins to serve a
 *   group with members writes its own token in first. The other's next write conflicts, and its next read shows the
 *   token; it then lets go: everyone who waits is told NOT_COORDINATOR. Nothing was answered that was not stored.
 * - No heartbeat, and no assignment, is answered from a document older than a third of the shortest session, so a
 *   coordinator that was replaced cannot keep a member at work longer than the new one waits for it. Where a read or a
 *   write took longer, or this process was frozen in it, the document is read again before anybody is answered.
 * - A member that another coordinator knows better asks this one: nobody is refused by a document that is older than the request.
 * - This process was frozen, or a store call took long: it heard nobody, so everyone gets a fresh session, and the
 *   document is read again. A new coordinator gives fresh sessions too. So death is noticed one session late at worst
 *   for each freeze or takeover, never early.
 * - The outcome of a write stays unknown: this process lets go, everyone who waits is told COORDINATOR_NOT_AVAILABLE.
 *   If the write arrives later, it meets a newer version, or the next coordinator finds it and goes on from there.
 * - A request comes twice, or late: the engine answers from the generation and the member id. A JoinGroup or SyncGroup
 *   that takes the place of one held open has the older one answered REBALANCE_IN_PROGRESS.
 * - The document is gone or Dead (deleted elsewhere): this process lets go; the next request begins a new group.
 */
import { invariant, Mailbox } from '../base/index.ts'
import { type Expected, StoreError, type Version } from '../storage/index.ts'
import {
  type ClassicGroup,
  documentOf,
  type Moment,
  newGroup,
  type Outcome,
  type Reply,
  type Step,
  shortestSessionOf,
} from './classic-group.ts'
import { joinGroup } from './classic-join.ts'
import { heartbeat, keepAlive, leaveGroup, nextDeadline, passTime, renewSessions, resume } from './classic-session.ts'
import { syncGroup } from './classic-sync.ts'
import type { ConsumerDocument } from './consumer-document.ts'
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
import { GroupError, type GroupErrorCode, groupErrorOf } from './errors.ts'
import { GroupAlarm } from './group-alarm.ts'
import { confirm, type HeldDocument, isJudgement, lookAgain } from './held-document.ts'
import { HeldRequests, isRefusal, refusalError } from './held-requests.ts'
import { refusalOfUpgrade } from './migration.ts'
import { CONFLICT_ATTEMPTS_MAX, FROZEN_MS, GROUP_QUEUE_MAX, IDLE_GROUP_MS } from './settings.ts'
import type { StreamsDocument } from './streams-document.ts'

export class CoordinatedGroup implements Coordination {
  readonly #options: CoordinationOptions
  readonly #mailbox = new Mailbox(GROUP_QUEUE_MAX)
  readonly #joins: HeldRequests<Joined>
  readonly #syncs: HeldRequests<Synced>
  #held: HeldDocument<ClassicGroup> | undefined
  /** Members that were heard of since the last step. */
  readonly #heardAt = new Map<string, number>()
  #letGo = false
  #usedAt: number
  readonly #alarm: GroupAlarm

  constructor(options: CoordinationOptions) {
    this.#options = options
    this.#alarm = new GroupAlarm(options.clock, this.#mailbox)
    this.#joins = new HeldRequests(options.parking)
    this.#syncs = new HeldRequests(options.parking)
    this.#usedAt = options.clock.monotonic()
  }

  get letGo(): boolean {
    return this.#letGo
  }

  at(version: Expected): ClassicGroup | undefined {
    return this.#held?.version === version ? this.#held.group : undefined
  }

  async join(request: JoinRequest, signal?: AbortSignal): Promise<Joined> {
    const { answer } = await this.#run(async () => {
      const group = await this.#fresh()
      const newMemberId = this.#options.drawMemberId(request.instanceId ?? request.clientId)
      const step = joinGroup(group, request, newMemberId, this.#moment())
      return this.#take(step, step.outcome, memberId => this.#joins.hold(memberId, signal))
    })
    return answer
  }

  async sync(request: SyncRequest, signal?: AbortSignal): Promise<Synced> {
    const { answer } = await this.#run(async () => {
      const group = await this.#fresh()
      const step = syncGroup(group, request, this.#moment())
      return this.#take(step, step.outcome, memberId => this.#syncs.hold(memberId, signal))
    })
    return answer
  }

  heartbeat(request: MemberRequest): Promise<void> {
    return this.#run(async () => {
      const step = heartbeat(await this.#fresh(), request, this.#moment())
      await this.#apply(step)
      if (step.error) throw refusalError({ error: step.error, memberId: request.memberId })
    })
  }

  leave(request: LeaveRequest): Promise<readonly LeftMember[]> {
    const askedAt = this.#options.clock.monotonic()
    return this.#run(async () => {
      const step = leaveGroup(await this.#fresh(), request.members, this.#moment())
      await this.#apply(step)
      if (step.left.some(({ error }) => error !== undefined)) await this.#confirm(askedAt)
      return step.left
    })
  }

  /** Where it joins, and the group can be a consumer group, this coordinator lets go for one of those to take over. */
  consumerHeartbeat({ epoch }: ConsumerHeartbeat): Promise<ConsumerHeartbeatAnswer> {
    return this.#run(async () => {
      const { groupId } = this.#options
      const group = await this.#fresh()
      if (epoch !== 0) {
        const is = this.#held?.version === 'absent' ? 'not found' : 'is not a consumer group'
        throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} ${is}.`)
      }
      if (group.state === 'PreparingRebalance') {
        throw new GroupError(
          'COORDINATOR_LOAD_IN_PROGRESS',
          `a rebalance of the classic group ${groupId} has to end first`,
        )
      }
      const refusal = refusalOfUpgrade(groupId, documentOf(group, 0))
      if (refusal) throw new GroupError(refusal.error, refusal.message)
      this.#release('REBALANCE_IN_PROGRESS')
      throw new OtherKindError('consumer')
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
    return this.#run(async () => {
      const group = await this.#fresh()
      const { groupId } = this.#options
      if (!joins && this.#held?.version === 'absent')
        throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
      if (group.members.size > 0 || !joins)
        throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a streams group.`)
      this.#release('REBALANCE_IN_PROGRESS')
      throw new OtherKindError('streams')
    })
  }

  heard(memberId: string): void {
    if (this.#held?.group.members.has(memberId)) this.#heardAt.set(memberId, this.#options.clock.monotonic())
  }

  watch(): Promise<void> {
    return this.#alarm.watch(this)
  }

  async close(): Promise<void> {
    await this.#mailbox.run(() => this.#release('NOT_COORDINATOR'))
  }

  // ---------------------------------------------------------------- steps

  async #run<T>(work: () => Promise<T>): Promise<T> {
    const askedAt = this.#options.clock.monotonic()
    try {
      return await this.#mailbox.run(async () => {
        if (this.#letGo) throw new GroupError('NOT_COORDINATOR', 'the group was let go')
        this.#usedAt = this.#options.clock.monotonic()
        this.#noteHeard()
        try {
          return await work()
        } catch (error) {
          if (isJudgement(error)) await this.#confirm(askedAt)
          throw error
        } finally {
          this.#alarm.adjust(this)
        }
      })
    } catch (error) {
      throw groupErrorOf(error)
    }
  }

  /** What becomes of the request that caused the step: its answer may come much later, so nothing here awaits it. */
  async #take<T extends object>(
    step: Step,
    outcome: Outcome<T>,
    hold: (memberId: string) => Promise<T>,
  ): Promise<{ answer: T | Promise<T> }> {
    if ('heldAs' in outcome) {
      this.#options.parking.checkRoom()
      await this.#store(step)
      const answer = hold(outcome.heldAs)
      this.#reply(step.replies)
      return { answer }
    }
    await this.#apply(step)
    if (isRefusal(outcome.answer)) throw refusalError(outcome.answer)
    return { answer: outcome.answer }
  }

  async #apply(step: Step): Promise<void> {
    await this.#store(step)
    this.#reply(step.replies)
  }

  #reply(replies: readonly Reply[]): void {
    for (const reply of replies) {
      if (reply.to === 'join') this.#joins.answer(reply.memberId, reply.answer)
      else this.#syncs.answer(reply.memberId, reply.answer)
    }
  }

  /** Makes the step's group the group, on disk first where the step asks for it. */
  async #store({ group, store }: Step): Promise<void> {
    const held = this.#held
    invariant(held !== undefined, 'a step on a group that was not read')
    if (!store) {
      this.#held = { ...held, group }
      return
    }
    const asOf = this.#options.clock.monotonic()
    const written = await this.#write(held.version, group)
    const took = this.#options.clock.monotonic() - asOf
    this.#held = { group: took > FROZEN_MS ? renewSessions(group, this.#moment()) : group, version: written, asOf }
    // It may have been stored long ago, and the store took its time to say so: another may have the group since.
    try {
      await this.#recent()
    } catch (error) {
      if (!this.#letGo) this.#release('COORDINATOR_NOT_AVAILABLE')
      throw error
    }
  }

  async #write(expected: Expected, group: ClassicGroup): Promise<Version> {
    const { items, groupId, coordinator } = this.#options
    try {
      const written = await items.writeGroup(groupId, expected, documentOf(group, coordinator))
      if (written !== 'conflict') return written.version
    } catch (error) {
      if (error instanceof StoreError && error.effect === 'unknown') this.#release('COORDINATOR_NOT_AVAILABLE')
      throw error
    }
    throw this.#release('NOT_COORDINATOR')
  }

  // ---------------------------------------------------------------- reading

  /** The group, as the store had it not long ago. */
  async #fresh(): Promise<ClassicGroup> {
    if (!this.#held) await this.#load()
    return this.#recent()
  }

  async #recent(): Promise<ClassicGroup> {
    return this.#seen(await lookAgain(this.#held!, this.#staleAfterMs(this.#held!.group), this.#options))
  }

  async #confirm(since: number): Promise<void> {
    if (this.#held) this.#seen(await confirm(this.#held, since, this.#options))
  }

  /** `undefined`: another document is there. */
  #seen(held: HeldDocument<ClassicGroup> | undefined): ClassicGroup {
    if (!held) throw this.#release('NOT_COORDINATOR')
    this.#held = held
    return held.group
  }

  /** A group with members is told whose it is before any of them is served. */
  async #load(): Promise<ClassicGroup> {
    const { items, groupId, clock, coordinator, drawIncarnation } = this.#options
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      const asOf = clock.monotonic()
      const { value: document, version } = await items.readLivingGroup(groupId)
      if (!document) return this.#hold(newGroup(drawIncarnation(), clock.now()), version, asOf)
      if (document.kind !== 'classic') {
        if (document.members.size === 0) return this.#hold(emptied(document), version, asOf)
        this.#release('NOT_COORDINATOR')
        throw new OtherKindError(document.kind)
      }
      if (document.coordinator === coordinator || document.members.length === 0) {
        return this.#hold(resume(document, this.#moment()), version, asOf)
      }
      const written = await items.writeGroup(groupId, version, { ...document, coordinator })
      if (written !== 'conflict') return this.#hold(resume(document, this.#moment()), written.version, asOf)
      await items.pause(attempt)
    }
    throw this.#release('NOT_COORDINATOR')
  }

  #hold(group: ClassicGroup, version: Expected, asOf: number): ClassicGroup {
    this.#held = { group, version, asOf }
    return group
  }

  #staleAfterMs(group: ClassicGroup): number {
    const session = group.members.size > 0 ? shortestSessionOf(group) : this.#options.settings.sessionTimeoutMinMs
    return session / 3
  }

  // ---------------------------------------------------------------- time

  #noteHeard(): void {
    for (const [memberId, now] of this.#heardAt) {
      if (this.#held) this.#held = { ...this.#held, group: keepAlive(this.#held.group, memberId, now) }
    }
    this.#heardAt.clear()
  }

  #moment(): Moment {
    const { clock, settings } = this.#options
    return { now: clock.monotonic(), wallTime: clock.now(), settings }
  }

  get #holdsRequests(): boolean {
    return this.#joins.size > 0 || this.#syncs.size > 0
  }

  nextAlarm(): number {
    const idleAt = this.#usedAt + IDLE_GROUP_MS
    const held = this.#held
    if (!held) return idleAt
    const due = nextDeadline(held.group) ?? idleAt
    const look = this.#holdsRequests ? held.asOf + this.#staleAfterMs(held.group) : due
    return Math.min(due, look)
  }

  async ring(due: number): Promise<void> {
    const { clock } = this.#options
    const now = clock.monotonic()
    if (this.#letGo) return
    this.#noteHeard()
    if (this.#held && now - due > FROZEN_MS) {
      this.#held = { ...this.#held, group: renewSessions(this.#held.group, this.#moment()) }
    }
    try {
      if (this.#held) await this.#passTime()
      else if (now - this.#usedAt >= IDLE_GROUP_MS) this.#release('NOT_COORDINATOR')
    } catch (error) {
      if (error instanceof GroupError && this.#letGo) return
      this.#alarm.retryLater()
      if (error instanceof GroupError || error instanceof StoreError) return
      this.#release('COORDINATOR_NOT_AVAILABLE')
      throw error
    }
  }

  async #passTime(): Promise<void> {
    // From before the read: who is heard of meanwhile waits behind this step, and is not late.
    const moment = this.#moment()
    await this.#apply(passTime(await this.#fresh(), moment))
    const idle = nextDeadline(this.#held!.group) === undefined && !this.#holdsRequests
    if (idle && this.#options.clock.monotonic() - this.#usedAt >= IDLE_GROUP_MS) this.#release('NOT_COORDINATOR')
  }

  /** From now on this object refuses; everyone who waits is told `code`. Gives the error for the request in hand. */
  #release(code: GroupErrorCode): GroupError {
    this.#letGo = true
    this.#held = undefined
    this.#joins.refuseAll(code)
    this.#syncs.refuseAll(code)
    this.#alarm.adjust(this)
    return new GroupError(code, `group '${this.#options.groupId}' is no longer coordinated here`)
  }
}

/** A group that nobody is in any more is any protocol's; its epochs go on as generations. */
function emptied({ incarnation, stateChangedAt, epoch }: ConsumerDocument | StreamsDocument): ClassicGroup {
  return { ...newGroup(incarnation, stateChangedAt), generation: epoch }
}
