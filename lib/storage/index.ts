export { CertainWrites, type CertainWritesParts } from './certain-writes.ts'
export {
  checkCount,
  checkItemKey,
  checkObjectKey,
  checkOperations,
  checkPageLimit,
  checkPartitionKey,
  ITEM_BYTES_MAX,
  itemBytes,
  MULTIPART_BYTES,
  OBJECT_KEY_BYTES_MAX,
  PARTITION_KEY_BYTES_MAX,
  refusal,
  SORT_KEY_BYTES_MAX,
  WRITE_BYTES_MAX,
} from './limits.ts'
export { meterItems, meterObjects, StoreMeter, type StoreUsage } from './metering.ts'
export {
  type ByteRange,
  type Conflict,
  checkPublishedName,
  DELETE_KEYS_MAX,
  type Expected,
  type Item,
  type ItemKey,
  type ItemPage,
  type ItemQuery,
  type ItemStore,
  type ObjectPage,
  type ObjectStore,
  type PublishedFiles,
  StoreError,
  type UnfinishedPut,
  type UnfinishedPuts,
  type Version,
  WRITE_OPERATIONS_MAX,
  type WriteOperation,
  type WriteOutcome,
} from './ports.ts'
export {
  isTransaction,
  objectPrices,
  priceOfItemRead,
  priceOfItemWrite,
  priceOfReadUnits,
  priceOfWrite,
  readUnits,
  writeUnits,
} from './prices.ts'
export { queryAll } from './query-all.ts'
export { type ObjectRetryOptions, Retry, type RetryOptions, retryItems, retryObjects } from './retry.ts'
