/**
 * Where the sweep begins to look for item segments: `sweep` / `state`. No segment item is older than its hour, as far as a
 * sweep could see. It only saves reads; were it lost, the sweep would look further back.
 */
import { ByteReader, ByteWriter, CorruptDataError, drawToken, type Random } from '../../base/index.ts'
import type { Expected, ItemStore } from '../../storage/index.ts'

export interface SweepState {
  /** Hours since 1970. */
  readonly oldestHour: number | undefined
  readonly version: Expected
}

const KEY = { pk: 'sweep', sk: 'state' }
const FORMAT_VERSION = 1

/** @throws StoreError, CorruptDataError */
export async function readSweepState(items: ItemStore): Promise<SweepState> {
  const item = await items.get(KEY)
  if (!item) return { oldestHour: undefined, version: 'absent' }
  const reader = new ByteReader(item.value)
  const version = reader.uint8()
  if (version !== FORMAT_VERSION) throw new CorruptDataError(`sweep state format ${version} is newer than this Varve`)
  return { oldestHour: reader.uint(), version: item.version }
}

/** Of two sweeps that end at once, one is enough. @throws StoreError */
export async function writeSweepState(
  { items, random }: { readonly items: ItemStore; readonly random: Random },
  expected: Expected,
  oldestHour: number,
): Promise<void> {
  const value = new ByteWriter(16).uint8(FORMAT_VERSION).uint(oldestHour).finish()
  await items.write([{ kind: 'put', key: KEY, expected, version: drawToken(random), value }])
}
