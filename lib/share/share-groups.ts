/**
 * Share groups, as one process serves them: membership of those it is asked to coordinate, sessions, share partitions, and
 * administration of all. Whether this process should be asked is not decided here; if two are, both stay right
 * (coordinated-share-group.ts and served-partition.ts say how).
 */
import { type Clock, drawToken, inParallel, type Logger, type Random } from '../base/index.ts'
import type { GroupConfigs } from '../configs/index.ts'
import { checkGroupId } from '../groups/index.ts'
import type { Log } from '../log/index.ts'
import type { ItemStore } from '../storage/index.ts'
import type {
  Consumer,
  ShareGroupDescription,
  ShareGroupListing,
  ShareHeartbeat,
  ShareHeartbeatAnswer,
  SharePosition,
  TopicPartition,
} from './contract.ts'
import { CoordinatedShareGroup } from './coordinated-share-group.ts'
import { orShareError, ShareError } from './errors.ts'
import {
  CONFLICT_ATTEMPTS_MAX,
  defaultShareSettings,
  LOADED_GROUPS_MAX,
  MEMBER_ID_LENGTH_MAX,
  PARALLEL_READS_MAX,
  type ShareSettings,
} from './settings.ts'
import { newShareGroup, type ShareGroup, type SubscribedTopic } from './share-group-document.ts'
import { ShareItems } from './share-items.ts'
import { doneCount, newSharePartition } from './share-partition.ts'
import { ShareRecords } from './share-records.ts'

export interface ShareGroupsOptions {
  readonly items: ItemStore
  readonly log: Log
  readonly configs: GroupConfigs
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly settings?: Partial<ShareSettings>
}

export class ShareGroups {
  readonly records: ShareRecords
  readonly #log: Log
  readonly #configs: GroupConfigs
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #settings: ShareSettings
  readonly #items: ShareItems
  /** Names this process, while it lives, in the documents of groups and in locks. */
  readonly #token: number
  readonly #coordinated = new Map<string, CoordinatedShareGroup>()
  #closed = false

  constructor({ items, log, configs, clock, random, logger, settings }: ShareGroupsOptions) {
    this.#log = log
    this.#configs = configs
    this.#clock = clock
    this.#logger = logger
    this.#settings = { ...defaultShareSettings, ...settings }
    this.#items = new ShareItems({ items, clock, random })
    this.#token = drawToken(random)
    this.records = new ShareRecords({
      ...{ items: this.#items, log, configs, clock, logger },
      token: this.#token,
      sessionsMax: this.#settings.sessionsMax,
    })
  }

  // ---------------------------------------------------------------- membership

  /** @throws ShareError */
  async heartbeat(request: ShareHeartbeat): Promise<ShareHeartbeatAnswer> {
    checkConsumer(request)
    if (request.epoch < -1) throw new ShareError('INVALID_REQUEST', 'MemberEpoch is invalid.')
    if (request.epoch === 0 && !request.topicNames?.length) {
      throw new ShareError('INVALID_REQUEST', 'SubscribedTopicNames must be set in first request.')
    }
    return this.#coordinate(request.groupId).heartbeat(request)
  }

  // ---------------------------------------------------------------- administration

  /** @throws ShareError GROUP_ID_NOT_FOUND, COORDINATOR_NOT_AVAILABLE */
  async describe(groupId: string): Promise<ShareGroupDescription> {
    const { document, sessions } = await this.#find(groupId)
    const names = new Map(document.topics.map(({ id, name }) => [id, name]))
    return {
      groupId,
      state: stateOf(document),
      epoch: document.epoch,
      members: document.members.map(({ id, rackId, clientId, clientHost, subscription, assignment }) => ({
        memberId: id,
        rackId,
        epoch: sessions?.get(id)?.epoch ?? document.epoch,
        clientId,
        clientHost,
        topicNames: subscription,
        assignment: assignment.map(({ topicId, partitions }) => ({
          topicId,
          topicName: names.get(topicId) ?? '',
          partitions,
        })),
      })),
    }
  }

  /** All share groups, sorted by id. @throws ShareError COORDINATOR_NOT_AVAILABLE */
  async list(): Promise<ShareGroupListing[]> {
    return orShareError(async () => {
      const groupIds = await this.#items.listGroupIds()
      const listed = await inParallel(groupIds, PARALLEL_READS_MAX, async groupId => {
        const { value } = await this.#items.readStoredGroup(groupId)
        return value && !value.isDead ? [{ groupId, state: stateOf(value) }] : []
      })
      return listed.flat()
    })
  }

  /** Removes an empty group and all it has. @throws ShareError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, COORDINATOR_NOT_AVAILABLE */
  async delete(groupId: string): Promise<void> {
    await orShareError(async () => {
      for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
        const { value, version } = await this.#items.readStoredGroup(groupId)
        if (!value || version === 'absent') throw notFound(groupId)
        if (value.members.length > 0) throw notEmpty(groupId)
        const written = value.isDead
          ? { version }
          : await this.#items.writeGroup(groupId, version, { ...value, isDead: true })
        if (written !== 'conflict') return this.#items.finishRemoval(groupId, written.version)
        await this.#items.pause(attempt)
      }
      throw new ShareError('COORDINATOR_NOT_AVAILABLE', `group '${groupId}' keeps changing`)
    })
    await this.#coordinated.get(groupId)?.close()
  }

