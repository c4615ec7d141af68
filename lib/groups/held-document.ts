/** A group as its coordinator holds it: the document as last read or written. */
import type { Expected } from '../storage/index.ts'
import type { CoordinationOptions } from './coordination.ts'
import { tooSlowError } from './errors.ts'
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
