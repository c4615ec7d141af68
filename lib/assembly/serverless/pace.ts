/**
 * How often a schedule does its work: every time while there is work, and only every 2nd, 4th, 8th … time while there is none. What is
 * stored is the pace alone, so a log that is idle for long is not written to.
 */
import { ByteReader, type Clock, checkFormat, drawToken, type Random } from '../../base/index.ts'
import { type Item, type ItemKey, type ItemStore, StoreError } from '../../storage/index.ts'

export const paceKey: ItemKey = { pk: 'upkeep', sk: 'pace' }
/** Of the schedule of push subscriptions. */
export const pushPaceKey: ItemKey = { pk: 'upkeep', sk: 'push-pace' }
const FORMAT_VERSION = 1
/** Every 16th time at least. */
const PACE_MAX = 4
const ATTEMPTS_MAX = 20

export interface PaceOptions {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  readonly key: ItemKey
  /** Of the schedule. */
  readonly intervalMs: number
}

/** Does `work`, which answers whether there was some, unless it is not its time. Answers whether it did. */
export async function atItsPace(options: PaceOptions, work: () => Promise<boolean>): Promise<boolean> {
  const { items, key, clock, intervalMs } = options
  const item = await items.get(key)
  const pace = paceOf(item)
  const time = Math.floor(clock.now() / intervalMs)
  if (time % 2 ** pace !== 0) return false
  const next = (await work()) ? 0 : Math.min(PACE_MAX, pace + 1)
  // Whoever was faster either says the same, or knows of work.
  if (next !== pace) await put(options, item, next)
  return true
}

/** There is work for the schedule: the next time is its time. */
export async function atOnce(options: Omit<PaceOptions, 'intervalMs' | 'clock'>): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const item = await options.items.get(options.key)
    if (paceOf(item) === 0 || (await put(options, item, 0))) return
  }
  throw new StoreError('STORE_THROTTLED', `${options.key.sk} keeps changing`)
}

function paceOf(item: Item | undefined): number {
  return item ? Math.min(PACE_MAX, decodePace(item.value)) : 0
}

/** False: somebody else wrote. */
async function put(
  { items, key, random }: Omit<PaceOptions, 'intervalMs' | 'clock'>,
  item: Item | undefined,
  pace: number,
): Promise<boolean> {
  const version = drawToken(random)
  const { written } = await items.write([
    { kind: 'put', key, expected: item?.version ?? 'absent', version, value: encodePace(pace) },
  ])
  return written
}

export function encodePace(pace: number): Uint8Array {
  return Uint8Array.of(FORMAT_VERSION, pace)
}

/** @throws CorruptDataError */
export function decodePace(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes)
  checkFormat('pace', reader.uint8(), FORMAT_VERSION)
  return reader.uint8()
}
