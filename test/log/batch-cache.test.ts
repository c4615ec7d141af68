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

describe('batches that are read ahead', () => {
  const bytesMax = 8 * 1_024
  const length = 1_024
  const ahead = (cache: BatchCache, keys: readonly string[], fetch = fetching(1)) => {
    for (const key of keys) cache.readAhead(key, length, fetch)
  }
  const settled = async () => {
    for (let i = 0; i < 10; i++) await undefined
  }

  test('take half of the cache until they are asked for', async () => {
    const cache = new BatchCache(bytesMax, new PoisoningPool())
    const keys = ['a', 'b', 'c', 'd', 'e']
    ahead(cache, keys)
    await settled()
    expect(keys.map(key => cache.has(key))).toEqual([true, true, true, true, false])
    await cache.read('a', fetching(1), new Loans())
    ahead(cache, ['e', 'f'])
    await settled()
    expect(['e', 'f'].map(key => cache.has(key))).toEqual([true, false])
  })

  test('make room for others when they are gone, fail, or leave the cache', async () => {
    const cache = new BatchCache(bytesMax, new PoisoningPool())
    ahead(cache, ['a', 'b'], async () => undefined)
    ahead(cache, ['c', 'd'], () => Promise.reject(new Error('no answer')))
    ahead(cache, ['e'])
    await settled()
    expect(cache.has('e')).toBe(false)
    ahead(cache, ['f', 'g', 'h', 'i'])
    await settled()
    expect(['f', 'g', 'h', 'i'].every(key => cache.has(key))).toBe(true)
    for (let n = 0; n < 20; n++) await cache.read(`other ${n}`, fetching(2), new Loans())
    expect(cache.has('f')).toBe(false)
    ahead(cache, ['k'])
    await settled()
    expect(cache.has('k')).toBe(true)
  })
})
