import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  buildBatch,
  COMPRESSIONS,
  type NewRecord,
  readRecords,
  splitBatches,
  validateBatch,
  validateChecksum,
  validateRecords,
  viewBatch,
  withCompression,
  withTimestampType,
  writeOffset,
} from '../../lib/records/index.ts'
import { asRead, clientBatch, newRecord, printable } from './arbitraries.ts'

test('what is built is valid and reads back as it was, under every compression', () => {
  fc.assert(
    fc.property(clientBatch, batch => {
      const view = validateBatch(buildBatch(batch))
      validateRecords(view)
      expect(printable(readRecords(view))).toEqual(asRead(batch.records))
      expect(view).toMatchObject({
        compression: batch.compression,
        recordCount: batch.records.length,
        lastOffsetDelta: batch.records.length - 1,
        producerId: batch.producerId ?? -1,
        producerEpoch: batch.producerEpoch ?? -1,
        baseSequence: batch.baseSequence ?? -1,
        isTransactional: batch.isTransactional ?? false,
        isControl: false,
        timestampType: 'CreateTime',
        maxTimestamp: Math.max(...batch.records.map(record => record.timestamp)),
      })
    }),
  )
})

test.each(COMPRESSIONS)('%s: records of many blocks, compressible and not', compression => {
  const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 2654435761) >>> 13))
  const records: NewRecord[] = [
    { timestamp: 5, key: null, value: noise },
    { timestamp: 6, key: Buffer.alloc(0), value: Buffer.alloc(0) },
    { timestamp: 7, key: null, value: Buffer.alloc(9_000_000, 'varve') },
    { timestamp: 8, key: null, value: null },
  ]
  const view = validateBatch(buildBatch({ records, compression }))
  validateRecords(view)
  expect(printable(readRecords(view))).toEqual(asRead(records))
})

test('an offset written in moves every record and leaves the batch valid', () => {
  fc.assert(
    fc.property(clientBatch, fc.integer({ min: 0, max: 2 ** 53 - 100 }), (batch, offset) => {
      const bytes = buildBatch(batch)
      writeOffset(bytes, offset)
      const view = viewBatch(bytes)
      validateChecksum(view)
      expect(view).toMatchObject({ baseOffset: offset, partitionLeaderEpoch: 0 })
      expect(printable(readRecords(view))).toEqual(asRead(batch.records, offset))
    }),
  )
})

test('log append time is the time of every record, on a copy with a right CRC', () => {
  const bytes = buildBatch({ records: [1, 2, 3].map(timestamp => ({ timestamp, key: null, value: null })) })
  const before = Buffer.from(bytes)
  const stamped = viewBatch(withTimestampType(bytes, 'LogAppendTime', 99))
  validateChecksum(stamped)
  expect(Array.from(readRecords(stamped), record => record.timestamp)).toEqual([99, 99, 99])
  expect(bytes.equals(before)).toBe(true)
  const restored = withTimestampType(stamped.bytes, 'CreateTime', 3)
  expect(restored.equals(before)).toBe(true)
})

test('a batch compressed otherwise is the same but for its bytes', () => {
  fc.assert(
    fc.property(clientBatch, fc.constantFrom(...COMPRESSIONS), (batch, compression) => {
      const before = viewBatch(buildBatch(batch))
      const after = validateBatch(withCompression(before, compression))
      const { bytes: _, crc: __, ...header } = before
      expect(after).toMatchObject({ ...header, compression })
      expect(printable(readRecords(after))).toEqual(printable(readRecords(before)))
    }),
  )
})

test('a buffer of many batches is split into them', () => {
  fc.assert(
    fc.property(fc.array(clientBatch, { maxLength: 4 }), batches => {
      const built = batches.map(buildBatch)
      const views = splitBatches(Buffer.concat(built))
      expect(views.map(view => view.bytes.toString('hex'))).toEqual(built.map(bytes => bytes.toString('hex')))
    }),
    { numRuns: 30 },
  )
})

test('a batch is viewed within a larger buffer, at any position', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 50 }),
      fc.array(newRecord, { minLength: 1, maxLength: 3 }),
      (pad, records) => {
        const bytes = buildBatch({ records })
        const view = viewBatch(Buffer.concat([pad, bytes, pad]), pad.length)
        expect(view.bytes.equals(bytes)).toBe(true)
      },
    ),
  )
})

test('the walk finds the first record with the largest timestamp, and the smallest timestamp', () => {
  const records = [5, 3, 9, 9, 4].map(timestamp => ({ timestamp, key: null, value: null }))
  const summary = validateRecords(viewBatch(buildBatch({ records })))
  expect(summary).toEqual({ keyless: 5, minTimestamp: 3, maxTimestamp: 9, maxTimestampDelta: 2 })
})
