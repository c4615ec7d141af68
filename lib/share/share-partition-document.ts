/**
 * The stored document of a share partition: `group#<id>` / `s#<topicId>#<partition>`. It changes by compare-and-swap, with
 * every acquisition as with every acknowledgement, and is removed only with its group, its topic, or by an administrator.
 * It says which locks there are, but not until when: clocks differ, so every process that sees a lock counts its time itself.
 */
import { ByteReader, ByteWriter, CorruptDataError, checkFormat, hexOf } from '../base/index.ts'
import { groupPartitionKey } from '../groups/index.ts'
import type { ItemKey } from '../storage/index.ts'
import type { Lock, Run, SharePartition } from './share-partition.ts'

const FORMAT_VERSION = 1
const TOPIC_ID_DIGITS = 32
const PARTITION_DIGITS = 6

export const SHARE_SORT_KEY_FIRST = 's#'
export const SHARE_SORT_KEY_LAST = 's$'

/** Where a share partition is. */
export interface Place {
  /** 32 lower-case hex digits. */
  readonly topicId: string
  readonly partition: number
}

export function sharePartitionKey(groupId: string, { topicId, partition }: Place): ItemKey {
  return { pk: groupPartitionKey(groupId), sk: `s#${topicId}#${hexOf(partition, PARTITION_DIGITS)}` }
}

export function placeOfSortKey(sk: string): Place {
  const at = SHARE_SORT_KEY_FIRST.length
  const topicId = sk.slice(at, at + TOPIC_ID_DIGITS)
  return { topicId, partition: Number.parseInt(sk.slice(at + TOPIC_ID_DIGITS + 1), 16) }
}

export function encodeSharePartition({ start, runs, locks, lastLock }: SharePartition): Uint8Array {
  const writer = new ByteWriter(64 + 8 * runs.length + 64 * locks.size)
  writer.uint8(FORMAT_VERSION).uint(start).uint(lastLock)
  const holders = [...new Set([...locks.values()].map(({ memberId }) => memberId))]
  writer.uint(holders.length)
  for (const holder of holders) writer.string(holder)
  writer.uint(locks.size)
  for (const [id, { memberId, giver, session, durationMs }] of locks) {
    writer.uint(id).uint(holders.indexOf(memberId)).uint(giver).uint(session).uint(durationMs)
  }
  const places = new Map([...locks.keys()].map((id, place) => [id, place]))
  writer.uint(runs.length)
  for (const run of runs) writeRun(writer, run, places)
  return writer.finish()
}

/** @throws CorruptDataError also for an unknown format */
export function decodeSharePartition(bytes: Uint8Array): SharePartition {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('share partition', version, FORMAT_VERSION)
  const start = reader.uint()
  const lastLock = reader.uint()
  const holders = reader.list(r => r.string())
  const locks = reader.list((r): [number, Lock] => {
    const id = r.uint()
    const memberId = at(holders, r.uint())
    return [id, { memberId, giver: r.uint(), session: r.uint(), durationMs: r.uint() }]
  })
  let next = start
  const runs = reader.list(r => {
    const run = readRun(r, next, locks)
    next = run.last + 1
    return run
  })
  return { start, runs, locks: new Map(locks), lastLock }
}

/** Its length times four and its state; then deliveries; then the place of its lock. */
function writeRun(writer: ByteWriter, run: Run, places: ReadonlyMap<number, number>): void {
  const length = run.last - run.first + 1
  if (run.state === 'done') writer.uint(length * 4)
  else if (run.state === 'available') writer.uint(length * 4 + 1).uint(run.deliveries)
  else
    writer
      .uint(length * 4 + 2)
      .uint(run.deliveries)
      .uint(places.get(run.lock)!)
}

function readRun(reader: ByteReader, first: number, locks: readonly (readonly [number, Lock])[]): Run {
  const head = reader.uint()
  const last = first + Math.floor(head / 4) - 1
  switch (head % 4) {
    case 0:
      return { first, last, state: 'done' }
    case 1:
      return { first, last, state: 'available', deliveries: reader.uint() }
    case 2:
      return { first, last, state: 'acquired', deliveries: reader.uint(), lock: at(locks, reader.uint())[0] }
    default:
      throw new CorruptDataError('a run of unknown state')
  }
}

function at<T>(values: readonly T[], place: number): T {
  const value = values[place]
  if (value === undefined) throw new CorruptDataError(`no value ${place} among ${values.length}`)
  return value
}
