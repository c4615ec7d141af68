import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  buildBatch,
  buildEndTransactionMarker,
  type NewBatch,
  type RecordErrorCode,
  readEndTransactionMarker,
  splitBatches,
  validateBatch,
  validateChecksum,
  validateRecords,
  viewBatch,
  withTimestampType,
  writeOffset,
} from '../../lib/records/index.ts'
import { clientBatch } from './arbitraries.ts'
import { codeOf } from './batches.ts'

const record = { timestamp: 1_000, key: Buffer.from('k'), value: Buffer.from('v') }
const plain: NewBatch = { records: [record, record, record] }

/** Changes a batch's header and sets its CRC right again, as a client with a bug (not a bad wire) would send it. */
function altered(batch: NewBatch, alter: (bytes: Buffer) => void): Buffer {
  const bytes = buildBatch(batch)
  alter(bytes)
  const { timestampType, maxTimestamp } = viewBatch(bytes)
  return withTimestampType(bytes, timestampType, maxTimestamp)
}

describe('a batch is refused', () => {
  const refusals: [RecordErrorCode, string, () => Uint8Array][] = [
    ['EMPTY', 'without a byte', () => Buffer.alloc(0)],
    ['TRUNCATED', 'shorter than a header', () => buildBatch(plain).subarray(0, 60)],
    ['TRUNCATED', 'shorter than its length', () => buildBatch(plain).subarray(0, -1)],
    ['MORE_THAN_ONE_BATCH', 'followed by another', () => Buffer.concat([buildBatch(plain), buildBatch(plain)])],
    ['MORE_THAN_ONE_BATCH', 'followed by a byte', () => Buffer.concat([buildBatch(plain), Buffer.alloc(1)])],
    ['UNSUPPORTED_MAGIC', 'of message format 0', () => legacyMessage(0)],
    ['UNSUPPORTED_MAGIC', 'of message format 1', () => legacyMessage(1)],
    ['BAD_LENGTH', 'whose length is less than a header', () => altered(plain, bytes => bytes).fill(0, 8, 12)],
    ['BAD_LENGTH', 'whose length is negative', () => buildBatch(plain).fill(0xff, 8, 12)],
    ['BAD_COUNT', 'with no records', () => altered(plain, bytes => bytes.writeInt32BE(0, 57))],
    ['BAD_COUNT', 'with fewer records than nothing', () => altered(plain, bytes => bytes.writeInt32BE(-1, 57))],
    ['BAD_COUNT', 'whose count is not that of its offsets', () => altered(plain, bytes => bytes.writeInt32BE(3, 23))],
    ['BAD_COUNT', 'with more records than bytes for them', () => withCount(plain, 2 ** 31 - 1)],
    ['BAD_OFFSETS', 'whose base offset is not 0', () => altered(plain, bytes => writeOffset(bytes, 1))],
    ['INT64_OUT_OF_RANGE', 'from the far future', () => buildBatch(plain).fill(0x7f, 35, 43)],
    ['UNKNOWN_COMPRESSION', 'compressed by no known means', () => unknownCompression()],
    ['CONTROL_BATCH', 'of control records', () => buildBatch({ ...plain, isControl: true })],
    ['BAD_TIMESTAMP_TYPE', 'with log append time', () => buildBatch({ ...plain, timestampType: 'LogAppendTime' })],
    ['BAD_SEQUENCE', 'idempotent without a sequence', () => buildBatch({ ...plain, producerId: 1, producerEpoch: 0 })],
    ['BAD_SEQUENCE', 'idempotent without an epoch', () => buildBatch({ ...plain, producerId: 1, baseSequence: 0 })],
    ['BAD_SEQUENCE', 'of an impossible producer', () => buildBatch({ ...plain, producerId: -2 })],
    ['BAD_SEQUENCE', 'transactional, of no producer', () => buildBatch({ ...plain, isTransactional: true })],
  ]
  test.each(refusals)('%s: %s', (code, _name, build) => {
    expect(codeOf(() => validateBatch(build()))).toBe(code)
  })

  function unknownCompression(): Buffer {
    const bytes = buildBatch(plain)
    bytes[22]! |= 5
    return bytes
  }

  function withCount(batch: NewBatch, count: number): Buffer {
    return altered(batch, bytes => {
      bytes.writeInt32BE(count, 57)
      bytes.writeInt32BE(count - 1, 23)
    })
  }

  /** Message formats 0 and 1: offset, size, crc, magic, attributes, (timestamp,) key, value. */
  function legacyMessage(magic: 0 | 1): Buffer {
    const message = Buffer.alloc(magic === 0 ? 26 : 34)
    message.writeInt32BE(message.length - 12, 8)
    message.writeInt8(magic, 16)
    message.fill(0xff, message.length - 8)
    return message
  }
})

