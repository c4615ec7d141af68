/** Puts objects without end and prints the key of each when it is acknowledged. */

import { childArgument } from '../support/child.ts'
import { type ObjectsAddress, openObjects } from '../support/store-address.ts'

const store = await openObjects(childArgument<{ address: ObjectsAddress }>().address)

async function putOnAndOn(lane: number): Promise<void> {
  for (let number = 0; ; number++) {
    const key = `acknowledged/${number % 7}/${lane}-${number}`
    await store.put(key, [Buffer.from(key), Buffer.alloc(50_000, key)])
    console.log(key)
  }
}

await Promise.all([0, 1, 2].map(putOnAndOn))
