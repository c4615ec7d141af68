/**
 * A member of a consumer group (KIP-848) that lives from request to request: all that it knows is a small document that its client
 * (or an item) keeps in between, so any process can serve the next request. The group engine decides who has what; this
 * says what it has, reads on from where it was, and commits.
 *
 * Partitions that the group takes away are given up in the request that learns of it: what was handed out before is then either
 * committed (the request said so) or comes again to the next owner.
 */
import * as z from 'zod'
import type { Clock } from '../../base/index.ts'
import { assignmentOf, type ConsumerHeartbeatAnswer, GroupError, type Groups } from '../../groups/index.ts'
import { type Log, LogError, type Topic } from '../../log/index.ts'
import type { AnswerHold } from '../answer-memory.ts'
import { type Bounds, type Cursor, PartitionsReader, type Read } from '../consume/read-partitions.ts'

const JOINING = 0
const LEAVING = -1
/** Gives partitions up and takes others in one request; more rounds are for the next one. */
const ROUNDS_MAX = 4
/** A group whose coordinator changes under the request. */
const ATTEMPTS_MAX = 5
const PAUSE_MS = 50
/** How long a member may take until it comes again. */
const REBALANCE_TIMEOUT_MS = 60_000
const UNKNOWN = -1

const offset = z.int().min(UNKNOWN)
export const memberSchema = z.strictObject({
  id: z.string().max(300),
  epoch: z.int(),
  topics: z.array(z.string()).max(1_000),
  /** Its partitions are assigned by hand: it is in no group. */
  manual: z.boolean(),
  /** Topic id → [partition, next offset, committed offset]; -1: not known. */
  places: z.record(z.string().regex(/^[0-9a-f]{32}$/), z.array(z.tuple([z.int().min(0), offset, offset]))),
})
export type MemberState = z.infer<typeof memberSchema>

export interface MemberParts {
  readonly log: Log
  readonly groups: Groups
  readonly clock: Clock
}

export interface MemberOptions {
  readonly groupId: string
  readonly clientId: string
  /** Where to begin in partitions in which the group has committed nothing. */
  readonly from: 'earliest' | 'latest'
}

interface Place {
  readonly topicId: string
  readonly partition: number
  offset: number
  committed: number
}

export interface OffsetToCommit {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  readonly metadata?: string | undefined
}

export interface PollRequest extends Bounds {
  /** Holds what is read. */
  readonly answer: AnswerHold
  readonly waitMs: number
  readonly signal: AbortSignal
}

export class GroupMember {
  readonly #parts: MemberParts
  readonly #options: MemberOptions
  readonly #id: string
  #epoch: number
  #manual: boolean
  #topics: readonly string[]
  #places: Place[]
  #heartbeatIntervalMs = 0

