/**
 * Writes that LMDB's own thread carries out by itself, each change inside the conditions of its write. In a transaction
 * with a callback that thread would come back to this one, and wait for it, once more in each commit.
 */
import type { RootDatabase } from 'lmdb'
import type { Expected, WriteOperation } from '../index.ts'
import { itemKeyBytes } from './item-key-bytes.ts'

export interface PreparedOperation {
  readonly operation: WriteOperation
  /** Nothing is expected of what is there. */
  readonly isUnconditional?: true
  readonly keyBytes: Buffer
}

/** @throws StoreError STORE_REFUSED where LMDB cannot hold a key. */
export function prepare(operations: readonly WriteOperation[]): PreparedOperation[] {
  return operations.map(operation => ({ operation, keyBytes: itemKeyBytes(operation.key) }))
}

/** Of all values that are put. */
export function bytesOf(operations: readonly PreparedOperation[]): number {
  return operations.reduce((sum, { operation }) => sum + (operation.kind === 'put' ? operation.value.length : 0), 0)
}

/**
 * Whether it was written: all of it, or nothing where a condition did not hold. The conditions lie in each other, and the
 * changes in the innermost. Their values must not change until the answer.
 */
export async function writeIfExpected(
  database: RootDatabase<Buffer, Buffer>,
  operations: readonly PreparedOperation[],
): Promise<boolean> {
  const held: Promise<boolean>[] = []
  const conditions = operations.filter(isConditional)
  const enter = (index: number): void => {
    const next = conditions[index]
    if (!next) {
      changeItems(database, operations)
      return
    }
    const { operation, keyBytes } = next
    const inside = () => enter(index + 1)
    held.push(
      operation.expected === 'absent'
        ? database.ifNoExists(keyBytes, inside)
        : database.ifVersion(keyBytes, operation.expected, inside),
    )
  }
  enter(0)
  return (await Promise.all(held)).every(Boolean)
}

export function isConditional({ isUnconditional }: PreparedOperation): boolean {
  return !isUnconditional
}

export function isExpected(database: RootDatabase<Buffer, Buffer>, keyBytes: Buffer, expected: Expected): boolean {
  if (expected === 'absent') return !database.doesExist(keyBytes)
  return database.doesExist(keyBytes, expected)
}

/** Inside conditions, or a transaction, that answer for it. */
export function changeItems(database: RootDatabase<Buffer, Buffer>, operations: readonly PreparedOperation[]): void {
  for (const { operation, keyBytes } of operations) {
    if (operation.kind === 'put') database.put(keyBytes, asBuffer(operation.value), operation.version)
    if (operation.kind === 'delete') database.remove(keyBytes)
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
