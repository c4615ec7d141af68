import { describe, expect, test } from 'vitest'
import {
  type Acquisition,
  acknowledge,
  acquire,
  doneCount,
  endOf,
  inFlight,
  type Lock,
  newSharePartition,
  release,
  type SharePartition,
  trim,
} from '../../lib/share/share-partition.ts'
import { decodeSharePartition, encodeSharePartition } from '../../lib/share/share-partition-document.ts'

const one: Lock = { memberId: 'one', giver: 1, session: 1, durationMs: 30_000 }
const two: Lock = { ...one, memberId: 'two' }

/** `1-3 acquired by one (2)`, one text for each run. */
function shown({ start, runs, locks }: SharePartition): string[] {
  return [
    `from ${start}`,
    ...runs.map(run => {
      const holder = run.state === 'acquired' ? ` by ${locks.get(run.lock)!.memberId}` : ''
      const deliveries = run.state === 'done' ? '' : ` (${run.deliveries})`
      return `${run.first}-${run.last} ${run.state}${holder}${deliveries}`
    }),
  ]
}

function take(partition: SharePartition, lock: Lock, last: number, options: Partial<Acquisition> = {}) {
  const first = partition.runs.find(({ state }) => state === 'available')?.first ?? endOf(partition)
  return acquire(partition, {
    deliverable: [{ first, last }],
    looked: { first, last },
    recordsMax: 1_000,
    whole: [],
    inFlightMax: 1_000,
    lock,
    ...options,
  })
}

function settle(
  partition: SharePartition,
  lock: Lock,
  type: 'accept' | 'release' | 'reject' | 'renew' | 'gap',
  [first, last]: readonly [number, number],
) {
  const outcome = acknowledge(partition, { lock, spans: [{ first, last, type }], deliveriesMax: 3 })
  if ('error' in outcome) throw new Error(outcome.error)
  return outcome.partition
}

describe('a request of another session of the same member', () => {
  const held = take(newSharePartition(0, 0), { ...one, session: 2 }, 1).partition

  test('that is an earlier one or another process’s may say that it is done with a record, and not give it back', () => {
    for (const other of [
      { ...one, session: 1 },
      { ...one, session: 3, giver: 2 },
    ]) {
      expect(() => settle(held, other, 'release', [0, 0])).toThrow('INVALID_RECORD_STATE')
      for (const type of ['accept', 'reject'] as const) {
        expect(shown(settle(held, other, type, [0, 0]))).toEqual(['from 1', '1-1 acquired by one (1)'])
      }
    }
  })

  test('that is a later one gives it back, as the session does that it was given in', () => {
    for (const session of [2, 3]) {
      expect(shown(settle(held, { ...one, session }, 'release', [0, 0]))).toEqual([
        'from 0',
        '0-0 available (1)',
        '1-1 acquired by one (1)',
      ])
    }
  })
})

describe('acquiring', () => {
  test('gives each record to one member', () => {
    const first = take(newSharePartition(10, 0), one, 14)
    expect(first.acquired).toEqual([{ first: 10, last: 14, deliveries: 1 }])
    const second = take(first.partition, two, 19)
    expect(second.acquired).toEqual([{ first: 15, last: 19, deliveries: 1 }])
    expect(shown(second.partition)).toEqual(['from 10', '10-14 acquired by one (1)', '15-19 acquired by two (1)'])
  })

  test('stops at the limit of records', () => {
    const { partition, acquired } = take(newSharePartition(0, 0), one, 99, { recordsMax: 10 })
    expect(acquired).toEqual([{ first: 0, last: 9, deliveries: 1 }])
    expect(endOf(partition)).toBe(10)
  })

  test('goes to the end of a batch where that is asked for', () => {
    const whole = [
      { first: 0, last: 7 },
      { first: 8, last: 19 },
      { first: 20, last: 29 },
    ]
    const { acquired } = take(newSharePartition(0, 0), one, 29, { recordsMax: 10, whole })
    expect(acquired).toEqual([{ first: 0, last: 19, deliveries: 1 }])
  })

  test('never goes over the limit of records in flight, which what comes back does not count against', () => {
    const first = take(newSharePartition(0, 0), one, 99, { inFlightMax: 10 })
    expect(first.acquired).toEqual([{ first: 0, last: 9, deliveries: 1 }])
    expect(take(first.partition, two, 99, { inFlightMax: 10 }).acquired).toEqual([])
    const back = settle(first.partition, one, 'release', [2, 4])
    const again = take(back, two, 99, { inFlightMax: 10 })
    expect(again.acquired).toEqual([{ first: 2, last: 4, deliveries: 2 }])
    expect(inFlight(again.partition)).toBe(10)
  })

  test('passes over what cannot be delivered, for good', () => {
    const deliverable = [
      { first: 0, last: 1 },
      { first: 4, last: 4 },
    ]
    const { partition, acquired } = take(newSharePartition(0, 0), one, 6, { deliverable })
    expect(acquired).toEqual([
      { first: 0, last: 1, deliveries: 1 },
      { first: 4, last: 4, deliveries: 1 },
    ])
    expect(shown(partition)).toEqual([
      'from 0',
      '0-1 acquired by one (1)',
      '2-3 done',
      '4-4 acquired by one (1)',
      '5-6 done',
    ])
    expect(shown(settle(settle(partition, one, 'accept', [0, 1]), one, 'accept', [4, 4]))).toEqual(['from 7'])
  })

  test('of a stretch with nothing to deliver moves on', () => {
    const { partition, acquired } = take(newSharePartition(0, 0), one, 3, { deliverable: [] })
    expect(acquired).toEqual([])
    expect(shown(partition)).toEqual(['from 4'])
  })

  test('leaves alone what was not looked at', () => {
    const first = take(newSharePartition(0, 0), one, 9).partition
    const back = settle(settle(first, one, 'release', [0, 1]), one, 'release', [8, 9])
    const again = take(back, two, 3, { deliverable: [{ first: 0, last: 3 }], looked: { first: 0, last: 3 } })
    expect(shown(again.partition)).toEqual([
      'from 0',
      '0-1 acquired by two (2)',
      '2-7 acquired by one (1)',
      '8-9 available (1)',
    ])
  })
})

