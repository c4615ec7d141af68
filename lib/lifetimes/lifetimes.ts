/**
 * Names that are used again. What lies under a name (a topic's, a group's, a transactional id's) is made where nothing is, lives, and
 * is removed. The write that made it expects nothing there; delayed on its way, or sent again by a process that stood still
 * for days, it would fit once more when that life is over, and bring it back as it was: with a producer id whose
 * numbers were counted on since, for one. No clock can rule that out.
 *
 * So whoever makes checks an item that whoever removes changes, in the same write: what was decided before the end of a life
 * fits no more after it. Names share these items by their hash, so there are 256 at most, however many names come and go;
 * a maker that is refused because of another name's end looks again.
 *
 *   lifetimes#<2 hex digits of SHA-256 of pk and sk> / ended → version uint8
 */
import { createHash } from 'node:crypto'
import { checkFormat, drawToken, type Random } from '../base/index.ts'
import type { ItemKey, ItemStore, WriteOperation } from '../storage/index.ts'

const FORMAT_VERSION = 1

/** For the write that makes an item under `key`. @throws StoreError, CorruptDataError */
export async function checkOfMaking(items: ItemStore, key: ItemKey): Promise<WriteOperation> {
  const { key: shared, expected } = await read(items, key)
  return { kind: 'check', key: shared, expected }
}

/** For the write that removes the item under `key`. @throws StoreError, CorruptDataError */
export async function markOfRemoval(items: ItemStore, random: Random, key: ItemKey): Promise<WriteOperation> {
  return { kind: 'put', ...(await read(items, key)), version: drawToken(random), value: encodeLifetimes() }
}

async function read(items: ItemStore, named: ItemKey) {
  const key = lifetimesKey(named)
  const item = await items.get(key)
  if (item) checkLifetimes(item.value)
  return { key, expected: item?.version ?? ('absent' as const) }
}

export function lifetimesKey({ pk, sk }: ItemKey): ItemKey {
  const hash = createHash('sha256').update(`${pk}\0${sk}`).digest('hex')
  return { pk: `lifetimes#${hash.slice(0, 2)}`, sk: 'ended' }
}

export function encodeLifetimes(): Uint8Array {
  return Uint8Array.of(FORMAT_VERSION)
}

/** @throws CorruptDataError for an unknown format */
export function checkLifetimes(bytes: Uint8Array): void {
  checkFormat('lifetimes', bytes[0] ?? 0, FORMAT_VERSION)
}
