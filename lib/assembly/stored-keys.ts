/**
 * The API keys in the item store itself, for whoever has rights on that: how the first key comes to be where nobody has one yet.
 */
import { systemClock, systemRandom } from '../base/index.ts'
import { ApiKeys, describeKey, keyToken, readScope } from '../security/index.ts'
import type { Config } from './config.ts'
import { openItemStore } from './open-stores.ts'

/** As the routes of HTTP take and answer them. */
export interface StoredKeys {
  /** @throws KeyError */
  create(wanted: { name: string; scopes: readonly string[]; expiresAt?: string }): Promise<object>
  list(): Promise<object[]>
  /** @throws KeyError */
  revoke(id: string): Promise<void>
}

/** @throws StoreError; what `work` throws */
export async function withStoredKeys<T>(
  { items: location }: Pick<Config, 'items'>,
  work: (keys: StoredKeys) => Promise<T>,
): Promise<T> {
  const surroundings = { clock: systemClock, random: systemRandom }
  const items = await openItemStore(location, surroundings)
  const keys = new ApiKeys({ ...surroundings, items })
  try {
    return await work({
      create: async ({ name, scopes, expiresAt }) => {
        const ends = expiresAt === undefined ? undefined : Date.parse(expiresAt)
        const { key, secret } = await keys.create({ name, scopes: scopes.map(readScope), expiresAt: ends })
        return { ...describeKey(key), secret, token: keyToken(key.id, secret) }
      },
      list: async () => (await keys.list()).map(describeKey),
      revoke: id => keys.revoke(id),
    })
  } finally {
    await items.close()
  }
}
