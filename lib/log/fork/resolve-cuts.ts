/** Where each partition of a fork ends: what was asked for, down to where a batch begins, since batches are never parted. */
import { inParallel } from '../../base/index.ts'
import type { Topic } from '../contract.ts'
import { LogError } from '../errors.ts'
import { findOffset } from '../read/find-offset.ts'
import { outOfRange } from '../read/locate.ts'
import { type PartitionView, type ReadParts, stateOf, walkBatches } from '../read/walk.ts'
import type { Shards } from '../shards.ts'
import type { ForkPoint } from './fork-point.ts'

const PARTITIONS_AT_ONCE = 16

export interface ResolveCutsParts {
  readonly reading: ReadParts
  readonly shards: Shards
}

/** By partition. @throws LogError UNKNOWN_TOPIC, INVALID_CONFIG, OFFSET_OUT_OF_RANGE, REQUEST_TIMED_OUT; StoreError, CorruptDataError */
export async function resolveCuts(parts: ResolveCutsParts, source: Topic, point: ForkPoint): Promise<number[]> {
  const partitions = Array.from({ length: source.partitions }, (_, partition) => partition)
  for (const partition of point.at === 'offsets' ? point.offsets.keys() : []) {
    if (partition >= source.partitions)
      throw new LogError(
        'INVALID_CONFIG',
        `${source.name} has partitions 0 to ${source.partitions - 1}, not ${partition}`,
      )
  }
  return inParallel(partitions, PARTITIONS_AT_ONCE, async partition => {
    const { open, slot } = await parts.shards.find(source, partition)
    const view = { shard: open.shard, slot, partition }
    await view.shard.refresh()
    const state = stateOf(view)
    if (!state) throw new LogError('UNKNOWN_TOPIC', `there is no topic '${source.name}' any more`)
    const asked = await askedFor(parts.reading, view, point)
    if (asked === undefined) return state.next
    if (asked < state.start || asked > state.next) throw outOfRange(asked, state)
    return asked === state.next ? asked : batchStart(parts.reading, view, asked)
  })
}

/** undefined: the end. */
async function askedFor(reading: ReadParts, view: PartitionView, point: ForkPoint): Promise<number | undefined> {
  if (point.at === 'offsets') return point.offsets.get(view.partition)
  if (point.at === 'latest') return undefined
  const { offset } = await findOffset(reading, view, point)
  return offset < 0 ? undefined : offset
}

/** `offset`, or where the batch begins that has it. */
async function batchStart(reading: ReadParts, view: PartitionView, offset: number): Promise<number> {
  for await (const { batches = [] } of walkBatches(reading, view, { from: offset, room: () => Infinity })) {
    const holder = batches.find(({ lastOffset }) => lastOffset >= offset)
    if (holder) return Math.min(offset, holder.baseOffset)
  }
  return offset
}
