/**
 * The groups, as one process serves them: coordination of those it is asked to coordinate, committed offsets and
 * administration of all. Whether this process should be asked is not decided here; if two are, both stay right
 * (coordinated-group.ts says how). Offsets and administration need no coordinator: they go by the stored documents.
 */
import { type Clock, drawToken, drawUuid, inParallel, type Logger, type Random } from '../base/index.ts'
import type { ItemStore } from '../storage/index.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import type {
  CommitRequest,
  CommitResult,
  CommittedOffset,
  DeleteOffsetsRequest,
  EndTransactionRequest,
  FetchOffsetsRequest,
  GroupDescription,
  GroupListing,
  Joined,
  JoinRequest,
  LeaveRequest,
  LeftMember,
  MemberRequest,
  StageRequest,
  Synced,
  SyncRequest,
} from './contract.ts'
import { CoordinatedGroup } from './coordinated-group.ts'
import { checkGroupId, GroupError, groupErrorOf } from './errors.ts'
import type { GroupDocument } from './group-document.ts'
import { GroupItems, type Read } from './group-items.ts'
import { describeGroup, type GroupView, viewOf } from './group-view.ts'
import { Parking } from './held-requests.ts'

import {
  CONFLICT_ATTEMPTS_MAX,
  defaultGroupSettings,
  type GroupSettings,
  LOADED_GROUPS_MAX,
  PARALLEL_READS_MAX,
} from './settings.ts'

export interface GroupsOptions {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly settings?: Partial<GroupSettings>
}

export class Groups {
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #settings: GroupSettings
  readonly #items: GroupItems
  readonly #offsets: CommittedOffsets
  readonly #parking = new Parking()
  /** Names this process, while it lives, in the documents of the groups that it coordinates. */
  readonly #token: number
  readonly #loaded = new Map<string, CoordinatedGroup>()
  #closed = false

