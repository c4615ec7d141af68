/** Writes items to a disk that may fail, and prints what became of each: `written`, or the effect of the failure. */
import { StoreError } from '../../lib/storage/index.ts'
import { childArgument } from '../support/child.ts'
import { type ItemsAddress, openItems } from '../support/store-address.ts'

const WRITES = 12

const store = await openItems(childArgument<ItemsAddress>())
for (let index = 0; index < WRITES; index++) console.log(await write(index))
await store.close()
console.log('closed')

async function write(index: number): Promise<string> {
  const value = Buffer.alloc(100)
  try {
    await store.write([{ kind: 'put', key: { pk: 'probe', sk: String(index) }, expected: 'absent', version: 1, value }])
    return 'written'
  } catch (error) {
    return error instanceof StoreError ? error.effect : String(error)
  }
}
