import { expect } from 'vitest'
import { runCli } from '../support/cli.ts'
import type { FlightRecord } from './flight-records.ts'
import type { Ack } from './publishers.ts'

export interface StoredFlight {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
  readonly id: number
}

/** All records of a topic in the order read, which is offset order within a partition; read without a group. */
export async function readContents(bootstrap: string, topic: string): Promise<StoredFlight[]> {
  const { code, stdout, stderr } = await runCli([
    'tail',
    topic,
    '--from',
    'earliest',
    '--json',
    '--bootstrap',
    bootstrap,
  ])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Omit<StoredFlight, 'id'>)
    .map(record => ({ ...record, id: (JSON.parse(record.value) as { id: number }).id }))
}

/** Every flight is there once, as it was sent; offsets have no holes. */
export function expectEachOnce(stored: readonly StoredFlight[], sent: readonly FlightRecord[]): void {
  for (const [partition, records] of Map.groupBy(stored, record => record.partition)) {
    const hole = records.find(({ offset }, index) => offset !== index)
    expect(hole, `partition ${partition} has a hole, or an offset twice, before this record`).toBeUndefined()
  }
  const storedById = Map.groupBy(stored, record => record.id)
  expect(
    sent.filter(({ id }) => !storedById.has(id)),
    'lost',
  ).toEqual([])
  expect(
    [...storedById.values()].filter(records => records.length > 1),
    'stored twice',
  ).toEqual([])
  expect(stored).toHaveLength(sent.length)
  const changed = sent.filter(({ id, key, value }) => {
    const [record] = storedById.get(id)!
    return record?.key !== key || record.value !== value
  })
  expect(changed, 'changed on the way').toEqual([])
}

/** Each key is in one partition, and there in the order in which its publisher sent it; ids rise in that order. */
export function expectKeyOrder(stored: readonly StoredFlight[]): void {
  for (const [key, records] of Map.groupBy(stored, record => record.key)) {
    expect(new Set(records.map(({ partition }) => partition)).size, `partitions of ${key}`).toBe(1)
    const early = records.find(({ id }, index) => index > 0 && id < records[index - 1]!.id)
    expect(early, `this record of ${key} lies behind a later one`).toBeUndefined()
  }
}

/** What was acknowledged lies where the acknowledgement said, one send's records of a partition in a row. */
export function expectAcksKept(stored: readonly StoredFlight[], acks: readonly Ack[]): void {
  const placeOf = new Map(stored.map(record => [record.id, record]))
  for (const { records, baseOffsets } of acks) {
    const places = records.map(({ id }) => placeOf.get(id)!)
    for (const [partition, inPartition] of Map.groupBy(places, place => place.partition)) {
      const base = baseOffsets.get(partition)
      expect(inPartition.map(({ offset }) => offset)).toEqual(inPartition.map((_, index) => Number(base) + index))
    }
  }
}
