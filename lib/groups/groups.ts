/**
 * The groups, as one process serves them: coordination of those it is asked to coordinate, committed offsets and
 * administration of all. Whether this process should be asked is not decided here; if two are, both stay right
 * (coordinated-group.ts says how). Offsets and administration need no coordinator: they go by the stored documents.
 */
import { type Clock, drawToken, drawUuid, inParallel, type Logger, type Random } from '../base/index.ts'
import type { GroupConfigs } from '../configs/index.ts'
import type { ItemStore } from '../storage/index.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import type {
  CommitRequest,
  CommitResult,
  CommittedOffset,
  ConsumerGroupDescription,
  ConsumerHeartbeat,
  ConsumerHeartbeatAnswer,
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
  StreamsGroupDescription,
  StreamsHeartbeat,
  StreamsHeartbeatAnswer,
  Synced,
  SyncRequest,
} from './contract.ts'
import { CoordinatedConsumerGroup } from './coordinated-consumer-group.ts'
import { CoordinatedGroup } from './coordinated-group.ts'
import { CoordinatedStreamsGroup } from './coordinated-streams-group.ts'
import { type Coordination, type GroupKind, OtherKindError } from './coordination.ts'
import { checkGroupId, GroupError, groupErrorOf } from './errors.ts'
import type { GroupDocument } from './group-document.ts'
import { GroupItems, type Read } from './group-items.ts'
import {
  describeClassicGroup,
  describeConsumerGroup,
  describeStreamsGroup,
  type GroupView,
  listingOf,
  stateOfView,
  viewOf,
} from './group-view.ts'
import { Parking } from './held-requests.ts'
import {
  CONFLICT_ATTEMPTS_MAX,
  defaultGroupSettings,
  type GroupSettings,
  KIND_CHANGES_MAX,
  LOADED_GROUPS_MAX,
  PARALLEL_READS_MAX,
  settingsOfGroup,
} from './settings.ts'
import { TopicCatalog, type TopicSource } from './topic-catalog.ts'

export interface GroupsOptions {
  readonly items: ItemStore
  /** What consumer groups are subscribed to. */
  readonly topics: TopicSource
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly settings?: Partial<GroupSettings>
  /** Absent: no group has any. */
  readonly configs?: GroupConfigs
}

const COORDINATORS = {
  classic: CoordinatedGroup,
  consumer: CoordinatedConsumerGroup,
  streams: CoordinatedStreamsGroup,
}

export class Groups {
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #settings: GroupSettings
  readonly #configs: GroupConfigs | undefined
  readonly #items: GroupItems
  readonly #offsets: CommittedOffsets
  readonly #parking = new Parking()
  /** Names this process, while it lives, in the documents of the groups that it coordinates. */
  readonly #token: number
  readonly #catalog: TopicCatalog
  readonly #loaded = new Map<string, Coordination>()
  #closed = false

  constructor({ items, topics, clock, random, logger, settings, configs }: GroupsOptions) {
    this.#clock = clock
    this.#random = random
    this.#logger = logger
    this.#settings = { ...defaultGroupSettings, ...settings }
    this.#configs = configs
    this.#token = drawToken(random)
    this.#items = new GroupItems({ items, clock, random })
    this.#catalog = new TopicCatalog(topics, clock)
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
    return this.#served(request.groupId, 'classic', group => group.join({ ...request, protocols }, signal))
  }

  /** Waits for the leader's assignment, or until `signal` aborts. @throws GroupError */
  async sync(request: SyncRequest, signal?: AbortSignal): Promise<Synced> {
    checkGroupId(request.groupId)
    const assignments = request.assignments.map(({ memberId, assignment }) => ({
      memberId,
      assignment: new Uint8Array(assignment),
    }))
    return this.#served(request.groupId, 'classic', group => group.sync({ ...request, assignments }, signal))
  }

  /** @throws GroupError; REBALANCE_IN_PROGRESS asks the member to join again */
  async heartbeat(request: MemberRequest): Promise<void> {
    checkGroupId(request.groupId)
    return this.#served(request.groupId, 'classic', group => group.heartbeat(request))
  }

  /** One result for each member. @throws GroupError */
  async leave(request: LeaveRequest): Promise<readonly LeftMember[]> {
    checkGroupId(request.groupId)
    return this.#served(request.groupId, 'classic', group => group.leave(request))
  }

  /** The one call of a streams group's member (KIP-1071). @throws GroupError */
  async streamsHeartbeat(request: StreamsHeartbeat): Promise<StreamsHeartbeatAnswer> {
    checkGroupId(request.groupId)
    return this.#served(request.groupId, 'streams', group => group.streamsHeartbeat(request))
  }

  /** Keeps what tools show of a streams group's topology, in any form (KIP-1331). @throws GroupError */
  async describeTopology(groupId: string, memberId: string, topologyEpoch: number, bytes: Uint8Array): Promise<void> {
    checkGroupId(groupId)
    const kept = new Uint8Array(bytes)
    return this.#served(groupId, 'streams', group => group.describeTopology(memberId, topologyEpoch, kept))
  }

