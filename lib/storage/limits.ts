/**
 * What both item adapters refuse before they send anything, so that a document which fits the embedded store fits
 * DynamoDB too. The numbers are DynamoDB's ("Service, account, and table quotas").
 */
import { type ItemKey, StoreError, WRITE_OPERATIONS_MAX, type WriteOperation } from './ports.ts'

export const PARTITION_KEY_BYTES_MAX = 2_048
export const SORT_KEY_BYTES_MAX = 1_024
export const ITEM_BYTES_MAX = 400 * 1_024
/** All items of one write together. */
export const WRITE_BYTES_MAX = 4 * 1_024 * 1_024

export const OBJECT_KEY_BYTES_MAX = 1_024
/** A streamed put goes in parts of this size, each a request; S3 takes 10,000 of them. */
export const MULTIPART_BYTES = 8 * 1_024 * 1_024

/** Names and fixed parts of the attributes: `pk`, `sk`, `v` with a number of up to 16 digits, `d`. */
const ATTRIBUTE_BYTES = 2 + 2 + 1 + 10 + 1

/** Size of an item as DynamoDB counts (and bills) it. */
export function itemBytes(key: ItemKey, valueBytes: number): number {
  return Buffer.byteLength(key.pk) + Buffer.byteLength(key.sk) + ATTRIBUTE_BYTES + valueBytes
}

/** @throws StoreError STORE_REFUSED */
export function checkItemKey(key: ItemKey): void {
  checkKeyPart('partition', key.pk, PARTITION_KEY_BYTES_MAX)
  checkKeyPart('sort', key.sk, SORT_KEY_BYTES_MAX)
}

/** @throws StoreError STORE_REFUSED */
export function checkPartitionKey(pk: string): void {
  checkKeyPart('partition', pk, PARTITION_KEY_BYTES_MAX)
}

/** @throws StoreError STORE_REFUSED */
export function checkOperations(operations: readonly WriteOperation[]): void {
  if (operations.length < 1 || operations.length > WRITE_OPERATIONS_MAX)
    throw refusal(`a write has 1 to ${WRITE_OPERATIONS_MAX} operations, not ${operations.length}`)
  const sortKeysByPartition = new Map<string, Set<string>>()
  let bytes = 0
  for (const operation of operations) {
    const { pk, sk } = operation.key
    checkItemKey(operation.key)
    const sortKeys = sortKeysByPartition.get(pk) ?? new Set()
    if (sortKeys.has(sk)) throw refusal(`two operations of one write on ${pk} / ${sk}`)
    sortKeysByPartition.set(pk, sortKeys.add(sk))
    if (operation.kind === 'put') bytes += checkSize(operation.key, operation.value)
  }
  if (bytes > WRITE_BYTES_MAX) throw refusal(`a write of ${bytes} bytes, over ${WRITE_BYTES_MAX}`)
}

/** @throws StoreError STORE_REFUSED */
export function checkObjectKey(key: string): void {
  checkKeyPart('object', key, OBJECT_KEY_BYTES_MAX)
}

/** @throws StoreError STORE_REFUSED */
export function checkCount(what: string, count: number, max: number): void {
  if (!Number.isSafeInteger(count) || count < 0 || count > max) throw refusal(`${what}: ${count}, not 0 to ${max}`)
}

/** Items or objects in a page. @throws StoreError STORE_REFUSED */
export function checkPageLimit(limit: number, max: number): void {
  if (limit === 0) throw refusal('a page of nothing')
  checkCount('limit of a page', limit, max)
}

export function refusal(message: string): StoreError {
  return new StoreError('STORE_REFUSED', message)
}

function checkSize(key: ItemKey, value: Uint8Array): number {
  const bytes = itemBytes(key, value.length)
  if (bytes > ITEM_BYTES_MAX) throw refusal(`an item of ${bytes} bytes, over ${ITEM_BYTES_MAX}: ${key.pk} / ${key.sk}`)
  return bytes
}

function checkKeyPart(kind: string, text: string, bytesMax: number): void {
  if (text === '') throw refusal(`an empty ${kind} key`)
  if (!text.isWellFormed()) throw refusal(`a ${kind} key with half a surrogate pair, which UTF-8 cannot hold`)
  const bytes = Buffer.byteLength(text)
  if (bytes > bytesMax) throw refusal(`a ${kind} key of ${bytes} bytes, over ${bytesMax}`)
}
