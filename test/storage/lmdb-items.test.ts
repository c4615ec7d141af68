/** What the contract does not say of the item store on LMDB: its own limits, and a lock that somebody else holds. */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Clock, systemClock, systemRandom } from '../../lib/base/index.ts'
import { type ItemKey, StoreError } from '../../lib/storage/index.ts'
import { openLmdbItems } from '../../lib/storage/local/index.ts'
import { Child } from '../support/child.ts'

const MIB = 1_024 * 1_024

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmdb-items-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('keys that LMDB cannot hold are refused, the longest that it can are kept', async () => {
  const store = await openLmdbItems({ folder, clock: systemClock, random: systemRandom })
  const longest = { pk: 'p'.repeat(1_000), sk: 's'.repeat(976) }
  expect(await store.write([put(longest)])).toEqual({ written: true })
  expect(await store.get(longest)).toMatchObject({ key: longest })
  expect((await store.query(longest.pk, { to: longest.sk })).items).toHaveLength(1)
  expect((await store.query(longest.pk, { descending: true })).items).toHaveLength(1)
  for (const key of [
    { pk: longest.pk, sk: `${longest.sk}s` },
    { pk: 'p'.repeat(1_976), sk: 's' },
  ]) {
    await expect(store.write([put(key)])).rejects.toMatchObject({ code: 'STORE_REFUSED' })
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_REFUSED' })
    await expect(store.query(key.pk, { from: key.sk })).rejects.toMatchObject({ code: 'STORE_REFUSED' })
  }
  await store.close()
})

test('the folder is made, whatever its name', async () => {
  const deep = join(folder, 'a', '.varve', 'items.db')
  const store = await openLmdbItems({ folder: deep, clock: systemClock, random: systemRandom })
  expect(await store.write([put({ pk: 'p', sk: 's' })])).toEqual({ written: true })
  await store.close()
  const again = await openLmdbItems({ folder: deep, clock: systemClock, random: systemRandom })
  expect(await again.get({ pk: 'p', sk: 's' })).toBeDefined()
  await again.close()
})

test('close finishes the writes that wait, and then everything is refused', async () => {
  const store = await openLmdbItems({ folder, clock: systemClock, random: systemRandom })
  const writes = Array.from({ length: 2_000 }, (_, index) => store.write([put({ pk: 'p', sk: String(index) })]))
  await store.close()
  expect(await Promise.all(writes)).toEqual(Array(2_000).fill({ written: true }))
  await expect(store.get({ pk: 'p', sk: '0' })).rejects.toMatchObject({ code: 'STORE_REFUSED' })
  await expect(store.write([put({ pk: 'p', sk: 'x' })])).rejects.toMatchObject({ code: 'STORE_REFUSED' })
  await store.close()
})

test.runIf(existsSync('/proc/self/status'))('what was read does not stay in the memory of the process', async () => {
  const store = await openLmdbItems({ folder, clock: systemClock, random: systemRandom, mappedBytesMax: 16 * MIB })
  const keys = Array.from({ length: 400 }, (_, index) => ({ pk: 'p', sk: String(index) }))
  const value = new Uint8Array(256 * 1_024)
  await Promise.all(keys.map(key => store.write([{ ...put(key), value }])))
  const before = await mappedFileBytes()
  for (const key of keys) expect((await store.get(key))?.value).toHaveLength(value.length)
  // A hundred MiB were read.
  expect((await mappedFileBytes()) - before).toBeLessThan(40 * MIB)
  await store.close()
})

test('reads and writes go on while the file is opened anew', async () => {
  const store = await openLmdbItems({ folder, clock: systemClock, random: systemRandom, mappedBytesMax: 1 })
  const value = new Uint8Array(8_192)
  const lanes = Array.from({ length: 4 }, async (_, lane) => {
    for (let index = 0; index < 100; index++) {
      const key = { pk: `lane ${lane}`, sk: String(index) }
      expect(await store.write([{ ...put(key), value }])).toEqual({ written: true })
      expect((await store.get(key))?.value).toHaveLength(value.length)
    }
  })
  await Promise.all(lanes)
  for (let lane = 0; lane < 4; lane++) expect((await store.query(`lane ${lane}`)).items).toHaveLength(100)
  await store.close()
})

test('while another process holds the write lock, writes are told in time and reads go on', async () => {
  const clock = new ImpatientClock()
  const store = await openLmdbItems({ folder, clock, random: systemRandom })
  await store.write([put({ pk: 'p', sk: 'before' })])
  const holder = new Child('storage/lock-holder.ts', { folder })
  await holder.untilLines(1)

  const first = failureOf(store.write([put({ pk: 'p', sk: 'first' })]))
  const second = failureOf(store.write([put({ pk: 'p', sk: 'second' })]))
  clock.endSleeps()
  expect(await first).toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN', effect: 'unknown' })
  expect(await second).toMatchObject({ code: 'STORE_UNAVAILABLE', effect: 'none' })
  await expect(store.write([put({ pk: 'p', sk: 'third' })])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(await store.get({ pk: 'p', sk: 'before' })).toBeDefined()

  await holder.kill()
  while (await failureOf(store.write([put({ pk: 'p', sk: 'after' })])))
    await new Promise(resolve => setImmediate(resolve))
  // LMDB was told of the first, and goes on with it when it gets the lock.
  expect((await store.query('p')).items.map(item => item.key.sk)).toEqual(['after', 'before', 'first'])
  await store.close()
})

test('processes whose store grows at the same time do not write over each other’s pages', async () => {
  const writers = ['a', 'b', 'c'].map(name => new Child('storage/growing-writer.ts', { folder, name }))
  await Promise.all(writers.map(writer => writer.untilEnd()))
  const store = await openLmdbItems({ folder, clock: systemClock, random: systemRandom })
  for (const name of ['a', 'b', 'c']) {
    const { items } = await store.query(name)
    const { items: rest } = await store.query(name, { from: '100' })
    expect(items.length).toBeGreaterThan(0)
    expect(rest).toHaveLength(20)
    for (const { key, value } of [...items, ...rest]) {
      expect(value.length).toBe(40_000)
      expect(Buffer.from(value).equals(Buffer.alloc(40_000, `${name}${key.sk}`))).toBe(true)
    }
  }
  await store.close()
})

/** Of all files that are mapped; Linux. */
async function mappedFileBytes(): Promise<number> {
  const [, kilobytes] = /^RssFile:\s+(\d+) kB$/m.exec(await readFile('/proc/self/status', 'utf8'))!
  return Number(kilobytes) * 1_024
}

function put(key: ItemKey) {
  return { kind: 'put', key, expected: 'absent', version: 1, value: Buffer.from('value') } as const
}

async function failureOf(call: Promise<unknown>): Promise<StoreError | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError)
    return error as StoreError
  }
}

/** Its sleeps end when the test says so. */
class ImpatientClock implements Clock {
  #sleepers: (() => void)[] = []
  readonly now = systemClock.now
  #aheadMs = 0
  monotonic(): number {
    return systemClock.monotonic() + this.#aheadMs
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      this.#sleepers.push(resolve)
      signal?.addEventListener('abort', () => resolve())
    })
  }

  /** An hour passes. */
  endSleeps(): void {
    this.#aheadMs += 3_600_000
    for (const wake of this.#sleepers.splice(0)) wake()
  }
}
