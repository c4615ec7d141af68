/**
 * Where the sweep begins to look for item segments. `sweep` / `state`: no segment item is older than this hour, as far as a sweep could
 * see. One that a writer put after it slept for hours may be, so now and then a sweep looks further back: `sweep` / `whole-look` says
 * when the last time was. Both only save reads; were they lost, the sweep would look further back.
 */
import { ByteReader, ByteWriter, checkFormat, drawToken, type Random } from '../../base/index.ts'
import type { Expected, Item, ItemKey, ItemStore } from '../../storage/index.ts'

/** An hour since 1970, as stored. */
export interface StoredHour {
  readonly hour: number | undefined
  readonly version: Expected
}

export interface SweepState {
  readonly oldest: StoredHour
  readonly wholeLook: StoredHour
}

export const sweepStateKey: ItemKey = { pk: 'sweep', sk: 'state' }
export const wholeLookKey: ItemKey = { pk: 'sweep', sk: 'whole-look' }
const FORMAT_VERSION = 1

/** @throws StoreError, CorruptDataError */
export async function readSweepState(items: ItemStore): Promise<SweepState> {
  const [oldest, wholeLook] = await Promise.all([items.get(sweepStateKey), items.get(wholeLookKey)])
  return { oldest: storedHour(oldest), wholeLook: storedHour(wholeLook) }
}

function storedHour(item: Item | undefined): StoredHour {
  return item ? { hour: decodeHour(item.value), version: item.version } : { hour: undefined, version: 'absent' }
}

/** Of two sweeps that end at once, one is enough. @throws StoreError */
export async function writeSweepHour(
  { items, random }: { readonly items: ItemStore; readonly random: Random },
  key: ItemKey,
  expected: Expected,
  hour: number,
): Promise<void> {
  const value = encodeHour(Math.max(0, hour))
  await items.write([{ kind: 'put', key, expected, version: drawToken(random), value }])
}

export function encodeHour(hour: number): Uint8Array {
  return new ByteWriter(16).uint8(FORMAT_VERSION).uint(hour).finish()
}

/** @throws CorruptDataError */
export function decodeHour(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes)
  checkFormat('sweep state', reader.uint8(), FORMAT_VERSION)
  return reader.uint()
}
