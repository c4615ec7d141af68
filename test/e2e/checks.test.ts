import { describe, expect, test } from 'vitest'
import { Deliveries } from './deliveries.ts'
import type { FlightRecord } from './flight-records.ts'
import { expectAcksKept, expectEachOnce, expectKeyOrder, type StoredFlight } from './topic-contents.ts'

/** The checks of the flights job must see what they are there for. */
const sent: FlightRecord[] = ['a', 'b', 'a', 'b'].map((key, id) => ({ id, key, value: JSON.stringify({ id }) }))

function stored(...places: [id: number, partition: number, offset: number][]): StoredFlight[] {
  return places.map(([id, partition, offset]) => ({ ...sent[id]!, partition, offset }))
}

const good = stored([0, 0, 0], [2, 0, 1], [1, 1, 0], [3, 1, 1])

test('a good topic passes', () => {
  expectEachOnce(good, sent)
  expectKeyOrder(good)
  expectAcksKept(good, [
    {
      records: sent.slice(0, 3),
      baseOffsets: new Map([
        [0, 0],
        [1, 0],
      ]),
    },
  ])
})

describe('seen in a topic', () => {
  test.each([
    ['a lost record', good.slice(0, 3)],
    ['a record twice', stored([0, 0, 0], [2, 0, 1], [2, 0, 2], [1, 1, 0], [3, 1, 1])],
    ['a hole', stored([0, 0, 0], [2, 0, 2], [1, 1, 0], [3, 1, 1])],
    ['an offset twice', stored([0, 0, 0], [2, 0, 0], [1, 1, 0], [3, 1, 1])],
    ['changed bytes', good.map(record => ({ ...record, value: `${record.value} ` }))],
  ])('%s', (_, wrong) => {
    expect(() => expectEachOnce(wrong, sent)).toThrow()
  })

  test('a key out of order, or in two partitions', () => {
    expect(() => expectKeyOrder(stored([2, 0, 0], [0, 0, 1]))).toThrow()
    expect(() => expectKeyOrder(stored([0, 0, 0], [2, 1, 0]))).toThrow()
  })

  test('an acknowledgement that named another place', () => {
    expect(() => expectAcksKept(good, [{ records: [sent[2]!], baseOffsets: new Map([[0, 0]]) }])).toThrow()
  })
})

describe('seen in a group', () => {
  const record = (partition: number, offset: number, id: number) =>
    ({ kind: 'record', partition, offset, id, key: 'k' }) as const

  test('an offset that means two records', () => {
    const deliveries = new Deliveries()
    deliveries.take('first', record(0, 0, 5))
    deliveries.take('second', record(0, 0, 6))
    expect(deliveries.broken).toEqual(['0@0 was record 5 and is now 6'])
  })

  test('a new owner that begins before what was committed', () => {
    const deliveries = new Deliveries()
    deliveries.take('first', record(0, 0, 5))
    deliveries.take('first', { kind: 'committed', partition: 0, offset: 1 })
    deliveries.take('second', { kind: 'assigned', partitions: [0] })
    deliveries.take('second', record(0, 0, 5))
    expect(deliveries.broken).toEqual(['second began 0@0, but 1 was committed'])
  })

  test('an owner that does not know yet that it is none is right', () => {
    const deliveries = new Deliveries()
    deliveries.take('second', { kind: 'assigned', partitions: [0] })
    deliveries.take('first', record(0, 0, 5))
    deliveries.take('first', { kind: 'committed', partition: 0, offset: 1 })
    deliveries.take('second', record(0, 0, 5))
    expect(deliveries.broken).toEqual([])
  })

  test('a new owner that begins at it is right', () => {
    const deliveries = new Deliveries()
    deliveries.take('first', record(0, 0, 5))
    deliveries.take('first', { kind: 'committed', partition: 0, offset: 1 })
    deliveries.take('second', { kind: 'assigned', partitions: [0] })
    deliveries.take('second', record(0, 1, 6))
    expect(deliveries.broken).toEqual([])
  })
})
