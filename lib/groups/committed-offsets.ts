/**
 * Committed offsets: what may be changed is decided by the group's document, read after the block that is changed
 * (offset-lane.ts has the order and the reason). Reads are strong.
 */
import { type Clock, inParallel } from '../base/index.ts'
import type {
  CommitRequest,
  CommitResult,
  CommittedOffset,
  DeleteOffsetsRequest,
  EndTransactionRequest,
  FetchOffsetsRequest,
  NewOffset,
  OffsetsBlockPlace,
  StageRequest,
  TopicPartition,
} from './contract.ts'
import { GroupError, type GroupErrorCode } from './errors.ts'
import type { GroupDocument } from './group-document.ts'
import { type GroupItems, type Read, removeTopicsOffsets } from './group-items.ts'
import type { GroupView } from './group-view.ts'
import { type OffsetChange, OffsetLane } from './offset-lane.ts'
import {
  isSubscribed,
  refusalOfCommit,
  refusalOfFetch,
  refusalOfOffsetDelete,
  refusalOfStagingMember,
} from './offset-rules.ts'
import { blockOf, type OffsetsBlock, offsetsBlockKey } from './offsets-block.ts'

import { RecentlyUsed } from './recently-used.ts'
import { type GroupSettings, OFFSET_LANES_MAX, PARALLEL_READS_MAX } from './settings.ts'
import {
  type BlockDraft,
  commitOffset,
  endTransaction,
  refusalOfStaging,
  remembers,
  stageOffset,
} from './staged-offsets.ts'

export interface CommittedOffsetsOptions {
  readonly items: GroupItems
  readonly clock: Clock
  readonly settings: GroupSettings
  /** The group as it is stored, or as this process sees it if it coordinates that very version. */
  readonly view: (groupId: string, stored: Read<GroupDocument>) => GroupView | undefined
  readonly newDocument: () => GroupDocument
}

