/** Writes items without end, in turn one and a pair at once, and prints the number of each write when it is acknowledged. */
import { drawToken, systemRandom } from '../../lib/base/index.ts'
import type { WriteOperation } from '../../lib/storage/index.ts'
import { childArgument } from '../support/child.ts'
import { type ItemsAddress, openItems } from '../support/store-address.ts'

const store = await openItems(childArgument<{ address: ItemsAddress }>().address)

function put(sk: string): WriteOperation {
  const value = Buffer.alloc(700, sk)
  return { kind: 'put', key: { pk: 'acknowledged', sk }, expected: 'absent', version: drawToken(systemRandom), value }
}

async function writeOnAndOn(first: number, step: number): Promise<void> {
  for (let number = first; ; number += step) {
    const sk = String(number)
    await store.write(number % 2 === 0 ? [put(sk)] : [put(sk), put(`${sk}-twin`)])
    console.log(number)
  }
}

await Promise.all([0, 1, 2, 3, 4, 5, 6].map(first => writeOnAndOn(first, 7)))
