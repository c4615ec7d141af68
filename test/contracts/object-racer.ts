/** Puts the same objects as whoever else does, and prints those that it was told it created. */

import { childArgument } from '../support/child.ts'
import { type ObjectsAddress, openObjects } from '../support/store-address.ts'

const { address, name, keys } = childArgument<{ address: ObjectsAddress; name: string; keys: string[] }>()
const store = await openObjects(address)
for (const key of keys) if ((await store.put(key, [Buffer.from(name)])) === 'created') console.log(key)
await store.close()
