/** Bytes from people who mean harm: nothing but RecordError comes out, and memory stays bounded. */
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  buildBatch,
  COMPRESSIONS,
  type Compression,
  readRecords,
  splitBatches,
  validateBatch,
  validateRecords,
  viewBatch,
} from '../../lib/records/index.ts'
import { clientBatch } from './arbitraries.ts'
import { codeOf, storedRecordOf, withStoredRecords } from './batches.ts'

const MIB = 2 ** 20

function readAll(bytes: Uint8Array): void {
  for (const batch of splitBatches(bytes)) {
    validateRecords(batch)
    for (const _record of readRecords(batch));
  }
}

test('any bytes at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      codeOf(() => validateBatch(bytes))
      codeOf(() => readAll(bytes))
    }),
    { numRuns: 2_000 },
  )
})

test('any bytes as the records of a batch, under every compression', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...COMPRESSIONS),
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(5),
      (codec, bytes, count) => {
        codeOf(() => readAll(withStoredRecords(codec, bytes, count)))
      },
    ),
    { numRuns: 3_000 },
  )
})

test('a batch with a few bytes changed, whatever its CRC', () => {
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
  fc.assert(
    fc.property(clientBatch, fc.array(change, { minLength: 1, maxLength: 3 }), (batch, changes) => {
      const bytes = buildBatch(batch)
      for (const [where, byte] of changes) bytes[17 + (where % (bytes.length - 17))] = byte
      codeOf(() => readAll(bytes))
    }),
    { numRuns: 1_000 },
  )
})

test('compressed records cut anywhere', () => {
  for (const compression of COMPRESSIONS) {
    const value = Buffer.from('varve '.repeat(50))
    const whole = storedRecordOf(value, compression)
    for (let length = 0; length < whole.length; length++) {
      expect(codeOf(() => readAll(withStoredRecords(compression, whole.subarray(0, length))))).toBeDefined()
    }
  }
})

const bombs: [string, Compression, () => Uint8Array][] = [
  ['gzip', 'gzip', () => gzipSync(Buffer.alloc(300 * MIB))],
  ['zstd', 'zstd', () => zstdCompressSync(Buffer.alloc(300 * MIB))],
  ['zstd in two frames', 'zstd', () => Buffer.concat(Array(2).fill(zstdCompressSync(Buffer.alloc(100 * MIB))))],
  ['snappy', 'snappy', () => storedRecordOf(Buffer.alloc(140 * MIB), 'snappy')],
  ['lz4', 'lz4', () => storedRecordOf(Buffer.alloc(140 * MIB), 'lz4')],
]

test.each(bombs)('%s: a bomb is refused at the limit', (_name, compression, build) => {
  expect(codeOf(() => readAll(withStoredRecords(compression, build())))).toBe('TOO_LARGE')
})

test('the limit is the caller’s, to the byte', () => {
  for (const compression of COMPRESSIONS) {
    const view = viewBatch(
      buildBatch({ records: [{ timestamp: 0, key: null, value: Buffer.alloc(100_000) }], compression }),
    )
    const decompressed = 100_011 // the record around it: 3 + 1 + 1 + 1 + 1 + 3 + 1 bytes
    expect(codeOf(() => validateRecords(view, { decompressedBytesMax: decompressed }))).toBeUndefined()
    if (compression === 'none') continue
    expect(codeOf(() => validateRecords(view, { decompressedBytesMax: decompressed - 1 }))).toBe('TOO_LARGE')
  }
})

/** Input that claims gigabytes in a few bytes. */
const claims: [string, Compression, Uint8Array, number?][] = [
  ['snappy block of 4 GiB', 'snappy', Buffer.from('ffffffff0f0041', 'hex')],
  ['snappy block of 127 MiB', 'snappy', Buffer.from('ffffff3f0041', 'hex')],
  ['xerial block of 2 GiB', 'snappy', Buffer.from('82534e415050590000000001000000017fffffff00', 'hex')],
  ['lz4 block of 2 GiB', 'lz4', Buffer.from('04224d18607073ffffff7f00', 'hex')],
  ['lz4 content of 2^63', 'lz4', Buffer.from('04224d186870ffffffffffffff7f7300000000', 'hex')],
  ['zstd content of 2^62', 'zstd', Buffer.from('28b52ffde0ffffffffffffff3f0100004142', 'hex')],
  ['record of 2 GiB', 'none', Buffer.from('feffffff0f00', 'hex')],
  ['key of 2 GiB', 'none', Buffer.from('18000000feffffff0f0000000000', 'hex')],
  ['2^31 - 1 headers', 'none', Buffer.from('160000000101feffffff0f000000', 'hex')],
  ['2^31 - 1 records', 'none', Buffer.from('0c000000010100', 'hex'), 2 ** 31 - 1],
]

test.each(claims)(
  'a %s that is not there is refused, and nothing of its size allocated',
  (_name, compression, stored, recordCount) => {
    const before = process.memoryUsage().arrayBuffers
    expect(codeOf(() => readAll(withStoredRecords(compression, stored, recordCount)))).toBeDefined()
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MIB)
  },
)
