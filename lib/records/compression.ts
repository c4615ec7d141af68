/**
 * Compression of a batch's records as Apache Kafka's clients write and read it: gzip (RFC 1952), snappy (in the framing of
 * xerial's snappy-java), lz4 (LZ4 frames), zstd (RFC 8878). Decompression never makes more than `limit` bytes and answers every
 * kind of broken input with RecordError.
 */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { joinBytes } from '../base/index.ts'
import type { Compression } from './batch-view.ts'
import { RecordError } from './errors.ts'
import { compressLz4, decompressLz4 } from './lz4.ts'
import { compressSnappy, decompressSnappy } from './snappy.ts'

/** How much the records of one batch may decompress to unless the caller says otherwise. */
export const DECOMPRESSED_BYTES_MAX = 128 * 1024 * 1024

/** A client's batch is one zstd frame; several are read as one, but not so many that each costs more than it holds. */
const ZSTD_FRAMES_MAX = 16

interface Codec {
  compress(records: Buffer, level?: number): Buffer
  decompress(stored: Buffer, limit: number): Buffer
}

const codecs: Record<Compression, Codec> = {
  none: { compress: records => records, decompress: stored => stored },
  gzip: { compress: compressGzip, decompress: decompressGzip },
  snappy: { compress: compressSnappy, decompress: decompressSnappy },
  lz4: { compress: compressLz4, decompress: decompressLz4 },
  zstd: { compress: compressZstd, decompress: decompressZstd },
}

/** `level`: of gzip -1 (zlib's own choice) and 1 to 9, of zstd -131072 to 22; the others have none. */
export function compress(compression: Compression, records: Buffer, level?: number): Buffer {
  return codecs[compression].compress(records, level)
}

/** @throws RecordError TOO_LARGE, CORRUPT_RECORDS */
export function decompress(compression: Compression, stored: Buffer, limit: number): Buffer {
  try {
    return codecs[compression].decompress(stored, limit)
  } catch (cause) {
    if (cause instanceof RecordError) throw cause
    if (isTooLarge(cause)) throw new RecordError('TOO_LARGE', `decompresses to more than ${limit} bytes`, { cause })
    throw new RecordError('CORRUPT_RECORDS', `does not decompress as ${compression}`, { cause })
  }
}

function compressGzip(records: Buffer, level?: number): Buffer {
  return gzipSync(records, level === undefined ? {} : { level })
}

function compressZstd(records: Buffer, level?: number): Buffer {
  return zstdCompressSync(
    records,
    level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } },
  )
}

function decompressGzip(stored: Buffer, limit: number): Buffer {
  return gunzipSync(stored, { maxOutputLength: limit })
}

/** Node stops after the first frame and says how much of the input it took. */
function decompressZstd(stored: Buffer, limit: number): Buffer {
  const frames: Buffer[] = []
  let position = 0
  let left = limit
  do {
    if (frames.length === ZSTD_FRAMES_MAX)
      throw new RecordError('CORRUPT_RECORDS', `over ${ZSTD_FRAMES_MAX} zstd frames`)
    const options = { maxOutputLength: Math.max(left, 1), info: true }
    // The types of Node do not know what `info` makes of the answer.
    const { buffer, engine } = zstdDecompressSync(stored.subarray(position), options) as unknown as ZstdAnswer
    frames.push(buffer)
    position += engine.bytesWritten
    left -= buffer.length
  } while (position < stored.length)
  return joinBytes(frames)
}

interface ZstdAnswer {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}
