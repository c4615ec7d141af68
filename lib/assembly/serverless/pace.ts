/**
 * How often a schedule does its work: every time while there is work, and only every 2nd, 4th, 8th … time while there is none. What is
 * stored is the pace alone, so a log that is idle for long is not written to.
 */
import { ByteReader, type Clock, checkFormat, drawToken, type Random } from '../../base/index.ts'
import type { ItemStore } from '../../storage/index.ts'

export const paceKey = { pk: 'upkeep', sk: 'pace' }
const FORMAT_VERSION = 1
/** Every 16th time at least. */
const PACE_MAX = 4

export interface PaceOptions {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  /** Of the schedule. */
  readonly intervalMs: number
}

/** Does `work`, which answers whether there was some, unless it is not its time. Answers whether it did. */
export async function atItsPace(options: PaceOptions, work: () => Promise<boolean>): Promise<boolean> {
  const { items, clock, random, intervalMs } = options
  const item = await items.get(paceKey)
  const pace = item ? Math.min(PACE_MAX, decodePace(item.value)) : 0
  const time = Math.floor(clock.now() / intervalMs)
  if (time % 2 ** pace !== 0) return false
  const next = (await work()) ? 0 : Math.min(PACE_MAX, pace + 1)
  if (next !== pace) {
    // Whoever is faster says the same.
    const version = drawToken(random)
    await items.write([
      { kind: 'put', key: paceKey, expected: item?.version ?? 'absent', version, value: encodePace(next) },
    ])
  }
  return true
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
