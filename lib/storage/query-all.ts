import type { Item, ItemQuery, ItemStore } from './ports.ts'

/** The items of all pages of a query, each page asked for when the one before is used up. @throws StoreError */
export async function* queryAll(items: ItemStore, pk: string, query: ItemQuery = {}): AsyncGenerator<Item> {
  let { cursor } = query
  do {
    const page = await items.query(pk, cursor === undefined ? query : { ...query, cursor })
    yield* page.items
    cursor = page.cursor
  } while (cursor !== undefined)
}
