/**
 * One streams group in the hands of this process (group-keeper.ts has what holds). Internal topics that are missing are made
 * within the step that needs them; making one that somebody else has made meanwhile is no failure.
 */
import { LogError } from '../log/index.ts'
import type { TopicsSeen } from './consumer-group.ts'
import type {
  ConsumerHeartbeatAnswer,
  Joined,
  LeaveRequest,
  LeftMember,
  StreamsHeartbeat,
  StreamsHeartbeatAnswer,
  Synced,
} from './contract.ts'
import { type Coordination, type CoordinationOptions, OtherKindError } from './coordination.ts'
import { GroupError } from './errors.ts'
import type { GroupDocument } from './group-document.ts'
import { GroupKeeper } from './group-keeper.ts'
import { refusalError } from './held-requests.ts'
import {
  DESCRIPTION_BYTES_MAX,
  type GroupSettings,
  NOT_READY_HEARTBEAT_MS,
  RECONCILING_HEARTBEAT_MS,
  RECONCILING_HEARTBEAT_MS_A_MEMBER,
  TOPICS_REFRESH_MS,
} from './settings.ts'
import type { StreamsDocument, StreamsMember, StreamsTopology } from './streams-document.ts'
import { endpointsOf, newStreamsGroup, seenBy } from './streams-group.ts'
import {
  heartbeatOfStreams,
  refusalOfStreamsHeartbeat,
  removeStreamsMembers,
  topologyAfter,
} from './streams-heartbeat.ts'
import { configureTopology, type StreamsStatus, topicsOfTopology } from './streams-topology.ts'

export class CoordinatedStreamsGroup implements Coordination {
  readonly #options: CoordinationOptions
  readonly #keeper: GroupKeeper<StreamsDocument>
  #lookedAt = Number.NEGATIVE_INFINITY
  /** What holds for this group, as of its last request. */
  #settings: GroupSettings
  /** Standby replicas that targets were made with when a member was last heard here. */
  #standbyReplicas: number | undefined
  /** The request in hand may make the group. */
  #joins = false
  /** Why internal topics could not be made, when that was tried last. */
  #creationFailure = ''

