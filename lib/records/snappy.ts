/**
 * Snappy as Kafka's clients use it: blocks in the framing of xerial's snappy-java (magic, version, lowest compatible version;
 * then for each block its length as int32 and a raw block). Some clients send one raw block without framing; it is read too.
 */
import { compressSync, uncompressSync } from 'snappy'
import { RecordError } from './errors.ts'

const XERIAL_MAGIC = Buffer.from('\x82SNAPPY\0', 'latin1')
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const BLOCK_BYTES = 32 * 1024
/** No element of a raw block makes more of a byte than this: a copy of 64 bytes takes 3 (format_description.txt). */
const EXPANSION_MAX = 22

/** Memory of the heap's own: for blocks this small far faster than memory that the library keeps. */
const COPIED = { copyOutputData: true }

export function compressSnappy(records: Buffer): Buffer {
  const parts: Buffer[] = [XERIAL_HEADER]
  for (let position = 0; position < records.length; position += BLOCK_BYTES) {
    const block = compressSync(records.subarray(position, position + BLOCK_BYTES), COPIED)
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

export function decompressSnappy(stored: Buffer, limit: number): Buffer {
  if (!stored.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return decompressBlock(stored, limit)
  const blocks: Buffer[] = []
  let left = limit
  let position = XERIAL_HEADER.length
  while (position < stored.length) {
    const start = position + 4
    const length = start > stored.length ? -1 : stored.readInt32BE(position)
    if (length < 0 || length > stored.length - start) throw corrupt('a block passes the end of the input')
    const block = decompressBlock(stored.subarray(start, start + length), left)
    blocks.push(block)
    left -= block.length
    position = start + length
  }
  return Buffer.concat(blocks)
}

/** The library allocates what a block claims to hold, so the claim is checked first. */
function decompressBlock(block: Buffer, limit: number): Buffer {
  const claimed = readClaimedLength(block)
  if (claimed > block.length * EXPANSION_MAX) throw corrupt(`${block.length} bytes claim to hold ${claimed}`)
  if (claimed > limit) throw new RecordError('TOO_LARGE', `${claimed} bytes decompressed, where ${limit} are allowed`)
  return uncompressSync(block, COPIED) as Buffer
}

/** A raw block begins with its decompressed length: unsigned, 7 bits a byte, the lowest first. */
function readClaimedLength(block: Buffer): number {
  let length = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) break
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return length
  }
  throw corrupt('a snappy block without a length')
}

function corrupt(message: string): RecordError {
  return new RecordError('CORRUPT_RECORDS', message)
}
