/**
 * What a share group has done with one partition: pure transitions of a value (KIP-932; Kafka's SharePartition).
 *
 * Offsets below `start` are done. From `start` to `end` the runs say of every offset what it is; from `end` on nobody has
 * been given anything yet.
 *
 *               ┌────── release; the lock runs out ─────────┐
 *               ▼                                           │ (up to the limit of deliveries, then done)
 *   (beyond the end) ─ acquire ─► acquired by one member ───┤
 *               ▲                  │  renew: a new lock     │
 *   available ──┘                  └── accept, reject, gap ─┴──► done ─ at `start`: start moves on
 *
 * Done means acknowledged or archived: neither is delivered again, and nobody asks which it was. As neighbours that are
 * alike merge, there are at most 2n + 1 runs where n records are in flight, so the limit on those bounds the document.
 */
import { invariant } from '../base/index.ts'

export interface SharePartition {
  /** The first offset that is not done. */
  readonly start: number
  /** Without gaps from `start` on, in order; neighbours differ. */
  readonly runs: readonly Run[]
  /** Locks that runs are under, by id. */
  readonly locks: ReadonlyMap<number, Lock>
  /** The id of the last lock there was: the next one's is one more, so no id is used twice. */
  readonly lastLock: number
}

export type Run =
  | { readonly first: number; readonly last: number; readonly state: 'available'; readonly deliveries: number }
  | {
      readonly first: number
      readonly last: number
      readonly state: 'acquired'
      /** This one included. */
      readonly deliveries: number
      readonly lock: number
    }
  | { readonly first: number; readonly last: number; readonly state: 'done' }

/** One acquisition, or the renewal of one. */
export interface Lock {
  readonly memberId: string
  /** Token of the process that gave it, and which of that process's share sessions it was given in, counted. */
  readonly giver: number
  readonly session: number
  readonly durationMs: number
}

/** Offsets, both inclusive. */
export interface Span {
  readonly first: number
  readonly last: number
}

/** `lastLock` is drawn at random below 2^48, as ids must not come again where a share partition is removed and made anew. */
export function newSharePartition(start: number, lastLock: number): SharePartition {
  return { start, runs: [], locks: new Map(), lastLock }
}

export function endOf({ start, runs }: SharePartition): number {
  const last = runs.at(-1)
  return last ? last.last + 1 : start
}

/** Records that are available again or held by somebody. */
export function inFlight({ runs }: SharePartition): number {
  return runs.reduce((sum, run) => (run.state === 'done' ? sum : sum + lengthOf(run)), 0)
}

/** Records from `start` on that are done (Kafka's deliveryCompleteCount). */
export function doneCount({ runs }: SharePartition): number {
  return runs.reduce((sum, run) => (run.state === 'done' ? sum + lengthOf(run) : sum), 0)
}

export function firstAvailable({ runs }: SharePartition): number | undefined {
  return runs.find(({ state }) => state === 'available')?.first
}

// ---------------------------------------------------------------- acquire

export interface Acquisition {
  /** What can be delivered of what was read, in order; what lies between is done with at once. */
  readonly deliverable: readonly Span[]
  /** Offsets that were looked at; the first is available or the end. */
  readonly looked: Span
  /** No more than so many, but to the end of the span of `whole` that the last one is in. */
  readonly recordsMax: number
  readonly whole: readonly Span[]
  /** No more records in flight than so many. */
  readonly inFlightMax: number
  readonly lock: Lock
}

export interface AcquiredSpan extends Span {
  readonly deliveries: number
}

