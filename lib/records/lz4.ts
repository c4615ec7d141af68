/**
 * LZ4 frames (lz4_Frame_format.md 1.6) as Apache Kafka reads them: independent blocks of at most 64 KiB to 4 MiB. The frame is taken
 * apart here because old Kafka clients compute its header checksum wrongly; that and the optional checksums are not
 * looked at, the batch's CRC-32C covers the same bytes.
 */
import { compressFrameSync, uncompressSync } from 'lz4-napi'
import { joinBytes } from '../base/index.ts'
import { RecordError } from './errors.ts'

const MAGIC = 0x184d2204
const FLAG = { version: 0xc0, independentBlocks: 0x20, blockChecksums: 0x10, contentSize: 0x08 } as const
const VERSION_1 = 0x40
const STORED_BLOCK = 0x80000000
/** A byte of a compressed block stands for at most 255 of what it holds. */
const EXPANSION_MAX = 255

interface FrameHeader {
  readonly length: number
  readonly blockBytesMax: number
  readonly blockChecksums: boolean
}

/** The library writes independent blocks and no checksums. */
export function compressLz4(records: Buffer): Buffer {
  return compressFrameSync(records)
}

export function decompressLz4(stored: Buffer, limit: number): Buffer {
  const header = readHeader(stored)
  const blocks: Buffer[] = []
  let left = limit
  let position = header.length
  for (;;) {
    const mark = readMark(stored, position)
    if (mark === 0) return joinBytes(blocks)
    const start = position + 4
    const length = mark & ~STORED_BLOCK
    if (length > header.blockBytesMax) throw corrupt(`a block of ${length} bytes, of ${header.blockBytesMax} at most`)
    if (length > stored.length - start) throw corrupt('a block passes the end of the input')
    const content = stored.subarray(start, start + length)
    const block = mark >= STORED_BLOCK ? content : decompressBlock(content, header.blockBytesMax)
    if (block.length > left) throw new RecordError('TOO_LARGE', `decompresses to more than ${limit} bytes`)
    blocks.push(block)
    left -= block.length
    position = start + length + (header.blockChecksums ? 4 : 0)
  }
}

/** Four bytes before each block: its length, and in the top bit whether it is stored as it is; 0 ends the frame. */
function readMark(stored: Buffer, position: number): number {
  if (position + 4 > stored.length) throw corrupt('a frame without an end')
  return stored.readUInt32LE(position)
}

function readHeader(stored: Buffer): FrameHeader {
  if (stored.length < 7 || stored.readUInt32LE(0) !== MAGIC) throw corrupt('not an LZ4 frame')
  const flags = stored[4]!
  if ((flags & FLAG.version) !== VERSION_1) throw corrupt('an LZ4 frame of an unknown version')
  if ((flags & FLAG.independentBlocks) === 0) throw corrupt('LZ4 blocks that depend on each other; Kafka knows none')
  const sizeCode = (stored[5]! >> 4) & 7
  if (sizeCode < 4) throw corrupt(`an LZ4 block size of code ${sizeCode}`)
  return {
    length: (flags & FLAG.contentSize) === 0 ? 7 : 15,
    blockBytesMax: 2 ** (2 * sizeCode + 8),
    blockChecksums: (flags & FLAG.blockChecksums) !== 0,
  }
}

/** The library wants the decompressed length in front of a block; an upper bound will do, and is what it allocates. */
function decompressBlock(block: Buffer, bytesMax: number): Buffer {
  const prefixed = Buffer.allocUnsafe(4 + block.length)
  prefixed.writeUInt32LE(Math.min(bytesMax, block.length * EXPANSION_MAX), 0)
  block.copy(prefixed, 4)
  return uncompressSync(prefixed)
}

function corrupt(message: string): RecordError {
  return new RecordError('CORRUPT_RECORDS', message)
}
