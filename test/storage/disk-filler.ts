/** Fills a small disk, tells how the store takes it, makes room, and goes on. Prints a line of JSON for each step. */
import { StoreError } from '../../lib/storage/index.ts'
import { childArgument } from '../support/child.ts'
import { type ItemsAddress, type ObjectsAddress, openItems, openObjects } from '../support/store-address.ts'

const ROUNDS_MAX = 10_000
const address = childArgument<ItemsAddress | ObjectsAddress>()

await (address.kind === 'lmdb' || address.kind === 'dynamodb' ? fillItems(address) : fillObjects(address))

async function fillItems(address: ItemsAddress): Promise<void> {
  const store = await openItems(address)
  const value = Buffer.alloc(20_000, 'x')
  const key = (index: number) => ({ pk: 'full', sk: String(index) })
  const write = (index: number) =>
    store.write([{ kind: 'put', key: key(index), expected: 'absent', version: index + 1, value }])
  const written = await fill(write)
  print({ kept: await count(written, async index => (await store.get(key(index)))?.value.length === value.length) })
  print({ lost: await count([written.length], async index => (await store.get(key(index))) === undefined) })
  for (const index of written.slice(0, 20))
    await store.write([{ kind: 'delete', key: key(index), expected: index + 1 }])
  print({ afterRoom: await write(written.length) })
  await store.close()
}

async function fillObjects(address: ObjectsAddress): Promise<void> {
  const store = await openObjects(address)
  const body = Buffer.alloc(20_000, 'x')
  const key = (index: number) => `full/${index}`
  const put = (index: number) => store.put(key(index), [body])
  const written = await fill(put)
  print({ kept: await count(written, async index => (await store.get(key(index)))?.length === body.length) })
  print({ lost: await count([written.length], async index => (await store.get(key(index))) === undefined) })
  await store.delete(written.slice(0, 20).map(key))
  print({ afterRoom: await put(written.length) })
  await store.close()
}

/** Writes until it fails; answers what was acknowledged. */
async function fill(write: (index: number) => Promise<unknown>): Promise<number[]> {
  for (let index = 0; index < ROUNDS_MAX; index++) {
    try {
      await write(index)
    } catch (error) {
      print({ failure: error instanceof StoreError ? { code: error.code, effect: error.effect } : String(error) })
      return Array.from({ length: index }, (_, at) => at)
    }
  }
  throw new Error('the disk is not small')
}

/** The share that passes. */
async function count(indexes: readonly number[], passes: (index: number) => Promise<boolean>): Promise<string> {
  const passed = (await Promise.all(indexes.map(passes))).filter(Boolean)
  return passed.length === indexes.length && indexes.length > 0 ? 'all' : `${passed.length} of ${indexes.length}`
}

function print(step: unknown): void {
  console.log(JSON.stringify(step))
}
