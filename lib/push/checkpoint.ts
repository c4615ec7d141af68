/**
 * How far a subscription got in a partition: `push#<subscription id>` / `<topic id>#<partition>`. The transitions are pure; the
 * document changes by compare-and-swap, so of two processes that both deliver (a lease protects nothing) one learns that it
 * is not alone, and nobody moves a checkpoint back.
 *
 * States: trying whole deliveries (limit undefined) → the same records failed `attemptsMax` times: half as many → … → a single
 * one that fails as often is given up, and passed over. Every success doubles the limit until it is none.
 */
import { ByteReader, ByteWriter, checkFormat, hexOf } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'
import type { Policy } from './contract.ts'

export interface Checkpoint {
  /** Everything below was delivered, passed over or given up. */
  readonly offset: number
  /** Failures of what begins at `offset`. */
  readonly failures: number
  /** At most so many records in a delivery, while a bad one is looked for. */
  readonly limit: number | undefined
  /** When the last failure was, by the wall clock of who saw it; ms since 1970. */
  readonly failedAt: number
  /** What the receiver said, shortened. */
  readonly reason: string
}

const FORMAT_VERSION = 1
const PARTITION_DIGITS = 8
const REASON_LENGTH_MAX = 500
const BACKOFF_BASE_MS = 500
const BACKOFF_CAP_MS = 300_000

export function checkpointsPk(subscriptionId: string): string {
  return `push#${subscriptionId}`
}

export function checkpointKey(subscriptionId: string, topicId: string, partition: number): ItemKey {
  return { pk: checkpointsPk(subscriptionId), sk: `${topicId}#${hexOf(partition, PARTITION_DIGITS)}` }
}

export function startAt(offset: number): Checkpoint {
  return { offset, failures: 0, limit: undefined, failedAt: 0, reason: '' }
}

/** `next`: the offset after what was delivered. */
export function afterSuccess(checkpoint: Checkpoint, next: number, { recordsMax }: Policy): Checkpoint {
  const doubled = checkpoint.limit === undefined ? undefined : checkpoint.limit * 2
  return { ...startAt(next), limit: doubled !== undefined && doubled < recordsMax ? doubled : undefined }
}

/** Some records below `next` were taken before the failure. */
export function afterPart(checkpoint: Checkpoint, next: number): Checkpoint {
  return { ...startAt(next), limit: checkpoint.limit }
}

export interface Failure {
  /** Records of the delivery. */
  readonly records: number
  readonly reason: string
  /** Wall clock, ms since 1970. */
  readonly now: number
}

/** `givesUp`: the delivery was one record, and it is to be passed over. */
export function afterFailure(
  checkpoint: Checkpoint,
  { records, reason, now }: Failure,
  { attemptsMax }: Policy,
): { readonly checkpoint: Checkpoint; readonly givesUp: boolean } {
  const failures = checkpoint.failures + 1
  const failed = { ...checkpoint, failures, failedAt: Math.max(0, Math.floor(now)), reason: shorten(reason) }
  if (attemptsMax === undefined || failures < attemptsMax) return { checkpoint: failed, givesUp: false }
  if (records === 1) return { checkpoint: failed, givesUp: true }
  return { checkpoint: { ...failed, failures: 0, limit: Math.floor(records / 2) }, givesUp: false }
}

/** How long to wait after so many failures, in ms. */
export function backoffMs({ failures }: Checkpoint): number {
  return failures === 0 ? 0 : Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(failures - 1, 20))
}

export function encodeCheckpoint({ offset, failures, limit, failedAt, reason }: Checkpoint): Uint8Array {
  const writer = new ByteWriter(32).uint8(FORMAT_VERSION).uint(offset).uint(failures)
  return writer
    .uint(limit ?? 0)
    .uint(failedAt)
    .string(reason)
    .finish()
}

/** @throws CorruptDataError */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('checkpoint', version, FORMAT_VERSION)
  const [offset, failures, limit, failedAt] = [reader.uint(), reader.uint(), reader.uint(), reader.uint()]
  return { offset, failures, limit: limit === 0 ? undefined : limit, failedAt, reason: reader.string() }
}

function shorten(reason: string): string {
  return reason.length > REASON_LENGTH_MAX ? `${reason.slice(0, REASON_LENGTH_MAX)}…` : reason
}
