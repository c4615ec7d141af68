/** LZ4 without native code: in the place of `lz4-napi` in the functions' bundles. Blocks as in lz4_Block_format.md. */
import { compressBlock } from 'lz4js'

const BLOCK_BYTES = 64 * 1_024
const STORED_BLOCK = 0x80000000
/** Magic; version 1, independent blocks, no checksums; blocks of 64 KiB; checksum of these two bytes. */
const FRAME_HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])
const MATCH_BYTES_MIN = 4

export function compressFrameSync(content: Buffer): Buffer {
  const parts: Buffer[] = [FRAME_HEADER]
  for (let position = 0; position < content.length; position += BLOCK_BYTES) {
    const block = Uint8Array.from(content.subarray(position, position + BLOCK_BYTES))
    const target = new Uint8Array(block.length + Math.ceil(block.length / 255) + 16)
    const length = compressBlock(block, target, 0, block.length, new Uint32Array(1 << 16))
    const stored = length === 0 || length >= block.length
    const mark = Buffer.alloc(4)
    mark.writeUInt32LE(stored ? (block.length | STORED_BLOCK) >>> 0 : length)
    parts.push(mark, stored ? Buffer.from(block) : Buffer.from(target.subarray(0, length)))
  }
  parts.push(Buffer.alloc(4))
  return Buffer.concat(parts)
}

/** A block behind an upper bound of its length, little-endian. Throws where the block is broken. */
export function uncompressSync(prefixed: Buffer): Buffer {
  const target = Buffer.allocUnsafe(prefixed.readUInt32LE(0))
  let source = 4
  let length = 0
  const readLength = (start: number): number => {
    let sum = start
    if (start !== 15) return sum
    for (let byte = 255; byte === 255; ) {
      byte = byteAt(prefixed, source++)
      sum += byte
    }
    return sum
  }
  while (source < prefixed.length) {
    const token = prefixed[source++]!
    const literals = readLength(token >>> 4)
    if (source + literals > prefixed.length || length + literals > target.length) throw broken()
    prefixed.copy(target, length, source, source + literals)
    source += literals
    length += literals
    if (source >= prefixed.length) break
    const distance = byteAt(prefixed, source) | (byteAt(prefixed, source + 1) << 8)
    source += 2
    const match = readLength(token & 15) + MATCH_BYTES_MIN
    if (distance === 0 || distance > length || length + match > target.length) throw broken()
    for (const end = length + match; length < end; length++) target[length] = target[length - distance]!
  }
  return target.subarray(0, length)
}

function byteAt(bytes: Buffer, position: number): number {
  const byte = bytes[position]
  if (byte === undefined) throw broken()
  return byte
}

function broken(): RangeError {
  return new RangeError('a broken LZ4 block')
}