  /** Where the group stands in every partition that it has begun to read. @throws ShareError GROUP_ID_NOT_FOUND */
  async positions(groupId: string): Promise<SharePosition[]> {
    await this.#find(groupId)
    const listed = await orShareError(() => this.#items.listPartitions(groupId))
    return listed.map(({ topicId, partition, value }) => ({
      topicId,
      partition,
      start: value.start,
      done: doneCount(value),
    }))
  }

  /** The group is there, and has no member: one that nobody ever joined is made. @throws ShareError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  async ensureEmpty(groupId: string): Promise<void> {
    await orShareError(async () => {
      for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
        const { value } = await this.#items.readGroup(groupId)
        if (value && value.members.length > 0) throw notEmpty(groupId)
        if (value || (await this.#items.writeGroup(groupId, 'absent', newShareGroup(this.#clock.now()))) !== 'conflict')
          return
        await this.#items.pause(attempt)
      }
      throw new ShareError('COORDINATOR_NOT_AVAILABLE', `group '${groupId}' keeps changing`)
    })
  }

  /** Begins again at `offset`, with nothing delivered yet. @throws ShareError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  async setStart(groupId: string, { topic, partition }: TopicPartition, offset: number): Promise<void> {
    await orShareError(async () => {
      for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
        const group = await this.#items.readGroup(groupId)
        if (!group.value) throw notFound(groupId)
        if (group.value.members.length > 0) throw notEmpty(groupId)
        const place = { topicId: topic.id, partition }
        const { value, version } = await this.#items.readPartition(groupId, place)
        const next = newSharePartition(offset, value?.lastLock ?? this.#items.drawFirstLock())
        const write = { expected: version, value: next, group: group.version }
        if ((await this.#items.writePartition(groupId, place, write)) !== 'conflict') return
        await this.#items.pause(attempt)
      }
      throw new ShareError('COORDINATOR_NOT_AVAILABLE', `group '${groupId}' keeps changing`)
    })
  }

  /** Forgets where the group stands in a topic. @throws ShareError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  async forgetTopic(groupId: string, topicId: string): Promise<void> {
    const { document } = await this.#find(groupId)
    if (document.members.length > 0) throw notEmpty(groupId)
    await orShareError(() => this.#items.removePartitions(groupId, topicId))
  }

  /** A topic is deleted: every group forgets it. @throws ShareError COORDINATOR_NOT_AVAILABLE */
  async removeTopic(topicId: string): Promise<void> {
    await orShareError(async () => {
      await inParallel(await this.#items.listGroupIds(), PARALLEL_READS_MAX, groupId =>
        this.#items.removePartitions(groupId, topicId),
      )
    })
  }

  /** Gives back what the sessions that end now held. */
  async close(): Promise<void> {
    this.#closed = true
    await this.records.close()
    await Promise.all([...this.#coordinated.values()].map(group => group.close()))
  }

  // ---------------------------------------------------------------- parts

  async #find(
    groupId: string,
  ): Promise<{ document: ShareGroup; sessions?: ReadonlyMap<string, { epoch?: number | undefined }> }> {
    const { value, version } = await orShareError(() => this.#items.readGroup(groupId))
    if (!value) throw notFound(groupId)
    const seen = this.#coordinated.get(groupId)?.at(version)
    return seen ?? { document: value }
  }

  #coordinate(groupId: string): CoordinatedShareGroup {
    const known = this.#coordinated.get(groupId)
    if (known && !known.letGo) return known
    if (this.#closed) throw new ShareError('NOT_COORDINATOR', 'this process is shutting down')
    if (this.#coordinated.size >= LOADED_GROUPS_MAX) {
      throw new ShareError('COORDINATOR_NOT_AVAILABLE', `${this.#coordinated.size} groups are coordinated here`)
    }
    const group = new CoordinatedShareGroup({
      groupId,
      items: this.#items,
      clock: this.#clock,
      coordinator: this.#token,
      timing: async () => {
        const { sessionTimeoutMs, heartbeatIntervalMs } = (await this.#configs.ofGroup(groupId)).share
        return {
          sessionTimeoutMs,
          heartbeatIntervalMs,
          membersMax: this.#settings.membersMax,
        }
      },
      findTopics: names => this.#findTopics(names),
    })
    this.#coordinated.set(groupId, group)
    void this.#watch(groupId, group)
    return group
  }

  async #watch(groupId: string, group: CoordinatedShareGroup): Promise<void> {
    try {
      await group.watch()
    } catch (error) {
      this.#logger.error('share group let go', { groupId, error: String(error) })
    } finally {
      if (this.#coordinated.get(groupId) === group) this.#coordinated.delete(groupId)
    }
  }

  async #findTopics(names: readonly string[]): Promise<SubscribedTopic[]> {
    const found = await inParallel(names, PARALLEL_READS_MAX, name => this.#log.topics.find({ name }))
    return found.flatMap(topic => (topic ? [{ id: topic.id, name: topic.name, partitions: topic.partitions }] : []))
  }
}

/** @throws ShareError INVALID_REQUEST; GroupError INVALID_GROUP_ID */
export function checkConsumer({ groupId, memberId }: Consumer): void {
  checkGroupId(groupId)
  if (memberId === '') throw new ShareError('INVALID_REQUEST', "MemberId can't be empty.")
  if (memberId.length > MEMBER_ID_LENGTH_MAX) {
    throw new ShareError('INVALID_REQUEST', `MemberId is longer than ${MEMBER_ID_LENGTH_MAX} characters.`)
  }
}

function stateOf({ members }: ShareGroup): 'Empty' | 'Stable' {
  return members.length > 0 ? 'Stable' : 'Empty'
}

function notFound(groupId: string): ShareError {
  return new ShareError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
}

function notEmpty(groupId: string): ShareError {
  return new ShareError('NON_EMPTY_GROUP', `Group ${groupId} is not empty.`)
}
