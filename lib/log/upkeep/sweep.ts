/**
 * The sweep removes what nothing refers to, from both media: segments that crashed writers left, or that were compacted or
 * deleted; snapshots and extents that were replaced, or never came to be referred to.
 *
 * A segment may be put and not yet committed, by a writer that sleeps; no clock can say that it will not wake up. So the
 * order of steps decides (each was needed in a model of it):
 * 1. List candidates: ids below W. Whoever may still commit one of them has put it before, into a head that was there
 *    before; heads that come later cannot need it, unless they took it over from one that was there.
 * 2. Look at all heads, and leave out what they need. Nothing is left: stop, and nothing was written.
 * 3. Raise the fence of every head to W. From here on no head comes to refer to a candidate: a writer that wakes up is
 *    refused, and puts its segment again under a new id.
 * 4. Only after its fence is in, read what each head needs: what was committed just before the fence is seen.
 * 5. List the heads again, and do 3 and 4 for new ones, until none is new.
 * 6. Delete the candidates that nobody needs.
 * Any failure before 6 ends the sweep, and nothing is deleted. Two sweeps at once do no harm, whoever holds the lease.
 */
import { type Clock, inParallel, type Logger, type Random } from '../../base/index.ts'
import { DELETE_KEYS_MAX, type ItemStore, type ObjectStore, StoreError, type Version } from '../../storage/index.ts'
import { LogError } from '../errors.ts'
import { listExtentObjects, listExtents } from '../extent/extent-listing.ts'
import { raiseFence } from '../head/transitions.ts'
import { type SegmentId, segmentTime } from '../segment/segment-id.ts'
import { listSegmentItems, listSegmentObjects } from '../segment/segment-listing.ts'
import { segmentItemKey } from '../segment/segment-store.ts'
import { neededSegments } from './needed-segments.ts'
import type { ShardHeads, ShardPlace } from './shard-heads.ts'
import { readSweepState, type SweepState, sweepStateKey, wholeLookKey, writeSweepHour } from './sweep-state.ts'
import type { UpkeepPass } from './upkeep.ts'

export interface SweepParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly heads: ShardHeads
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Segments younger than this by the sweeper's clock are no candidates: putting again is rarer so. Safety needs no grace. */
  readonly graceMs: number
  /** Item segments are looked for in so many hours, further back where some are known to be older … */
  readonly windowHours: number
  /** … once in so many hours; else from the oldest one that an earlier sweep saw. */
  readonly wholeLookHours: number
  /** So far back the first time, unless nothing was ever written. */
  readonly firstLookHours: number
  /** Items are deleted many in one write, where that costs nothing more. */
  readonly deletesItemsTogether: boolean
}

/** A blob that may go. */
interface Candidate {
  readonly id: SegmentId
  /** Of an object. */
  readonly key?: string
  /** Of an item. */
  readonly version?: Version
  readonly isExtent?: boolean
}

type Candidates = Map<SegmentId, Candidate>

const HOUR_MS = 3_600_000
/** What is stored is written anew when it has fallen behind so far. */
const MARK_HOURS = 24
/** What is held in memory at once; with more, the steps are gone through several times. */
const CANDIDATES_MAX = 20_000
const HOURS_AT_ONCE = 4
const HEADS_AT_ONCE = 8
const ITEM_DELETES_AT_ONCE = 16
const ITEMS_TOGETHER_MAX = 100
/** Listings of all heads; if each has new ones, topics come faster than they can be looked at. */
const LISTINGS_MAX = 20

export class Sweep {
  readonly #parts: SweepParts

  constructor(parts: SweepParts) {
    this.#parts = parts
  }

