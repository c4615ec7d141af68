/** Counts an item up `rounds` times against whoever else does, and prints each count that it won. */
import { drawToken, systemRandom } from '../../lib/base/index.ts'
import type { Item } from '../../lib/storage/index.ts'
import { childArgument } from '../support/child.ts'
import { type ItemsAddress, openItems } from '../support/store-address.ts'

const { address, rounds } = childArgument<{ address: ItemsAddress; rounds: number }>()
const store = await openItems(address)
const key = { pk: 'race', sk: 'counter' }

let item: Item | undefined = await store.get(key)
for (let won = 0; won < rounds; ) {
  const count = item ? Number(Buffer.from(item.value).toString()) + 1 : 1
  const next: Item = { key, version: drawToken(systemRandom), value: Buffer.from(String(count)) }
  const outcome = await store.write([{ kind: 'put', ...next, expected: item?.version ?? 'absent' }])
  if (outcome.written) {
    console.log(count)
    won++
    item = next
  } else {
    item = outcome.conflicts[0]?.item
  }
}
await store.close()
