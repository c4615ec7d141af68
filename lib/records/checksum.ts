import { crc32c } from '@node-rs/crc32'
import { POSITION } from './batch-view.ts'

/** The CRC-32C that belongs into the header of `batch`: one native pass, no copy. */
export function checksumOf(batch: Buffer): number {
  return crc32c(batch.subarray(POSITION.attributes))
}