describe('acknowledging', () => {
  const held = take(newSharePartition(0, 0), one, 9).partition

  test('moves the start over what is done', () => {
    const middle = settle(held, one, 'accept', [3, 5])
    expect(shown(middle)).toEqual(['from 0', '0-2 acquired by one (1)', '3-5 done', '6-9 acquired by one (1)'])
    expect(doneCount(middle)).toBe(3)
    expect(shown(settle(middle, one, 'reject', [0, 2]))).toEqual(['from 6', '6-9 acquired by one (1)'])
  })

  test('is refused for records of another member, and then nothing changes', () => {
    const spans = [
      { first: 0, last: 3, type: 'accept' },
      { first: 8, last: 9, type: 'accept' },
    ] as const
    const mixed = take(settle(held, one, 'release', [8, 9]), two, 9).partition
    expect(acknowledge(mixed, { lock: one, spans, deliveriesMax: 3 })).toMatchObject({ error: 'INVALID_RECORD_STATE' })
  })

  test('is refused twice for the same records, but not below the start', () => {
    const partly = settle(held, one, 'accept', [5, 9])
    const twice = { lock: one, spans: [{ first: 5, last: 9, type: 'accept' }], deliveriesMax: 3 } as const
    expect(acknowledge(partly, twice)).toMatchObject({ error: 'INVALID_RECORD_STATE' })
    const start = settle(held, one, 'accept', [0, 4])
    expect(shown(settle(start, one, 'accept', [0, 5]))).toEqual(['from 6', '6-9 acquired by one (1)'])
  })

  test('is refused for what was never delivered', () => {
    const beyond = { lock: one, spans: [{ first: 9, last: 10, type: 'accept' }], deliveriesMax: 3 } as const
    expect(acknowledge(held, beyond)).toMatchObject({ error: 'INVALID_REQUEST' })
  })

  test('a record comes back until it was delivered as often as it may be', () => {
    let partition = held
    for (const deliveries of [1, 2, 3]) {
      expect(shown(partition)).toContain(`0-9 acquired by one (${deliveries})`)
      partition = settle(partition, one, 'release', [0, 9])
      if (deliveries < 3) partition = take(partition, one, 9).partition
    }
    expect(shown(partition)).toEqual(['from 10'])
  })

  test('renewing puts the records under a new lock', () => {
    const renewed = settle(held, one, 'renew', [2, 3])
    expect(renewed.locks.size).toBe(2)
    const old = release(renewed, (_, id) => id === 1, { deliveriesMax: 3, unseen: false })
    expect(shown(old)).toEqual(['from 0', '0-1 available (1)', '2-3 acquired by one (1)', '4-9 available (1)'])
  })
})

describe('taking back', () => {
  test('what a lock is over for', () => {
    const both = take(take(newSharePartition(0, 0), one, 4).partition, two, 9).partition
    const back = release(both, ({ memberId }) => memberId === 'one', { deliveriesMax: 3, unseen: false })
    expect(shown(back)).toEqual(['from 0', '0-4 available (1)', '5-9 acquired by two (1)'])
    expect([...back.locks.values()]).toEqual([two])
  })

  test('what nobody has seen does not count as delivered', () => {
    const held = take(newSharePartition(0, 0), one, 4).partition
    expect(shown(release(held, () => true, { deliveriesMax: 3, unseen: true }))).toEqual([
      'from 0',
      '0-4 available (0)',
    ])
  })

  test('nothing, where nothing is held', () => {
    const empty = newSharePartition(3, 0)
    expect(release(empty, () => true, { deliveriesMax: 3, unseen: false })).toBe(empty)
  })
})

describe('what the log has deleted', () => {
  const held = take(newSharePartition(0, 0), one, 9).partition

  test('is done', () => expect(shown(trim(held, 4))).toEqual(['from 4', '4-9 acquired by one (1)']))

  test('all of it', () => {
    const beyond = trim(held, 50)
    expect(shown(beyond)).toEqual(['from 50'])
    expect(beyond.locks.size).toBe(0)
  })

  test('nothing', () => expect(trim(held, 0)).toBe(held))
})

test('a stored share partition is read as it was', () => {
  let partition = take(newSharePartition(1_000_000_000_000, 7), one, 1_000_000_000_099).partition
  partition = settle(partition, one, 'accept', [1_000_000_000_010, 1_000_000_000_019])
  partition = settle(partition, one, 'release', [1_000_000_000_050, 1_000_000_000_050])
  partition = settle(partition, one, 'renew', [1_000_000_000_060, 1_000_000_000_061])
  expect(decodeSharePartition(encodeSharePartition(partition))).toEqual(partition)
})