  /** Whether anything was there to be deleted. @throws StoreError, CorruptDataError, LogError: then a part of the work is left */
  async run(pass: UpkeepPass): Promise<boolean> {
    const now = this.#parts.clock.now()
    const fence = Math.floor(now - this.#parts.graceMs)
    if (fence <= 0) return false
    const state = await readSweepState(this.#parts.items)
    const nowHour = Math.floor(now / HOUR_MS)
    const fenceHour = Math.floor(fence / HOUR_MS)
    const isWhole = this.#looksBack(state, nowHour)
    const firstHour = isWhole ? await this.#wholeLookFrom(state, nowHour) : Math.min(state.oldest.hour!, fenceHour)
    const seen = { oldest: Number.POSITIVE_INFINITY }
    let removed = 0
    for await (const candidates of this.#list(fence, Math.max(0, firstHour), seen)) {
      if (pass.signal.aborted) return removed > 0
      removed += await this.#sweepOut(candidates, fence, pass)
      await pass.pause()
    }
    if (!pass.dry && !pass.signal.aborted) {
      const oldestHour = Math.min(seen.oldest, fenceHour)
      await this.#remember(state, { oldestHour, lookedBackAt: isWhole ? nowHour : undefined, removed })
    }
    return removed > 0
  }

  #looksBack({ oldest, wholeLook }: SweepState, nowHour: number): boolean {
    if (oldest.hour === undefined || wholeLook.hour === undefined) return true
    // A clock that was ahead, and is not any more, must not keep sweeps from it.
    return Math.abs(nowHour - wholeLook.hour) >= this.#parts.wholeLookHours
  }

  async #wholeLookFrom({ oldest }: SweepState, nowHour: number): Promise<number> {
    const { windowHours, firstLookHours } = this.#parts
    const window = nowHour - windowHours
    if (oldest.hour !== undefined) return Math.min(window, oldest.hour)
    return (await this.#isUnused()) ? window : Math.min(window, nowHour - firstLookHours)
  }

  /** A log that is idle is written to once a day: that is cheaper than to look at each of its hours in every pass. */
  async #remember(
    { oldest, wholeLook }: SweepState,
    { oldestHour, lookedBackAt, removed }: { oldestHour: number; lookedBackAt: number | undefined; removed: number },
  ): Promise<void> {
    const saved = Math.abs(oldestHour - (oldest.hour ?? Number.NEGATIVE_INFINITY))
    if (removed > 0 || saved >= MARK_HOURS) {
      await writeSweepHour(this.#parts, sweepStateKey, oldest.version, oldestHour)
    }
    if (lookedBackAt === undefined) return
    const since = Math.abs(lookedBackAt - (wholeLook.hour ?? Number.NEGATIVE_INFINITY))
    if (since >= MARK_HOURS) await writeSweepHour(this.#parts, wholeLookKey, wholeLook.version, lookedBackAt)
  }

  /** Nothing was ever appended, and no topic deleted: so there are no segments, but for those that failed a moment ago. */
  async #isUnused(): Promise<boolean> {
    const { heads } = this.#parts
    if (await heads.anyTopicDeleted()) return false
    for await (const place of heads.all()) if ((await heads.read(place))?.commits !== 0) return false
    return true
  }

  /** Step 1, some at a time. */
  async *#list(fence: number, firstHour: number, seen: { oldest: number }): AsyncGenerator<Candidates> {
    const { items, objects } = this.#parts
    let candidates: Candidates = new Map()
    const takeFull = () => {
      const full = candidates
      candidates = new Map()
      return full
    }
    for (let from = firstHour; from * HOUR_MS < fence; from += HOURS_AT_ONCE) {
      const hours = Array.from({ length: HOURS_AT_ONCE }, (_, i) => from + i).filter(hour => hour * HOUR_MS < fence)
      const listed = await Promise.all(hours.map(hour => listSegmentItems(items, hour)))
      for (const [i, hour] of hours.entries()) {
        for (const { id, version } of listed[i]!) {
          seen.oldest = Math.min(seen.oldest, hour)
          if (segmentTime(id) < fence) candidates.set(id, { id, version })
          if (candidates.size >= CANDIDATES_MAX) yield takeFull()
        }
      }
    }
    for await (const { id, key } of listSegmentObjects(objects)) {
      if (segmentTime(id) < fence) candidates.set(id, { id, key })
      if (candidates.size >= CANDIDATES_MAX) yield takeFull()
    }
    for await (const { id, key } of listExtentObjects(objects)) {
      if (segmentTime(id) < fence) candidates.set(id, { id, key, isExtent: true })
      if (candidates.size >= CANDIDATES_MAX) yield takeFull()
    }
    if (candidates.size > 0) yield candidates
  }

