/** Arbitrary records and batches for the property tests of lib/records. */
import fc from 'fast-check'
import { type BatchRecord, COMPRESSIONS, type NewBatch, type NewRecord } from '../../lib/records/index.ts'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength })

const header = fc.record({
  key: fc.string({ unit: 'grapheme', maxLength: 12 }),
  value: fc.option(bytes(40), { nil: null }),
})

/** Around now, at the edges of what Kafka sends, and far apart. */
const timestamp = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
  fc.constantFrom(-1, 0, 2 ** 31 - 1, 2 ** 31, 2 ** 50, -(2 ** 50)),
)

/** Some repetitive, so that compression has something to find. */
const value = fc.oneof(
  bytes(300),
  fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 100_000 })).map(([b, n]) => Buffer.alloc(n, b)),
)

export const newRecord: fc.Arbitrary<NewRecord> = fc.record(
  {
    timestamp,
    key: fc.option(bytes(60), { nil: null }),
    value: fc.option(value, { nil: null }),
    headers: fc.array(header, { maxLength: 4 }),
  },
  { requiredKeys: ['timestamp', 'key', 'value'] },
)

/** As a client may send it, plain or idempotent. */
export const clientBatch: fc.Arbitrary<NewBatch> = fc
  .record({
    records: fc.array(newRecord, { minLength: 1, maxLength: 20 }),
    compression: fc.constantFrom(...COMPRESSIONS),
    producer: fc.option(
      fc.record({
        producerId: fc.integer({ min: 0, max: 2 ** 52 }),
        producerEpoch: fc.integer({ min: 0, max: 2 ** 15 - 1 }),
        baseSequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        isTransactional: fc.boolean(),
      }),
    ),
  })
  .map(({ producer, ...batch }) => ({ ...batch, ...producer }))

/** What must come back for `records` that went in. */
export function asRead(records: readonly NewRecord[], baseOffset = 0) {
  return records.map((record, index) => ({
    offset: baseOffset + index,
    timestamp: record.timestamp,
    key: hexOrNull(record.key),
    value: hexOrNull(record.value),
    headers: (record.headers ?? []).map(({ key, value }) => ({ key, value: hexOrNull(value) })),
  }))
}

/** Records in a form whose differences vitest can print. */
export function printable(records: Iterable<BatchRecord>) {
  return Array.from(records, record => ({
    ...record,
    key: hexOrNull(record.key),
    value: hexOrNull(record.value),
    headers: record.headers.map(({ key, value }) => ({ key, value: hexOrNull(value) })),
  }))
}

function hexOrNull(value: Uint8Array | null): string | null {
  return value === null ? null : Buffer.from(value).toString('hex')
}