  constructor(options: CoordinationOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#keeper = new GroupKeeper(options, {
      kind: 'streams',
      begin: document => this.#begin(document),
      sessionTimeoutOf: () => this.#settings.streamsSessionTimeoutMs,
      revokingOf: ({ revoking: { active, standby, warmup } }) => [active, standby, warmup],
      removeMembers: (group, ids) => removeStreamsMembers(group, ids, this.#moment()),
      becomes: () => undefined,
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

  heard(memberId: string): void {
    if (this.#keeper.sessions.has(memberId)) this.#keeper.heardOf(memberId)
  }

  streamsHeartbeat(request: StreamsHeartbeat): Promise<StreamsHeartbeatAnswer> {
    return this.#keeper.run(async () => {
      const refusal = refusalOfStreamsHeartbeat(request)
      if (refusal) throw new GroupError(refusal.error, refusal.message)
      const group = await this.#fresh(request.epoch === 0)
      const topology = topologyAfter(group, request)
      const seen = await this.#look(group, topology)
      const step = heartbeatOfStreams(group, request, seen, this.#moment())
      if ('error' in step) throw new GroupError(step.error, step.message, { memberId: request.memberId })
      await this.#keeper.store(step.group)
      if (request.epoch >= 0) this.#standbyReplicas = this.#settings.streamsStandbyReplicas
      const { member, tasks } = step
      const { memberId } = request
      if (!member) return { ...nothingFor(request), memberId, epoch: request.epoch }
      this.#keeper.heardOf(memberId)
      const now = this.#keeper.group ?? step.group
      const isNews = request.endpointEpoch !== now.endpointEpoch
      return {
        memberId,
        epoch: member.epoch,
        heartbeatIntervalMs: this.#intervalFor(now, member, step.status),
        tasks,
        status: step.status.map(status => this.#explained(status)),
        endpointEpoch: now.endpointEpoch,
        endpoints: isNews ? endpointsOf(now) : undefined,
        descriptionRequired: now.topology !== undefined && now.description?.epoch !== now.topology.epoch,
      }
    })
  }

  /** What tools show of the topology. */
  describeTopology(memberId: string, topologyEpoch: number, bytes: Uint8Array): Promise<void> {
    return this.#keeper.run(async () => {
      const group = await this.#fresh(false)
      if (!group.members.has(memberId)) throw refusalError({ error: 'UNKNOWN_MEMBER_ID', memberId })
      if (topologyEpoch !== group.topology?.epoch) {
        throw new GroupError('INVALID_REQUEST', `the group's topology has epoch ${group.topology?.epoch}`)
      }
      if (bytes.length > DESCRIPTION_BYTES_MAX) {
        throw new GroupError(
          'STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED',
          `a description has ${DESCRIPTION_BYTES_MAX} bytes at most`,
        )
      }
      await this.#keeper.store({ ...group, description: { epoch: topologyEpoch, bytes } })
    })
  }

  // ---------------------------------------------------------------- other protocols

  join(): Promise<Joined> {
    return this.#otherProtocol('classic')
  }

  sync(): Promise<Synced> {
    return this.#otherProtocol('classic')
  }

  heartbeat(): Promise<void> {
    return this.#otherProtocol('classic')
  }

  consumerHeartbeat(): Promise<ConsumerHeartbeatAnswer> {
    return this.#otherProtocol('consumer')
  }

  /** An administrator may take members out. */
  leave(request: LeaveRequest): Promise<readonly LeftMember[]> {
    return this.#keeper.run(async () => {
      const group = await this.#fresh(false)
      const left = request.members.map(
        (one): LeftMember => ({ ...one, error: group.members.has(one.memberId) ? undefined : 'UNKNOWN_MEMBER_ID' }),
      )
      const ids = left.filter(({ error }) => !error).map(({ memberId }) => memberId)
      await this.#keeper.store(removeStreamsMembers(group, ids, this.#moment()))
      return left
    })
  }

  /** A group without members is anybody's. */
  #otherProtocol(kind: 'classic' | 'consumer'): Promise<never> {
    return this.#keeper.run(async () => {
      const group = await this.#fresh(false)
      if (group.members.size > 0) {
        const code = kind === 'classic' ? 'INCONSISTENT_GROUP_PROTOCOL' : 'GROUP_ID_NOT_FOUND'
        throw new GroupError(code, `Group ${this.#options.groupId} is not a ${kind} group.`)
      }
      this.#keeper.release('NOT_COORDINATOR')
      throw new OtherKindError(kind)
    })
  }

  // ---------------------------------------------------------------- the group, and its topics

  /** `joins`: where there is none, or another one without members, it becomes this. */
  async #fresh(joins: boolean): Promise<StreamsDocument> {
    this.#joins = joins
    this.#settings = await this.#options.configured()
    return this.#keeper.fresh()
  }

  async #begin(document: GroupDocument | undefined): Promise<StreamsDocument> {
    const { groupId, clock, drawIncarnation } = this.#options
    if (document && document.kind === 'classic' ? document.members.length > 0 : document && document.members.size > 0) {
      throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a streams group.`)
    }
    if (document && !this.#joins) throw new OtherKindError(document.kind)
    if (!this.#joins) throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    if (!document) return newStreamsGroup(drawIncarnation(), clock.now())
    const epoch = document.kind === 'classic' ? document.generation : document.epoch
    return { ...newStreamsGroup(document.incarnation, document.stateChangedAt), epoch }
  }

  /** The topology's topics, looked up again where that is due; those that are missing are made. */
  async #look(group: StreamsDocument, topology: StreamsTopology | undefined): Promise<TopicsSeen> {
    const { clock, catalog } = this.#options
    const isDue = clock.monotonic() - this.#lookedAt >= TOPICS_REFRESH_MS
    if (!topology || (topology === group.topology && !isDue)) return seenBy(group)
    const now = clock.monotonic()
    const { names, regexes } = topicsOfTopology(topology)
    let seen = await catalog.look(names, regexes, topology === group.topology ? undefined : 0)
    const { missing } = configureTopology(topology, seen)
    if (missing.length > 0) {
      this.#creationFailure = ''
      for (const topic of missing) await this.#create(topic)
      seen = await catalog.look(names, regexes)
    }
    // What could not be made is tried again at the next heartbeat.
    if (this.#creationFailure === '') this.#lookedAt = now
    return seen
  }

  async #create({ name, partitions, configs }: ReturnType<typeof configureTopology>['missing'][number]): Promise<void> {
    try {
      await this.#options.catalog.create({
        name,
        partitions,
        configs: Object.fromEntries(configs.map(({ key, value }) => [key, value])),
      })
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      if (error.code !== 'TOPIC_EXISTS') this.#creationFailure = `${name}: ${error.message}`
    }
  }

  #explained(status: StreamsStatus): StreamsStatus {
    if (status.status !== 'MISSING_INTERNAL_TOPICS' || this.#creationFailure === '') return status
    return { ...status, detail: `${status.detail}; Creation failed: ${this.#creationFailure}.` }
  }

  #intervalFor(group: StreamsDocument, { state }: StreamsMember, status: readonly StreamsStatus[]): number {
    const { streamsHeartbeatIntervalMs } = this.#settings
    // Kafka Streams gives up waiting for its source topics after twice this.
    if (status.length > 0) return NOT_READY_HEARTBEAT_MS
    if (state === 'stable') return streamsHeartbeatIntervalMs
    const soonMs = RECONCILING_HEARTBEAT_MS + group.members.size * RECONCILING_HEARTBEAT_MS_A_MEMBER
    return Math.min(streamsHeartbeatIntervalMs, soonMs)
  }

  #moment() {
    const settings = this.#settings
    const reassigns = this.#standbyReplicas !== undefined && this.#standbyReplicas !== settings.streamsStandbyReplicas
    return { wallTime: this.#options.clock.now(), settings, reassigns }
  }
}

function nothingFor({ endpointEpoch }: StreamsHeartbeat): Omit<StreamsHeartbeatAnswer, 'memberId' | 'epoch'> {
  return {
    heartbeatIntervalMs: 0,
    tasks: undefined,
    status: [],
    endpointEpoch,
    endpoints: undefined,
    descriptionRequired: false,
  }
}
