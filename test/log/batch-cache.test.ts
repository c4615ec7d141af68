import { describe, expect, test } from 'vitest'
import { BytesPool, Loans } from '../../lib/base/index.ts'
import { BatchCache, type FetchBatches } from '../../lib/log/read/batch-cache.ts'
import { PoisoningPool } from '../support/poisoning-pool.ts'
import { gate } from './rig.ts'

const LENGTH = 100

/** One batch, all of whose bytes are `value`, in memory of the pool; held back until the gate opens. */
function fetching(value: number, opened: Promise<void> = Promise.resolve()): FetchBatches {
  return async allocate => {
    await opened
    const bytes = allocate(LENGTH).fill(value)
    return { bytes, batches: [{ bytes, baseOffset: 0, lastOffset: 0, maxTimestamp: -1 }] }
  }
}

describe('batches that are fetched', () => {
  test('are held for whoever asks, at whatever turn, though the cache keeps nothing', async () => {
    const turns = 20
    for (let turn = 0; turn < turns; turn++) {
      const cache = new BatchCache(1, new PoisoningPool())
      const { promise: opened, resolve: open } = gate()
      const loans = new Loans()
      const first = cache.read('a', fetching(1, opened), loans)
      open()
      for (let i = 0; i < turn; i++) await undefined
      const late = await cache.read('a', fetching(1), new Loans())
      expect((await first)![0]!.bytes.every(byte => byte === 1)).toBe(true)
      loans.giveBack()
      expect(late![0]!.bytes.every(byte => byte === 1)).toBe(true)
    }
  })

  test('are counted with all the memory that they lie in', async () => {
    const pool = new BytesPool({ idleBytesMax: 0, bytesMin: 1 })
    const whole = pool.take(LENGTH)!.bytes.buffer.byteLength
    expect(whole).toBeGreaterThan(LENGTH)
    const overhead = 512
    for (const [bytesMax, fits] of [
      [2 * (whole + overhead), true],
      [2 * (whole + overhead) - 1, false],
    ] as const) {
      const cache = new BatchCache(bytesMax, pool)
      for (const key of ['a', 'b']) await cache.read(key, fetching(1), new Loans())
      expect([cache.has('a'), cache.has('b')]).toEqual([fits, true])
    }
  })
})
