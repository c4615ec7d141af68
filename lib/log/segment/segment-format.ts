/**
 * A segment's bytes: the slices, one after the other, then an index of them, then a trailer of fixed length:
 *
 *   slice bytes … | index | index length u32 | CRC-32C of the index u32 | format version u8 | "VRVS"
 *
 * Each index entry has the CRC-32C of its slice. The commit in the head, not the index, says what of a segment is
 * part of the log (a duplicate batch is cut there); the index is for checking and for repair.
 */
import { crc32c } from '@node-rs/crc32'
import { ByteReader, ByteWriter, CorruptDataError, checkFormat } from '../../base/index.ts'

const FORMAT_VERSION = 1
const MAGIC = 0x56525653 // "VRVS"
const TRAILER_BYTES = 13

export interface IndexedSlice {
  /** UUID, 32 hex digits. */
  readonly topicId: string
  readonly partition: number
  readonly position: number
  readonly length: number
  readonly crc: number
}

/** The bytes that follow the slices. */
export function encodeSegmentIndex(slices: readonly IndexedSlice[]): Uint8Array {
  const index = new ByteWriter(32 + slices.length * 32)
  index.uint(slices.length)
  for (const slice of slices) {
    index.raw(Buffer.from(slice.topicId, 'hex'))
    index.uint(slice.partition).uint(slice.position).uint(slice.length).uint32(slice.crc)
  }
  const length = index.length
  const crc = crc32c(index.finish())
  return index.uint32(length).uint32(crc).uint8(FORMAT_VERSION).uint32(MAGIC).finish()
}

/** The index of a whole segment. @throws CorruptDataError */
export function decodeSegmentIndex(segment: Uint8Array): IndexedSlice[] {
  if (segment.length < TRAILER_BYTES) throw new CorruptDataError(`a segment of ${segment.length} bytes`)
  const trailer = new ByteReader(segment.subarray(segment.length - TRAILER_BYTES))
  const length = trailer.uint32()
  const crc = trailer.uint32()
  const version = trailer.uint8()
  if (trailer.uint32() !== MAGIC) throw new CorruptDataError('not a segment')
  checkFormat('segment', version, FORMAT_VERSION)
  const start = segment.length - TRAILER_BYTES - length
  if (start < 0) throw new CorruptDataError(`a segment index of ${length} bytes in ${segment.length}`)
  const index = segment.subarray(start, start + length)
  if (crc32c(index) !== crc) throw new CorruptDataError('the CRC of the segment index does not match')
  return new ByteReader(index).list(reader => ({
    topicId: reader.raw(16).toString('hex'),
    partition: reader.uint(),
    position: reader.uint(),
    length: reader.uint(),
    crc: reader.uint32(),
  }))
}
