/** The two ports over Maps, for tests of what stands above them. They answer at once and never fail. */
import {
  type Conflict,
  checkOperations,
  type Item,
  type ItemKey,
  type ItemStore,
  type ObjectStore,
  type StorageClass,
  type WriteOperation,
} from '../../lib/storage/index.ts'
import { gather } from './gather.ts'

export interface MemoryObjects extends ObjectStore {
  readonly blobs: Map<string, Uint8Array>
  /** Of the blobs that were put in one. */
  readonly classes: Map<string, StorageClass>
}

export function memoryObjects(): MemoryObjects {
  const blobs = new Map<string, Uint8Array>()
  const classes = new Map<string, StorageClass>()
  const put: ObjectStore['put'] = async (key, parts, { storageClass } = {}) => {
    if (blobs.has(key)) return 'exists'
    blobs.set(key, new Uint8Array(Buffer.concat(parts)))
    if (storageClass) classes.set(key, storageClass)
    return 'created'
  }
  return {
    blobs,
    classes,
    put,
    putStream: async (key, open, options) => put(key, await gather(open()), options),
    get: async (key, range, allocate = length => new Uint8Array(length)) => {
      const blob = blobs.get(key)
      if (!blob) return undefined
      const part = range ? blob.subarray(range.from, range.from + range.length) : blob
      const copy = allocate(part.length)
      copy.set(part)
      return copy
    },
    list: async prefix => ({
      objects: [...blobs].filter(([key]) => key.startsWith(prefix)).map(([key, blob]) => ({ key, size: blob.length })),
    }),
    delete: async keys => {
      for (const key of keys) {
        blobs.delete(key)
        classes.delete(key)
      }
    },
    close: async () => {},
  }
}

export interface MemoryItems extends ItemStore {
  readonly items: Map<string, Item>
}

export function memoryItems(): MemoryItems {
  const items = new Map<string, Item>()
  const copy = (item: Item | undefined) => item && { ...item, value: item.value.slice() }
  return {
    items,
    get: async key => copy(items.get(textOf(key))),
    query: async (pk, { from = '', to = '\u{10ffff}', descending = false, limit } = {}) => {
      const found = [...items.values()]
        .filter(({ key }) => key.pk === pk && key.sk >= from && key.sk <= to)
        .sort((a, b) => (a.key.sk < b.key.sk === descending ? 1 : -1))
      return { items: found.slice(0, limit).map(item => copy(item)!) }
    },
    write: async operations => {
      checkOperations(operations)
      const conflicts = operations.flatMap((operation, index): Conflict[] => {
        const item = copy(items.get(textOf(operation.key)))
        return (item?.version ?? 'absent') === operation.expected ? [] : [{ index, item }]
      })
      if (conflicts.length > 0) return { written: false, conflicts }
      for (const operation of operations) apply(items, operation)
      return { written: true }
    },
    close: async () => {},
  }
}

function apply(items: Map<string, Item>, operation: WriteOperation): void {
  const { key } = operation
  if (operation.kind === 'delete') items.delete(textOf(key))
  if (operation.kind === 'put') {
    items.set(textOf(key), { key, version: operation.version, value: new Uint8Array(operation.value) })
  }
}

function textOf(key: ItemKey): string {
  return `${key.pk}\u0000${key.sk}`
}
