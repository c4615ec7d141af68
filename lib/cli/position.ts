import type { Admin } from '@platformatic/kafka'
import { wholeNumber } from './cluster.ts'
import { UsageError } from './failure.ts'

/** Where in a partition to begin: what a person may write for it, and the offsets that it means. */
export type Position =
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  | { readonly at: 'offset'; readonly offset: bigint }
  | { readonly at: 'before-end'; readonly records: bigint }
  | { readonly at: 'time'; readonly timestamp: bigint }

export const positionHelp =
  'earliest, latest, an OFFSET, -N (N before the end), a TIME (2026-11-23T10:00:00Z) or an age (90s, 15m, 2h, 7d)'

const ageMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @throws UsageError */
export function parsePosition(text: string, now = Date.now()): Position {
  if (text === 'earliest' || text === 'latest') return { at: text }
  if (/^\d{1,18}$/.test(text)) return { at: 'offset', offset: BigInt(text) }
  if (/^-\d{1,18}$/.test(text)) return { at: 'before-end', records: BigInt(text.slice(1)) }
  const age = /^(\d{1,9})([smhd])$/.exec(text)
  if (age) return { at: 'time', timestamp: BigInt(now - Number(age[1]) * ageMs[age[2]!]!) }
  const time = /^\d{4}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw new UsageError(`${JSON.stringify(text)} is no position: use ${positionHelp}.`)
  return { at: 'time', timestamp: BigInt(time) }
}

export const forkPointHelp =
  'latest, a TIME (2026-11-23T10:00:00Z), an age (90s, 15m, 2h, 7d), or PARTITION:OFFSET pairs with commas between them'

/** As the server takes it: ages become times, times have their zone. @throws UsageError */
export function forkPoint(text: string, now = Date.now()): string {
  if (text === 'latest' || /^\d+:\d+(,\d+:\d+)*$/.test(text)) return text
  const age = /^\d{1,9}[smhd]$/.test(text)
  const time = /^\d{4}-\d{2}/.test(text)
  if (!age && !time) throw new UsageError(`${JSON.stringify(text)} is no point to fork at: use ${forkPointHelp}.`)
  const position = parsePosition(text, now)
  return position.at === 'time' ? new Date(Number(position.timestamp)).toISOString() : text
}

export interface PartitionRange {
  readonly partition: number
  /** First offset that is kept. */
  readonly start: bigint
  /** Next offset to be given. */
  readonly end: bigint
}

/** `text` is numbers with commas between them; undefined: all. @throws UsageError */
export function choosePartitions(text: string | undefined, count: number): number[] {
  const all = Array.from({ length: count }, (_, partition) => partition)
  if (text === undefined) return all
  const chosen = text.split(',').map(wholeNumber(0))
  for (const partition of chosen) {
    if (partition >= count) throw new UsageError(`The topic has partitions 0 to ${count - 1}, not ${partition}.`)
  }
  return chosen
}

/** Committed records only: `end` is before any open transaction. */
export async function listRanges(
  admin: Admin,
  topic: string,
  partitions: readonly number[],
): Promise<PartitionRange[]> {
  const [starts, ends] = await Promise.all([
    listOffsets(admin, topic, partitions, -2n),
    listOffsets(admin, topic, partitions, -1n),
  ])
  return partitions.map(partition => ({
    partition,
    start: starts.get(partition) ?? 0n,
    end: ends.get(partition) ?? 0n,
  }))
}

/** The offset of `position` in each partition, within what is kept. */
export async function findOffsets(
  admin: Admin,
  topic: string,
  ranges: readonly PartitionRange[],
  position: Position,
): Promise<Map<number, bigint>> {
  const found =
    position.at === 'time'
      ? await listOffsets(
          admin,
          topic,
          ranges.map(range => range.partition),
          position.timestamp,
        )
      : undefined
  return new Map(
    ranges.map(range => {
      const offset = found ? (found.get(range.partition) ?? -1n) : offsetOf(position, range)
      const wanted = found && offset < 0n ? range.end : offset
      return [range.partition, clamp(wanted, range)]
    }),
  )
}

function offsetOf(position: Position, range: PartitionRange): bigint {
  switch (position.at) {
    case 'earliest':
      return range.start
    case 'offset':
      return position.offset
    case 'before-end':
      return range.end - position.records
    default:
      return range.end
  }
}

function clamp(offset: bigint, range: PartitionRange): bigint {
  if (offset < range.start) return range.start
  return offset > range.end ? range.end : offset
}

async function listOffsets(
  admin: Admin,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<Map<number, bigint>> {
  const readCommitted = 1
  const answers = await admin.listOffsets({
    topics: [{ name: topic, partitions: partitions.map(partitionIndex => ({ partitionIndex, timestamp })) }],
    isolationLevel: readCommitted,
  })
  return new Map(answers.flatMap(answer => answer.partitions.map(found => [found.partitionIndex, found.offset])))
}
