/**
 * API keys in the item store. A process believes what it read for a few seconds, so a revoked key works that much longer; an
 * unknown one is not asked for again in that time either, so that guessing costs no reads.
 */
import { LRUCache } from 'lru-cache'
import { type Clock, drawToken, type Random } from '../base/index.ts'
import { type Item, type ItemStore, StoreError } from '../storage/index.ts'
import { type ApiKey, apiKeyItemKey, decodeApiKey, drawApiKey, encodeApiKey, KEYS, NAME_LENGTH_MAX } from './api-key.ts'
import { KeyError } from './errors.ts'
import type { Scope } from './scopes.ts'

const BELIEVED_MS = 5_000
const BELIEVED_MAX = 10_000
const SCOPES_MAX = 100
const ATTEMPTS_MAX = 20

export interface NewApiKey {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: number | undefined
}

interface Parts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

export class ApiKeys {
  readonly #parts: Parts
  readonly #believed = new LRUCache<string, { readonly key: ApiKey | undefined; readonly askedAt: number }>({
    max: BELIEVED_MAX,
  })

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The secret is in no store: this is the only time that it is told. @throws KeyError INVALID_SCOPE; StoreError */
  async create({ name, scopes, expiresAt }: NewApiKey): Promise<{ readonly key: ApiKey; readonly secret: string }> {
    if (name === '' || name.length > NAME_LENGTH_MAX) {
      throw new KeyError('INVALID_SCOPE', `a key's name has 1 to ${NAME_LENGTH_MAX} characters`)
    }
    if (scopes.length === 0 || scopes.length > SCOPES_MAX) {
      throw new KeyError('INVALID_SCOPE', `a key has 1 to ${SCOPES_MAX} scopes`)
    }
    const { clock, random, items } = this.#parts
    const made = drawApiKey({ name, scopes, expiresAt, now: clock.now() }, random)
    const put = { key: apiKeyItemKey(made.key.id), value: encodeApiKey(made.key), version: drawToken(random) }
    // The id is random: whatever is found under it was written here.
    await items.write([{ kind: 'put', ...put, expected: 'absent' }])
    this.#believed.delete(made.key.id)
    return made
  }

  /** By id, expired ones too. */
  async list(): Promise<ApiKey[]> {
    const keys: ApiKey[] = []
    let cursor: string | undefined
    do {
      const page = await this.#parts.items.query(KEYS, cursor === undefined ? {} : { cursor })
      keys.push(...page.items.map(item => decodeApiKey(item.key.sk, item.value)))
      cursor = page.cursor
    } while (cursor !== undefined)
    return keys
  }

  /** From now on, and a few seconds later everywhere, it opens nothing. @throws KeyError UNKNOWN_KEY */
  async revoke(id: string): Promise<void> {
    let found = false
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const item = await this.#parts.items.get(apiKeyItemKey(id))
      this.#believed.delete(id)
      if (!item && !found) throw new KeyError('UNKNOWN_KEY', `there is no key ${id}`)
      if (!item || (await this.#deleted(item))) return
      found = true
    }
    throw new StoreError('STORE_THROTTLED', `key ${id} changed ${ATTEMPTS_MAX} times in a row`)
  }

  /** The key, unless it is unknown, revoked or expired. */
  async find(id: string): Promise<ApiKey | undefined> {
    const { clock, items } = this.#parts
    const askedAt = clock.monotonic()
    let believed = this.#believed.get(id)
    if (!believed || askedAt - believed.askedAt >= BELIEVED_MS) {
      const item = await items.get(apiKeyItemKey(id))
      believed = { key: item && decodeApiKey(id, item.value), askedAt }
      this.#believed.set(id, believed)
    }
    const { key } = believed
    return key?.expiresAt !== undefined && key.expiresAt <= clock.now() ? undefined : key
  }

  /** false: nobody knows; look again. */
  async #deleted({ key, version }: Item): Promise<boolean> {
    try {
      return (await this.#parts.items.write([{ kind: 'delete', key, expected: version }])).written
    } catch (error) {
      if (error instanceof StoreError && error.effect === 'unknown') return false
      throw error
    }
  }
}