const NOTHING_COMMITTED = { offset: -1, leaderEpoch: -1, metadata: '', committedAt: 0, error: undefined }

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
      group: 'made',
      refusal: stored => refusalOfCommit(view(request.groupId, stored), request),
      apply: (draft, { partition, offset, leaderEpoch, metadata }) =>
        commitOffset(draft, partition, { offset, leaderEpoch, metadata, committedAt: clock.now() }),
    })
    return request.offsets.map(offset => ({
      topicId: offset.topicId,
      partition: offset.partition,
      error: tooLarge(offset) ? 'OFFSET_METADATA_TOO_LARGE' : outcomes.get(offset),
    }))
  }

  /** In the order of the request: all or none. */
  async stage(request: StageRequest): Promise<CommitResult[]> {
    const { clock, settings, view } = this.#options
    const { groupId, offsets, producerId, transaction, stillOpen } = request
    const tooLarge = offsets.some(({ metadata }) => metadata.length > settings.offsetMetadataMax)
    const refuse = (error: GroupErrorCode | undefined) =>
      offsets.map(({ topicId, partition }) => ({ topicId, partition, error }))
    if (tooLarge) return refuse('OFFSET_METADATA_TOO_LARGE')
    const outcomes = await this.#change(groupId, offsets, {
      group: 'unchanged',
      refusal: (stored, draft) =>
        refusalOfStagingMember(view(groupId, stored), request) ?? refusalOfStaging(draft, request),
      condition: draft => (remembers(draft, request) ? undefined : stillOpen?.()),
      apply: (draft, { partition, offset, leaderEpoch, metadata }) => {
        const stored = { offset, leaderEpoch, metadata, committedAt: clock.now() }
        stageOffset(draft, { producerId, transaction, partition, stored })
      },
    })
    return refuse([...outcomes.values()].find(error => error !== undefined))
  }

  /** Commits or drops what the transaction staged; nothing happens where it has ended already. @throws GroupError */
  async endTransaction({ groupId, blocks, ...end }: EndTransactionRequest): Promise<void> {
    await inParallel(blocks, PARALLEL_READS_MAX, async ({ topicId, block }) => {
      const error = await this.#laneOf(groupId, topicId, block).submit({
        group: 'any',
        refusal: () => undefined,
        apply: draft => endTransaction(draft, end),
      })
      if (error) throw new GroupError(error, `the staged offsets of group '${groupId}' are not settled`)
    })
  }

  /** Partitions without a committed offset have offset -1 where they are asked for, and are left out else. */
  async fetch(request: FetchOffsetsRequest): Promise<CommittedOffset[]> {
    const { groupId, partitions, requireStable, memberId, memberEpoch = -1 } = request
    const read = await this.#options.items.readLivingGroup(groupId)
    const group = read.value
    const refusal = refusalOfFetch(this.#options.view(groupId, read), memberId, memberEpoch)
    if (refusal) throw new GroupError(refusal, `member '${memberId}' in epoch ${memberEpoch}`)
    if (!partitions) {
      const blocks = group ? await this.#options.items.listOffsets(groupId) : []
      return blocks
        .filter(({ block }) => block.incarnation === group?.incarnation)
        .flatMap(placed => offsetsOf(placed, requireStable))
    }
    const blocks = group ? await this.#find(groupId, group.incarnation, partitions) : []
    const found = blocks.flatMap(placed => offsetsOf(placed, requireStable))
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
        group: 'made',
        refusal: stored => {
          const group = view(groupId, stored)
          return refusalOfOffsetDelete(group) ?? (isSubscribed(group!, name) ? 'GROUP_SUBSCRIBED_TO_TOPIC' : undefined)
        },
        apply: ({ offsets }, { partition }) => {
          offsets.delete(partition)
        },
      })
      return places.map(place => ({ ...place, error: outcomes.get(place) }))
    })
    return (await Promise.all(results)).flat()
  }

  /** A topic is deleted: its offsets go from every group. */
  async removeTopic(topicId: string): Promise<void> {
    await removeTopicsOffsets(this.#options.items, new Set([topicId]))
  }

  /** Of each topic its one block that is asked for, or else all it has. */
  async #find(groupId: string, incarnation: number, places: readonly TopicPartition[]): Promise<PlacedBlock[]> {
    const { items } = this.#options
    const topics = [...Map.groupBy(places, ({ topicId }) => topicId)]
    const found = await inParallel(topics, PARALLEL_READS_MAX, async ([topicId, inTopic]) => {
      const [block, another] = new Set(inTopic.map(({ partition }) => blockOf(partition)))
      if (another !== undefined) return items.listOffsets(groupId, topicId)
      const { value } = await items.readOffsets(offsetsBlockKey(groupId, topicId, block!))
      return value ? [{ topicId, block: value }] : []
    })
    return found.flat().filter(({ block }) => block.incarnation === incarnation)
  }

  /** One change for each block that `places` lie in. */
  async #change<T extends TopicPartition>(
    groupId: string,
    places: readonly T[],
    rule: Omit<OffsetChange, 'apply'> & { apply(draft: BlockDraft, place: T): void },
  ): Promise<Map<T, GroupErrorCode | undefined>> {
    const outcomes = new Map<T, GroupErrorCode | undefined>()
    const blocks = Map.groupBy(places, ({ topicId, partition }) => `${topicId}#${blockOf(partition)}`)
    await inParallel([...blocks.values()], PARALLEL_READS_MAX, async together => {
      const { topicId, partition } = together[0]!
      const error = await this.#laneOf(groupId, topicId, blockOf(partition)).submit({
        group: rule.group,
        refusal: rule.refusal,
        ...(rule.condition && { condition: rule.condition }),
        apply: draft => {
          for (const place of together) rule.apply(draft, place)
          return true
        },
      })
      for (const place of together) outcomes.set(place, error)
    })
    return outcomes
  }

  #laneOf(groupId: string, topicId: string, block: number): OffsetLane {
    const key = offsetsBlockKey(groupId, topicId, block)
    const name = `${key.sk}@${groupId}`
    const known = this.#lanes.get(name)
    if (known) return known
    const { items, newDocument } = this.#options
    const lane = new OffsetLane({ groupId, key, items, newDocument })
    this.#lanes.set(name, lane)
    return lane
  }
}

/** The blocks that offsets of these partitions lie in, each once. */
export function offsetsBlocksOf(partitions: readonly TopicPartition[]): OffsetsBlockPlace[] {
  const places = partitions.map(({ topicId, partition }) => ({ topicId, block: blockOf(partition) }))
  return [...new Map(places.map(place => [`${place.topicId}#${place.block}`, place])).values()]
}

interface PlacedBlock {
  readonly topicId: string
  readonly block: OffsetsBlock
}

function offsetsOf({ topicId, block }: PlacedBlock, requireStable: boolean): CommittedOffset[] {
  const committed = [...block.offsets].map(([partition, stored]) => ({
    topicId,
    partition,
    ...stored,
    error: undefined,
  }))
  if (!requireStable || block.staged.length === 0) return committed
  const unstable = new Set(block.staged.map(({ partition }) => partition))
  return [
    ...committed.filter(({ partition }) => !unstable.has(partition)),
    ...[...unstable].map(partition => {
      return { topicId, partition, ...NOTHING_COMMITTED, error: 'UNSTABLE_OFFSET_COMMIT' as const }
    }),
  ]
}

function placeOf({ topicId, partition }: TopicPartition): string {
  return `${topicId}/${partition}`
}
