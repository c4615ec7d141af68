/** Pages of items as they are with changes that LMDB does not have yet. */
import type { Item, ItemPage, ItemQuery } from '../index.ts'
import { itemKeyBytes, keyName } from './item-key-bytes.ts'

export interface ChangedItem {
  /** `keyName` of its key. */
  readonly name: string
  readonly sk: string
  /** Undefined: it was deleted. */
  readonly item: Item | undefined
}

export interface PageBounds {
  readonly items: number
  /** A page ends after this many bytes of values. */
  readonly bytes: number
}

/**
 * As full as a page of LMDB alone, however many of its items were deleted: `pageOf` is asked for more until it is.
 * `changes`: all that are in the range of the query, in no order.
 */
export function mergedPage(
  pk: string,
  query: ItemQuery,
  {
    changes,
    bounds,
    pageOf,
  }: {
    readonly changes: readonly ChangedItem[]
    readonly bounds: PageBounds
    readonly pageOf: (query: ItemQuery) => ItemPage
  },
): ItemPage {
  const items: Item[] = []
  let bytes = 0
  let waiting = changes
  for (let asked = query; ; ) {
    const page = pageOf(asked)
    const { merged, behind } = mergePage(pk, page, waiting, query.descending ?? false)
    for (const item of merged) {
      if (items.length === bounds.items || bytes >= bounds.bytes) return { items, cursor: item.key.sk }
      items.push(item)
      bytes += item.value.length
    }
    const { cursor } = page
    if (cursor === undefined) return { items }
    if (items.length === bounds.items || bytes >= bounds.bytes) return { items, cursor }
    asked = { ...query, cursor }
    waiting = behind
  }
}

/** `merged`: in order. `behind`: the changes of what lies behind the page's cursor. */
function mergePage(
  pk: string,
  page: ItemPage,
  changes: readonly ChangedItem[],
  descending: boolean,
): { readonly merged: readonly Item[]; readonly behind: readonly ChangedItem[] } {
  if (changes.length === 0) return { merged: page.items, behind: [] }
  const nameOf = (sk: string) => keyName(itemKeyBytes({ pk, sk }))
  const isBefore = (a: string, b: string) => (descending ? a > b : a < b)
  const end = page.cursor === undefined ? undefined : nameOf(page.cursor)
  const found = new Map(page.items.map(item => [nameOf(item.key.sk), item]))
  const behind: ChangedItem[] = []
  for (const change of changes) {
    const { name, item } = change
    if (end !== undefined && !isBefore(name, end)) behind.push(change)
    else if (item) found.set(name, item)
    else found.delete(name)
  }
  const merged = Array.from(found)
    .sort(([a], [b]) => (isBefore(a, b) ? -1 : 1))
    .map(([, item]) => item)
  return { merged, behind }
}
