/**
 * The item store as it is: what every strong read sees. Synchronous and exact to the port's contract; the world decides
 * when an operation happens and whether its caller hears of it.
 */
import {
  type Conflict,
  type Expected,
  type Item,
  type ItemKey,
  type ItemPage,
  type ItemQuery,
  StoreError,
  WRITE_OPERATIONS_MAX,
  type WriteOperation,
  type WriteOutcome,
} from '../../../lib/storage/index.ts'
import { copyBytes } from './copy-bytes.ts'

const ITEM_BYTES_MAX = 400 * 1024

/** Items on a page of a query that asks for no limit. */
const PAGE_ITEMS_MAX = 1_000

interface Partition {
  /** In the order of their UTF-8 bytes. */
  readonly sortKeys: string[]
  readonly items: Map<string, Item>
}

export class ItemTruth {
  readonly #partitions = new Map<string, Partition>()

  get(key: ItemKey): Item | undefined {
    const item = this.#partitions.get(key.pk)?.items.get(key.sk)
    return item && copyItem(item)
  }

  /** `pageMax`: how many items this page may have at most, whatever the caller allows. */
  query(pk: string, query: ItemQuery = {}, pageMax = PAGE_ITEMS_MAX): ItemPage {
    const partition = this.#partitions.get(pk)
    if (!partition) return { items: [] }
    const { from, to, descending = false, limit = PAGE_ITEMS_MAX, cursor } = query
    const keys = partition.sortKeys
    let first = from === undefined ? 0 : indexOf(keys, from, false)
    let end = to === undefined ? keys.length : indexOf(keys, to, true)
    if (cursor !== undefined && descending) end = Math.min(end, indexOf(keys, cursor, false))
    if (cursor !== undefined && !descending) first = Math.max(first, indexOf(keys, cursor, true))
    const count = Math.max(0, Math.min(limit, pageMax, end - first))
    const chosen = descending ? keys.slice(end - count, end).reverse() : keys.slice(first, first + count)
    const items = chosen.map(sk => copyItem(partition.items.get(sk)!))
    const last = chosen.at(-1)
    return last !== undefined && count < end - first ? { items, cursor: last } : { items }
  }

  write(operations: readonly WriteOperation[]): WriteOutcome {
    checkOperations(operations)
    const conflicts: Conflict[] = []
    for (const [index, operation] of operations.entries()) {
      const item = this.#partitions.get(operation.key.pk)?.items.get(operation.key.sk)
      if (!fits(item, operation.expected)) conflicts.push({ index, item: item && copyItem(item) })
    }
    if (conflicts.length > 0) return { written: false, conflicts }
    for (const operation of operations) {
      if (operation.kind === 'put') this.#put(operation.key, operation.version, operation.value)
      if (operation.kind === 'delete') this.#delete(operation.key)
    }
    return { written: true }
  }

  /** Every item there is, for checks of the end state. */
  all(): Item[] {
    return [...this.#partitions.values()].flatMap(partition =>
      partition.sortKeys.map(sk => copyItem(partition.items.get(sk)!)),
    )
  }

  #put(key: ItemKey, version: number, value: Uint8Array): void {
    let partition = this.#partitions.get(key.pk)
    if (!partition) {
      partition = { sortKeys: [], items: new Map() }
      this.#partitions.set(key.pk, partition)
    }
    if (!partition.items.has(key.sk)) partition.sortKeys.splice(indexOf(partition.sortKeys, key.sk, false), 0, key.sk)
    partition.items.set(key.sk, { key: { pk: key.pk, sk: key.sk }, version, value: copyBytes(value) })
  }

  #delete(key: ItemKey): void {
    const partition = this.#partitions.get(key.pk)
    if (!partition?.items.delete(key.sk)) return
    partition.sortKeys.splice(indexOf(partition.sortKeys, key.sk, false), 1)
    if (partition.sortKeys.length === 0) this.#partitions.delete(key.pk)
  }
}

function copyItem(item: Item): Item {
  return { key: item.key, version: item.version, value: copyBytes(item.value) }
}

function fits(item: Item | undefined, expected: Expected): boolean {
  return expected === 'absent' ? item === undefined : item?.version === expected
}

function checkOperations(operations: readonly WriteOperation[]): void {
  const keys = new Set(operations.map(({ key }) => `${key.pk}\0${key.sk}`))
  const refuse = (why: string) => {
    throw new StoreError('STORE_REFUSED', why)
  }
  if (operations.length < 1 || operations.length > WRITE_OPERATIONS_MAX) refuse(`${operations.length} operations`)
  if (keys.size !== operations.length) refuse('two operations on one key')
  for (const operation of operations) {
    if (operation.key.pk === '' || operation.key.sk === '') refuse('an empty key')
    if (operation.kind !== 'put') continue
    if (!Number.isSafeInteger(operation.version) || operation.version < 1) refuse(`version ${operation.version}`)
    const size = operation.value.length + Buffer.byteLength(operation.key.pk + operation.key.sk)
    if (size > ITEM_BYTES_MAX) refuse(`an item of ${size} bytes`)
  }
}

/** How many keys lie before `key`, or before and at it. */
function indexOf(keys: readonly string[], key: string, past: boolean): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    const order = compareUtf8(keys[middle]!, key)
    if (order < 0 || (past && order === 0)) low = middle + 1
    else high = middle
  }
  return low
}

/** The order of UTF-8 bytes is the order of code points, which is that of UTF-16 units but for surrogates. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left === right) continue
    const leftSurrogate = left >= 0xd800 && left < 0xe000
    const rightSurrogate = right >= 0xd800 && right < 0xe000
    if (leftSurrogate !== rightSurrogate) {
      if (leftSurrogate && right >= 0xe000) return 1
      if (rightSurrogate && left >= 0xe000) return -1
    }
    return left - right
  }
  return a.length - b.length
}
