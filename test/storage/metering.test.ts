import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import {
  meterItems,
  meterObjects,
  priceOfItemRead,
  priceOfItemWrite,
  priceOfWrite,
  StoreMeter,
  type WriteOperation,
  writeUnits,
} from '../../lib/storage/index.ts'
import { openFileObjects, openLmdbItems } from '../../lib/storage/local/index.ts'

const put = (sk: string, bytes: number): WriteOperation => ({
  kind: 'put',
  key: { pk: 'p', sk },
  expected: 'absent',
  version: 1,
  value: Buffer.alloc(bytes),
})

async function* streamOf(part: Uint8Array) {
  yield part
}

test('objects are counted by request, bytes and price', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'metering-'))
  const meter = new StoreMeter()
  const store = meterObjects(await openFileObjects({ folder, random: systemRandom }), meter)
  await store.put('a', [Buffer.alloc(600), Buffer.alloc(400)])
  await store.put('a', [Buffer.alloc(10)])
  await store.get('a', { from: 0, length: 100 })
  await store.get('b')
  await store.list('')
  await store.delete(['a', 'b'])
  await expect(store.get('')).rejects.toMatchObject({ code: 'STORE_REFUSED' })
  const usage = meter.usage()
  expect(usage).toMatchObject({
    objects: { put: 2, get: 3, list: 1, delete: 1 },
    objectBytesWritten: 1_010,
    objectBytesRead: 100,
    failures: 1,
  })
  expect(usage.dollars * 1e6).toBeCloseTo(3 * 5 + 3 * 0.4)
  await store.put('c', [Buffer.alloc(1)], { storageClass: 'STANDARD_IA' })
  await store.putStream('d', () => streamOf(Buffer.alloc(1)), { storageClass: 'GLACIER_IR' })
  expect((meter.usage().dollars - usage.dollars) * 1e6).toBeCloseTo(10 + 20)
  await store.close()
  await rm(folder, { recursive: true })
})

test('items are counted by request, unit and price', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'metering-'))
  const meter = new StoreMeter()
  const store = meterItems(await openLmdbItems({ folder, clock: systemClock, random: systemRandom }), meter)
  await store.write([put('a', 100)])
  await store.write([put('a', 100)])
  await store.write([put('b', 2_000), { kind: 'check', key: { pk: 'p', sk: 'a' }, expected: 1 }])
  await store.get({ pk: 'p', sk: 'b' })
  await store.get({ pk: 'p', sk: 'nothing' })
  await store.query('p')
  const usage = meter.usage()
  expect(usage).toMatchObject({ items: { get: 2, query: 1, write: 3 }, conflicts: 1, writeUnits: 8, readUnits: 3 })
  expect(usage.dollars * 1e6).toBeCloseTo(8 * 0.625 + 3 * 0.125)
  await store.close()
  await rm(folder, { recursive: true })
})

test('a write unit is 1 KB of the whole item, a transaction counts twice', () => {
  const fixed = 'p'.length + 'a'.length + 16
  expect(writeUnits([put('a', 1_024 - fixed)])).toBe(1)
  expect(writeUnits([put('a', 1_025 - fixed)])).toBe(2)
  expect(writeUnits([put('a', 0), put('b', 1_025)])).toBe(6)
  expect(writeUnits([{ kind: 'check', key: { pk: 'p', sk: 'a' }, expected: 1 }])).toBe(2)
  expect(priceOfWrite([put('a', 3_000)]) * 1e6).toBeCloseTo(3 * 0.625)
  expect(priceOfItemWrite(3_000) * 1e6).toBeCloseTo(3 * 0.625)
  expect(priceOfItemWrite(3_000, { transaction: true }) * 1e6).toBeCloseTo(6 * 0.625)
})

test('a read unit is 4 KB, an empty answer costs one', () => {
  expect(priceOfItemRead(0) * 1e6).toBeCloseTo(0.125)
  expect(priceOfItemRead(4_096) * 1e6).toBeCloseTo(0.125)
  expect(priceOfItemRead(4_097) * 1e6).toBeCloseTo(0.25)
})
