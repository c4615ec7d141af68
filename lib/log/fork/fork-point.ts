/**
 * Where a fork parts from its source, as a person writes it and the topic's config `varve.fork.at` keeps it: `latest`; a time
 * (2026-11-23T10:00:00Z), for the first record that is not older; or offsets by partition (0:1500,3:20), the others at the latest.
 */
import { LogError } from '../errors.ts'

export type ForkPoint =
  | { readonly at: 'latest' }
  /** Ms since 1970. */
  | { readonly at: 'timestamp'; readonly timestamp: number }
  /** By partition: the first offset that is not in the fork. */
  | { readonly at: 'offsets'; readonly offsets: ReadonlyMap<number, number> }

export const FORK_FROM = 'varve.fork.from'
export const FORK_AT = 'varve.fork.at'

const OFFSETS = /^\d{1,5}:\d{1,15}(,\d{1,5}:\d{1,15})*$/
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** @throws LogError INVALID_CONFIG */
export function parseForkPoint(text: string): ForkPoint {
  if (text === 'latest') return { at: 'latest' }
  if (OFFSETS.test(text)) {
    const pairs = text.split(',').map(pair => pair.split(':').map(Number) as [number, number])
    const offsets = new Map(pairs)
    if (offsets.size === pairs.length) return { at: 'offsets', offsets }
    throw invalid(text, 'a partition is named twice')
  }
  const timestamp = TIME.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(timestamp)) {
    throw invalid(
      text,
      'use latest, a time with its zone (2026-11-23T10:00:00Z), or partition:offset pairs (0:1500,3:20)',
    )
  }
  return { at: 'timestamp', timestamp }
}

export function formatForkPoint(point: ForkPoint): string {
  if (point.at === 'latest') return point.at
  if (point.at === 'timestamp') return new Date(point.timestamp).toISOString()
  return [...point.offsets].map(([partition, offset]) => `${partition}:${offset}`).join()
}

function invalid(text: string, why: string): LogError {
  return new LogError('INVALID_CONFIG', `Invalid value ${text} for configuration ${FORK_AT}: ${why}`)
}
