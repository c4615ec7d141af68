/**
 * An extent's object: batches with their offsets written in, then an index of blocks (runs of whole batches), then a
 * trailer of fixed length:
 *
 *   batches … | index | index length u32 | CRC-32C of the index u32 | format version u8 | "VRVX"
 *
 * Each block has the CRC-32C of its bytes: a batch's own does not cover its offset. The last batch ends where the extent
 * does; where compaction left nothing there, an empty batch says so, or a reader at the end of the log would not get on.
 */
import { crc32c } from '@node-rs/crc32'
import { ByteReader, ByteWriter, CorruptDataError, checkFormat } from '../../base/index.ts'
import { type BatchView, buildEmptyBatch } from '../../records/index.ts'

const FORMAT_VERSION = 1
const MAGIC = 0x56525658 // "VRVX"
const TRAILER_BYTES = 13
/** A block ends with the batch that reaches this: what is fetched at a time, and what the index tells apart. */
export const BLOCK_BYTES = 512 * 1_024

export interface Block {
  readonly position: number
  readonly length: number
  /** Offset of its first batch. */
  readonly from: number
  /** Largest timestamp in it, in ms; -1 where there is none. */
  readonly maxTimestamp: number
  readonly crc: number
}

export type PlacedBatch = Pick<BatchView, 'bytes' | 'baseOffset' | 'lastOffsetDelta' | 'recordCount' | 'maxTimestamp'>

/** Takes the batches of an extent one after the other and knows what its item and index have to say. */
export class ExtentBuilder {
  readonly #blocks: Block[] = []
  #block: { position: number; length: number; from: number; maxTimestamp: number; crc: number } | undefined
  #next: number
  #bytes = 0
  #records = 0
  #maxTimestamp = -1

  constructor(from: number) {
    this.#next = from
  }

  /** Offset after the last batch. */
  get next(): number {
    return this.#next
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The batch's bytes, as they belong into the object. */
  add({ bytes, baseOffset, lastOffsetDelta, recordCount, maxTimestamp }: PlacedBatch): Uint8Array {
    if (baseOffset + lastOffsetDelta < this.#next)
      throw new CorruptDataError(`a batch at ${baseOffset} in an extent that stands at ${this.#next}`)
    this.#block ??= { position: this.#bytes, length: 0, from: baseOffset, maxTimestamp: -1, crc: 0 }
    const block = this.#block
    block.length += bytes.length
    block.maxTimestamp = Math.max(block.maxTimestamp, maxTimestamp)
    block.crc = crc32c(bytes, block.crc)
    this.#bytes += bytes.length
    this.#records += recordCount
    this.#maxTimestamp = Math.max(this.#maxTimestamp, maxTimestamp)
    this.#next = baseOffset + lastOffsetDelta + 1
    if (block.length >= BLOCK_BYTES) this.#endBlock()
    return bytes
  }

  /** What follows the batches in the object, an empty batch first where none ends at `to`; and what the item says. */
  finish(to: number): {
    readonly parts: Uint8Array[]
    readonly summary: { records: number; bytes: number; indexBytes: number; maxTimestamp: number }
  } {
    const parts = this.#next < to ? [this.add(buildEmptyBatch(to - 1))] : []
    this.#endBlock()
    const index = encodeExtentIndex(this.#blocks)
    const summary = {
      records: this.#records,
      bytes: this.#bytes,
      indexBytes: index.length,
      maxTimestamp: this.#maxTimestamp,
    }
    return { parts: [...parts, index], summary }
  }

  #endBlock(): void {
    if (this.#block) this.#blocks.push(this.#block)
    this.#block = undefined
  }
}

function encodeExtentIndex(blocks: readonly Block[]): Uint8Array {
  const index = new ByteWriter(32 + blocks.length * 24)
  index.uint(blocks.length)
  for (const { position, length, from, maxTimestamp, crc } of blocks) {
    index.uint(position).uint(length).uint(from).int(maxTimestamp).uint32(crc)
  }
  const length = index.length
  const crc = crc32c(index.finish())
  return index.uint32(length).uint32(crc).uint8(FORMAT_VERSION).uint32(MAGIC).finish()
}

/** The blocks, from the index and trailer at an object's end. @throws CorruptDataError */
export function decodeExtentIndex(bytes: Uint8Array): Block[] {
  if (bytes.length < TRAILER_BYTES) throw new CorruptDataError(`an extent's index of ${bytes.length} bytes`)
  const trailer = new ByteReader(bytes.subarray(bytes.length - TRAILER_BYTES))
  const length = trailer.uint32()
  const crc = trailer.uint32()
  const version = trailer.uint8()
  if (trailer.uint32() !== MAGIC) throw new CorruptDataError('not an extent')
  checkFormat('extent', version, FORMAT_VERSION)
  const start = bytes.length - TRAILER_BYTES - length
  if (start < 0) throw new CorruptDataError(`an extent's index of ${length} bytes in ${bytes.length}`)
  const index = bytes.subarray(start, start + length)
  if (crc32c(index) !== crc) throw new CorruptDataError("the CRC of the extent's index does not match")
  return new ByteReader(index).list(reader => ({
    position: reader.uint(),
    length: reader.uint(),
    from: reader.uint(),
    maxTimestamp: reader.int(),
    crc: reader.uint32(),
  }))
}

/** @throws CorruptDataError */
export function checkBlock(bytes: Uint8Array, block: Block): void {
  if (bytes.length !== block.length || crc32c(bytes) !== block.crc)
    throw new CorruptDataError(`a block at ${block.position} of an extent is damaged`)
}