/** Gives what is available to one member. */
export function acquire(
  partition: SharePartition,
  { deliverable, looked, recordsMax, whole, inFlightMax, lock }: Acquisition,
): { readonly partition: SharePartition; readonly acquired: readonly AcquiredSpan[] } {
  const id = partition.lastLock + 1
  let fresh = inFlightMax - inFlight(partition)
  let wanted = recordsMax
  let roundedTo = -1
  const acquired: AcquiredSpan[] = []
  const next: Run[] = []
  /** Takes what it may of an available run; false: no more after it. */
  const take = (run: Extract<Run, { state: 'available' }>, isFresh: boolean): boolean => {
    let at = run.first
    for (const span of deliverable) {
      const first = Math.max(span.first, at)
      const inRun = Math.min(span.last, run.last)
      if (first > inRun) continue
      if (wanted > 0) {
        const lastWanted = first + wanted - 1
        roundedTo = whole.find(one => lastWanted >= one.first && lastWanted <= one.last)?.last ?? lastWanted
      }
      const room = isFresh ? first + fresh - 1 : inRun
      const last = Math.min(inRun, roundedTo, room)
      if (last < first) {
        if (!isFresh && at <= run.last) next.push({ ...run, first: at })
        return false
      }
      if (first > at) next.push({ first: at, last: first - 1, state: 'done' })
      next.push({ first, last, state: 'acquired', deliveries: run.deliveries + 1, lock: id })
      acquired.push({ first, last, deliveries: run.deliveries + 1 })
      wanted -= Math.min(wanted, last - first + 1)
      if (isFresh) fresh -= last - first + 1
      at = last + 1
      if (last < inRun) {
        if (!isFresh) next.push({ ...run, first: at })
        return false
      }
    }
    if (at <= run.last) next.push({ first: at, last: run.last, state: 'done' })
    return true
  }
  let goesOn = true
  for (const run of partition.runs) {
    const seen = goesOn && run.state === 'available' && run.first <= looked.last && run.last >= looked.first
    if (!seen || run.state !== 'available') {
      next.push(run)
      continue
    }
    if (run.first < looked.first) next.push({ ...run, last: looked.first - 1 })
    goesOn = take({ ...run, first: Math.max(run.first, looked.first), last: Math.min(run.last, looked.last) }, false)
    if (run.last > looked.last) next.push({ ...run, first: looked.last + 1 })
  }
  const end = endOf(partition)
  if (goesOn && looked.last >= end && looked.first <= end) {
    take({ first: end, last: looked.last, state: 'available', deliveries: 0 }, true)
  }
  const locks = acquired.length > 0 ? new Map(partition.locks).set(id, lock) : partition.locks
  const lastLock = acquired.length > 0 ? id : partition.lastLock
  return { partition: tidy({ ...partition, runs: next, locks, lastLock }), acquired }
}

// ---------------------------------------------------------------- acknowledge

export type AcknowledgeType = 'gap' | 'accept' | 'release' | 'reject' | 'renew'

export interface Acknowledgement extends Span {
  readonly type: AcknowledgeType
}

export interface Acknowledgements {
  readonly lock: Lock
  /** In order, not overlapping. */
  readonly spans: readonly Acknowledgement[]
  readonly deliveriesMax: number
}

export type Acknowledged =
  | { readonly partition: SharePartition }
  | { readonly error: 'INVALID_RECORD_STATE' | 'INVALID_REQUEST'; readonly message: string }

/** All or none. What lies below `start` was settled before, and is no error. */
export function acknowledge(partition: SharePartition, request: Acknowledgements): Acknowledged {
  const { lock, spans, deliveriesMax } = request
  const renewal = partition.lastLock + 1
  const renews = spans.some(({ type }) => type === 'renew')
  let runs = partition.runs
  for (const span of spans) {
    if (span.last >= endOf(partition)) {
      return { error: 'INVALID_REQUEST', message: `offset ${span.last} was not delivered to anybody` }
    }
    const first = Math.max(span.first, partition.start)
    if (first > span.last) continue
    const cut = cutOut(runs, { first, last: span.last })
    for (const run of cut.within) {
      if (run.state !== 'acquired' || !mayAcknowledge(lock, partition.locks.get(run.lock), span.type)) {
        return {
          error: 'INVALID_RECORD_STATE',
          message: `offsets ${run.first} to ${run.last} are not held by the member`,
        }
      }
    }
    runs = [...cut.before, ...cut.within.map(run => settled(run, span.type, deliveriesMax, renewal)), ...cut.after]
  }
  if (!renews) return { partition: tidy({ ...partition, runs }) }
  const locks = new Map(partition.locks).set(renewal, lock)
  return { partition: tidy({ ...partition, runs, locks, lastLock: renewal }) }
}

/**
 * No session gives back a record that was given in a later one: a request to release it that comes late, of a connection that is gone,
 * would give away what the same member has got again since and works on. A later session of the same process does: a member keeps what
 * it holds when it opens another, as Kafka's client does whenever it has lost count of its session or a request of it. Sessions of
 * another process cannot be compared. To be done with a record a member may tell any process.
 */
