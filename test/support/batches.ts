import { buildBatch, type NewBatch, readRecords, splitBatches } from '../../lib/records/index.ts'

/** A batch of records with these values. */
export function batchOf(values: readonly string[], options: Partial<NewBatch> & { timestamp?: number } = {}): Buffer {
  const { timestamp = Date.now(), ...batch } = options
  return buildBatch({
    records: values.map(value => ({ timestamp, key: null, value: Buffer.from(value) })),
    ...batch,
  })
}

/** The records of fetched bytes, as `offset:value`. */
export function valuesIn(records: Uint8Array | null): string[] {
  return splitBatches(records ?? new Uint8Array()).flatMap(batch =>
    [...readRecords(batch)].map(record => `${record.offset}:${Buffer.from(record.value ?? []).toString()}`),
  )
}
