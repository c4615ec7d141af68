/**
 * One share group's membership in the hands of this process: the document as last read or written, the members'
 * sessions, and the alarm that ends them. One mailbox: a step is taken, stored and answered before the next begins.
 *
 * What can happen, and what holds:
 * - Two processes believe they coordinate the group. The document names one: whoever begins to serve a group with members
 *   writes its own token in first. The other's next write conflicts, and its next read, at the latest a third of a session
 *   later, shows the token: it lets go, and its members are told NOT_COORDINATOR.
 * - This process was frozen, or its wake-up is late: it heard nobody, so everyone gets a fresh session. A new coordinator
 *   gives fresh sessions too. So a death is noticed late at worst, never early.
 * - The outcome of a write stays unknown: this process lets go; the next one that is asked reads what there is.
 * - A member's answer is lost: it asks again with the epoch before, which is known.
 * - A member that another coordinator knows better (it joined there, or was told a later epoch) asks this one: nobody is refused, and
 *   nobody is taken in, by a document that is older than the request.
 * - A step takes long, and heartbeats wait behind it: who is late is judged as of when the alarm rang, and all that had come by then
 *   was read first.
 * - Members of two coordinators, or one thought dead, fetch the same records: nothing here prevents that, and nothing need:
 *   who holds a record is decided by the share partition.
 */
import { type Clock, Mailbox, OverloadedError } from '../base/index.ts'
import { type Expected, StoreError } from '../storage/index.ts'
import type { ShareHeartbeat, ShareHeartbeatAnswer } from './contract.ts'
import { membershipErrorOf, ShareError, type ShareErrorCode } from './errors.ts'
import {
  ALARM_SLEEP_MS_MAX,
  CATCH_UP_MS,
  CONFLICT_ATTEMPTS_MAX,
  FROZEN_MS,
  GROUP_QUEUE_MAX,
  IDLE_GROUP_MS,
  LATE_MS,
  RETRY_MS,
  TOPICS_LOOK_MS,
} from './settings.ts'
import {
  heartbeat,
  type LiveShareGroup,
  type Moment,
  nextDeadline,
  passTime,
  renewSessions,
  type Step,
  takeOver,
  topicNamesOf,
} from './share-group.ts'
import { newShareGroup, type SubscribedTopic } from './share-group-document.ts'
import type { ShareItems } from './share-items.ts'

export interface CoordinatedShareGroupOptions {
  readonly groupId: string
  readonly items: ShareItems
  readonly clock: Clock
  /** This process's token. */
  readonly coordinator: number
  readonly timing: () => Promise<Omit<Moment, 'now'>>
  /** Those of the topics that there are. */
  readonly findTopics: (names: readonly string[]) => Promise<readonly SubscribedTopic[]>
}

interface Held {
  readonly group: LiveShareGroup
  readonly version: Expected
  /** Monotonic, from before the read or write began: the document was still this one then. */
  readonly asOf: number
}

export class CoordinatedShareGroup {
  readonly #options: CoordinatedShareGroupOptions
  readonly #mailbox = new Mailbox(GROUP_QUEUE_MAX)
  #held: Held | undefined
  #topics: { readonly names: string; readonly found: readonly SubscribedTopic[]; readonly asOf: number } | undefined
  #letGo = false
  #usedAt: number
  #retryAt = Number.NEGATIVE_INFINITY
  #alarmAt = Number.NEGATIVE_INFINITY
  #alarm = new AbortController()

  constructor(options: CoordinatedShareGroupOptions) {
    this.#options = options
    this.#usedAt = options.clock.monotonic()
  }

  /** No longer coordinated here; ask for the group anew. */
  get letGo(): boolean {
    return this.#letGo
  }

  /** The group as its coordinator sees it, if `version` is the one it goes by. */
  at(version: Expected): LiveShareGroup | undefined {
    return this.#held?.version === version ? this.#held.group : undefined
  }

  async heartbeat(request: ShareHeartbeat): Promise<ShareHeartbeatAnswer> {
    const askedAt = this.#options.clock.monotonic()
    try {
      return await this.#mailbox.run(async () => {
        if (this.#letGo) throw new ShareError('NOT_COORDINATOR', 'the group was let go')
        this.#usedAt = this.#options.clock.monotonic()
        const { group: next, answer } = await this.#step(request, askedAt)
        await this.#store(next)
        return answer
      })
    } catch (error) {
      throw membershipErrorOf(error)
    } finally {
      if (this.#letGo || this.#nextAlarm() < this.#alarmAt) this.#alarm.abort()
    }
  }

