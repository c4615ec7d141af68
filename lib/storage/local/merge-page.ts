/** A page of items as it is with changes that LMDB does not have yet. */
import type { Item, ItemPage } from '../index.ts'
import { itemKeyBytes, keyName } from './item-key-bytes.ts'

export interface ChangedItem {
  /** `keyName` of its key. */
  readonly name: string
  readonly sk: string
  /** Undefined: it was deleted. */
  readonly item: Item | undefined
}

export interface PageBounds {
  readonly descending: boolean
  readonly items: number
  /** A page ends after this many bytes of values. */
  readonly bytes: number
}

/**
 * `changes`: all that are in the range that `page` is the beginning of, in no order. A page ends where the next begins, so what lies
 * behind its cursor is left to the next.
 */
export function mergePage(pk: string, page: ItemPage, changes: readonly ChangedItem[], bounds: PageBounds): ItemPage {
  if (changes.length === 0) return page
  const nameOf = (sk: string) => keyName(itemKeyBytes({ pk, sk }))
  const isBefore = (a: string, b: string) => (bounds.descending ? a > b : a < b)
  const end = page.cursor === undefined ? undefined : nameOf(page.cursor)
  const found = new Map(page.items.map(item => [nameOf(item.key.sk), item]))
  for (const { name, item } of changes) {
    if (end !== undefined && !isBefore(name, end)) continue
    if (item) found.set(name, item)
    else found.delete(name)
  }
  const items: Item[] = []
  let bytes = 0
  for (const [, item] of Array.from(found).sort(([a], [b]) => (isBefore(a, b) ? -1 : 1))) {
    if (items.length === bounds.items || bytes >= bounds.bytes) return { items, cursor: item.key.sk }
    items.push(item)
    bytes += item.value.length
  }
  return page.cursor === undefined ? { items } : { items, cursor: page.cursor }
}
