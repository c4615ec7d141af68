/** Forms of compression that some clients write and ours does not. */
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync as compressSnappyBlock } from 'snappy'
import { expect, test } from 'vitest'
import { type Compression, readRecords, validateRecords, viewBatch } from '../../lib/records/index.ts'
import { codeOf, storedRecordOf, withStoredRecords } from './batches.ts'

const value = Buffer.from('varve '.repeat(40_000))
const records = storedRecordOf(value, 'none')

function valueIn(compression: Compression, stored: Uint8Array): string | undefined {
  const view = viewBatch(withStoredRecords(compression, stored))
  validateRecords(view)
  const [record] = readRecords(view)
  return record?.value?.toString()
}

const half = records.length / 2

/** A frame of lz4 whose content is the records, in blocks of at most 64 KiB. */
function lz4Frame(flags: number, header: Buffer, blocks: readonly Buffer[]): Buffer {
  const start = Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x40]), header, Buffer.from([0])])
  return Buffer.concat([start, ...blocks, Buffer.alloc(4)])
}

function storedBlock(content: Buffer): Buffer {
  const mark = Buffer.alloc(4)
  mark.writeUInt32LE(0x80000000 + content.length)
  return Buffer.concat([mark, content])
}

const storedBlocks = Array.from({ length: 5 }, (_, i) => storedBlock(records.subarray(i * 60_000, (i + 1) * 60_000)))

const forms: [string, Compression, Uint8Array][] = [
  ['snappy as one block without framing', 'snappy', compressSnappyBlock(records)],
  ['lz4 with a wrong header checksum (old Kafka clients)', 'lz4', withWrongHeaderChecksum(compressFrameSync(records))],
  ['lz4 with checksums', 'lz4', compressFrameSync(records, { contentChecksum: true, blockChecksums: true })],
  ['lz4 with its content size, in stored blocks', 'lz4', lz4Frame(0x68, Buffer.alloc(8), storedBlocks)],
  [
    'gzip in two members',
    'gzip',
    Buffer.concat([gzipSync(records.subarray(0, half)), gzipSync(records.subarray(half))]),
  ],
  [
    'zstd in two frames',
    'zstd',
    Buffer.concat([zstdCompressSync(records.subarray(0, half)), zstdCompressSync(records.subarray(half))]),
  ],
]

test.each(forms)('%s is read', (_name, compression, stored) => {
  expect(valueIn(compression, stored)).toBe(value.toString())
})

const brokenForms: [string, Compression, Uint8Array][] = [
  ['lz4 with blocks that depend on each other', 'lz4', lz4Frame(0x40, Buffer.alloc(0), storedBlocks)],
  ['lz4 of an unknown version', 'lz4', lz4Frame(0xa0, Buffer.alloc(0), storedBlocks)],
  ['lz4 with a block over its frame’s limit', 'lz4', lz4Frame(0x60, Buffer.alloc(0), [storedBlock(records)])],
  ['zstd followed by something else', 'zstd', Buffer.concat([zstdCompressSync(records), Buffer.from('more')])],
  ['gzip followed by something else', 'gzip', Buffer.concat([gzipSync(records), Buffer.from('more')])],
  ['zstd in a thousand empty frames', 'zstd', Buffer.concat(Array(1_000).fill(zstdCompressSync(Buffer.alloc(0))))],
]

test.each(brokenForms)('%s is refused', (_name, compression, stored) => {
  expect(codeOf(() => valueIn(compression, stored))).toBe('CORRUPT_RECORDS')
})

function withWrongHeaderChecksum(frame: Buffer): Buffer {
  frame[6]! ^= 0xff
  return frame
}