  /** Ends sessions in time; resolves when the group is let go. */
  async watch(): Promise<void> {
    const { clock } = this.#options
    while (!this.#letGo) {
      const due = this.#nextAlarm()
      this.#alarmAt = due
      this.#alarm = new AbortController()
      const sleepMs = Math.min(Math.max(due - clock.monotonic(), 1), ALARM_SLEEP_MS_MAX)
      await clock.sleep(sleepMs, this.#alarm.signal)
      if (this.#letGo || clock.monotonic() < due) continue
      // The process stood still, and heartbeats that came meanwhile have yet to be read.
      const lateMs = clock.monotonic() - due
      if (lateMs > LATE_MS) await clock.sleep(CATCH_UP_MS)
      await this.#ringInTurn(lateMs > FROZEN_MS)
    }
  }

  /** Refuses from now on. */
  async close(): Promise<void> {
    await this.#mailbox.run(() => this.#release('NOT_COORDINATOR'))
  }

  // ---------------------------------------------------------------- steps

  /** Refuses, and takes somebody in, only by a document as the store had it after `askedAt`. */
  async #step(request: ShareHeartbeat, askedAt: number): Promise<Step> {
    const { epoch, groupId } = request
    const group = await this.#fresh(epoch === 0 ? askedAt : undefined)
    try {
      if (epoch !== 0 && this.#held?.version === 'absent') {
        throw new ShareError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
      }
      const topics = await this.#findTopics(topicNamesOf(group, request))
      return heartbeat(group, request, topics, await this.#moment())
    } catch (error) {
      if (error instanceof ShareError) await this.#fresh(askedAt)
      throw error
    }
  }

  /** Makes `group` the group, on disk first where its document changed. */
  async #store(group: LiveShareGroup): Promise<void> {
    const { items, groupId, clock, coordinator } = this.#options
    const held = this.#held!
    if (group.document === held.group.document) {
      this.#held = { ...held, group }
      return
    }
    const isEmpty = group.document.members.length === 0
    const wasEmpty = held.group.document.members.length === 0
    const changedAt = isEmpty === wasEmpty ? group.document.changedAt : clock.now()
    const document = { ...group.document, changedAt, coordinator: isEmpty ? 0 : coordinator }
    const asOf = clock.monotonic()
    let written: Awaited<ReturnType<ShareItems['writeGroup']>>
    try {
      written = await items.writeGroup(groupId, held.version, document)
    } catch (error) {
      if (error instanceof StoreError && error.effect === 'unknown') this.#release('COORDINATOR_NOT_AVAILABLE')
      throw error
    }
    if (written === 'conflict') throw this.#release('NOT_COORDINATOR')
    const stored = { ...group, document }
    const isLate = clock.monotonic() - asOf > FROZEN_MS
    const next = isLate ? renewSessions(stored, await this.#moment()) : stored
    this.#held = { group: next, version: written.version, asOf }
  }

  /** The group, as the store had it after `since`, or else not long ago. */
  async #fresh(since?: number): Promise<LiveShareGroup> {
    const { items, groupId, clock } = this.#options
    if (!this.#held) return this.#load()
    const asOf = clock.monotonic()
    const { sessionTimeoutMs } = await this.#moment()
    if (this.#held.asOf > (since ?? asOf - sessionTimeoutMs / 3)) return this.#held.group
    const { version } = await items.readGroup(groupId)
    if (version !== this.#held.version) throw this.#release('NOT_COORDINATOR')
    this.#held = { ...this.#held, asOf }
    return this.#held.group
  }

  /** A group with members is told whose it is before any of them is served. */
  async #load(): Promise<LiveShareGroup> {
    const { items, groupId, clock, coordinator } = this.#options
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      const asOf = clock.monotonic()
      const { value: document = newShareGroup(clock.now()), version } = await items.readGroup(groupId)
      const moment = await this.#moment()
      if (document.coordinator === coordinator || document.members.length === 0) {
        return this.#hold({ group: takeOver(document, moment), version, asOf })
      }
      const mine = { ...document, coordinator }
      const written = await items.writeGroup(groupId, version, mine)
      if (written !== 'conflict') {
        return this.#hold({ group: takeOver(mine, await this.#moment()), version: written.version, asOf })
      }
      await items.pause(attempt)
    }
    throw this.#release('NOT_COORDINATOR')
  }

  #hold(held: Held): LiveShareGroup {
    this.#held = held
    return held.group
  }

  async #findTopics(names: readonly string[]): Promise<readonly SubscribedTopic[]> {
    const asOf = this.#options.clock.monotonic()
    const known = this.#topics
    if (known && known.names === names.join() && asOf - known.asOf < TOPICS_LOOK_MS) return known.found
    const found = await this.#options.findTopics(names)
    this.#topics = { names: names.join(), found, asOf }
    return found
  }

  async #moment(): Promise<Moment> {
    const timing = await this.#options.timing()
    return { ...timing, now: this.#options.clock.monotonic() }
  }

  // ---------------------------------------------------------------- time

  #nextAlarm(): number {
    const idleAt = this.#usedAt + IDLE_GROUP_MS
    const due = (this.#held && nextDeadline(this.#held.group)) ?? idleAt
    return Math.max(due, this.#retryAt)
  }

  async #ringInTurn(wasFrozen: boolean): Promise<void> {
    const now = this.#options.clock.monotonic()
    try {
      await this.#mailbox.run(() => this.#ring(now, wasFrozen))
    } catch (error) {
      if (!(error instanceof OverloadedError)) throw error
      this.#retryAt = this.#options.clock.monotonic() + RETRY_MS
    }
  }

  /** `now`: as of when it rings. */
  async #ring(now: number, wasFrozen: boolean): Promise<void> {
    const { clock } = this.#options
    if (this.#letGo) return
    try {
      const held = this.#held
      if (held && wasFrozen) this.#held = { ...held, group: renewSessions(held.group, await this.#moment()) }
      if (held) {
        const group = await this.#fresh()
        await this.#store(passTime(group, await this.#findTopics(topicNamesOf(group)), now))
      }
      const idle = !this.#held || nextDeadline(this.#held.group) === undefined
      if (idle && clock.monotonic() - this.#usedAt >= IDLE_GROUP_MS) this.#release('NOT_COORDINATOR')
    } catch (error) {
      if (error instanceof ShareError) return
      this.#retryAt = clock.monotonic() + RETRY_MS
      if (error instanceof StoreError) return
      this.#release('COORDINATOR_NOT_AVAILABLE')
      throw error
    }
  }

  /** From now on this object refuses. Gives the error for the request in hand. */
  #release(code: ShareErrorCode): ShareError {
    this.#letGo = true
    this.#held = undefined
    this.#alarm.abort()
    return new ShareError(code, `group '${this.#options.groupId}' is no longer coordinated here`)
  }
}