  /** The one call of a consumer group's member (KIP-848). @throws GroupError */
  async consumerHeartbeat(request: ConsumerHeartbeat): Promise<ConsumerHeartbeatAnswer> {
    checkGroupId(request.groupId)
    return this.#served(request.groupId, 'consumer', group => group.consumerHeartbeat(request))
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

  /** Read strongly. @throws GroupError COORDINATOR_NOT_AVAILABLE; UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH */
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

  /** A classic group. @throws GroupError GROUP_ID_NOT_FOUND, COORDINATOR_NOT_AVAILABLE */
  async describe(groupId: string): Promise<GroupDescription> {
    const view = await this.#find(groupId)
    if (view.kind === 'classic') return describeClassicGroup(groupId, view)
    throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a classic group.`)
  }

  /** @throws GroupError GROUP_ID_NOT_FOUND, COORDINATOR_NOT_AVAILABLE */
  async describeConsumerGroup(groupId: string): Promise<ConsumerGroupDescription> {
    const view = await this.#find(groupId)
    if (view.kind === 'consumer') return describeConsumerGroup(groupId, view)
    throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`)
  }

  /** @throws GroupError GROUP_ID_NOT_FOUND, COORDINATOR_NOT_AVAILABLE */
  async describeStreamsGroup(groupId: string): Promise<StreamsGroupDescription> {
    const view = await this.#find(groupId)
    if (view.kind === 'streams') return describeStreamsGroup(groupId, view)
    throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a streams group.`)
  }

  /** All groups, sorted by id. @throws GroupError COORDINATOR_NOT_AVAILABLE */
  async list(): Promise<GroupListing[]> {
    const listed = await orGroupError(async () =>
      inParallel(await this.#items.listGroupIds(), PARALLEL_READS_MAX, groupId => this.#listing(groupId)),
    )
    return listed.filter(listing => listing !== undefined)
  }

  /** As `list` has it; undefined: there is no such group. @throws GroupError COORDINATOR_NOT_AVAILABLE */
  listing(groupId: string): Promise<GroupListing | undefined> {
    return orGroupError(() => this.#listing(groupId))
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

  async #listing(groupId: string): Promise<GroupListing | undefined> {
    const view = this.#view(groupId, await this.#items.readGroup(groupId))
    const listing = view && listingOf(groupId, view)
    return listing?.state === 'Dead' ? undefined : listing
  }

  /** False: the group changed meanwhile. */
  async #delete(groupId: string): Promise<boolean> {
    const read = await this.#items.readGroup(groupId)
    const view = this.#view(groupId, read)
    if (!view) throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    const state = stateOfView(view)
    if (state !== 'Empty' && state !== 'Dead') throw new GroupError('NON_EMPTY_GROUP', `Group ${groupId} has members.`)
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

  /** Has the group's coordinator do the work, and another one where the group is, or becomes, of another kind. */
  async #served<T>(groupId: string, kind: GroupKind, work: (group: Coordination) => Promise<T>): Promise<T> {
    let wanted = kind
    for (let change = 0; change < KIND_CHANGES_MAX; change++) {
      try {
        return await work(this.#coordinate(groupId, wanted))
      } catch (error) {
        if (!(error instanceof OtherKindError)) throw error
        wanted = error.kind
      }
    }
    throw new GroupError('COORDINATOR_NOT_AVAILABLE', `group '${groupId}' keeps changing`)
  }

  /** `kind`: of a coordinator that is to be made. */
  #coordinate(groupId: string, kind: GroupKind): Coordination {
    const loaded = this.#loaded.get(groupId)
    if (loaded && !loaded.letGo) return loaded
    if (this.#closed) throw new GroupError('NOT_COORDINATOR', 'this process is shutting down')
    if (this.#loaded.size >= LOADED_GROUPS_MAX) {
      throw new GroupError('COORDINATOR_NOT_AVAILABLE', `${this.#loaded.size} groups are coordinated here`)
    }
    const options = {
      groupId,
      items: this.#items,
      clock: this.#clock,
      settings: this.#settings,
      configured: async () => {
        const configs = await this.#configs?.ofGroup(groupId)
        return configs ? settingsOfGroup(this.#settings, configs) : this.#settings
      },
      coordinator: this.#token,
      parking: this.#parking,
      catalog: this.#catalog,
      drawIncarnation: () => drawToken(this.#random),
      drawMemberId: (prefix: string) => `${prefix === '' ? '' : `${prefix}-`}${this.#drawUuidText()}`,
    }
    const group = new COORDINATORS[kind](options)
    this.#loaded.set(groupId, group)
    void this.#watch(groupId, group)
    return group
  }

  async #watch(groupId: string, group: Coordination): Promise<void> {
    try {
      await group.watch()
    } catch (error) {
      this.#logger.error('group let go', { groupId, error: String(error) })
    } finally {
      if (this.#loaded.get(groupId) === group) this.#loaded.delete(groupId)
    }
  }

  async #find(groupId: string): Promise<GroupView> {
    const view = await orGroupError(async () => this.#view(groupId, await this.#items.readLivingGroup(groupId)))
    if (view) return view
    throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  }

  #view(groupId: string, stored: Read<GroupDocument>): GroupView | undefined {
    return viewOf(stored.value, this.#loaded.get(groupId)?.at(stored.version))
  }

  #emptyDocument(): GroupDocument {
    return {
      kind: 'classic',
      incarnation: drawToken(this.#random),
      coordinator: 0,
      state: 'Empty',
      stateChangedAt: this.#clock.now(),
      generation: 0,
      protocolType: undefined,
      protocolName: undefined,
      leader: undefined,
      rejoin: false,
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
