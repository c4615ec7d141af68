/**
 * Committed offsets: what may be changed is decided by the group's document, read after the block that is changed
 * (offset-lane.ts has the order and the reason). Reads are strong.
 */
import type { Clock } from '../base/index.ts'
import type {
  CommitRequest,
  CommitResult,
  CommittedOffset,
  DeleteOffsetsRequest,
  FetchOffsetsRequest,
  NewOffset,
  TopicPartition,
} from './contract.ts'
import { GroupError, type GroupErrorCode } from './errors.ts'
import type { GroupDocument } from './group-document.ts'
import type { GroupItems, Read } from './group-items.ts'
import type { GroupView } from './group-view.ts'
import { OffsetLane } from './offset-lane.ts'
import { isSubscribed, refusalOfCommit, refusalOfOffsetDelete } from './offset-rules.ts'
import { blockOf, type OffsetsBlock, offsetsBlockKey, type StoredOffset } from './offsets-block.ts'
import { inParallel } from './parallel.ts'
import { RecentlyUsed } from './recently-used.ts'
import { CONFLICT_ATTEMPTS_MAX, type GroupSettings, OFFSET_LANES_MAX, PARALLEL_READS_MAX } from './settings.ts'

export interface CommittedOffsetsOptions {
  readonly items: GroupItems
  readonly clock: Clock
  readonly settings: GroupSettings
  /** The group as it is stored, or as this process sees it if it coordinates that very version. */
  readonly view: (groupId: string, stored: Read<GroupDocument>) => GroupView | undefined
  readonly newDocument: () => GroupDocument
}

const NOTHING_COMMITTED = { offset: -1, leaderEpoch: -1, metadata: '', committedAt: 0 }

export class CommittedOffsets {
  readonly #options: CommittedOffsetsOptions
  readonly #lanes = new RecentlyUsed<string, OffsetLane>(OFFSET_LANES_MAX)

  constructor(options: CommittedOffsetsOptions) {
    this.#options = options
  }

  /** In the order of the request. Each block of 16 partitions succeeds or fails alone. */
  async commit(request: CommitRequest): Promise<CommitResult[]> {
    const { clock, settings, view } = this.#options
    const tooLarge = ({ metadata }: NewOffset) => metadata.length > settings.offsetMetadataMax
    const accepted = request.offsets.filter(offset => !tooLarge(offset))
    const outcomes = await this.#change(request.groupId, accepted, {
      refusal: stored => refusalOfCommit(view(request.groupId, stored), request),
      apply: (offsets, { partition, offset, leaderEpoch, metadata }) =>
        offsets.set(partition, { offset, leaderEpoch, metadata, committedAt: clock.now() }),
    })
    return request.offsets.map(offset => ({
      topicId: offset.topicId,
      partition: offset.partition,
      error: tooLarge(offset) ? 'OFFSET_METADATA_TOO_LARGE' : outcomes.get(offset),
    }))
  }

  /** Partitions without a committed offset have offset -1 where they are asked for, and are left out else. */
  async fetch({ groupId, partitions }: FetchOffsetsRequest): Promise<CommittedOffset[]> {
    const { value: group } = await this.#options.items.readLivingGroup(groupId)
    if (!partitions) {
      const blocks = group ? await this.#options.items.listOffsets(groupId) : []
      return blocks.filter(({ block }) => block.incarnation === group?.incarnation).flatMap(offsetsOf)
    }
    const found = group ? await this.#find(groupId, group.incarnation, partitions) : []
    const byPlace = new Map(found.map(offset => [placeOf(offset), offset]))
    return partitions.map(place => byPlace.get(placeOf(place)) ?? { ...place, ...NOTHING_COMMITTED })
  }

  /** @throws GroupError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  async delete({ groupId, topics }: DeleteOffsetsRequest): Promise<CommitResult[]> {
    const { items, view } = this.#options
    const refusal = refusalOfOffsetDelete(view(groupId, await items.readLivingGroup(groupId)))
    if (refusal) throw new GroupError(refusal, `offsets of group '${groupId}' cannot be deleted`)
    const results = topics.map(async ({ id, name, partitions }) => {
      const places = partitions.map(partition => ({ topicId: id, partition }))
      const outcomes = await this.#change(groupId, places, {
        refusal: stored => {
          const group = view(groupId, stored)
          return refusalOfOffsetDelete(group) ?? (isSubscribed(group!, name) ? 'GROUP_SUBSCRIBED_TO_TOPIC' : undefined)
        },
        apply: (offsets, { partition }) => offsets.delete(partition),
      })
      return places.map(place => ({ ...place, error: outcomes.get(place) }))
    })
    return (await Promise.all(results)).flat()
  }

  /** A topic is deleted: its offsets go from every group. */
  async removeTopic(topicId: string): Promise<void> {
    const { items } = this.#options
    await inParallel(await items.listGroupIds(), PARALLEL_READS_MAX, async groupId => {
      for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
        const blocks = await items.listOffsets(groupId, topicId)
        if (blocks.length === 0) return
        await items.removeOffsets(blocks)
      }
      throw new GroupError('COORDINATOR_NOT_AVAILABLE', `offsets of the deleted topic ${topicId} keep coming back`)
    })
  }

  /** Of each topic its one block that is asked for, or else all it has. */
  async #find(groupId: string, incarnation: number, places: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    const { items } = this.#options
    const topics = [...Map.groupBy(places, ({ topicId }) => topicId)]
    const found = await inParallel(topics, PARALLEL_READS_MAX, async ([topicId, inTopic]) => {
      const [block, another] = new Set(inTopic.map(({ partition }) => blockOf(partition)))
      if (another !== undefined) return items.listOffsets(groupId, topicId)
      const { value } = await items.readOffsets(offsetsBlockKey(groupId, topicId, block!))
      return value ? [{ topicId, block: value }] : []
    })
    return found
      .flat()
      .filter(({ block }) => block.incarnation === incarnation)
      .flatMap(offsetsOf)
  }

  /** One change for each block that `places` lie in. */
  async #change<T extends TopicPartition>(
    groupId: string,
    places: readonly T[],
    rule: {
      refusal(stored: Read<GroupDocument>): GroupErrorCode | undefined
      apply(offsets: Map<number, StoredOffset>, place: T): void
    },
  ): Promise<Map<T, GroupErrorCode | undefined>> {
    const outcomes = new Map<T, GroupErrorCode | undefined>()
    const blocks = Map.groupBy(places, ({ topicId, partition }) => `${topicId}#${blockOf(partition)}`)
    await inParallel([...blocks.values()], PARALLEL_READS_MAX, async together => {
      const error = await this.#laneOf(groupId, together[0]!).submit({
        refusal: rule.refusal,
        apply: offsets => together.forEach(place => void rule.apply(offsets, place)),
      })
      for (const place of together) outcomes.set(place, error)
    })
    return outcomes
  }

  #laneOf(groupId: string, { topicId, partition }: TopicPartition): OffsetLane {
    const key = offsetsBlockKey(groupId, topicId, blockOf(partition))
    const name = `${key.sk}@${groupId}`
    const known = this.#lanes.get(name)
    if (known) return known
    const { items, newDocument } = this.#options
    const lane = new OffsetLane({ groupId, key, items, newDocument })
    this.#lanes.set(name, lane)
    return lane
  }
}

function offsetsOf({ topicId, block }: { topicId: string; block: OffsetsBlock }): CommittedOffset[] {
  return [...block.offsets].map(([partition, stored]) => ({ topicId, partition, ...stored }))
}

function placeOf({ topicId, partition }: TopicPartition): string {
  return `${topicId}/${partition}`
}
