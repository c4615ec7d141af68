/** API keys whose time was over long ago: they open nothing, and whoever looks after them has seen that. */
import type { Clock } from '../base/index.ts'
import { type ItemStore, queryAll } from '../storage/index.ts'
import { decodeApiKey, KEYS } from './api-key.ts'

/** Listed for so long after their end. It is also how far a clock may be ahead without harm. */
const LISTED_MS = 7 * 24 * 3_600_000

interface Parts {
  readonly items: ItemStore
  readonly clock: Clock
}

/** What a caller decides before a key is removed. */
export interface ExpiredKey {
  readonly id: string
  /** False: it is not there as it was. @throws StoreError */
  remove(): Promise<boolean>
}

export async function* expiredKeys({ items, clock }: Parts): AsyncGenerator<ExpiredKey> {
  const before = clock.now() - LISTED_MS
  for await (const { key, version, value } of queryAll(items, KEYS)) {
    const { id, expiresAt } = decodeApiKey(key.sk, value)
    if (expiresAt === undefined || expiresAt >= before) continue
    const remove = async () => (await items.write([{ kind: 'delete', key, expected: version }])).written
    yield { id, remove }
  }
}
