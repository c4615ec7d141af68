/** What the contract does not say of the object store on files: what lies in the folder, and who may clean it up. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import type { ObjectStore } from '../../lib/storage/index.ts'
import { openFileObjects } from '../../lib/storage/local/index.ts'
import { ODD_KEYS } from '../contracts/object-store.ts'
import { Child } from '../support/child.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-objects-'))
})
afterEach(() => rm(folder, { recursive: true }))

const openStore = () => openFileObjects({ folder: join(folder, 'store'), random: systemRandom })

test('what a killed process left unfinished is removed by the next; what a living one writes is not', async () => {
  const store = await openStore()
  const address = { kind: 'files', folder: join(folder, 'store') }
  const [killed, living] = [0, 1].map(() => new Child('contracts/object-writer.ts', { address })) as [Child, Child]
  await Promise.all([killed.untilLines(3), living.untilLines(3)])
  expect(await temporaries()).toHaveLength(3)
  await killed.kill()
  // As if it had been killed between two steps of a put.
  const left = (await temporaries()).find(name => name.startsWith(`${killed.processId}-`))!
  await writeFile(join(folder, 'store/tmp', left, '999'), 'half an object')

  const next = await openStore()
  expect(await temporaries()).not.toContain(left)
  const acknowledged = living.lines.length
  await living.untilLines(acknowledged + 20)
  expect((await temporaries()).some(name => name.startsWith(`${living.processId}-`))).toBe(true)
  await living.kill()
  await store.close()
  await next.close()
})

test('leftovers of a process that had our number are removed, and nothing that is not ours', async () => {
  const tmp = join(folder, 'store/tmp')
  await mkdir(join(tmp, `${process.pid}-00000000000001`), { recursive: true })
  await mkdir(join(tmp, 'something else'))
  const store = await openStore()
  const other = await openStore()
  expect(await temporaries()).toHaveLength(3)
  expect(existsSync(join(tmp, `${process.pid}-00000000000001`))).toBe(false)
  expect(existsSync(join(tmp, 'something else'))).toBe(true)
  await store.close()
  expect(await other.put('still/works', [Buffer.from('x')])).toBe('created')
  await other.close()
  expect(await temporaries()).toEqual(['something else'])
})

test('a put goes on when somebody took the folder for unfinished files', async () => {
  const store = await openStore()
  await rm(join(folder, 'store/tmp'), { recursive: true })
  expect(await store.put('a/b', [Buffer.from('x')])).toBe('created')
  expect(await readText(store, 'a/b')).toBe('x')
  await store.close()
})

test('no key leads out of the folder, and names are those of any file system', async () => {
  const store = await openStore()
  for (const key of ODD_KEYS) await store.put(key, [Buffer.from(key)])
  expect(await readdir(folder)).toEqual(['store'])
  const names = (await readdir(join(folder, 'store/objects'), { recursive: true })).flatMap(path => path.split('/'))
  for (const name of names) expect(name).toMatch(/^[a-z0-9_%+-]{1,201}(\.object)?$/)
  await store.close()
})

test('an empty folder goes with its last object, and unfinished files go at once', async () => {
  const store = await openStore()
  await store.put('a/b/c/d', [Buffer.from('x')])
  await store.put('a/e', [Buffer.from('x')])
  await store.delete(['a/b/c/d'])
  expect(await readdir(join(folder, 'store/objects'), { recursive: true })).toEqual(['a', 'a/e.object'])
  await store.delete(['a/e'])
  expect(await readdir(join(folder, 'store/objects'))).toEqual([])
  const [own] = await temporaries()
  expect(await readdir(join(folder, 'store/tmp', own!))).toEqual([])
  await store.close()
})

test('puts and deletes beside each other, in stores that remove each other’s folders', async () => {
  const stores = await Promise.all([openStore(), openStore()])
  const lane = async (store: ObjectStore, name: number) => {
    for (let round = 0; round < 60; round++) {
      const key = `beside/${round % 3}/${name}-${round}`
      expect(await store.put(key, [Buffer.from(key)])).toBe('created')
      expect(await readText(store, key)).toBe(key)
      await store.delete([key])
    }
  }
  await Promise.all([0, 1, 2, 3].map(name => lane(stores[name % 2]!, name)))
  for (const store of stores) await store.close()
  expect(await readdir(join(folder, 'store/objects'))).toEqual([])
})

test('more folders than are kept open', async () => {
  const store = await openStore()
  const keys = Array.from({ length: 300 }, (_, index) => `many/${index % 150}/${index}`)
  await Promise.all(keys.map(key => store.put(key, [Buffer.from(key)])))
  for (const key of keys) expect(await readText(store, key)).toBe(key)
  await store.close()
  const handles = await readdir('/proc/self/fd').catch(() => [])
  expect(handles.length).toBeLessThan(100)
})

test('files that nobody put are not listed', async () => {
  const store = await openStore()
  await store.put('a', [Buffer.from('x')])
  await writeFile(join(folder, 'store/objects/.DS_Store'), '')
  await writeFile(join(folder, 'store/objects/README'), '')
  await mkdir(join(folder, 'store/objects/Folder'))
  expect((await store.list('')).objects).toEqual([{ key: 'a', size: 1 }])
  await store.close()
})

test('a closed store refuses', async () => {
  const store = await openStore()
  const put = store.put('a', [Buffer.alloc(1_000_000)])
  await store.close()
  expect(await put).toBe('created')
  await expect(store.put('b', [])).rejects.toMatchObject({ code: 'STORE_REFUSED' })
  await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_REFUSED' })
})

async function temporaries(): Promise<string[]> {
  return readdir(join(folder, 'store/tmp'))
}

async function readText(store: ObjectStore, key: string): Promise<string> {
  return Buffer.from((await store.get(key)) ?? []).toString()
}
