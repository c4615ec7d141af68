/** Reading a partition for a share group: what is there, and giving it to a member. */
import type { GroupConfigValues } from '../configs/index.ts'
import { type Isolation, type Log, LogError, type ReadResult, type Topic } from '../log/index.ts'
import type { Acquired, AcquireRequest, TopicPartition } from './contract.ts'
import { findDeliverable } from './deliverable.ts'
import { ShareError } from './errors.ts'
import type { ServedPartition } from './served-partition.ts'
import { LOOK_AGAIN_MS, READS_MAX } from './settings.ts'
import { acquire, endOf, firstAvailable, inFlight, type Lock, type SharePartition, trim } from './share-partition.ts'

export type ShareConfigs = GroupConfigValues['share']

export interface PartitionReader {
  readonly served: ServedPartition
  readonly log: Log
  readonly configs: ShareConfigs
  readonly topic: Topic
  readonly partition: number
}

const NOTHING: Acquired = { spans: [], batches: [] }

/** About how many bytes there are to acquire, counted to `bytesMin`; where none, from which offset on to wait for some. */
export async function lookForRecords(
  reader: PartitionReader,
  bytesMin: number,
): Promise<{ bytes: number; waitFrom?: number }> {
  const state = await reader.served.look(LOOK_AGAIN_MS)
  if (firstAvailable(state) === undefined && inFlight(state) >= inFlightMaxOf(reader)) return { bytes: 0 }
  const from = placeToRead(state)
  const read = await readFrom(reader, from, bytesMin > 1 ? bytesMin : 0, bytesMin > 1)
  if (read === 'out of range') {
    const isGone = from < (await logStartOf(reader))
    return isGone ? { bytes: 1 } : { bytes: 0, waitFrom: from }
  }
  const end = isolationOf(reader) === 'read_committed' ? read.lastStableOffset : read.endOffset
  if (from >= end) return { bytes: 0, waitFrom: read.endOffset }
  const bytes = read.batches.reduce((sum, batch) => sum + batch.length, 0)
  return { bytes: Math.max(1, bytes), waitFrom: read.endOffset }
}

/** @throws ShareError, StoreError, LogError */
export async function acquireRecords(reader: PartitionReader, request: AcquireRequest, lock: Lock): Promise<Acquired> {
  const { recordsMax, bytesMax, strict, signal } = request
  for (let attempt = 0; attempt < READS_MAX && !signal.aborted; attempt++) {
    const state = await reader.served.look(LOOK_AGAIN_MS)
    if (firstAvailable(state) === undefined && inFlight(state) >= inFlightMaxOf(reader)) return NOTHING
    const read = await readFrom(reader, placeToRead(state), bytesMax, true)
    if (read === 'out of range') {
      const logStart = await logStartOf(reader)
      if (logStart <= state.start) return NOTHING
      await reader.served.change(now => ({ partition: trim(now, logStart), answer: undefined }))
      continue
    }
    if (read.batches.length === 0) return NOTHING
    const { spans, batches } = findDeliverable(read)
    const looked = { first: placeToRead(state), last: batches.at(-1)!.last }
    const acquired = await reader.served.change(partition => {
      if (signal.aborted) throw new ShareError('SHARE_SESSION_NOT_FOUND', 'the share session has ended')
      const outcome = acquire(trim(partition, read.startOffset), {
        deliverable: spans,
        looked,
        recordsMax,
        whole: strict ? [] : batches,
        inFlightMax: inFlightMaxOf(reader),
        lock,
      })
      return { partition: outcome.partition, answer: outcome.acquired }
    })
    if (acquired.length > 0) {
      const within = batches.filter(({ first, last }) => acquired.some(one => one.first <= last && one.last >= first))
      return { spans: acquired, batches: within.map(({ bytes }) => bytes) }
    }
  }
  return NOTHING
}

/** Where a group begins in a partition, by `share.auto.offset.reset`. @throws LogError UNKNOWN_TOPIC */
export async function startOf(
  log: Log,
  { topic, partition }: TopicPartition,
  configs: ShareConfigs,
  now: number,
): Promise<number> {
  const { autoOffsetReset: reset } = configs
  const latest = { at: 'latest', isolation: 'read_uncommitted' } as const
  if (reset.at !== 'duration') {
    const spec = reset.at === 'latest' ? latest : ({ at: 'earliest' } as const)
    return (await log.findOffset(topic, partition, spec)).offset
  }
  const found = await log.findOffset(topic, partition, { at: 'timestamp', timestamp: now - reset.ms })
  return found.offset >= 0 ? found.offset : (await log.findOffset(topic, partition, latest)).offset
}

function placeToRead(state: SharePartition): number {
  return firstAvailable(state) ?? endOf(state)
}

function inFlightMaxOf({ configs }: PartitionReader): number {
  return configs.partitionRecordLocksMax
}

function isolationOf({ configs }: PartitionReader): Isolation {
  return configs.isolationLevel
}

async function readFrom(
  reader: PartitionReader,
  offset: number,
  maxBytes: number,
  atLeastOneBatch: boolean,
): Promise<ReadResult | 'out of range'> {
  const { log, topic, partition } = reader
  try {
    return await log.read({ topic, partition, offset, maxBytes, atLeastOneBatch, isolation: isolationOf(reader) })
  } catch (error) {
    if (error instanceof LogError && error.code === 'OFFSET_OUT_OF_RANGE') return 'out of range'
    throw error
  }
}

async function logStartOf({ log, topic, partition }: PartitionReader): Promise<number> {
  return (await log.findOffset(topic, partition, { at: 'earliest' })).offset
}