  constructor({ items, clock, random, logger, settings }: GroupsOptions) {
    this.#clock = clock
    this.#random = random
    this.#logger = logger
    this.#settings = { ...defaultGroupSettings, ...settings }
    this.#token = drawToken(random)
    this.#items = new GroupItems({ items, clock, random })
    this.#offsets = new CommittedOffsets({
      items: this.#items,
      clock,
      settings: this.#settings,
      view: (groupId, stored) => this.#view(groupId, stored),
      newDocument: () => this.#emptyDocument(),
    })
  }

  // ---------------------------------------------------------------- coordination

  /** Waits until the group's rebalance is over, or `signal` aborts. @throws GroupError */
  async join(request: JoinRequest, signal?: AbortSignal): Promise<Joined> {
    const { memberId, sessionTimeoutMs } = request
    checkGroupId(request.groupId, memberId)
    const { sessionTimeoutMinMs, sessionTimeoutMaxMs } = this.#settings
    if (sessionTimeoutMs < sessionTimeoutMinMs || sessionTimeoutMs > sessionTimeoutMaxMs) {
      throw new GroupError('INVALID_SESSION_TIMEOUT', `session timeout of ${sessionTimeoutMs} ms`, { memberId })
    }
    const protocols = request.protocols.map(({ name, metadata }) => ({ name, metadata: new Uint8Array(metadata) }))
    return this.#coordinate(request.groupId).join({ ...request, protocols }, signal)
  }

  /** Waits for the leader's assignment, or until `signal` aborts. @throws GroupError */
  async sync(request: SyncRequest, signal?: AbortSignal): Promise<Synced> {
    checkGroupId(request.groupId)
    const assignments = request.assignments.map(({ memberId, assignment }) => ({
      memberId,
      assignment: new Uint8Array(assignment),
    }))
    return this.#coordinate(request.groupId).sync({ ...request, assignments }, signal)
  }

  /** @throws GroupError; REBALANCE_IN_PROGRESS asks the member to join again */
  async heartbeat(request: MemberRequest): Promise<void> {
    checkGroupId(request.groupId)
    return this.#coordinate(request.groupId).heartbeat(request)
  }

  /** One result for each member. @throws GroupError */
  async leave(request: LeaveRequest): Promise<readonly LeftMember[]> {
    checkGroupId(request.groupId)
    return this.#coordinate(request.groupId).leave(request)
  }

  // ---------------------------------------------------------------- offsets

  /** One result for each offset, in order. @throws GroupError INVALID_GROUP_ID */
  async commitOffsets(request: CommitRequest): Promise<CommitResult[]> {
    checkGroupId(request.groupId)
    const results = await orGroupError(() => this.#offsets.commit(request))
    const stored = results.some(({ error }) => error === undefined)
    if (stored) this.#loaded.get(request.groupId)?.heard(request.memberId)
    return results
  }

  /** One result for each offset, in order: all are staged, or none counts. @throws GroupError INVALID_GROUP_ID */
  async stageOffsets(request: StageRequest): Promise<CommitResult[]> {
    checkGroupId(request.groupId)
    return orGroupError(() => this.#offsets.stage(request))
  }

  /**
   * Commits or drops what a transaction staged; may be repeated.
   * @throws GroupError COORDINATOR_NOT_AVAILABLE, REQUEST_TIMED_OUT
   */
  endTransaction(request: EndTransactionRequest): Promise<void> {
    return orGroupError(() => this.#offsets.endTransaction(request))
  }

  /** Read strongly. @throws GroupError COORDINATOR_NOT_AVAILABLE */
  fetchOffsets(request: FetchOffsetsRequest): Promise<CommittedOffset[]> {
    return orGroupError(() => this.#offsets.fetch(request))
  }

  /** @throws GroupError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, COORDINATOR_NOT_AVAILABLE */
  deleteOffsets(request: DeleteOffsetsRequest): Promise<CommitResult[]> {
    return orGroupError(() => this.#offsets.delete(request))
  }

  /** Removes what every group has committed for a deleted topic. @throws GroupError COORDINATOR_NOT_AVAILABLE */
  removeTopicOffsets(topicId: string): Promise<void> {
    return orGroupError(() => this.#offsets.removeTopic(topicId))
  }

  // ---------------------------------------------------------------- administration

  /** @throws GroupError GROUP_ID_NOT_FOUND, COORDINATOR_NOT_AVAILABLE */
  async describe(groupId: string): Promise<GroupDescription> {
    const view = await orGroupError(async () => this.#view(groupId, await this.#items.readLivingGroup(groupId)))
    if (!view) throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    return describeGroup(groupId, view)
  }

  /** All groups, sorted by id. @throws GroupError COORDINATOR_NOT_AVAILABLE */
  async list(): Promise<GroupListing[]> {
    const listed = await orGroupError(async () =>
      inParallel(await this.#items.listGroupIds(), PARALLEL_READS_MAX, async groupId => {
        const view = this.#view(groupId, await this.#items.readGroup(groupId))
        return view && { groupId, state: view.state, protocolType: view.protocolType ?? '', type: 'classic' as const }
      }),
    )
    return listed.filter(listing => listing !== undefined && listing.state !== 'Dead') as GroupListing[]
  }

  /** Removes an empty group and its offsets. @throws GroupError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, COORDINATOR_NOT_AVAILABLE */
  async delete(groupId: string): Promise<void> {
    await orGroupError(async () => {
      for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
        if (await this.#delete(groupId)) return
        await this.#items.pause(attempt)
      }
      throw new GroupError('COORDINATOR_NOT_AVAILABLE', `group '${groupId}' keeps changing`)
    })
    await this.#loaded.get(groupId)?.close()
  }

  /** Answers every request that is held open; later ones are refused. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#loaded.values()].map(group => group.close()))
  }

  /** False: the group changed meanwhile. */
  async #delete(groupId: string): Promise<boolean> {
    const read = await this.#items.readGroup(groupId)
    const view = this.#view(groupId, read)
    if (!view) throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    if (view.state !== 'Empty' && view.state !== 'Dead')
      throw new GroupError('NON_EMPTY_GROUP', `Group ${groupId} has members.`)
    if (!read.value || read.version === 'absent') return false
    if (read.value.state === 'Dead') {
      await this.#items.finishRemoval(groupId, read.version)
      return true
    }
    const written = await this.#items.writeGroup(groupId, read.version, { ...read.value, state: 'Dead' })
    if (written === 'conflict') return false
    await this.#items.finishRemoval(groupId, written.version)
    return true
  }

  #coordinate(groupId: string): CoordinatedGroup {
    const loaded = this.#loaded.get(groupId)
    if (loaded && !loaded.letGo) return loaded
    if (this.#closed) throw new GroupError('NOT_COORDINATOR', 'this process is shutting down')
    if (this.#loaded.size >= LOADED_GROUPS_MAX) {
      throw new GroupError('COORDINATOR_NOT_AVAILABLE', `${this.#loaded.size} groups are coordinated here`)
    }
    const group = new CoordinatedGroup({
      groupId,
      items: this.#items,
      clock: this.#clock,
      settings: this.#settings,
      coordinator: this.#token,
      parking: this.#parking,
      drawIncarnation: () => drawToken(this.#random),
      drawMemberId: prefix => `${prefix}-${this.#drawUuidText()}`,
    })
    this.#loaded.set(groupId, group)
    void this.#watch(groupId, group)
    return group
  }

  async #watch(groupId: string, group: CoordinatedGroup): Promise<void> {
    try {
      await group.watch()
    } catch (error) {
      this.#logger.error('group let go', { groupId, error: String(error) })
    } finally {
      if (this.#loaded.get(groupId) === group) this.#loaded.delete(groupId)
    }
  }

  #view(groupId: string, stored: Read<GroupDocument>): GroupView | undefined {
    return viewOf(stored.value, this.#loaded.get(groupId)?.at(stored.version))
  }

  #emptyDocument(): GroupDocument {
    return {
      incarnation: drawToken(this.#random),
      coordinator: 0,
      state: 'Empty',
      stateChangedAt: this.#clock.now(),
      generation: 0,
      protocolType: undefined,
      protocolName: undefined,
      leader: undefined,
      members: [],
    }
  }

  #drawUuidText(): string {
    const hex = Buffer.from(drawUuid(this.#random)).toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }
}

async function orGroupError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw groupErrorOf(error)
  }
}
