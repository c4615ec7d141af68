/** Random members do random things to one share partition; a record by record model says what must hold. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  acknowledge,
  acquire,
  endOf,
  inFlight,
  type Lock,
  newSharePartition,
  release,
  type SharePartition,
  trim,
} from '../../lib/share/share-partition.ts'
import { decodeSharePartition, encodeSharePartition } from '../../lib/share/share-partition-document.ts'

const LOG_END = 60
const IN_FLIGHT_MAX = 20
const DELIVERIES_MAX = 3

const member = fc.constantFrom('a', 'b', 'c')
const types = ['accept', 'release', 'reject', 'gap', 'renew'] as const

const step = fc.oneof(
  fc.record({
    kind: fc.constant('acquire' as const),
    member,
    recordsMax: fc.integer({ min: 0, max: 12 }),
    looked: fc.integer({ min: 1, max: 30 }),
    holes: fc.array(fc.integer({ min: 0, max: LOG_END }), { maxLength: 6 }),
    batch: fc.integer({ min: 0, max: 8 }),
  }),
  fc.record({
    kind: fc.constant('acknowledge' as const),
    member,
    first: fc.integer({ min: 0, max: LOG_END }),
    length: fc.integer({ min: 1, max: 10 }),
    type: fc.constantFrom(...types),
  }),
  fc.record({ kind: fc.constant('release' as const), member, unseen: fc.boolean() }),
  fc.record({ kind: fc.constant('trim' as const), to: fc.integer({ min: 0, max: LOG_END }) }),
)

/** What a record is: beyond the end, available, held, or done. */
interface Known {
  holder: string | undefined
  deliveries: number
  isDone: boolean
}

function lockOf(memberId: string): Lock {
  return { memberId, giver: 1, session: 1, durationMs: 1 }
}

function recordAt(partition: SharePartition, offset: number): Known {
  if (offset < partition.start) return { holder: undefined, deliveries: 0, isDone: true }
  const run = partition.runs.find(({ first, last }) => first <= offset && last >= offset)
  if (!run) return { holder: undefined, deliveries: 0, isDone: false }
  if (run.state === 'done') return { holder: undefined, deliveries: 0, isDone: true }
  const holder = run.state === 'acquired' ? partition.locks.get(run.lock)!.memberId : undefined
  return { holder, deliveries: run.deliveries, isDone: false }
}

function checkForm(partition: SharePartition): void {
  let next = partition.start
  for (const [i, run] of partition.runs.entries()) {
    expect(run.first).toBe(next)
    expect(run.last).toBeGreaterThanOrEqual(run.first)
    next = run.last + 1
    if (i === 0) expect(run.state).not.toBe('done')
    if (run.state === 'acquired') expect(partition.locks.has(run.lock)).toBe(true)
  }
  const used = new Set(partition.runs.map(run => (run.state === 'acquired' ? run.lock : 0)))
  for (const id of partition.locks.keys()) expect(used.has(id)).toBe(true)
  expect(inFlight(partition)).toBeLessThanOrEqual(IN_FLIGHT_MAX)
  expect(partition.runs.length).toBeLessThanOrEqual(2 * IN_FLIGHT_MAX + 1)
  expect(decodeSharePartition(encodeSharePartition(partition))).toEqual(partition)
}

test('every record is with one member at most, and what is done stays done', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      let partition = newSharePartition(0, 0)
      for (const one of steps) {
        const before = Array.from({ length: LOG_END + 1 }, (_, offset) => recordAt(partition, offset))
        const after = (check: (was: Known, is: Known, offset: number) => void) => {
          for (const [offset, was] of before.entries()) check(was, recordAt(partition, offset), offset)
        }
        if (one.kind === 'acquire') {
          const from = partition.runs.find(({ state }) => state === 'available')?.first ?? endOf(partition)
          const last = Math.min(LOG_END - 1, from + one.looked - 1)
          if (last < from) continue
          const deliverable = []
          for (let offset = from; offset <= last; offset++) {
            if (!one.holes.includes(offset)) deliverable.push({ first: offset, last: offset })
          }
          const whole = []
          if (one.batch > 0) {
            for (let at = 0; at < LOG_END; at += one.batch) whole.push({ first: at, last: at + one.batch - 1 })
          }
          const outcome = acquire(partition, {
            deliverable,
            looked: { first: from, last },
            recordsMax: one.recordsMax,
            whole,
            inFlightMax: IN_FLIGHT_MAX,
            lock: lockOf(one.member),
          })
          partition = outcome.partition
          const given = new Map<number, number>()
          for (const span of outcome.acquired) {
            for (let offset = span.first; offset <= span.last; offset++) given.set(offset, span.deliveries)
          }
          expect(given.size).toBeLessThanOrEqual(one.recordsMax === 0 ? 0 : one.recordsMax + Math.max(0, one.batch - 1))
          after((was, is, offset) => {
            if (given.has(offset)) {
              expect(was.isDone || was.holder !== undefined).toBe(false)
              expect(is).toEqual({ holder: one.member, deliveries: was.deliveries + 1, isDone: false })
              expect(given.get(offset)).toBe(was.deliveries + 1)
            } else if (!one.holes.includes(offset)) expect(is).toEqual(was)
            else if (!is.isDone) expect(is).toEqual(was)
          })
        } else if (one.kind === 'acknowledge') {
          const span = { first: one.first, last: one.first + one.length - 1, type: one.type }
          const spans = [span]
          const outcome = acknowledge(partition, { lock: lockOf(one.member), spans, deliveriesMax: DELIVERIES_MAX })
          const within = before.filter((_, offset) => offset >= span.first && offset <= span.last)
          const beyond = span.last >= endOf(partition)
          const mine = within.every((was, i) => was.holder === one.member || span.first + i < partition.start)
          expect('error' in outcome).toBe(beyond || !mine)
          if ('error' in outcome) continue
          partition = outcome.partition
          after((was, is, offset) => {
            if (offset < span.first || offset > span.last || was.isDone) expect(is).toEqual(was)
            else if (one.type === 'renew') expect(is).toEqual(was)
            else if (one.type !== 'release') expect(is.isDone).toBe(true)
            else if (was.deliveries >= DELIVERIES_MAX) expect(is.isDone).toBe(true)
            else expect(is).toEqual({ ...was, holder: undefined })
          })
        } else if (one.kind === 'release') {
          const { unseen } = one
          partition = release(partition, ({ memberId }) => memberId === one.member, {
            deliveriesMax: DELIVERIES_MAX,
            unseen,
          })
          after((was, is) => {
            if (was.holder !== one.member) expect(is).toEqual(was)
            else if (unseen) expect(is).toEqual({ ...was, holder: undefined, deliveries: was.deliveries - 1 })
            else if (was.deliveries >= DELIVERIES_MAX) expect(is.isDone).toBe(true)
            else expect(is).toEqual({ ...was, holder: undefined })
          })
        } else {
          partition = trim(partition, one.to)
          after((was, is, offset) => {
            if (offset < one.to) expect(is.isDone).toBe(true)
            else expect(is).toEqual(was)
          })
        }
        checkForm(partition)
      }
    }),
    { numRuns: 300 },
  )
})