  /** Steps 2 to 6. Answers how many were deleted, or (dry) would be. */
  async #sweepOut(candidates: Candidates, fence: number, pass: UpkeepPass): Promise<number> {
    await inParallel(await this.#listHeads(), HEADS_AT_ONCE, async place => {
      if (candidates.size > 0) await this.#leaveOutNeeded(candidates, place)
      await pass.pause()
    })
    if (candidates.size === 0 || pass.signal.aborted) return 0
    if (pass.dry) return tellAll(candidates, pass)
    const swept = await pass.hold('sweep', async signal => {
      await this.#fenceAll(candidates, fence, signal)
      if (signal.aborted) return 0
      tellAll(candidates, pass)
      return this.#delete([...candidates.values()])
    })
    return swept ?? 0
  }

  /** Steps 3 to 5. */
  async #fenceAll(candidates: Candidates, fence: number, signal: AbortSignal): Promise<void> {
    const fenced = new Set<string>()
    for (let listing = 0; listing < LISTINGS_MAX; listing++) {
      const fresh = (await this.#listHeads()).filter(place => !fenced.has(nameOf(place)))
      if (fresh.length === 0 || signal.aborted) return
      await inParallel(fresh, HEADS_AT_ONCE, async place => {
        await this.#parts.heads.change(place, head => raiseFence(head, fence))
        await this.#leaveOutNeeded(candidates, place)
        fenced.add(nameOf(place))
      })
    }
    throw new LogError('REQUEST_TIMED_OUT', `new heads in each of ${LISTINGS_MAX} listings`)
  }

  async #listHeads(): Promise<ShardPlace[]> {
    const places: ShardPlace[] = []
    for await (const place of this.#parts.heads.all()) places.push(place)
    return places
  }

  async #leaveOutNeeded(candidates: Candidates, place: ShardPlace): Promise<void> {
    const head = await this.#parts.heads.read(place)
    if (!head) return
    for await (const { id } of neededSegments(this.#parts.items, place.topic.id, place.shard, head)) {
      candidates.delete(id)
    }
    if (![...candidates.values()].some(({ isExtent }) => isExtent)) return
    const { topic, shard } = place
    // Extents may be named by the items of any topic: they are shared with those that were forked from it.
    for (const slot of head.partitions.keys()) {
      for await (const { id } of listExtents(this.#parts.items, topic.id, shard * topic.shardSize + slot)) {
        candidates.delete(id)
      }
    }
  }

  /** Step 6. What could not be deleted is a candidate again next time. */
  async #delete(candidates: readonly Candidate[]): Promise<number> {
    const keys = candidates.flatMap(({ key }) => (key === undefined ? [] : [key]))
    let deleted = 0
    for (let at = 0; at < keys.length; at += DELETE_KEYS_MAX) {
      const some = keys.slice(at, at + DELETE_KEYS_MAX)
      deleted += await this.#counted(some.length, () => this.#parts.objects.delete(some))
    }
    const { deletesItemsTogether, items } = this.#parts
    const operations = candidates.flatMap(({ id, version }) =>
      version === undefined ? [] : [{ kind: 'delete', key: segmentItemKey(id), expected: version } as const],
    )
    const together = deletesItemsTogether ? ITEMS_TOGETHER_MAX : 1
    const writes = Array.from({ length: Math.ceil(operations.length / together) }, (_, i) =>
      operations.slice(i * together, (i + 1) * together),
    )
    const counts = await inParallel(writes, ITEM_DELETES_AT_ONCE, write =>
      this.#counted(write.length, async () => {
        const { written } = await items.write(write)
        // Another sweep took some of them.
        if (!written && write.length > 1) for (const one of write) await items.write([one])
      }),
    )
    return counts.reduce((sum, count) => sum + count, deleted)
  }

  async #counted(count: number, work: () => Promise<unknown>): Promise<number> {
    try {
      await work()
      return count
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#parts.logger.warn('not swept', { count, error: String(error) })
      return 0
    }
  }
}

function tellAll(candidates: Candidates, pass: UpkeepPass): number {
  for (const { id, key, isExtent } of candidates.values()) {
    const { pk, sk } = segmentItemKey(id)
    pass.tell(
      key ?? `${pk}/${sk}`,
      isExtent ? 'an extent that no item names' : 'a segment or snapshot that no head needs',
    )
  }
  return candidates.size
}

function nameOf({ topic, shard }: ShardPlace): string {
  return `${topic.id}/${shard}`
}