test('a producer that is not idempotent may send any epoch and sequence', () => {
  // @platformatic/kafka and KafkaJS send 0 for both.
  expect(validateBatch(buildBatch({ ...plain, producerEpoch: 0, baseSequence: 0 })).producerId).toBe(-1)
})

test('a flip of any bit is found, but for the leader epoch, which means nothing in a request', () => {
  fc.assert(
    fc.property(clientBatch, fc.nat(), fc.integer({ min: 0, max: 7 }), (batch, where, bit) => {
      const bytes = buildBatch(batch)
      const position = where % bytes.length
      fc.pre(position < 12 || position >= 16)
      bytes[position]! ^= 1 << bit
      expect(codeOf(() => validateBatch(bytes))).toBeDefined()
    }),
    { numRuns: 1_000 },
  )
})

test('every byte of one batch, changed to every other value, is found', () => {
  const bytes = buildBatch(plain)
  for (let position = 0; position < bytes.length; position++) {
    if (position >= 12 && position < 16) continue
    const right = bytes[position]!
    for (let wrong = 0; wrong < 256; wrong++) {
      if (wrong === right) continue
      bytes[position] = wrong
      expect(
        codeOf(() => validateBatch(bytes)),
        `byte ${position} set to ${wrong}`,
      ).toBeDefined()
    }
    bytes[position] = right
  }
  validateBatch(bytes)
})

test('a batch cut anywhere is an error of its own kind, also as the last of many', () => {
  const bytes = buildBatch(plain)
  for (let length = 1; length < bytes.length; length++) {
    expect(codeOf(() => validateBatch(bytes.subarray(0, length)))).toBe('TRUNCATED')
    expect(codeOf(() => splitBatches(Buffer.concat([bytes, bytes.subarray(0, length)])))).toBe('TRUNCATED')
  }
})

describe('the walk over the records finds', () => {
  test('how many records have no key', () => {
    const view = viewBatch(buildBatch({ records: [record, { ...record, key: null }] }))
    expect(validateRecords(view).keyless).toBe(1)
    const empty = viewBatch(buildBatch({ records: [{ ...record, key: Buffer.alloc(0) }] }))
    expect(validateRecords(empty).keyless).toBe(0)
  })

  test('more or fewer records than the header says', () => {
    for (const compression of ['none', 'zstd'] as const) {
      for (const count of [2, 4]) {
        const view = viewBatch(altered({ ...plain, compression }, bytes => bytes.writeInt32BE(count, 57)))
        expect(codeOf(() => validateRecords(view))).toBe('BAD_COUNT')
      }
    }
  })

  test('offset deltas that are not 0, 1, 2, …', () => {
    // The first record: length, attributes, timestamp delta, offset delta at 61, 62, 63, 64.
    const view = viewBatch(altered(plain, bytes => bytes.writeInt8(2, 64)))
    expect(codeOf(() => validateRecords(view))).toBe('BAD_OFFSETS')
  })
})

test('end-transaction markers say who ended what and how', () => {
  for (const outcome of ['commit', 'abort'] as const) {
    const marker = { outcome, coordinatorEpoch: 7, producerId: 12, producerEpoch: 3, timestamp: 55 }
    const view = viewBatch(buildEndTransactionMarker(marker))
    validateChecksum(view)
    validateRecords(view)
    expect(view).toMatchObject({
      isControl: true,
      isTransactional: true,
      producerId: 12,
      producerEpoch: 3,
      baseSequence: -1,
    })
    expect(readEndTransactionMarker(view)).toEqual({ outcome, coordinatorEpoch: 7 })
  }
})

test('a control record of another type is none; a data batch is no marker', () => {
  const key = Buffer.from([0, 0, 0, 5])
  const other = buildBatch({ records: [{ timestamp: 0, key, value: Buffer.alloc(0) }], isControl: true })
  expect(readEndTransactionMarker(viewBatch(other))).toBeUndefined()
  expect(codeOf(() => readEndTransactionMarker(viewBatch(buildBatch(plain))))).toBe('CORRUPT_RECORDS')
  const short = buildBatch({ records: [{ timestamp: 0, key: Buffer.alloc(3), value: null }], isControl: true })
  expect(codeOf(() => readEndTransactionMarker(viewBatch(short)))).toBe('CORRUPT_RECORDS')
})

test('what no batch can hold is not built', () => {
  expect(codeOf(() => buildBatch({ records: [] }))).toBe('BAD_COUNT')
  const farApart = [-(2 ** 53) + 1, 2 ** 53 - 1].map(timestamp => ({ ...record, timestamp }))
  expect(codeOf(() => buildBatch({ records: farApart }))).toBe('INT64_OUT_OF_RANGE')
  expect(codeOf(() => buildBatch({ records: [{ ...record, timestamp: Number.NaN }] }))).toBe('INT64_OUT_OF_RANGE')
})
