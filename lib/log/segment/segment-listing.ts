/** Finds stored segments and snapshots by their keys, whether or not anything refers to them. */
import { hexOf } from '../../base/index.ts'
import type { ItemStore, ObjectStore, Version } from '../../storage/index.ts'
import type { SegmentId } from './segment-id.ts'
import { ITEM_SPREAD, SEGMENT_OBJECTS, segmentItemPartition } from './segment-store.ts'

const ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const HOUR_DIGITS = 6

export interface ListedObject {
  readonly id: SegmentId
  readonly key: string
}

export interface ListedItem {
  readonly id: SegmentId
  readonly version: Version
}

/** In no order. Objects under other names are not ours, and are left out. @throws StoreError */
export async function* listSegmentObjects(objects: ObjectStore): AsyncGenerator<ListedObject> {
  for await (const key of listKeys(objects, SEGMENT_OBJECTS)) {
    const id = key.slice(key.lastIndexOf('/') + 1)
    if (ID.test(id)) yield { id, key }
  }
}

/** The item segments of an hour since 1970. @throws StoreError */
export async function listSegmentItems(items: ItemStore, hour: number): Promise<ListedItem[]> {
  const spread = Array.from({ length: ITEM_SPREAD }, (_, bits) => listPartition(items, hour, bits))
  return (await Promise.all(spread)).flat()
}

/** @throws StoreError */
export async function* listKeys(objects: ObjectStore, prefix: string): AsyncGenerator<string> {
  let cursor: string | undefined
  do {
    const page = await objects.list(prefix, cursor === undefined ? {} : { cursor })
    for (const { key } of page.objects) yield key
    cursor = page.cursor
  } while (cursor !== undefined)
}

async function listPartition(items: ItemStore, hour: number, bits: number): Promise<ListedItem[]> {
  const found: ListedItem[] = []
  let cursor: string | undefined
  do {
    const pk = segmentItemPartition(hexOf(hour, HOUR_DIGITS), bits)
    const page = await items.query(pk, cursor === undefined ? {} : { cursor })
    for (const { key, version } of page.items) if (ID.test(key.sk)) found.push({ id: key.sk, version })
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}