function mayAcknowledge(lock: Lock, held: Lock | undefined, type: AcknowledgeType): boolean {
  if (held?.memberId !== lock.memberId) return false
  return type !== 'release' || (held.giver === lock.giver && held.session <= lock.session)
}

function settled(run: Run, type: AcknowledgeType, deliveriesMax: number, renewal: number): Run {
  invariant(run.state === 'acquired', 'a run that is acknowledged is acquired')
  const { first, last } = run
  if (type === 'renew') return { ...run, lock: renewal }
  if (type !== 'release') return { first, last, state: 'done' }
  return released(run, deliveriesMax)
}

/** Back to the others, unless it was delivered as often as it may be. */
function released({ first, last, deliveries }: Extract<Run, { state: 'acquired' }>, deliveriesMax: number): Run {
  if (deliveries >= deliveriesMax) return { first, last, state: 'done' }
  return { first, last, state: 'available', deliveries }
}

// ---------------------------------------------------------------- release

export interface Release {
  readonly deliveriesMax: number
  /** The member says that nobody has seen the records: this delivery does not count. */
  readonly unseen: boolean
}

/** Takes back what lies under the locks for which `when` holds. */
export function release(
  partition: SharePartition,
  when: (lock: Lock, id: number) => boolean,
  { deliveriesMax, unseen }: Release,
): SharePartition {
  const lost = new Set([...partition.locks].filter(([id, lock]) => when(lock, id)).map(([id]) => id))
  if (lost.size === 0) return partition
  const runs = partition.runs.map(run => {
    if (run.state !== 'acquired' || !lost.has(run.lock)) return run
    const { first, last, deliveries } = run
    return unseen
      ? ({ first, last, state: 'available', deliveries: deliveries - 1 } as const)
      : released(run, deliveriesMax)
  })
  return tidy({ ...partition, runs })
}

/** The log begins at `logStart` now: what lies below it is gone. */
export function trim(partition: SharePartition, logStart: number): SharePartition {
  if (logStart <= partition.start) return partition
  const end = endOf(partition)
  if (logStart >= end) return { ...partition, start: logStart, runs: [], locks: new Map() }
  const { within } = cutOut(partition.runs, { first: logStart, last: end - 1 })
  return tidy({ ...partition, start: logStart, runs: within })
}

// ---------------------------------------------------------------- runs

function lengthOf({ first, last }: Span): number {
  return last - first + 1
}

interface Cut {
  readonly before: readonly Run[]
  readonly within: readonly Run[]
  readonly after: readonly Run[]
}

/** The runs of a span, which lies between start and end, and those on both sides of it. */
function cutOut(runs: readonly Run[], { first, last }: Span): Cut {
  const before: Run[] = []
  const within: Run[] = []
  const after: Run[] = []
  for (const run of runs) {
    if (run.first < first) before.push({ ...run, last: Math.min(run.last, first - 1) })
    if (run.last >= first && run.first <= last) {
      within.push({ ...run, first: Math.max(run.first, first), last: Math.min(run.last, last) })
    }
    if (run.last > last) after.push({ ...run, first: Math.max(run.first, last + 1) })
  }
  return { before, within, after }
}

/** Merges neighbours that are alike, moves `start` over what is done, and forgets locks that nothing lies under. */
function tidy(partition: SharePartition): SharePartition {
  const runs: Run[] = []
  for (const run of partition.runs) {
    const before = runs.at(-1)
    if (before && isAlike(before, run)) runs[runs.length - 1] = { ...before, last: run.last }
    else runs.push(run)
  }
  let { start } = partition
  if (runs[0]?.state === 'done') start = runs.shift()!.last + 1
  const used = new Set(runs.map(run => (run.state === 'acquired' ? run.lock : 0)))
  const isUsed = ([id]: readonly [number, Lock]) => used.has(id)
  const locks = [...partition.locks].every(isUsed) ? partition.locks : new Map([...partition.locks].filter(isUsed))
  return { ...partition, start, runs, locks }
}

function isAlike(one: Run, other: Run): boolean {
  if (one.state === 'done' || other.state === 'done') return one.state === other.state
  if (one.deliveries !== other.deliveries) return false
  return one.state === 'acquired' ? other.state === 'acquired' && one.lock === other.lock : other.state === 'available'
}
