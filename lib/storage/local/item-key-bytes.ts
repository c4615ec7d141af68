/**
 * An item's key in LMDB: length of the partition key (2 bytes), partition key, sort key. The items of one partition key
 * lie together, in the order of the sort keys' bytes.
 */
import { type ItemKey, refusal } from '../index.ts'

/** LMDB's own limit at pages of 4 KiB. */
const LMDB_KEY_BYTES_MAX = 1_978
const LENGTH_BYTES = 2

/** @throws StoreError STORE_REFUSED where LMDB cannot hold the key. */
export function itemKeyBytes({ pk, sk }: ItemKey): Buffer {
  const pkBytes = Buffer.byteLength(pk)
  const length = LENGTH_BYTES + pkBytes + Buffer.byteLength(sk)
  if (length > LMDB_KEY_BYTES_MAX)
    throw refusal(`keys of ${length - LENGTH_BYTES} bytes together, over ${LMDB_KEY_BYTES_MAX - LENGTH_BYTES}`)
  const bytes = Buffer.allocUnsafe(length)
  bytes.writeUInt16BE(pkBytes, 0)
  bytes.write(pk, LENGTH_BYTES)
  bytes.write(sk, LENGTH_BYTES + pkBytes)
  return bytes
}

/** The bytes as a string that is ordered as they are. */
export function keyName(keyBytes: Buffer): string {
  return keyBytes.toString('latin1')
}

export function sortKeyOf(bytes: Uint8Array, pk: string): string {
  return Buffer.from(bytes).toString('utf8', LENGTH_BYTES + Buffer.byteLength(pk))
}

/** Below every key of the partition. */
export function partitionStart(pk: string): Buffer {
  return itemKeyBytes({ pk, sk: '' })
}

/** Above every key of the partition: no byte of UTF-8 is 0xff. */
export function partitionEnd(pk: string): Buffer {
  const bytes = itemKeyBytes({ pk, sk: '.' })
  bytes[bytes.length - 1] = 0xff
  return bytes
}
