/** Snappy without native code: in the place of `snappy` in the functions' bundles. */
import { compress, uncompress } from 'snappyjs'

export function compressSync(block: Buffer): Buffer {
  return compress(block)
}

export function uncompressSync(block: Buffer): Buffer {
  return uncompress(block)
}