  constructor(parts: MemberParts, options: MemberOptions, state: MemberState) {
    this.#parts = parts
    this.#options = options
    this.#id = state.id
    this.#epoch = state.epoch
    this.#manual = state.manual
    this.#topics = state.topics
    this.#places = Object.entries(state.places).flatMap(([topicId, places]) =>
      places.map(([partition, offset, committed]) => ({ topicId, partition, offset, committed })),
    )
  }

  get id(): string {
    return this.#id
  }

  get epoch(): number {
    return this.#epoch
  }

  get manual(): boolean {
    return this.#manual
  }

  get places(): readonly Readonly<Place>[] {
    return this.#places
  }

  state(): MemberState {
    const byTopic = Map.groupBy(this.#places, ({ topicId }) => topicId)
    const places = [...byTopic].map(([topicId, some]): [string, MemberState['places'][string]] => {
      return [topicId, some.map(({ partition, offset, committed }) => [partition, offset, committed])]
    })
    return {
      id: this.#id,
      epoch: this.#epoch,
      topics: [...this.#topics],
      manual: this.#manual,
      places: Object.fromEntries(places),
    }
  }

  /** What comes next is of these topics. */
  subscribe(topics: readonly string[]): void {
    this.#topics = topics
    this.#manual = false
  }

  /** Reads these partitions, whatever others do. */
  assign(places: readonly { readonly topicId: string; readonly partition: number }[]): void {
    this.#manual = true
    this.#topics = []
    this.#places = places.map(({ topicId, partition }) => ({ topicId, partition, offset: UNKNOWN, committed: UNKNOWN }))
  }

  /** Reads on from there. */
  seek(topicId: string, partition: number, offset: number): boolean {
    const place = this.#places.find(one => one.topicId === topicId && one.partition === partition)
    if (place) place.offset = offset
    return place !== undefined
  }

  /** Commits what was handed out before; or the offsets given. @throws GroupError */
  async commit(offsets?: readonly OffsetToCommit[]): Promise<void> {
    const handedOut = this.#places.filter(({ offset, committed }) => offset !== UNKNOWN && offset !== committed)
    const wanted = offsets ?? handedOut
    if (wanted.length === 0) return
    const refusal = await this.#tryCommit(wanted)
    if (refusal === 'STALE_MEMBER_EPOCH') {
      // The member has what it had; only its epoch went on.
      await this.#beat()
      const again = await this.#tryCommit(wanted)
      if (again) throw new GroupError(again, 'the offsets are not committed')
    } else if (refusal) throw new GroupError(refusal, 'the offsets are not committed')
    for (const { topicId, partition, offset } of wanted) {
      const place = this.#places.find(one => one.topicId === topicId && one.partition === partition)
      if (place) place.committed = offset
    }
  }

  async #tryCommit(wanted: readonly OffsetToCommit[]) {
    const offsets = wanted.map(({ topicId, partition, offset, metadata = '' }) => {
      return { topicId, partition, offset, leaderEpoch: -1, metadata }
    })
    const nobody = { memberId: '', instanceId: undefined, generation: -1 }
    const member = this.#manual ? nobody : { memberId: this.#id, instanceId: undefined, generation: this.#epoch }
    const results = await this.#parts.groups.commitOffsets({ groupId: this.#options.groupId, ...member, offsets })
    return results.find(({ error }) => error !== undefined)?.error
  }

  /** Joins or stays, and takes what the group gives. @throws GroupError */
  async heartbeat(): Promise<void> {
    if (this.#manual || this.#topics.length === 0) return
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const answer = await this.#beat()
      const { assignment } = answer
      if (!assignment) return
      const kept = this.#places.filter(({ topicId, partition }) => assignment.get(topicId)?.includes(partition))
      const gaveUp = kept.length < this.#places.length
      const has = new Set(kept.map(({ topicId, partition }) => `${topicId}/${partition}`))
      for (const [topicId, partitions] of assignment) {
        for (const partition of partitions) {
          if (has.has(`${topicId}/${partition}`)) continue
          kept.push({ topicId, partition, offset: UNKNOWN, committed: UNKNOWN })
        }
      }
      const took = kept.length > has.size
      this.#places = kept
      // The group learns at once what was given up and taken, so nobody waits for the next request.
      if (!gaveUp && !took && !answer.awaitsRevocation) return
    }
  }

  /** Others get its partitions at once. */
  async leave(): Promise<void> {
    if (!this.#manual && this.#epoch !== JOINING) await this.#beat(LEAVING)
    this.#epoch = JOINING
    this.#places = []
  }

  /** Records from what it has, waiting for the first; alive meanwhile. @throws GroupError, LogError */
  async poll({ waitMs, signal, answer, ...bounds }: PollRequest): Promise<Read[]> {
    const { clock, log } = this.#parts
    const deadline = clock.monotonic() + waitMs
    const reader = new PartitionsReader(log, answer, (cursor, error) => this.#mend(cursor, error))
    for (;;) {
      await this.heartbeat()
      if (bounds.recordsMax === 0) return []
      await this.#findPlaces()
      const cursors = await this.#cursors()
      const beatMs = this.#heartbeatIntervalMs || Number.POSITIVE_INFINITY
      const leftMs = Math.max(0, Math.min(deadline - clock.monotonic(), beatMs))
      const reads = await reader.read([...cursors.keys()], bounds, { waitMs: leftMs, clock, signal })
      for (const [cursor, place] of cursors) place.offset = cursor.offset
      if (reads.length > 0 || signal.aborted || clock.monotonic() >= deadline) return reads
      if (cursors.size === 0) await clock.sleep(leftMs, signal)
    }
  }

  async #beat(epoch = this.#epoch): Promise<ConsumerHeartbeatAnswer> {
    const { groups, clock } = this.#parts
    const { groupId, clientId } = this.#options
    const owned = epoch === JOINING ? [] : this.#places.map(({ topicId, partition }) => [topicId, [partition]] as const)
    if (epoch === JOINING) this.#places = []
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await groups.consumerHeartbeat({
          groupId,
          memberId: this.#id,
          instanceId: undefined,
          epoch,
          clientId,
          clientHost: '/http',
          rackId: undefined,
          rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
          topicNames: this.#topics,
          regex: undefined,
          assignor: undefined,
          owned: assignmentOf(owned),
        })
        this.#epoch = answer.epoch
        this.#heartbeatIntervalMs = answer.heartbeatIntervalMs
        return answer
      } catch (error) {
        if (!isPassing(error) || attempt === ATTEMPTS_MAX) throw error
        await clock.sleep(PAUSE_MS * attempt)
      }
    }
  }

  /** Where to begin in what is new: where the group was, or at one end. */
  async #findPlaces(): Promise<void> {
    const unknown = this.#places.filter(({ offset }) => offset === UNKNOWN)
    if (unknown.length === 0) return
    const { groups } = this.#parts
    const committed = await groups.fetchOffsets({
      groupId: this.#options.groupId,
      partitions: unknown.map(({ topicId, partition }) => ({ topicId, partition })),
      requireStable: true,
    })
    for (const [index, place] of unknown.entries()) {
      const { offset, error } = committed[index]!
      // A transaction may still change it: it is asked for again.
      if (error) continue
      place.committed = offset
      place.offset = offset >= 0 ? offset : await this.#end(place)
    }
  }

  async #end({ topicId, partition }: Place): Promise<number> {
    const topic = await this.#parts.log.topics.find({ id: topicId })
    if (!topic) return UNKNOWN
    const { from } = this.#options
    const spec = from === 'earliest' ? { at: from } : { at: from, isolation: 'read_uncommitted' as const }
    return (await this.#parts.log.findOffset(topic, partition, spec)).offset
  }

  async #cursors(): Promise<Map<Cursor, Place>> {
    const cursors = new Map<Cursor, Place>()
    const topics = new Map<string, Topic | undefined>()
    for (const place of this.#places) {
      const { topicId, partition, offset } = place
      if (!topics.has(topicId)) topics.set(topicId, await this.#parts.log.topics.find({ id: topicId }))
      const topic = topics.get(topicId)
      if (topic && offset !== UNKNOWN) cursors.set({ topic, partition, offset }, place)
    }
    return cursors
  }

  /** Retention took the place: on from where `from` says. */
  async #mend(cursor: Cursor, error: unknown): Promise<boolean> {
    if (!(error instanceof LogError) || error.code !== 'OFFSET_OUT_OF_RANGE') return false
    const { topic, partition, offset } = cursor
    const next = await this.#end({ topicId: topic.id, partition, offset, committed: UNKNOWN })
    if (next === offset || next === UNKNOWN) return false
    cursor.offset = next
    return true
  }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof GroupError &&
    ['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR'].includes(error.code)
  )
}
