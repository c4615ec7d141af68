/**
 * A group whose members are alive in its coordinator's memory and all else in its document (consumer groups, streams groups), in
 * the hands of this process: the document as last read or written, who is alive, and the alarm that ends sessions. One
 * mailbox: a step is taken, stored and answered before the next begins.
 *
 * What can happen, and what holds (coordinated-group.ts has the same for classic groups):
 * - Two processes believe they coordinate the group. The document names one; whoever begins to serve a group with members
 *   writes its own token in first, so the other's next write conflicts, and it lets go. All that a step decides by is in
 *   the document that its write expects: nothing that was not stored is answered, and nothing is given out twice.
 * - Nothing is answered from a document older than a third of the shortest session or DOCUMENT_FRESH_MS, so a coordinator
 *   that was replaced cannot keep a member at work longer than the new one waits for it. Where a read or a write took
 *   longer, or this process was frozen in it, the document is read again before the answer.
 * - A member that another coordinator knows better (it joined there, or was told a later epoch) asks this one: nobody is refused by a
 *   document that is older than the request.
 * - This process was frozen: it heard nobody, so everyone gets a fresh session. A new coordinator gives fresh ones too.
 * - The outcome of a write stays unknown: this process lets go, and the next request reads the document anew.
 */
import { invariant, Mailbox } from '../base/index.ts'
import { type Expected, StoreError, type Version } from '../storage/index.ts'
import type { Assignment } from './assignment.ts'
import { placesIn } from './consumer-group.ts'
import type { CoordinationOptions } from './coordination.ts'
import { GroupError, type GroupErrorCode, groupErrorOf } from './errors.ts'
import { GroupAlarm } from './group-alarm.ts'
import { encodeGroupDocument, type GroupDocument } from './group-document.ts'
import { confirm, type HeldDocument, isJudgement, lookAgain } from './held-document.ts'
import { MemberSessions } from './member-sessions.ts'
import {
  CONFLICT_ATTEMPTS_MAX,
  DOCUMENT_BYTES_MAX,
  DOCUMENT_FRESH_MS,
  FROZEN_MS,
  GROUP_QUEUE_MAX,
  IDLE_GROUP_MS,
} from './settings.ts'

export interface KeptMember {
  readonly id: string
  readonly epoch: number
  readonly state: 'stable' | 'unrevoked' | 'unreleased'
  readonly rebalanceTimeoutMs: number
}

type Kept = Extract<GroupDocument, { members: ReadonlyMap<string, KeptMember> }>
type MemberOf<D extends Kept> = D['members'] extends ReadonlyMap<string, infer M> ? M : never

export interface KeepingRules<D extends Kept> {
  readonly kind: D['kind']
  /** The group where there is none of this kind, to be stored with its first step. @throws what refuses that */
  begin(document: GroupDocument | undefined): Promise<D>
  sessionTimeoutOf(member: MemberOf<D>): number
  /** What an unrevoked member has to give up; each new demand has its own time. */
  revokingOf(member: MemberOf<D>): readonly Assignment[]
  /** Members whose time is over are out. */
  removeMembers(group: D, ids: readonly string[]): D
  /** What the group has become, where it is no longer of this kind. */
  becomes(group: D): GroupDocument | undefined
}

export class GroupKeeper<D extends Kept> {
  readonly sessions = new MemberSessions()
  readonly #options: CoordinationOptions
  readonly #rules: KeepingRules<D>
  readonly #mailbox = new Mailbox(GROUP_QUEUE_MAX)
  readonly #alarm: GroupAlarm
  #held: HeldDocument<D> | undefined
  #letGo = false
  #usedAt: number

  constructor(options: CoordinationOptions, rules: KeepingRules<D>) {
    this.#options = options
    this.#rules = rules
    this.#alarm = new GroupAlarm(options.clock, this.#mailbox)
    this.#usedAt = options.clock.monotonic()
  }

  get letGo(): boolean {
    return this.#letGo
  }

