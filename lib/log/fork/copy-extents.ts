/**
 * Gives a partition of a fork the extents of its source: their items, not their objects. The items of both are marked shared in the same
 * write, so from then on the sweep alone takes the object, when no item names it any more.
 *
 * The source's extents change meanwhile (merged, cleaned, deleted). So this looks again and mends what is not the same, until a look
 * finds nothing to mend: every extent was there before that look and during it, and an id never comes back, so all of them were
 * there at one moment. (Of a compacted topic, old extents beside new ones could have a key that is deleted in both.)
 */
import { type Clock, drawToken, type Random } from '../../base/index.ts'
import { type ItemStore, type ObjectStore, StoreError, type Version, type WriteOperation } from '../../storage/index.ts'
import { LogError } from '../errors.ts'
import { cutExtent } from '../extent/cut-extent.ts'
import { type Extent, encodeExtent, extentKey, type StoredExtent } from '../extent/extent-item.ts'
import { listExtents } from '../extent/extent-listing.ts'
import { headKey } from '../head/head.ts'

export interface CopyExtentsParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

export interface ExtentsToCopy {
  readonly source: string
  readonly fork: string
  readonly shard: number
  /** The version of the fork's head: no extent comes to the fork once a sweep has raised its fence. */
  readonly headVersion: Version
  readonly partition: number
  readonly start: number
  /** The last one is cut there. */
  readonly upTo: number
}

const LOOKS_MAX = 50
/** After a write of which nobody knows what became of it. */
const PAUSE_MS = 50
/** A write has 100 operations: an item on each side for an extent, and the fork's head. */
const EXTENTS_IN_WRITE_MAX = 49

/**
 * `moved`: the source's head is not as it was, or extents are being replaced; look again from there. `changed`: the
 * fork's head has. @throws LogError REQUEST_TIMED_OUT; StoreError, CorruptDataError
 */
export async function copyExtents(
  parts: CopyExtentsParts,
  work: ExtentsToCopy,
): Promise<'copied' | 'moved' | 'changed'> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const mending = await whatToMend(parts, work)
    if (mending === 'moved') return mending
    if (mending.length === 0) return 'copied'
    for (let at = 0; at < mending.length; at += EXTENTS_IN_WRITE_MAX) {
      const some = mending.slice(at, at + EXTENTS_IN_WRITE_MAX).flat()
      if (!(await write(parts, work, some))) return 'changed'
    }
  }
  throw new LogError(
    'REQUEST_TIMED_OUT',
    `the extents of partition ${work.partition} changed ${LOOKS_MAX} times in a row`,
  )
}

/** The operations for each extent that is not the same on both sides. */
async function whatToMend(parts: CopyExtentsParts, work: ExtentsToCopy): Promise<WriteOperation[][] | 'moved'> {
  const { items, random } = parts
  const { source, fork, partition, start, upTo } = work
  const there = new Map<number, StoredExtent>()
  for await (const extent of listExtents(items, fork, partition)) there.set(extent.to, extent)
  const mending: WriteOperation[][] = []
  let next = start
  for await (const extent of upTo > start ? listExtents(items, source, partition, { above: start }) : []) {
    if (extent.from >= upTo) break
    if (next === start ? extent.from > next : extent.from !== next) return 'moved'
    next = extent.to
    const to = Math.min(extent.to, upTo)
    const old = there.get(to)
    there.delete(to)
    if (old?.id === extent.id) continue
    const { version: _, ...whole } = extent
    const taken = to === extent.to ? whole : await cutExtent(parts.objects, whole, to)
    if (!taken) return 'moved'
    mending.push([put(fork, partition, { ...taken, shared: true }, old?.version, random), share(work, extent, random)])
  }
  if (next < upTo) return 'moved'
  for (const { to, version } of there.values()) {
    mending.push([{ kind: 'delete', key: extentKey(fork, partition, { to }), expected: version }])
  }
  return mending
}

/** The source's item must be there as it was seen, and says that it shares its object. */
function share({ source, partition }: ExtentsToCopy, extent: StoredExtent, random: Random): WriteOperation {
  const { version, ...whole } = extent
  if (!extent.shared) return put(source, partition, { ...whole, shared: true }, version, random)
  return { kind: 'check', key: extentKey(source, partition, extent), expected: version }
}

function put(
  topicId: string,
  partition: number,
  extent: Extent,
  expected: Version | undefined,
  random: Random,
): WriteOperation {
  const key = extentKey(topicId, partition, extent)
  return { kind: 'put', key, expected: expected ?? 'absent', version: drawToken(random), value: encodeExtent(extent) }
}

/** False where the fork's head has changed; what became of the rest the next look shows. */
async function write(
  { items, clock }: CopyExtentsParts,
  { fork, shard, headVersion }: ExtentsToCopy,
  operations: readonly WriteOperation[],
): Promise<boolean> {
  const check: WriteOperation = { kind: 'check', key: headKey(fork, shard), expected: headVersion }
  try {
    const outcome = await items.write([check, ...operations])
    return outcome.written || !outcome.conflicts.some(({ index }) => index === 0)
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'STORE_REFUSED') throw error
    await clock.sleep(PAUSE_MS)
    return true
  }
}
