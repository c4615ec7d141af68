/**
 * List prices of the two services in US dollars: us-east-1, S3 Standard, DynamoDB on demand, standard tables.
 * Metering counts requests with them, not what is kept, transferred or retrieved; the flush budget is made from them. Pure.
 */
import { itemBytes } from './limits.ts'
import type { Item, StorageClass, WriteOperation } from './ports.ts'

const MILLION = 1_000_000
const PUT_REQUEST = 5 / MILLION
const LIST_REQUEST = 5 / MILLION
const GET_REQUEST = 0.4 / MILLION
const WRITE_UNIT = 0.625 / MILLION
const READ_UNIT = 0.125 / MILLION

const WRITE_UNIT_BYTES = 1_024
/** One strong read of up to this is one unit. */
const READ_UNIT_BYTES = 4_096

export const objectPrices = { put: PUT_REQUEST, get: GET_REQUEST, list: LIST_REQUEST, delete: 0 } as const

export interface StoragePrice {
  readonly gigabyteMonth: number
  readonly retrievedGigabyte: number
  readonly put: number
  readonly get: number
  /** An object that is deleted earlier is paid for so long. */
  readonly daysMin: number
  /** A smaller object is paid as if it had so many. */
  readonly bytesMin: number
}

/** S3's classes; requests and what is kept. */
export const storagePrices: Readonly<Record<StorageClass | 'STANDARD', StoragePrice>> = {
  STANDARD: {
    gigabyteMonth: 0.023,
    retrievedGigabyte: 0,
    put: PUT_REQUEST,
    get: GET_REQUEST,
    daysMin: 0,
    bytesMin: 0,
  },
  STANDARD_IA: {
    gigabyteMonth: 0.0125,
    retrievedGigabyte: 0.01,
    put: 10 / MILLION,
    get: 1 / MILLION,
    daysMin: 30,
    bytesMin: 131_072,
  },
  GLACIER_IR: {
    gigabyteMonth: 0.004,
    retrievedGigabyte: 0.03,
    put: 20 / MILLION,
    get: 10 / MILLION,
    daysMin: 90,
    bytesMin: 131_072,
  },
}

/**
 * Write units of one `write`, applied or refused. A delete or check costs what the item there weighs, which only the
 * store knows: it counts as one unit (1 KB) here.
 */
export function writeUnits(operations: readonly WriteOperation[]): number {
  let units = 0
  for (const operation of operations)
    units += operation.kind === 'put' ? unitsOf(itemBytes(operation.key, operation.value.length), WRITE_UNIT_BYTES) : 1
  return isTransaction(operations) ? units * 2 : units
}

/** Several operations, or a check alone: DynamoDB has no conditional write that writes nothing. */
export function isTransaction(operations: readonly WriteOperation[]): boolean {
  return operations.length > 1 || operations[0]?.kind === 'check'
}

/** Read units of one `get` or of one page of a `query`, both strong. An empty answer costs one. */
export function readUnits(items: readonly Item[]): number {
  const bytes = items.reduce((sum, item) => sum + itemBytes(item.key, item.value.length), 0)
  return unitsOf(bytes, READ_UNIT_BYTES)
}

export function priceOfWrite(operations: readonly WriteOperation[]): number {
  return writeUnits(operations) * WRITE_UNIT
}

/** A single-item write or delete of `bytes`; in a transaction it counts twice. */
export function priceOfItemWrite(bytes: number, options?: { transaction: boolean }): number {
  return unitsOf(bytes, WRITE_UNIT_BYTES) * WRITE_UNIT * (options?.transaction ? 2 : 1)
}

/** A strong read of `bytes`. */
export function priceOfItemRead(bytes: number): number {
  return unitsOf(bytes, READ_UNIT_BYTES) * READ_UNIT
}

export function priceOfReadUnits(units: number): number {
  return units * READ_UNIT
}

function unitsOf(bytes: number, unitBytes: number): number {
  return Math.max(1, Math.ceil(bytes / unitBytes))
}