  get group(): D | undefined {
    return this.#held?.group
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const askedAt = this.#options.clock.monotonic()
    try {
      return await this.#mailbox.run(async () => {
        if (this.#letGo) throw new GroupError('NOT_COORDINATOR', 'the group was let go')
        this.#usedAt = this.#options.clock.monotonic()
        try {
          const answer = await work()
          // What it rests on may have been stored long ago: the store may take its time to say that it was.
          if (this.#held) await this.#recent()
          return answer
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

  /** The group, as the store had it not long ago. */
  async fresh(): Promise<D> {
    if (!this.#held) await this.#load()
    return this.#recent()
  }

  async #recent(): Promise<D> {
    return this.#seen(await lookAgain(this.#held!, this.#staleAfterMs(this.#held!.group), this.#options))
  }

  async #confirm(since: number): Promise<void> {
    if (this.#held) this.#seen(await confirm(this.#held, since, this.#options))
  }

  /** `undefined`: another document is there. */
  #seen(held: HeldDocument<D> | undefined): D {
    if (!held) throw this.release('NOT_COORDINATOR')
    this.#held = held
    return held.group
  }

  /** Makes the step's group the group, on disk first. */
  async store(group: D): Promise<void> {
    const held = this.#held
    invariant(held !== undefined, 'a step on a group that was not read')
    if (group === held.group) return
    const { clock, coordinator } = this.#options
    const asOf = clock.monotonic()
    const other = this.#rules.becomes(group)
    if (other) {
      await this.#write(held.version, { ...other, coordinator })
      this.release('NOT_COORDINATOR')
      return
    }
    const claimed = { ...group, coordinator }
    if (encodeGroupDocument(claimed).length > DOCUMENT_BYTES_MAX) {
      throw new GroupError('GROUP_MAX_SIZE_REACHED', 'the group with this change does not fit into a stored document')
    }
    const version = await this.#write(held.version, claimed)
    const now = clock.monotonic()
    if (now - asOf > FROZEN_MS) this.sessions.renewAll(now)
    this.#hold(claimed, version, asOf)
  }

  /** From now on this object refuses. Gives the error for the request in hand. */
  release(code: GroupErrorCode): GroupError {
    this.#letGo = true
    this.#held = undefined
    this.#alarm.adjust(this)
    return new GroupError(code, `group '${this.#options.groupId}' is no longer coordinated here`)
  }

  heardOf(memberId: string): void {
    const member = this.#memberOf(memberId)
    if (!member) return
    this.sessions.heard(memberId, this.#options.clock.monotonic(), this.#rules.sessionTimeoutOf(member))
  }

  owes(memberId: string, what: string, withinMs: number): void {
    this.sessions.owes(memberId, what, this.#options.clock.monotonic() + Math.max(0, withinMs))
  }

  // ---------------------------------------------------------------- time

  watch(): Promise<void> {
    return this.#alarm.watch(this)
  }

  async close(): Promise<void> {
    await this.#mailbox.run(() => this.release('NOT_COORDINATOR'))
  }

  nextAlarm(): number {
    const next = this.#held ? this.sessions.next() : undefined
    return next ?? this.#usedAt + IDLE_GROUP_MS
  }

  async ring(due: number): Promise<void> {
    const now = this.#options.clock.monotonic()
    if (this.#letGo) return
    if (now - due > FROZEN_MS) this.sessions.renewAll(now)
    try {
      const expired = this.#held ? this.sessions.expired(now) : []
      if (expired.length > 0) await this.store(this.#rules.removeMembers(await this.fresh(), expired))
      else if (this.sessions.next() === undefined && now - this.#usedAt >= IDLE_GROUP_MS)
        this.release('NOT_COORDINATOR')
    } catch (error) {
      if (error instanceof GroupError && this.#letGo) return
      this.#alarm.retryLater()
      if (error instanceof GroupError || error instanceof StoreError) return
      this.release('COORDINATOR_NOT_AVAILABLE')
      throw error
    }
  }

  #memberOf(memberId: string): MemberOf<D> | undefined {
    return this.#held?.group.members.get(memberId) as MemberOf<D> | undefined
  }

  /** Sessions of those who are there, and of who has to give something up, by when. */
  #followMembers(group: D): void {
    const members: ReadonlyMap<string, KeptMember> = group.members
    this.sessions.keepOnly(members)
    for (const member of members.values()) {
      if (!this.sessions.has(member.id)) this.heardOf(member.id)
      const owed = member.state === 'unrevoked' ? this.#demandOn(member) : undefined
      for (const debt of this.sessions.debtsOf(member.id)) {
        if (debt.startsWith('revoke') && debt !== owed) this.sessions.settled(member.id, debt)
      }
      if (owed !== undefined) this.owes(member.id, owed, member.rebalanceTimeoutMs)
    }
  }

  /** As a name, that of the same demand alone: a member may be told to give up more in one epoch, and more again. */
  #demandOn(member: KeptMember): string {
    const places = this.#rules.revokingOf(member as MemberOf<D>).flatMap(revoking => [...placesIn(revoking)].sort())
    return `revoke in ${member.epoch}: ${places.join()}`
  }

  // ---------------------------------------------------------------- reading and writing

  /** A group with members is told whose it is before any of them is served. */
  async #load(): Promise<D> {
    const { items, groupId, clock, coordinator } = this.#options
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      const asOf = clock.monotonic()
      const { value: document, version } = await items.readLivingGroup(groupId)
      if (!this.#isOurs(document)) return this.#hold(await this.#begin(document), version, asOf)
      if (document.coordinator === coordinator || document.members.size === 0)
        return this.#hold(document, version, asOf)
      const claimed = { ...document, coordinator }
      const written = await items.writeGroup(groupId, version, claimed)
      if (written !== 'conflict') return this.#hold(claimed, written.version, asOf)
      await items.pause(attempt)
    }
    throw this.release('NOT_COORDINATOR')
  }

  async #begin(document: GroupDocument | undefined): Promise<D> {
    try {
      return await this.#rules.begin(document)
    } catch (error) {
      this.release('NOT_COORDINATOR')
      throw error
    }
  }

  #isOurs(document: GroupDocument | undefined): document is D {
    return document?.kind === this.#rules.kind
  }

  #hold(group: D, version: Expected, asOf: number): D {
    this.#held = { group, version, asOf }
    this.#followMembers(group)
    return group
  }

  #staleAfterMs(group: D): number {
    let session = DOCUMENT_FRESH_MS * 3
    const members = group.members.values() as Iterable<MemberOf<D>>
    for (const member of members) session = Math.min(session, this.#rules.sessionTimeoutOf(member))
    return session / 3
  }

  async #write(expected: Expected, group: GroupDocument): Promise<Version> {
    const { items, groupId } = this.#options
    try {
      const written = await items.writeGroup(groupId, expected, group)
      if (written !== 'conflict') return written.version
    } catch (error) {
      if (error instanceof StoreError && error.effect === 'unknown') this.release('COORDINATOR_NOT_AVAILABLE')
      throw error
    }
    throw this.release('NOT_COORDINATOR')
  }
}
