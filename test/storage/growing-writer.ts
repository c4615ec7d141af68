/** Makes a store grow: 120 items of 40 KB, one commit each. */
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { openLmdbItems } from '../../lib/storage/local/index.ts'
import { childArgument } from '../support/child.ts'

const { folder, name } = childArgument<{ folder: string; name: string }>()
const store = await openLmdbItems({ folder, clock: systemClock, random: systemRandom })
for (let index = 0; index < 120; index++) {
  const sk = String(index).padStart(3, '0')
  const value = Buffer.alloc(40_000, `${name}${sk}`)
  await store.write([{ kind: 'put', key: { pk: name, sk }, expected: 'absent', version: 1, value }])
}
await store.close()
