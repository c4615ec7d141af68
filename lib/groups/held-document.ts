/** A group as its coordinator holds it: the document as last read or written. */
import type { Expected } from '../storage/index.ts'
import type { CoordinationOptions } from './coordination.ts'
import { GroupError, type GroupErrorCode, tooSlowError } from './errors.ts'
import { LOOKS_MAX } from './settings.ts'

export interface HeldDocument<D> {
  readonly group: D
  readonly version: Expected
  /** Monotonic, from before the read or write began: the document was still this one then. */
  readonly asOf: number
}

/**
 * The same, as the store had it less than `staleAfterMs` ago: the document is looked at again where that is longer ago. Undefined:
 * another one is there. @throws GroupError where each look takes the store too long; StoreError, CorruptDataError
 */
export async function lookAgain<D>(
  held: HeldDocument<D>,
  staleAfterMs: number,
  { clock, items, groupId }: Pick<CoordinationOptions, 'clock' | 'items' | 'groupId'>,
): Promise<HeldDocument<D> | undefined> {
  let { asOf } = held
  for (let look = 0; look <= LOOKS_MAX; look++) {
    const now = clock.monotonic()
    if (now - asOf < staleAfterMs) return { ...held, asOf }
    if (look === LOOKS_MAX) break
    const { version } = await items.readGroup(groupId)
    if (version !== held.version) return undefined
    asOf = now
  }
  throw tooSlowError(groupId)
}

/** Refusals that rest on what the document says: by an old one they may be wrong, and cost a member its place. */
const judgements: ReadonlySet<GroupErrorCode> = new Set([
  'FENCED_INSTANCE_ID',
  'FENCED_MEMBER_EPOCH',
  'GROUP_ID_NOT_FOUND',
  'GROUP_MAX_SIZE_REACHED',
  'ILLEGAL_GENERATION',
  'INCONSISTENT_GROUP_PROTOCOL',
  'STALE_MEMBER_EPOCH',
  'UNKNOWN_MEMBER_ID',
  'UNRELEASED_INSTANCE_ID',
])

export function isJudgement(error: unknown): boolean {
  return error instanceof GroupError && judgements.has(error.code)
}

/**
 * The same, as the store had it after `since` (monotonic): a member that another coordinator knows better is refused by nobody else.
 * Undefined: another one is there. @throws StoreError, CorruptDataError
 */
export async function confirm<D>(
  held: HeldDocument<D>,
  since: number,
  { clock, items, groupId }: Pick<CoordinationOptions, 'clock' | 'items' | 'groupId'>,
): Promise<HeldDocument<D> | undefined> {
  if (held.asOf > since) return held
  const asOf = clock.monotonic()
  const { version } = await items.readGroup(groupId)
  return version === held.version ? { ...held, asOf } : undefined
}
