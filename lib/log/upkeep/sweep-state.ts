/**
 * Where the sweep begins to look for item segments: `sweep` / `state`. No segment item is older than its hour, as far as a
 * sweep could see. It only saves reads; were it lost, the sweep would look further back.
 */
import { ByteReader, ByteWriter, checkFormat, drawToken, type Random } from '../../base/index.ts'
import type { Expected, ItemStore } from '../../storage/index.ts'

export interface SweepState {
  /** Hours since 1970. */
  readonly oldestHour: number | undefined
  readonly version: Expected
}

export const sweepStateKey = { pk: 'sweep', sk: 'state' }
const FORMAT_VERSION = 1

/** @throws StoreError, CorruptDataError */
export async function readSweepState(items: ItemStore): Promise<SweepState> {
  const item = await items.get(sweepStateKey)
  if (!item) return { oldestHour: undefined, version: 'absent' }
  return { oldestHour: decodeOldestHour(item.value), version: item.version }
}

/** Of two sweeps that end at once, one is enough. @throws StoreError */
export async function writeSweepState(
  { items, random }: { readonly items: ItemStore; readonly random: Random },
  expected: Expected,
  oldestHour: number,
): Promise<void> {
  const value = encodeOldestHour(oldestHour)
  await items.write([{ kind: 'put', key: sweepStateKey, expected, version: drawToken(random), value }])
}

export function encodeOldestHour(oldestHour: number): Uint8Array {
  return new ByteWriter(16).uint8(FORMAT_VERSION).uint(oldestHour).finish()
}

/** @throws CorruptDataError */
export function decodeOldestHour(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes)
  checkFormat('sweep state', reader.uint8(), FORMAT_VERSION)
  return reader.uint()
}
